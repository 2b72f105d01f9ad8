// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A program of a project that uses dpm: it samples, and checks that it got the version it asked
/// for.
#include <Eigen/Core>
#include <cmath>
#include <dpm/dpm.hpp>
#include <iostream>
#include <string>

#ifdef DPM_SEPARATE
int calls_of_second_file();
#else
int calls_of_second_file() { return 7; }
#endif

int main() {
  const std::string version = std::to_string(DPM_VERSION_MAJOR) + "." +
                              std::to_string(DPM_VERSION_MINOR) + "." +
                              std::to_string(DPM_VERSION_PATCH);
  const dpm::VpLinear schedule;
  const dpm::Gaussian network({1.0, -2.0}, {0.5, 0.1});
  const Eigen::Array2d start(0.3, -0.4);
  Eigen::Array2d x = start;
  const dpm::RunReport report = dpm::sample(dpm::DpmSolver{}, schedule, 20, network, x);
  const Eigen::Array2d exact = network.solve_ode(start, schedule.level(1.0), schedule.level(1e-3));
  const double error = (x - exact).abs().maxCoeff();
  std::cout << "dpm " << version << ": " << report.model_calls << " calls, error " << error << '\n';
  return version == EXPECTED_VERSION && report.model_calls == 20 && error < 0.05 &&
                 calls_of_second_file() == 7
             ? 0
             : 1;
}
