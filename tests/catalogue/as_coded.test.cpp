// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Samplers as other programs coded them: where they are what was meant, and where not.
#include "dpm/catalogue/as_coded.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "support/catch.hpp"
#include "support/named_plans.hpp"
#include "support/refused.hpp"

namespace as_coded_test {

using namespace dpm_test;
using dpm::Grid;
using dpm::Plan;
namespace as_coded = dpm::as_coded;

namespace {

/// Levels whose sigma / alpha are these.
Grid through(const std::vector<double>& sigmas) {
  std::vector<dpm::Level> levels;
  const dpm::AnySchedule schedule = dpm::VarianceExploding(1e-4, 100.0);
  for (const double sigma : sigmas) levels.push_back(schedule.level_at_lambda(-std::log(sigma)));
  return {schedule, std::move(levels)};
}

const std::vector<double> uneven{10.0, 7.0, 5.0, 4.5, 2.0, 1.2, 1.0};

/// The weights of the last step's predictions, newest first, divided by the step's length.
std::vector<double> slope_weights(const Plan& plan, std::size_t step) {
  const auto& update = std::get<dpm::Combine>(plan.steps[step].instructions.back());
  const double length = plan.steps[step].to.sigma() - plan.steps[step].from.sigma();
  std::vector<double> weights;
  for (std::size_t j = 1; j < update.operands.size(); ++j) {
    weights.push_back(update.weight(0, j) / length);
  }
  return weights;
}

void require_same_ends(const Plan& a, const Plan& b, double tolerance) {
  const dpm::AffineState x = affine_end(a);
  const dpm::AffineState y = affine_end(b);
  CHECK_THAT(x.start(0), WithinAbs(y.start(0), tolerance));
  CHECK_THAT(x.one(0), WithinAbs(y.one(0), tolerance));
}

}  // namespace

TEST_CASE("ComfyUI's ipndm_v has its own weights on equal steps from the third step on") {
  const Plan plan = make_plan(as_coded::IpndmV{}, through({7.0, 6.0, 5.0, 4.0, 3.0}));
  const std::vector<double> second = slope_weights(plan, 1);
  REQUIRE(second.size() == 2);
  CHECK_THAT(second[0], WithinAbs(1.5, 1e-12));
  CHECK_THAT(second[1], WithinAbs(-0.5, 1e-12));
  const std::vector<double> fourth = slope_weights(plan, 3);
  REQUIRE(fourth.size() == 4);
  const std::array<double, 4> coded{57.0, -65.0, 43.0, -11.0};  // Adams-Bashforth: 55, -59, 37, -9
  for (std::size_t k = 0; k < 4; ++k) {
    CHECK_THAT(24.0 * fourth[k], WithinAbs(coded[k], 1e-9));
  }
}

TEST_CASE("ComfyUI's ipndm_v of order 2 is Adams-Bashforth with variable steps") {
  require_same_ends(
      make_plan(as_coded::IpndmV{.order = 2}, through(uneven)),
      make_plan(dpm::Deis{.order = 2, .variable = dpm::Deis::Variable::sigma_over_alpha},
                through(uneven)),
      1e-12);
}

TEST_CASE("Adams-Bashforth that extrapolates to sigma 0 differs in that step alone") {
  const dpm::Deis meant{.order = 4, .variable = dpm::Deis::Variable::sigma_over_alpha};
  require_same_ends(make_plan(as_coded::LmsToZero{}, through(uneven)),
                    make_plan(meant, through(uneven)), 1e-10);
  const Grid to_zero = through(uneven).then(0.0);
  const Plan coded = make_plan(as_coded::LmsToZero{}, to_zero);
  const std::vector<double> weights = slope_weights(coded, 6);
  CHECK(weights.size() == 4);
  CHECK(slope_weights(make_plan(meant, to_zero), 6).size() == 1);
}

TEST_CASE("ComfyUI's deis sums its integrals up to a ten thousandth") {
  // A constant slope is integrated up to the error of the sum.
  const Plan plan = make_plan(as_coded::DeisOfEdm{}, through(uneven));
  for (std::size_t i = 1; i < 6; ++i) {
    double sum = 0.0;
    for (const double weight : slope_weights(plan, i)) sum += weight;
    CAPTURE(i, sum);
    CHECK_THAT(sum, WithinAbs(1.0, 1e-4));
    CHECK(sum != 1.0);
  }
}

TEST_CASE("ComfyUI's res_multistep_ancestral without fresh noise is what was meant") {
  const Grid grid = through(uneven).then(0.0);
  require_same_ends(make_plan(as_coded::ResMultistepAncestral{.fresh = {.eta = 0.0}}, grid),
                    make_plan(dpm::DpmSolver{.update = dpm::DpmSolver::Update::taylor}, grid),
                    1e-12);
  const Plan coded = make_plan(as_coded::ResMultistepAncestral{}, grid);
  const Plan meant = make_plan(
      dpm::DpmSolver{.update = dpm::DpmSolver::Update::taylor, .fresh = {.eta = 1.0}}, grid);
  CHECK(coded.draws() == meant.draws());
  CHECK(coded != meant);
}

TEST_CASE("ComfyUI's dpmpp_2s_ancestral is DPM-Solver except in a step from pure noise") {
  const dpm::DpmSolver meant{.form = dpm::DpmSolver::Form::singlestep, .fresh = {.eta = 1.0}};
  const Grid grid = through(uneven).then(0.0);
  CHECK(make_plan(as_coded::DpmSolver2sAncestral{}, grid) == make_plan(meant, grid));

  const dpm::FreshNoise fresh{.eta = 1.0, .rule = dpm::FreshNoise::Rule::flow};
  const Grid flow = make_grid(dpm::SimpleTable{}, flow_schedule, 6);
  const Plan coded = make_plan(as_coded::DpmSolver2sAncestral{fresh}, flow, dpm::Prediction::flow);
  const Plan first_order =
      make_plan(dpm::DpmSolver{.form = dpm::DpmSolver::Form::singlestep, .fresh = fresh}, flow,
                dpm::Prediction::flow);
  CHECK(coded.model_calls() == first_order.model_calls() + 1);
  for (std::size_t i = 1; i < 6; ++i) CHECK(coded.steps[i].to == first_order.steps[i].to);
}

TEST_CASE("Orders that the weights have no formula for are refused") {
  const Grid grid = through(uneven);
  for (const int order : {0, 5, -1}) {
    CAPTURE(order);
    const std::string sentence = ": order = " + std::to_string(order) + "; it must be 1 to 4";
    refused([&] { (void)make_plan(as_coded::IpndmV{order}, grid); }, "as_coded::IpndmV" + sentence);
    refused([&] { (void)make_plan(as_coded::DeisOfEdm{order}, grid); },
            "as_coded::DeisOfEdm" + sentence);
    refused([&] { (void)make_plan(as_coded::LmsToZero{order}, grid); },
            "as_coded::LmsToZero" + sentence);
  }
  refused([&] { (void)make_plan(as_coded::ResMultistepAncestral{{.eta = -1.0}}, grid); },
          "as_coded::ResMultistepAncestral: eta = -1; it must be finite and at least 0");
}

}  // namespace as_coded_test
