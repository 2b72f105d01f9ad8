// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The library where exceptions and run-time types are switched off: it samples, and a refusal
/// reaches the error handler with its sentence.
#include <Eigen/Core>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "dpm/dpm.hpp"

#if DPM_EXCEPTIONS
#  error "build this with -fno-exceptions"
#endif

namespace {

/// Ends the program well if this is the refusal that `main` provokes.
void judge(const char* message) {
  std::printf("refused: %s\n", message);
  std::_Exit(
      std::strstr(message, "beta_0") != nullptr && std::strstr(message, "-1") != nullptr ? 0 : 1);
}

bool samples_well() {
  const dpm::VpLinear schedule;
  const dpm::Gaussian network({1.0, -2.0}, {0.5, 0.1});
  const Eigen::Array2d start(0.3, -0.4);
  Eigen::Array2d x = start;
  const dpm::RunReport report = dpm::sample(dpm::DpmSolver{}, schedule, 20, network, x);
  const Eigen::Array2d exact = network.solve_ode(start, schedule.level(1.0), schedule.level(1e-3));
  return report.model_calls == 20 && (x - exact).abs().maxCoeff() < 0.05;
}

}  // namespace

int main() {
  if (!samples_well()) return 2;
  dpm::set_error_handler(&judge);
  const dpm::VpLinear refused(-1.0, 20.0);
  return refused.last_time() > 0.0 ? 3 : 4;  // not reached
}
