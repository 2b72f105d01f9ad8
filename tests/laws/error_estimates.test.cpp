// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What error estimates are worth, and which steps have one.
#include <cmath>
#include <string>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/error_estimates.hpp"
#include "support/test_network.hpp"

namespace error_estimates_test {

using namespace dpm_test;
using namespace dpm_test::estimates;

namespace {

/// With e = x_p - x_(p-1) and l = exact - x_(p-1), |l| is C h^p (1 + O(h)), and e - l is the error
/// of the higher order, C' h^(p+1) (1 + O(h)). So |e| falls with slope p + O(h), and `off`, which
/// is h C' / C, with slope 1 + O(h). At steps of 0.02 and 0.01 these O(h) must be below 0.15, the
/// tolerance of law 2; slopes of 0.85 twice leave `off` no limit above a quarter of its last value.
/// C' / C is the growth from one derivative in lambda to the next, about 1, over as many steps as
/// the polynomial spans, at most 4: `off` ends below 4 h, which is 0.05.
void require_error_of_lower(const Estimator& method, const Run& run) {
  const auto [coarse, middle, fine] = judge_halvings(method, run);
  CAPTURE(method.name, method.order, run.mixture, run.from, run.at);
  CAPTURE(coarse.size, middle.size, fine.size, coarse.off, middle.off, fine.off);
  REQUIRE(fine.difference < 1e-14);
  REQUIRE_THAT(std::log2(middle.size / fine.size), WithinAbs(method.order, 0.15));
  REQUIRE(std::log2(coarse.off / middle.off) > 0.85);
  REQUIRE(std::log2(middle.off / fine.off) > 0.85);
  REQUIRE(fine.off < 0.05);
}

}  // namespace

TEST_CASE("an estimate comes to the error of the order below, for every method") {
  // In the middle of a run, where the history of a multistep method has forgotten its start.
  for (const Estimator& method : every_estimator()) {
    require_error_of_lower(method, {.mixture = false});
    require_error_of_lower(method, {});
    require_error_of_lower(method, {.from = 0.1, .to = 0.5});  // inversion
  }
}

TEST_CASE("with the singlestep start estimates are true from the first step on") {
  for (const Space space : {Space::noise, Space::data}) {
    const DpmSolver method{.order = 3, .space = space};
    const Estimator early = estimator("start", 2, method, DpmSolver{.order = 1, .space = space});
    require_error_of_lower(early, {.at = 0});
    require_error_of_lower(early, {.at = 1});
    require_error_of_lower(dpm_solver(method), {.at = 2});
  }
}

TEST_CASE(
    "after a start of first order estimates are true from the tenth step on, and not before") {
  // 256 steps, at which a true one is off by less than 0.05 (see above). The start's error does not
  // get smaller beside that of a step: it is of the order of the step's own, or below.
  const auto check = [](const Estimator& method) {
    const int first = method.order - 1;  // that has the whole order
    CAPTURE(method.name, method.order);
    CHECK(judge(method, {.at = first, .steps = 64}).off > 0.25);
    CHECK(judge(method, {.at = first, .steps = 256}).off > 0.25);
    CHECK(judge(method, {.at = 9, .steps = 256}).off < 0.05);
    CHECK(judge(method, {.at = 15, .steps = 256}).off < 0.05);
  };
  for (const Space space : {Space::noise, Space::data}) {
    check(unipc({.order = 4, .space = space}));
  }
  check(estimator("DEIS", 4, dpm::Deis{.order = 4}, dpm::Deis{.order = 3}, 3));
  DpmSolver method{.order = 3, .space = Space::noise};
  method.start = DpmSolver::Start::lower_order;
  check(dpm_solver(method));
}

TEST_CASE("with half the second difference an estimate is four fifths of the error") {
  // The error of order 2 is h^3 m'' (1/4 + 1/6), of which half the second term is lost: 4/5, and
  // O(h), which the two finest runs cancel up to 2 (h C' / C)^2, with h C' / C < 0.05 as above.
  for (const Space space : {Space::noise, Space::data}) {
    DpmSolver method{.order = 3, .space = space, .update = taylor};
    method.halved_second_difference = true;
    const auto [coarse, middle, fine] = judge_halvings(dpm_solver(method), {});
    REQUIRE_THAT(2 * fine.share - middle.share, WithinAbs(0.8, 0.005));
  }
}

TEST_CASE("an estimate is the difference of two orders, also where it is not the error of one") {
  for (const Space space : {Space::noise, Space::data}) {
    const DpmSolver with_noise{.order = 2, .space = space, .tau = 1.0};
    REQUIRE(judge(dpm_solver(with_noise), {.steps = 4}).difference < 1e-14);
    for (const auto update : {midpoint, taylor}) {
      DpmSolver second_order{.order = 3, .form = singlestep, .space = space, .update = update};
      second_order.r2 = 0.5;
      REQUIRE(judge(dpm_solver(second_order), {.steps = 4}).difference < 1e-14);
      // It does not come to it: two halvings leave a true one off by a quarter of what it was.
      const auto [coarse, middle, fine] = judge_halvings(dpm_solver(second_order), {});
      REQUIRE(fine.off > 0.75 * coarse.off);
    }
  }
}

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

TEST_CASE("a method without error estimates cannot be asked for them, or makes none") {
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

}  // namespace error_estimates_test
