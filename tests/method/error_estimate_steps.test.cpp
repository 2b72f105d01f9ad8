// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Which methods and steps estimate their error, and that nothing else changes with it.
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/error_estimates.hpp"
#include "support/test_network.hpp"

using namespace dpm_test;
using namespace dpm_test::estimates;

namespace {

const auto model = test_model(Prediction::noise);

template <class Method>
dpm::Plan plan_of(const Method& method) {
  return make_plan(method, make_grid(dpm::UniformLambda{}, schedule, 6));
}

/// Which of four steps estimate their error.
template <class Method>
std::string estimates_of(Method method, double end = 0.1) {
  method.estimate_error = true;
  const dpm::Grid grid = make_grid(dpm::UniformTime{.start = 0.6, .end = end}, schedule, 4);
  std::string steps;
  for (const auto& step : make_plan(method, grid).steps)
    steps += step.estimates_error() ? 'e' : '-';
  return steps;
}

}  // namespace

TEST_CASE("steps of first order have no estimate, and all others have one") {
  REQUIRE(estimates_of(DpmSolver{.order = 2}, 0.0) == "-ee-");
  REQUIRE(estimates_of(DpmSolver{.order = 2, .first_order_final = true}) == "-ee-");
  REQUIRE(estimates_of(DpmSolver{.order = 3, .lower_order_final = true}) == "eee-");
  REQUIRE(estimates_of(DpmSolver{.order = 3, .denoise_to_zero = true}) == "eeee-");
  REQUIRE(estimates_of(DpmSolver{.order = 3, .form = singlestep, .model_calls = 8}) == "ee--");
  REQUIRE(estimates_of(dpm::UniPc{.order = 1}) == "----");
  REQUIRE(estimates_of(dpm::UniPc{.order = 4, .lower_order_final = true}) == "-ee-");
  REQUIRE(estimates_of(dpm::Deis{.order = 4}, 0.0) == "-ee-");
  REQUIRE(estimates_of(dpm::Heun{}, 0.0) == "eee-");
}

TEST_CASE("estimates are the same whatever the model predicts") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{.start = 0.6, .end = 0.1}, schedule, 6);
  for (const Estimator& method : every_estimator()) {
    const auto estimates = [&](Prediction prediction) {
      State all;
      dpm::RunOptions<State> options;
      options.observer = [&](const dpm::Progress<State>& p) {
        if (p.error != nullptr) all.insert(all.end(), p.error->begin(), p.error->end());
      };
      State x = test_start();
      dpm::sample(method.plan(grid, prediction), test_model(prediction), x, options);
      return all;
    };
    CAPTURE(method.name, method.order);
    for (const auto prediction : {Prediction::data, Prediction::velocity, Prediction::score}) {
      REQUIRE(relative_difference(estimates(prediction), estimates(Prediction::noise)) < 1e-13);
    }
  }
}

TEST_CASE("estimates that a method does not have, it cannot be asked for or does not make") {
  const auto has_the_option = [](auto method) {
    return requires { method.estimate_error; };
  };
  REQUIRE(has_the_option(dpm::UniPc{}));
  REQUIRE_FALSE(has_the_option(dpm::Ddim{}));
  REQUIRE_FALSE(has_the_option(dpm::Ddpm{}));
  REQUIRE_FALSE(has_the_option(dpm::Ipndm{}));
  REQUIRE_FALSE(has_the_option(dpm::Pndm{}));
  REQUIRE_FALSE(has_the_option(dpm::RungeKutta{}));
  REQUIRE_FALSE(has_the_option(dpm::SaSolver{}));
  REQUIRE_FALSE(has_the_option(dpm::AdaptiveDpmSolver{}));

  // Of first order there is none to compare with: nothing is refused, and nothing changes.
  int steps = 0;
  dpm::RunOptions<State> watched;
  watched.observer = [&](const dpm::Progress<State>& progress) {
    ++steps;
    CHECK(progress.error == nullptr);
  };
  const auto check = [&](const dpm::Plan& asked, const dpm::Plan& plain) {
    REQUIRE_FALSE(asked.estimates_error());
    State x = test_start();
    State expected = test_start();
    dpm::sample(asked, model, x, watched);
    dpm::sample(plain, model, expected);
    REQUIRE(x == expected);
  };
  check(plan_of(DpmSolver{.order = 1, .estimate_error = true}), plan_of(DpmSolver{.order = 1}));
  check(plan_of(DpmSolver{.order = 1, .form = singlestep, .estimate_error = true}),
        plan_of(DpmSolver{.order = 1, .form = singlestep}));
  check(plan_of(dpm::UniPc{.order = 1, .corrector = false, .estimate_error = true}),
        plan_of(dpm::UniPc{.order = 1, .corrector = false}));
  check(plan_of(dpm::Deis{.order = 1, .estimate_error = true}), plan_of(dpm::Deis{.order = 1}));
  REQUIRE(steps == 24);
}
