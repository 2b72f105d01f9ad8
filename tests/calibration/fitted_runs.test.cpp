// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
#include "dpm/calibration/fitted_runs.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace fitted_runs_test {

using namespace dpm_test;
using dpm::detail::SampleRole;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
const dpm::Gaussian gaussian({1.0}, {0.3});

/// Standard normal starts of one value.
std::vector<State> some_starts(std::size_t count) {
  std::vector<State> starts(count, State(1));
  for (std::size_t i = 0; i < count; ++i)
    dpm::NormalNoise{.seed = 1, .first_sample = i}.fill(starts[i]);
  return starts;
}

std::size_t count(const std::vector<SampleRole>& roles, SampleRole role) {
  return static_cast<std::size_t>(std::count(roles.begin(), roles.end(), role));
}

}  // namespace

TEST_CASE("half of the samples are fitted and a quarter has each other role") {
  const std::vector<SampleRole> roles = dpm::detail::roles_of(64);
  REQUIRE(roles.size() == 64);
  REQUIRE(count(roles, SampleRole::fitted) == 32);
  REQUIRE(count(roles, SampleRole::held_out) == 16);
  REQUIRE(count(roles, SampleRole::measured) == 16);
}

TEST_CASE("conditions that recur are held out and measured too") {
  const std::vector<SampleRole> roles = dpm::detail::roles_of(64);
  for (const std::size_t period : {2U, 4U, 10U}) {
    for (const SampleRole role : {SampleRole::held_out, SampleRole::measured}) {
      std::vector<int> found(period);
      for (std::size_t i = 0; i < roles.size(); ++i) found[i % period] += roles[i] == role ? 1 : 0;
      CAPTURE(period, int(role));
      REQUIRE(*std::min_element(found.begin(), found.end()) > 0);
    }
  }
}

TEST_CASE("twelve samples are the fewest that are divided") {
  for (std::size_t few = 0; few < 12; ++few) REQUIRE(dpm::detail::roles_of(few).empty());
  const std::vector<SampleRole> roles = dpm::detail::roles_of(12);
  REQUIRE(count(roles, SampleRole::fitted) == 4);
  REQUIRE(count(roles, SampleRole::held_out) == 3);
  REQUIRE(count(roles, SampleRole::measured) == 5);
}

TEST_CASE("weights of backward differences become weights of predictions") {
  dpm::MultistepForm::Step step{.sample = 2.0, .predictions = {1.0, -0.5}};
  // 10 m0 + 20 x + 3 (m0 - m1) + 4 (m0 - 2 m1 + m2)
  dpm::detail::change_weights(step, {10.0, 20.0, 3.0, 4.0});
  REQUIRE(step.sample == 22.0);
  REQUIRE(step.predictions == dpm::BoundedVector<double, 7>{18.0, -11.5, 4.0});
}

TEST_CASE("weights that stay add no predictions to a step") {
  dpm::MultistepForm::Step step{.sample = 2.0, .predictions = {1.0}};
  dpm::detail::change_weights(step, {});
  REQUIRE(step.predictions == dpm::BoundedVector<double, 7>{1.0});
}

TEST_CASE("moments are those of the features that changed weights act on") {
  // One sample of three values, three predictions: whatever the weights, the residual is that of
  // the step with changed weights.
  const std::array<double, 3> x{1.0, -2.0, 0.5};
  const std::array<double, 3> target{0.3, 0.1, -0.7};
  const std::array<std::array<double, 3>, 3> m{
      {{1.0, 2.0, 4.0}, {0.5, 3.0, -1.0}, {2.0, 2.5, 0.0}}};
  dpm::MultistepForm::Step step{.sample = 0.8, .predictions = {0.4, -0.1}};
  using View = decltype(dpm::dense_view(x));
  const std::array<View, 3> views{dpm::dense_view(m[0]), dpm::dense_view(m[1]),
                                  dpm::dense_view(m[2])};
  std::vector<dpm::detail::SampleMoments> moments(1);
  dpm::detail::add_moments(step, dpm::dense_view(x), std::span<const View>(views), 3,
                           dpm::dense_view(target), std::span(moments));
  const dpm::detail::FeatureWeights change{0.3, -0.2, 0.15, 0.07};
  const double told = moments[0].residual(change);
  dpm::detail::change_weights(step, change);
  double sum = 0.0;
  for (std::size_t e = 0; e < 3; ++e) {
    double left = target[e] - step.sample * x[e];
    for (std::size_t k = 0; k < 3; ++k) left -= step.predictions[k] * m[k][e];
    sum += left * left / 3.0;
  }
  REQUIRE_THAT(told, WithinRel(std::sqrt(sum), 1e-13));
}

TEST_CASE("a fit on linear data leads to the reference exactly") {
  // In one dimension every step on Gaussian data is an affine map, and so is the exact solution.
  const std::vector<State> starts = some_starts(16);
  const dpm::References<State> references(dpm::make_plan(schedule, 400), gaussian, starts);
  dpm::detail::FittedRuns runs(gaussian, references, 0);
  dpm::MultistepForm form = dpm::multistep_form(dpm::make_plan(dpm::Ddim{}, schedule, 4));
  const dpm::Plan base = dpm::plan_of(form);
  const std::vector<double> before = runs.residuals(base, SampleRole::held_out).distances();
  const std::vector<double> after = runs.fit(form).distances();
  REQUIRE(before.size() == 4);
  REQUIRE(after.size() == 4);
  for (const double distance : before) REQUIRE(distance > 1e-3);
  for (const double distance : after) REQUIRE(distance < 1e-8);
  // Measured samples do so too, in a run of the plan.
  for (const double distance :
       runs.residuals(dpm::plan_of(form), SampleRole::measured).distances()) {
    REQUIRE(distance < 1e-8);
  }
}

TEST_CASE("the distances of a fit are those of a run of its plan") {
  const std::vector<State> starts = some_starts(16);
  const dpm::GaussianMixture model(
      {{0.5, dpm::Gaussian({-1.0}, {0.2})}, {0.5, dpm::Gaussian({1.0}, {0.2})}});
  const dpm::References<State> references(dpm::make_plan(schedule, 300), model, starts);
  dpm::detail::FittedRuns runs(model, references, 0);
  dpm::MultistepForm form = dpm::multistep_form(dpm::make_plan(schedule, 8));
  const std::vector<double> told = runs.fit(form).distances();
  const std::vector<double> run =
      runs.residuals(dpm::plan_of(form), SampleRole::held_out).distances();
  REQUIRE(told.size() == run.size());
  for (std::size_t i = 0; i < told.size(); ++i) REQUIRE_THAT(told[i], WithinAbs(run[i], 1e-10));
}

TEST_CASE("starts that hold several samples are fitted as each sample alone") {
  // 16 samples of one value: as 16 starts, and as two ranges of 8 samples.
  const std::vector<State> single = some_starts(16);
  std::vector<State> ranges(2);
  for (std::size_t i = 0; i < 16; ++i) ranges[i / 8].push_back(single[i][0]);
  const dpm::GaussianMixture model(
      {{0.5, dpm::Gaussian({-1.0}, {0.2})}, {0.5, dpm::Gaussian({1.0}, {0.2})}});
  const dpm::Plan fine = dpm::make_plan(schedule, 300);
  const dpm::References<State> of_single(fine, model, single);
  const dpm::References<State> of_ranges(fine, model, ranges);
  dpm::detail::FittedRuns by_single(model, of_single, 0);
  dpm::detail::FittedRuns by_ranges(model, of_ranges, 1);
  REQUIRE(by_single.samples() == 16);
  REQUIRE(by_ranges.samples() == 16);
  dpm::MultistepForm one = dpm::multistep_form(dpm::make_plan(schedule, 5));
  dpm::MultistepForm other = one;
  REQUIRE(by_single.fit(one).values == by_ranges.fit(other).values);
  REQUIRE(dpm::plan_of(one) == dpm::plan_of(other));
  REQUIRE(by_ranges.model_calls() == 2 * 5);
  REQUIRE(by_single.model_calls() == 11 * 5);  // the five that are measured do not run
}

}  // namespace fitted_runs_test
