// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Whole runs of guided models: exact ends, orders, inversion, previews, adaptive steps.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "dpm/analysis/convergence.hpp"
#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/guided_runs.hpp"
#include "support/test_network.hpp"

namespace guided_runs_test {

using namespace dpm_test;
using namespace dpm_test::guided;

TEST_CASE("guided runs of three kinds end at the closed form's samples in every prediction type") {
  for (const NamedMethod& method : three_kinds()) {
    for (const auto prediction : {noise, data, velocity, score, flow, edm}) {
      CAPTURE(method.name, int(prediction));
      const bool on_edm = prediction == edm;
      const State expected = run(plan_of(method, noise, on_edm), guided_network(noise, strong));
      const dpm::Plan plan = plan_of(method, prediction, on_edm);
      CHECK(relative_difference(run(plan, free_guidance(prediction, strong)), expected) < rounding);
      CHECK(relative_difference(run(plan, by_classifier(prediction, strong)), expected) < rounding);
      CHECK(relative_difference(run(plan, guided_network(prediction, 0.0)), expected) > 0.1);
    }
  }
}

TEST_CASE("two models and one on a doubled batch give the same bits, pushed and pulled") {
  const auto check = [](const NamedMethod& method, auto x, double phi) {
    using X = decltype(x);
    CAPTURE(method.name, x.size(), phi);
    const dpm::Plan plan = plan_of(method, noise);
    const dpm::RunOptions<X> options{.noise = dpm::NormalNoise{.seed = 3}};
    int conditional = 0;
    int unconditional = 0;
    int doubled = 0;
    const auto of_label = [&](const X& in, const Level& at, X& out) {
      ++conditional;
      mixture_of_label()(in, at, out);
    };
    const auto of_all = [&](const X& in, const Level& at, X& out) {
      ++unconditional;
      mixture_of_all()(in, at, out);
    };
    const auto of_both = [&](const X& in, const Level& at, X& out) {
      ++doubled;
      const auto half = std::ssize(in) / 2;
      X first(in.begin(), in.begin() + half);
      X second(in.begin() + half, in.end());
      mixture_of_label()(X(first), at, first);
      mixture_of_all()(X(second), at, second);
      std::copy(second.begin(), second.end(), std::copy(first.begin(), first.end(), out.begin()));
    };
    dpm::ClassifierFreeGuidance two(of_label, of_all, strong, {phi, 2});
    dpm::BatchedClassifierFreeGuidance one(of_both, strong, {phi, 2});
    X of_two = x;
    X of_one = x;
    const int calls = dpm::sample(plan, two, of_two, options).model_calls;
    CHECK(calls == plan.model_calls());
    CHECK(dpm::sample(plan, one, of_one, options).model_calls == calls);
    CHECK((conditional == calls && unconditional == calls && doubled == calls));
    CHECK(of_one == of_two);
    dpm::Stepper<X> stepper(plan, x, options);
    while (const auto call = stepper.next()) two(call->input, call->level, call->output);
    CHECK(stepper.sample() == of_two);
    CHECK((conditional == 2 * calls && unconditional == 2 * calls));
  };
  for (const NamedMethod& method : three_kinds()) {
    for (const std::size_t size : {2U, 14U, 66U}) {  // less than vector registers hold, and more
      for (const double phi : {0.0, 0.7}) {
        State x = some_samples();
        x.resize(size, 0.3);
        check(method, x, phi);
        check(method, std::vector<float>(x.begin(), x.end()), phi);
      }
    }
  }
}

TEST_CASE("a preview is the data prediction of the guided model") {
  const auto check = [](const dpm::Plan& plan, auto guided) {
    State expected(some_samples().size());
    State unguided = expected;
    double guidance = 0.0;
    const auto watched = [&](const State& x, const Level& at, State& out) {
      guided(x, at, out);
      guided_network(data, strong)(x, at, expected);
      guided_network(data, 0.0)(x, at, unguided);
      guidance = std::max(guidance, relative_difference(unguided, expected));
    };
    int previews = 0;
    dpm::RunOptions<State> options;
    options.preview = [&](const State& shown, const Level&) {
      ++previews;
      REQUIRE(relative_difference(shown, expected) < rounding);
    };
    State x = start_of(plan);
    dpm::sample(plan, watched, x, options);
    CHECK(previews == plan.model_calls());
    CHECK(guidance > 0.1);
    previews = 0;
    x = start_of(plan);
    const auto report = dpm::sample_adaptive(
        adaptive(3, Space::data), plan.prediction == edm ? dpm::AnySchedule(dpm::Edm()) : schedule,
        watched, x, plan.prediction, options);
    CHECK(previews == report.model_calls);
  };
  for (const auto prediction : {noise, data, velocity, score, flow, edm}) {
    CAPTURE(int(prediction));
    const dpm::Plan plan = plan_of(three_kinds().front(), prediction, prediction == edm);
    check(plan, free_guidance(prediction, strong));
    check(plan, by_classifier(prediction, strong));
  }
}

TEST_CASE("a guided adaptive run takes the closed form's steps to its samples") {
  for (const auto& [order, space] :
       {std::pair{2, Space::noise}, {2, Space::data}, {3, Space::noise}, {3, Space::data}}) {
    CAPTURE(order, int(space));
    const auto method = adaptive(order, space);
    State expected = some_samples();
    const auto exact =
        dpm::sample_adaptive(method, schedule, guided_network(noise, strong), expected);
    CHECK(exact.rejected > 0);
    const auto check = [&](auto guided) {
      State x = some_samples();
      const auto report = dpm::sample_adaptive(method, schedule, guided, x, velocity);
      CHECK(relative_difference(x, expected) < rounding);
      CHECK((report.accepted == exact.accepted && report.rejected == exact.rejected));
      CHECK(report.model_calls == exact.model_calls);
    };
    int calls = 0;
    check(dpm::ClassifierFreeGuidance(
        guided_network(velocity, 1.0),
        [&](const State& x, const Level& at, State& out) {
          ++calls;
          guided_network(velocity, 0.0)(x, at, out);
        },
        strong));
    CHECK(calls == exact.model_calls);
    check(by_classifier(velocity, strong));
  }
}

namespace {

DpmSolver dpm_solver(int order, Space space, bool singlestep = true) {
  const auto form = singlestep ? DpmSolver::Form::singlestep : DpmSolver::Form::multistep;
  return {.order = order, .form = form, .space = space};
}

}  // namespace

TEST_CASE("intervals and scales that vary with lambda are kept to at every level of a run") {
  const auto varying = [](const Level& at) { return 2.5 + std::tanh(at.lambda()); };
  const dpm::GuidanceScale scale = dpm::GuidanceScale(varying).within(0.3, 3.0);
  // The closed form by its definition: `off` is the scale of no guidance.
  const auto exact = [&](double off) {
    return network_of(noise, [=](const std::vector<Wide>& x, const Level& at) {
      const double ratio = std::exp(-at.lambda());
      return guided_noise(ratio > 0.3 && ratio <= 3.0 ? varying(at) : off, x, at);
    });
  };
  const auto check = [&](auto sample_with) {
    int inside = 0;
    int outside = 0;
    int calls = 0;
    const auto conditional = [&](const State& x, const Level& at, State& out) {
      const double ratio = std::exp(-at.lambda());
      ++(ratio > 0.3 && ratio <= 3.0 ? inside : outside);
      guided_network(noise, 1.0)(x, at, out);
    };
    const auto unconditional = [&](const State& x, const Level& at, State& out) {
      ++calls;
      guided_network(noise, 0.0)(x, at, out);
    };
    const dpm::ClassifierFreeGuidance guided(conditional, unconditional, scale);
    CHECK(relative_difference(sample_with(guided), sample_with(exact(1.0))) < rounding);
    CHECK((outside > 0 && inside > 0 && calls == inside));
    CHECK(relative_difference(sample_with(by_classifier(noise, scale)), sample_with(exact(0.0))) <
          rounding);
  };
  for (const NamedMethod& method : three_kinds()) {
    CAPTURE(method.name);
    check([&](auto model) { return run(plan_of(method, noise), model); });
  }
  check([](auto model) {
    State x = some_samples();
    dpm::sample_adaptive(adaptive(3, Space::data), schedule, model, x);
    return x;
  });
}

TEST_CASE("DPM-Solver has its order on a guided model") {
  // The reference's own error, by 1000 steps of order 4, is about 5e-11, and 1e-7 is measured.
  const dpm::RungeKutta fine{.order = 4, .variable = dpm::RungeKutta::Variable::lambda};
  const dpm::UniformLambda spacing;
  State reference = some_samples();
  dpm::sample(make_plan(fine, make_grid(spacing, schedule, 1000)), guided_network(noise, strong),
              reference);
  for (const Space space : {Space::noise, Space::data}) {
    for (const bool singlestep : {true, false}) {
      for (const int order : {2, 3}) {
        const auto plan = [&](int steps) {
          return make_plan(dpm_solver(order, space, singlestep),
                           make_grid(spacing, schedule, steps));
        };
        const auto measured =
            dpm::measure_order(plan, guided_mixture(), some_samples(), reference, {96, 2});
        CAPTURE(int(space), singlestep, measured.slopes);
        CHECK_THAT(measured.order, WithinAbs(order, 0.15));
      }
    }
  }
}

TEST_CASE("a guided run returns to where its inversion began, at the method's order") {
  const auto there_and_back = [](const DpmSolver& method, int steps) {
    const dpm::UniformLambda spacing{.start = 0.6, .end = 0.01};
    const dpm::Grid grid = make_grid(spacing, schedule, steps);
    State x = some_samples();
    dpm::sample(make_plan(method, grid.reversed()), guided_mixture(), x);
    State without = x;
    dpm::sample(make_plan(method, grid), mixture_of_all(), without);
    CHECK(relative_difference(without, some_samples()) > 0.1);
    dpm::sample(make_plan(method, grid), guided_mixture(), x);
    return relative_difference(x, some_samples());
  };
  for (const Space space : {Space::noise, Space::data}) {
    for (const int order : {2, 3}) {
      const double coarse = there_and_back(dpm_solver(order, space), 192);
      const double fine = there_and_back(dpm_solver(order, space), 384);
      CAPTURE(order, int(space), coarse, fine);
      CHECK(std::log2(coarse / fine) > order - 0.15);
    }
  }
}

}  // namespace guided_runs_test
