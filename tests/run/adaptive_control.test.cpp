// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Control of an adaptive run: requests to stop, previews, times.
#include <chrono>
#include <cmath>
#include <stop_token>
#include <thread>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/run/adaptive.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

namespace adaptive_control_test {

using namespace dpm_test;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

/// Rejects some of its steps, and ends with a step to clean data.
dpm::AdaptiveDpmSolver method() {
  dpm::AdaptiveDpmSolver solver{.order = 3, .denoise_to_zero = true};
  solver.tolerance.absolute = 1e-3;
  solver.tolerance.relative = 1e-3;
  return solver;
}

}  // namespace

TEST_CASE("an adaptive run stops before its next call, with the last accepted step, at any call") {
  std::vector<State> accepted{test_start()};
  dpm::RunOptions<State> options;
  options.observer = [&](const dpm::Progress<State>& p) { accepted.push_back(p.sample); };
  State x = test_start();
  const auto network = test_model(dpm::Prediction::noise);
  const auto whole =
      dpm::sample_adaptive(method(), schedule, network, x, dpm::Prediction::noise, options);
  REQUIRE_FALSE(whole.stopped);
  REQUIRE(whole.rejected > 0);
  REQUIRE(accepted.size() == whole.accepted + 2);

  options.observer = {};
  for (int calls = 0; calls <= whole.model_calls; ++calls) {
    CAPTURE(calls);
    std::stop_source source;
    options.stop = source.get_token();
    int made = 0;
    const auto counted = [&](const State& at, const dpm::Level& level, State& out) {
      network(at, level, out);
      if (++made == calls) source.request_stop();
    };
    if (calls == 0) source.request_stop();
    State y = test_start();
    const auto report =
        dpm::sample_adaptive(method(), schedule, counted, y, dpm::Prediction::noise, options);
    REQUIRE(made == calls);
    REQUIRE(report.model_calls == calls);
    REQUIRE(report.stopped == (calls < whole.model_calls));
    const std::size_t steps = calls < whole.model_calls ? report.accepted : report.accepted + 1;
    REQUIRE(y == accepted[steps]);
  }
}

TEST_CASE("a stopped adaptive run goes on from the level of its last accepted step") {
  std::stop_source source;
  dpm::RunOptions<State> options;
  options.stop = source.get_token();
  options.observer = [&](const dpm::Progress<State>& p) {
    if (p.step == 2) source.request_stop();
  };
  State x = test_start();
  const auto network = test_model(dpm::Prediction::noise);
  const auto first =
      dpm::sample_adaptive(method(), schedule, network, x, dpm::Prediction::noise, options);
  REQUIRE(first.stopped);
  REQUIRE(first.trials.back().accepted);
  dpm::AdaptiveDpmSolver rest = method();
  rest.start = first.trials.back().to.time;
  REQUIRE_FALSE(dpm::sample_adaptive(rest, schedule, network, x).stopped);
  State straight = test_start();
  dpm::sample_adaptive(method(), schedule, network, straight);
  for (std::size_t i = 0; i < x.size(); ++i) {
    REQUIRE_THAT(x[i], Catch::Matchers::WithinAbs(straight[i], 0.02));
  }
}

TEST_CASE("a preview of an adaptive run is the data prediction of each call") {
  // Data at 2 with no spread: every data prediction is 2.
  const dpm::AnySchedule edm = dpm::Edm();
  for (const dpm::AnySchedule& on : {schedule, edm}) {
    int previews = 0;
    dpm::RunOptions<State> options;
    options.preview = [&](const State& data, const dpm::Level&) {
      ++previews;
      for (const double value : data) REQUIRE_THAT(value, Catch::Matchers::WithinAbs(2.0, 1e-9));
    };
    const auto clean = [](const State& at, const dpm::Level& level, State& out) {
      // What the network sees is scaled; the noise in it is not.
      for (std::size_t i = 0; i < at.size(); ++i) {
        out[i] = (at[i] / level.input_scale() - level.alpha() * 2.0) / level.sigma();
      }
    };
    State x = test_start();
    const auto report = dpm::sample_adaptive(dpm::AdaptiveDpmSolver{}, on, clean, x,
                                             dpm::Prediction::noise, options);
    REQUIRE(previews == report.model_calls);
  }
}

TEST_CASE("an observer of an adaptive run is told the time of both sides") {
  double model_seconds = 0.0;
  double sampler_seconds = 0.0;
  dpm::RunOptions<State> options;
  options.observer = [&](const dpm::Progress<State>& p) {
    REQUIRE(p.model_seconds >= 0.001 * p.model_calls);
    REQUIRE(p.model_seconds > model_seconds);
    REQUIRE(p.sampler_seconds > sampler_seconds);
    model_seconds = p.model_seconds;
    sampler_seconds = p.sampler_seconds;
  };
  State x = test_start();
  dpm::sample_adaptive(
      dpm::AdaptiveDpmSolver{}, schedule,
      [](const State& at, double timestep, State& out) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        test_network(at, timestep, out);
      },
      x, dpm::Prediction::noise, options);
  REQUIRE(model_seconds > 0.0);
}

}  // namespace adaptive_control_test
