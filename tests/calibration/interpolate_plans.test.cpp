// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
#include "dpm/calibration/interpolate_plans.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "dpm/calibration/multistep_form.hpp"
#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace interpolate_plans_test {

using namespace dpm_test;
using dpm::MultistepForm;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

dpm::Plan usual_plan(int calls = 4) {
  return dpm::make_plan(dpm::UniPc{.order = 3}, schedule, calls, dpm::UniformTime{});
}

/// The usual plan with other weights.
dpm::Plan other_weights(double by) {
  MultistepForm form = dpm::multistep_form(usual_plan());
  for (std::size_t j = 0; j < form.steps.size(); ++j) {
    form.steps[j].sample += by;
    form.steps[j].predictions[0] -= 2.0 * by * static_cast<double>(j);
  }
  return dpm::plan_of(form);
}

/// The usual plan with its second level, and what the model is told there, at other times.
dpm::Plan other_levels(double time, double asked) {
  MultistepForm form = dpm::multistep_form(usual_plan());
  form.steps[0].to = form.steps[1].from = schedule.level(time);
  form.steps[1].asked = schedule.level(asked);
  return dpm::plan_of(form);
}

std::vector<double> run(const dpm::Plan& plan) {
  std::vector<double> x{0.5, -1.5, 2.0};
  dpm::sample(plan, dpm::Gaussian({0.3, 0.1, -0.2}, {0.4, 0.9, 0.2}), x);
  return x;
}

}  // namespace

TEST_CASE("at the scales of two plans the interpolated plan is the one or the other") {
  const dpm::Plan a = usual_plan();
  const dpm::Plan b = other_weights(0.125);
  REQUIRE(dpm::interpolate_plans(a, 2.0, b, 6.0, 2.0) == a);
  REQUIRE(dpm::interpolate_plans(a, 2.0, b, 6.0, 6.0) == b);
  REQUIRE(dpm::interpolate_plans(b, 6.0, a, 2.0, 6.0) == b);
}

TEST_CASE("between two scales each weight is interpolated linearly") {
  const dpm::Plan a = usual_plan();
  const dpm::Plan b = other_weights(0.125);
  const dpm::Plan between = dpm::interpolate_plans(a, 2.0, b, 6.0, 3.0);
  REQUIRE_NOTHROW(dpm::check(between));
  REQUIRE(between.model_calls() == 4);
  const std::vector<double> expected = run(other_weights(0.03125));
  const std::vector<double> x = run(between);
  for (std::size_t i = 0; i < x.size(); ++i) REQUIRE_THAT(x[i], WithinRel(expected[i], 1e-12));
  REQUIRE(dpm::interpolate_plans(b, 6.0, a, 2.0, 3.0) == between);
}

TEST_CASE("a weight that one of the plans has not counts as zero") {
  MultistepForm form = dpm::multistep_form(usual_plan());
  REQUIRE(form.steps[3].predictions.size() > 1);
  const double dropped = form.steps[3].predictions[1];
  MultistepForm shorter = form;
  shorter.steps[3].predictions = {};
  shorter.steps[3].predictions.push_back(form.steps[3].predictions[0]);
  for (const bool first : {true, false}) {
    const dpm::Plan a = dpm::plan_of(first ? shorter : form);
    const dpm::Plan b = dpm::plan_of(first ? form : shorter);
    const MultistepForm half =
        dpm::multistep_form(dpm::interpolate_plans(a, 0.0, b, 1.0, first ? 0.25 : 0.75));
    REQUIRE_THAT(half.steps[3].predictions[1], WithinRel(0.25 * dropped, 1e-9));
  }
}

TEST_CASE("levels that differ are interpolated in time on their schedule") {
  const dpm::Plan a = other_levels(0.70, 0.68);
  const dpm::Plan b = other_levels(0.80, 0.80);
  const dpm::Plan plan = dpm::interpolate_plans(a, 1.0, b, 5.0, 4.0, schedule);
  REQUIRE_THAT(plan.steps[1].from.time, WithinRel(0.775, 1e-12));
  REQUIRE(plan.steps[0].to == plan.steps[1].from);
  REQUIRE(plan.steps[1].from == schedule.level(plan.steps[1].from.time));
  const MultistepForm form = dpm::multistep_form(plan);
  REQUIRE_THAT(form.steps[1].asked.time, WithinRel(0.77, 1e-12));
  REQUIRE(plan.start() == a.start());
  REQUIRE(plan.end() == a.end());
}

TEST_CASE("plans between which there is no plan are refused") {
  const dpm::Plan a = usual_plan();
  const dpm::Plan b = other_weights(0.125);
  const auto refused = [&](const dpm::Plan& other, double scale_a, double scale_b, double scale,
                           const std::string& sentence,
                           const std::optional<dpm::AnySchedule>& on = std::nullopt) {
    const auto call = [&] { (void)dpm::interpolate_plans(a, scale_a, other, scale_b, scale, on); };
    REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
    REQUIRE_THROWS_WITH(call(), mentions(sentence));
  };
  constexpr double infinity = std::numeric_limits<double>::infinity();
  refused(b, 2.0, 2.0, 2.0, "scale_a = 2 and scale_b = 2; they must be finite and differ");
  refused(b, 2.0, infinity, 2.0, "scale_b = inf; they must be finite");
  refused(b, std::nan(""), 6.0, 2.0, "scale_a = nan");
  refused(b, 2.0, 6.0, 1.5, "scale = 1.5; it must be between scale_a = 2 and scale_b = 6");
  refused(b, 2.0, 6.0, std::nan(""), "scale = nan; it must be between");
  refused(usual_plan(5), 2.0, 6.0, 3.0,
          "the plans make 4 and 5 model calls; they must make as many");
  refused(dpm::make_plan(dpm::UniPc{.order = 3, .space = dpm::Space::noise}, schedule, 4,
                         dpm::UniformTime{}),
          2.0, 6.0, 3.0, "the plans are of other predictions or spaces");
  refused(dpm::make_plan(dpm::UniPc{.order = 3}, schedule, 4, dpm::UniformTime{},
                         dpm::Prediction::velocity),
          2.0, 6.0, 3.0, "the plans are of other predictions or spaces");
  refused(dpm::make_plan(dpm::UniPc{.order = 3}, schedule, 4, dpm::UniformTime{.start = 0.9}), 2.0,
          6.0, 3.0, "from time 0.9 to time 0.001; both must have the same ends");
  refused(other_levels(0.7, 0.7), 2.0, 6.0, 3.0, "hand over their schedule");
  refused(other_levels(0.7, 0.7), 2.0, 6.0, 3.0,
          "schedule has another lambda at time 0.75025 than the plans", dpm::VpCosine());
  refused(other_levels(0.7, 0.7), 2.0, 6.0, 3.0, "schedule has another lambda",
          dpm::RectifiedFlow());
  refused(dpm::make_plan(dpm::Ddim{.eta = 1.0}, schedule, 4, dpm::UniformTime{}), 2.0, 6.0, 3.0,
          "only deterministic methods");
  // At the end of the range too, where the result would be one of the plans.
  refused(usual_plan(5), 2.0, 6.0, 2.0, "they must make as many");
}

}  // namespace interpolate_plans_test
