// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Watching a run: progress, a preview of the data, an estimate of each step's error on a fixed
/// grid at no extra model call, and a stop from another thread.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <stop_token>
#include <thread>
#include <vector>

#include "dpm/dpm.hpp"

using State = std::vector<double>;

int main() {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const dpm::Gaussian data({1.5}, {0.2});
  const auto network = [&](const State& x, const dpm::Level& at, State& out) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));  // a network takes its time
    data(x, at, out);
  };
  const dpm::Plan plan =
      dpm::make_plan(dpm::DpmSolver{.order = 2, .estimate_error = true}, schedule, 12);

  dpm::RunOptions<State> options;
  double preview = 0.0;
  options.preview = [&](const State& x_0, const dpm::Level&) { preview = x_0[0]; };
  double network_seconds = 0.0;
  std::vector<double> errors;
  options.observer = [&](const dpm::Progress<State>& p) {
    std::printf("step %2zu of %zu, call %2d of %d, t = %.3f: preview %6.3f, error about %s%.1e\n",
                p.step, p.steps, p.model_calls, p.total_model_calls, p.level.time, preview,
                p.error != nullptr ? "" : "(none) ",
                p.error != nullptr ? std::abs((*p.error)[0]) : 0.0);
    if (p.error != nullptr) errors.push_back(std::abs((*p.error)[0]));
    network_seconds = p.model_seconds;
  };
  State x{0.7};
  const auto report = dpm::sample(plan, network, x, options);
  std::printf("%d calls, %.0f ms in the network; the sample is %.3f\n", report.model_calls,
              1000.0 * network_seconds, x[0]);
  State finest{0.7};
  dpm::sample(dpm::make_plan(schedule, 1000), data, finest);
  const double sum = std::accumulate(errors.begin(), errors.end(), 0.0);
  std::printf("the error is %.4f; the estimates add up to %.4f\n\n", std::abs(x[0] - finest[0]),
              sum);

  std::stop_source cancel;
  options = {};
  options.stop = cancel.get_token();
  std::jthread user([&cancel] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    cancel.request_stop();
  });
  State y{0.7};
  const auto stopped = dpm::sample(dpm::make_plan(schedule, 1000), network, y, options);
  std::printf("stopped after %zu of 1000 steps\n", stopped.steps);
  // The errors of the lower order add up to more than the error of the run.
  const bool estimated = errors.size() == 11 && std::abs(x[0] - finest[0]) < sum && sum < 0.1;
  const bool sampled = std::abs(preview - 1.5) < 0.4 && !report.stopped;
  return estimated && sampled && stopped.stopped && stopped.steps < 1000 ? 0 : 1;
}
