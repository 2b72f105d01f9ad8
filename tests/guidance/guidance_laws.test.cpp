// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Guided models under the laws that hold for every model: intervals of guidance in whole runs, the
/// order of convergence, and inversion.
#include <cmath>
#include <vector>

#include "dpm/analysis/convergence.hpp"
#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/guided_runs.hpp"
#include "support/test_network.hpp"

using namespace dpm_test;
using namespace dpm_test::guided;

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
