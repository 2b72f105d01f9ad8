// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Control of a run: what observers are told, previews, requests to stop, error estimates.
#include <chrono>
#include <stop_token>
#include <thread>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/test_network.hpp"

namespace control_test {

using namespace dpm_test;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

}  // namespace

TEST_CASE("an observer is told steps of steps, calls of calls and the time of both sides") {
  const dpm::Plan plan = dpm::make_plan(dpm::DpmSolver{.order = 3}, schedule, 6);
  int seen = 0;
  double model_seconds = 0.0;
  dpm::RunOptions<State> options;
  options.observer = [&](const dpm::Progress<State>& p) {
    ++seen;
    REQUIRE(p.step == static_cast<std::size_t>(seen));
    REQUIRE(p.steps == 5);
    REQUIRE(p.model_calls == seen + 1);
    REQUIRE(p.total_model_calls == 6);
    REQUIRE(p.model_seconds > model_seconds);
    REQUIRE(p.sampler_seconds > 0.0);
    REQUIRE(p.error == nullptr);
    model_seconds = p.model_seconds;
  };
  State x = test_start();
  dpm::sample(
      plan,
      [](const State& at, double timestep, State& out) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        test_network(at, timestep, out);
      },
      x, options);
  REQUIRE(seen == 5);
  REQUIRE(model_seconds >= 0.012);
}

TEST_CASE("a preview is the data prediction of each model call, whatever the model predicts") {
  // Data at 2 with no spread: every data prediction is 2.
  for (const auto prediction : {dpm::Prediction::noise, dpm::Prediction::velocity,
                                dpm::Prediction::data, dpm::Prediction::score}) {
    dpm::RunOptions<State> options;
    int previews = 0;
    options.preview = [&](const State& data, const dpm::Level& at) {
      ++previews;
      REQUIRE(at.sigma() > 0.0);
      REQUIRE_THAT(data[0], WithinRel(2.0, 1e-9));
    };
    State x{0.3};
    dpm::sample(
        dpm::make_plan(dpm::UniPc{}, schedule, 7, prediction),
        [&](const State& at, const dpm::Level& level, State& out) {
          out[0] = (at[0] - 2.0 * level.alpha()) / level.sigma();
          convert_noise_to(prediction, at, level, out);
        },
        x, options);
    REQUIRE(previews == 7);
  }
}

TEST_CASE("previews undo the scaling of EDM's inputs, and skip what says nothing of the data") {
  const dpm::Edm edm;
  dpm::RunOptions<State> options;
  int previews = 0;
  options.preview = [&](const State& data, const dpm::Level&) {
    ++previews;
    REQUIRE_THAT(data[0], WithinRel(2.0, 1e-9));
  };
  State x{60.0};
  const auto model = [](const State& input, const dpm::Level& at, State& out) {
    const dpm::Conversion c = dpm::to_data(dpm::Prediction::edm, at);
    out[0] = (2.0 - c.input * input[0] / at.input_scale()) / c.output;
  };
  dpm::sample(dpm::make_plan(edm, 5, dpm::Prediction::edm), model, x, options);
  REQUIRE(previews == 5);
  REQUIRE(!dpm::says_data(dpm::Prediction::noise, dpm::RectifiedFlow().level(1.0)));
  REQUIRE(dpm::says_data(dpm::Prediction::flow, dpm::RectifiedFlow().level(1.0)));
}

TEST_CASE("a request to stop ends a run before its next model call, with the last finished step") {
  for (const auto& method : every_method()) {
    CAPTURE(method.name);
    const dpm::Plan plan = method(method.grid(schedule, 1.0, 1e-3, 9), dpm::Prediction::noise);
    const std::size_t last = plan.steps.size() / 2;
    State then;
    std::stop_source source;
    dpm::RunOptions<State> options;
    options.noise = [](State& z, const dpm::NoiseRequest& request) { test_draw(z, request); };
    options.stop = source.get_token();
    options.observer = [&](const dpm::Progress<State>& progress) {
      if (progress.step == last) {
        then = progress.sample;
        source.request_stop();
      }
    };
    State x = test_start();
    const auto report = dpm::sample(plan, test_model(dpm::Prediction::noise), x, options);
    REQUIRE(report.stopped);
    REQUIRE(report.steps == last);
    REQUIRE(x == then);
  }
}

TEST_CASE("a stop between the calls of one step leaves the step before it") {
  const dpm::Plan plan = dpm::make_plan(
      dpm::DpmSolver{.order = 3, .form = dpm::DpmSolver::Form::singlestep}, schedule, 9);
  for (int stop_after = 1; stop_after <= 9; ++stop_after) {
    std::stop_source source;
    int calls = 0;
    const auto model = [&](const State& at, double timestep, State& out) {
      test_network(at, timestep, out);
      if (++calls == stop_after) source.request_stop();
    };
    State x = test_start();
    dpm::RunOptions<State> options;
    options.stop = source.get_token();
    const auto report = dpm::sample(plan, model, x, options);
    REQUIRE(report.model_calls == stop_after);
    REQUIRE(report.stopped == (stop_after < 9));
    REQUIRE(report.steps == static_cast<std::size_t>(stop_after / 3));
    if (stop_after < 3) REQUIRE(x == test_start());
  }
}

TEST_CASE("a stopped run goes on where it stood once it is resumed") {
  const dpm::Plan plan = dpm::make_plan(dpm::UniPc{}, schedule, 8);
  State whole = test_start();
  dpm::sample(plan, test_model(dpm::Prediction::noise), whole);

  std::stop_source source;
  dpm::RunOptions<State> options;
  options.stop = source.get_token();
  dpm::Stepper<State> run(plan, test_start(), options);
  const auto model = test_model(dpm::Prediction::noise);
  for (int calls = 0; const auto call = run.next();) {
    model(call->input, call->level, call->output);
    if (++calls == 3) source.request_stop();
  }
  REQUIRE(run.stopped());
  REQUIRE(run.model_calls() == 3);
  REQUIRE(!run.next().has_value());  // and stays stopped
  run.resume();
  REQUIRE(!run.stopped());
  while (const auto call = run.next()) model(call->input, call->level, call->output);
  REQUIRE(!run.stopped());
  REQUIRE(run.sample() == whole);
}

TEST_CASE("another thread can stop a run") {
  std::stop_source source;
  std::jthread other([&source] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    source.request_stop();
  });
  State x = test_start();
  dpm::RunOptions<State> options;
  options.stop = source.get_token();
  const auto report = dpm::sample(
      dpm::make_plan(dpm::Ddim{}, schedule, 100000),
      [](const State& at, double timestep, State& out) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        test_network(at, timestep, out);
      },
      x, options);
  REQUIRE(report.stopped);
  REQUIRE(report.steps < 100000);
}

// Error estimates ---------------------------------------------------------------

namespace {

/// That they cost nothing; what they are worth is in error_estimates.test.cpp.
template <class Method>
void require_estimates(Method method, std::size_t first_with_estimate) {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{.start = 0.8, .end = 0.05}, schedule, 8);
  Method plain = method;
  plain.estimate_error = false;
  method.estimate_error = true;
  const dpm::Plan plan = make_plan(method, grid);
  REQUIRE(plan.estimates_error());
  REQUIRE(plan.model_calls() == make_plan(plain, grid).model_calls());
  State x = test_start();
  State without = x;
  std::size_t estimates = 0;
  dpm::RunOptions<State> options;
  options.observer = [&](const dpm::Progress<State>& p) {
    if (p.step < first_with_estimate) {
      REQUIRE(p.error == nullptr);
      return;
    }
    REQUIRE(p.error != nullptr);
    ++estimates;
    REQUIRE(max_abs(*p.error) > 0.0);
  };
  dpm::sample(plan, test_model(dpm::Prediction::noise), x, options);
  dpm::sample(make_plan(plain, grid), test_model(dpm::Prediction::noise), without);
  REQUIRE(relative_difference(x, without) < 1e-13);
  REQUIRE(estimates == plan.steps.size() + 1 - first_with_estimate);
}

}  // namespace

TEST_CASE(
    "estimates cost no call and change the samples by rounding alone, and first order has none") {
  using dpm::DpmSolver;
  constexpr auto singlestep = DpmSolver::Form::singlestep;
  require_estimates(DpmSolver{.order = 2}, 2);
  require_estimates(DpmSolver{.order = 3}, 1);
  require_estimates(DpmSolver{.order = 2, .space = dpm::Space::noise}, 2);
  require_estimates(DpmSolver{.order = 2, .form = singlestep}, 1);
  require_estimates(DpmSolver{.order = 3, .form = singlestep}, 1);
  require_estimates(dpm::UniPc{.order = 3}, 2);
  require_estimates(dpm::Deis{.order = 3}, 2);
  require_estimates(dpm::Heun{}, 1);
  REQUIRE(!make_plan(DpmSolver{.order = 1, .estimate_error = true},
                     make_grid(dpm::UniformLambda{}, schedule, 4))
               .estimates_error());
}

TEST_CASE("a fork does not count the time in which nobody observed the run before it") {
  using Clock = std::chrono::steady_clock;
  const dpm::Plan plan = dpm::make_plan(dpm::Ddim{}, dpm::VpLinear(), 3);
  const State x(4, 0.5);
  dpm::RunOptions<State> observed;
  observed.observer = [](const dpm::Progress<State>&) {};
  dpm::Stepper<State> run(plan, x, observed);
  const auto began = Clock::now();
  REQUIRE(run.next());  // the watch of the model's time runs from here on
  auto unobserved = run.fork({});
  const double observed_before = std::chrono::duration<double>(Clock::now() - began).count();
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  REQUIRE(unobserved.next());
  const auto forked = Clock::now();
  double reported = -1.0;
  observed.observer = [&](const dpm::Progress<State>& p) {
    reported = p.model_seconds;
    // Of the time before this fork only what passed up to the first one may count.
    const double since = std::chrono::duration<double>(Clock::now() - forked).count();
    REQUIRE(p.model_seconds <= since + observed_before);
  };
  auto fork = unobserved.fork(observed);
  while (auto call = fork.next()) call->output = call->input;
  REQUIRE(reported >= 0.0);
}

}  // namespace control_test
