// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Steps as long as the wanted accuracy allows: the tolerance is chosen, the number of model calls
/// follows.
#include <cmath>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <dpm/run/adaptive.hpp>
#include <vector>

int main() {
  const dpm::VpLinear schedule;
  // The exact network for normally distributed data of three dimensions. Its ODE has a closed
  // solution, so the true error of a run is known.
  const dpm::Gaussian network({1.0, -1.0, 0.5}, {0.3, 0.5, 1.2});
  const std::vector<double> start{0.3, -1.2, 2.0};
  const double end = 1e-3;
  const auto exact = network.solve_ode(start, schedule.level(1.0), schedule.level(end));

  std::printf("tolerance   calls  accepted  rejected      error\n");
  bool all_good = true;
  for (const double tolerance : {1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6}) {
    std::vector<double> x = start;
    const dpm::AdaptiveDpmSolver method{.tolerance = {.absolute = tolerance, .relative = tolerance},
                                        .end = end};
    const dpm::AdaptiveReport report = dpm::sample_adaptive(method, schedule, network, x);
    double error = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) error = std::fmax(error, std::abs(x[i] - exact[i]));
    std::printf("%9.0e %7d %9zu %9zu %10.1e\n", tolerance, report.model_calls, report.accepted,
                report.rejected, error);
    // The tolerance binds each step; what the steps add up to is of its size.
    all_good = all_good && error < 3.0 * tolerance;
  }

  // Where the steps are: each trial of one run.
  std::vector<double> x = start;
  const dpm::AdaptiveDpmSolver coarse{.tolerance = {.absolute = 0.01, .relative = 0.01}};
  std::printf("\n  time  lambda    step   error\n");
  for (const auto& trial : dpm::sample_adaptive(coarse, schedule, network, x).trials) {
    std::printf("%6.3f %7.2f %7.2f %7.2f%s\n", trial.from.time, trial.from.lambda(), trial.step(),
                trial.error, trial.accepted ? "" : "  rejected");
  }

  // With a cap, the run may use its last calls for one step to the end, and says so.
  dpm::AdaptiveDpmSolver capped = coarse;
  capped.max_model_calls = 12;
  capped.at_cap = dpm::AdaptiveDpmSolver::AtCap::finish;
  x = start;
  const dpm::AdaptiveReport report = dpm::sample_adaptive(capped, schedule, network, x);
  std::printf("\ncapped at 12 calls: made %d, %s\n", report.model_calls,
              report.within_tolerance ? "within tolerance" : "the last step was forced");
  return all_good && report.model_calls <= 12 && !report.within_tolerance ? 0 : 1;
}
