// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The laws that every method must pass, one suite for all of them (law 1 for stochastic methods
/// and 6: stochastic; 2 and 8: order; 4: textbook; 5: identities).
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/order_problems.hpp"
#include "support/test_network.hpp"

namespace plans_test {

using namespace dpm_test;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
constexpr int steps = 12;  // a multiple of 2 and 3, for stages on the grid

dpm::RunOptions<State> with_noise() { return {.noise = &test_draw}; }

State run(const NamedMethod& method, const dpm::Grid& grid, dpm::Prediction prediction) {
  State x = test_start();
  const auto options = method.stochastic ? with_noise() : dpm::RunOptions<State>{};
  dpm::sample(method(grid, prediction), test_model(prediction), x, options);
  return x;
}

}  // namespace

TEST_CASE("law 1: a constant prediction in the plan's space is integrated exactly") {
  for (const NamedMethod& method : every_method()) {
    if (method.stochastic || !method.exact_on_constants) continue;
    INFO(method.name);
    for (const double end : {1e-3, 0.3}) {
      const dpm::Grid grid = method.grid(schedule, 1.0, end, steps);
      const bool in_noise = method(grid, dpm::Prediction::noise).space == dpm::Space::noise;
      const dpm::Plan plan =
          method(grid, in_noise ? dpm::Prediction::noise : dpm::Prediction::data);
      const dpm::Level& s = grid.front();
      const dpm::Level& t = grid.back();
      const double c = 0.7;
      const State start = test_start();
      State x = start;
      dpm::sample(
          plan, [&](const State&, double, State& out) { out.assign(out.size(), c); }, x);
      State exact = start;
      for (double& value : exact) {
        value = in_noise ? t.alpha() / s.alpha() * value +
                               (t.sigma() - t.alpha() * s.sigma() / s.alpha()) * c
                         : t.sigma() / s.sigma() * value +
                               (t.alpha() - t.sigma() * s.alpha() / s.sigma()) * c;
      }
      REQUIRE(relative_difference(x, exact) < 1e-12);
    }
  }
}

TEST_CASE("law 3: a plan knows its calls, and push equals pull bit for bit") {
  for (const NamedMethod& method : every_method()) {
    INFO(method.name);
    const dpm::Plan plan =
        method(method.grid(schedule, 1.0, 1e-3, steps), dpm::Prediction::velocity);
    const auto model = test_model(dpm::Prediction::velocity);
    const auto options = method.stochastic ? with_noise() : dpm::RunOptions<State>{};

    int calls = 0;
    State pushed = test_start();
    const dpm::RunReport report = dpm::sample(
        plan,
        [&](const State& x, const dpm::Level& at, State& out) {
          ++calls;
          model(x, at, out);
        },
        pushed, options);
    REQUIRE(calls == plan.model_calls());
    REQUIRE(report.model_calls == calls);
    REQUIRE(report.steps == plan.steps.size());

    dpm::Stepper stepper(plan, test_start(), options);
    int pulled = 0;
    while (const auto call = stepper.next()) {
      ++pulled;
      model(call->input, call->level, call->output);
    }
    REQUIRE(pulled == calls);
    REQUIRE(stepper.model_calls() == calls);
    REQUIRE(stepper.sample() == pushed);
  }
}

TEST_CASE("every method takes every prediction type and gives the same samples") {
  for (const NamedMethod& method : every_method()) {
    INFO(method.name);
    const dpm::Grid grid = method.grid(schedule, 1.0, 1e-3, steps);
    const State expected = run(method, grid, dpm::Prediction::noise);
    for (const auto prediction :
         {dpm::Prediction::data, dpm::Prediction::velocity, dpm::Prediction::score}) {
      REQUIRE(relative_difference(run(method, grid, prediction), expected) < 1e-11);
    }
  }
}

TEST_CASE("a correction that changes nothing changes nothing") {
  for (const NamedMethod& method : every_method()) {
    INFO(method.name);
    const dpm::Grid grid = method.grid(schedule, 1.0, 1e-3, steps);
    const State expected = run(method, grid, dpm::Prediction::noise);
    const dpm::Plan plan = method.plan(grid, dpm::Prediction::noise, dpm::Correction::data);
    REQUIRE(plan.corrections() == plan.model_calls());
    auto options = method.stochastic ? with_noise() : dpm::RunOptions<State>{};
    int corrections = 0;
    options.correction = [&](State&, const dpm::Level&) { ++corrections; };
    State x = test_start();
    dpm::sample(plan, test_model(dpm::Prediction::noise), x, options);
    REQUIRE(corrections == plan.corrections());
    REQUIRE(relative_difference(x, expected) < 1e-11);
  }
}

TEST_CASE("a correction sees the data prediction, and what it leaves is used") {
  // Corrected to the constant 0.5, every method must end where that data prediction leads.
  for (const NamedMethod& method : every_method()) {
    if (method.stochastic) continue;
    INFO(method.name);
    const dpm::Grid grid = method.grid(schedule, 1.0, 1e-3, steps);
    const dpm::Plan plan = method.plan(grid, dpm::Prediction::velocity, dpm::Correction::data);
    dpm::RunOptions<State> options;
    options.correction = [&](State& data, const dpm::Level&) { data.assign(data.size(), 0.5); };
    State x = test_start();
    dpm::sample(plan, test_model(dpm::Prediction::velocity), x, options);
    // In noise space the same correction is a noise prediction that varies, so only the limit
    // agrees.
    const double tolerance = plan.space == dpm::Space::data ? 1e-12 : 0.02;
    const dpm::Level& s = grid.front();
    const dpm::Level& t = grid.back();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double noise = (test_start()[i] - s.alpha() * 0.5) / s.sigma();
      REQUIRE_THAT(x[i], WithinAbs(t.alpha() * 0.5 + t.sigma() * noise, tolerance));
    }
  }
}

TEST_CASE("law 7: float agrees with double within a multiple of epsilon") {
  // Each step rounds a few times; predictions are divided by alpha near the start, where x is all
  // noise, and multistep weights amplify. 2000 epsilon of the largest value holds for all methods.
  using FloatState = std::vector<float>;
  const dpm::GaussianMixture mixture = order_mixture();
  for (const NamedMethod& method : every_method()) {
    INFO(method.name);
    const dpm::Plan plan = method(method.grid(schedule, 1.0, 1e-2, 24), dpm::Prediction::noise);
    const dpm::NormalNoise noise{.seed = 5};
    State x = order_start(true);
    FloatState x_float(x.begin(), x.end());
    dpm::RunOptions<State> options;
    dpm::RunOptions<FloatState> options_float;
    if (method.stochastic) {
      options.noise = noise;
      options_float.noise = noise;
    }
    dpm::sample(plan, mixture, x, options);
    dpm::sample(plan, mixture, x_float, options_float);
    REQUIRE(relative_difference(State(x_float.begin(), x_float.end()), x) <
            2000.0 * static_cast<double>(std::numeric_limits<float>::epsilon()));
  }
}

}  // namespace plans_test
