// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
#include "dpm/calibration/joint_fit.hpp"

#include <cmath>
#include <cstddef>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace joint_fit_test {

using namespace dpm_test;
using dpm::MultistepForm;
using dpm::detail::Residuals;

namespace {

MultistepForm usual_form() { return dpm::multistep_form(dpm::make_plan(dpm::VpLinear(), 3)); }

/// The weight of a prediction; 0 where the step does not weigh it.
double prediction(const MultistepForm::Step& step, std::size_t k) {
  return k < step.predictions.size() ? step.predictions[k] : 0.0;
}

/// How far the weights of the first step are from 0.5 and 0.25, on two samples.
Residuals off(const MultistepForm& form) {
  const MultistepForm::Step& step = form.steps[0];
  return {{step.sample - 0.5, step.predictions[0] - 0.25, step.sample + step.predictions[0] - 0.75},
          {2, 1}};
}

double error(const MultistepForm& form) {
  double sum = 1e-12;
  for (const double distance : off(form).distances()) sum += distance;
  return sum;
}

}  // namespace

TEST_CASE("the newest prediction, the sample and a difference of each step are free") {
  const std::vector<dpm::detail::FreeWeight> weights = dpm::detail::free_weights(usual_form());
  REQUIRE(weights.size() == 2 + 3 + 3);
  REQUIRE(weights[1].step == 0);
  REQUIRE(weights[1].feature == 1);
  REQUIRE(weights[7].step == 2);
  REQUIRE(weights[7].feature == 2);
}

TEST_CASE("free weights change their own steps alone") {
  const MultistepForm form = usual_form();
  const std::vector<double> by{0.0, 0.0, 0.0, 0.25, 0.0, 0.0, 0.0, 0.5};
  const MultistepForm changed = dpm::detail::changed(form, dpm::detail::free_weights(form), by);
  REQUIRE(changed.steps[0].sample == form.steps[0].sample);
  REQUIRE(changed.steps[0].predictions == form.steps[0].predictions);
  REQUIRE(changed.steps[1].sample == form.steps[1].sample + 0.25);
  REQUIRE(changed.steps[1].predictions == form.steps[1].predictions);
  REQUIRE(prediction(changed.steps[2], 0) == prediction(form.steps[2], 0) + 0.5);
  REQUIRE(prediction(changed.steps[2], 1) == prediction(form.steps[2], 1) - 0.5);
}

TEST_CASE("joint changes solve a linear problem and a ridge shrinks them") {
  const Residuals now{{2.0, -3.0}, {1, 1}};
  const std::vector<std::vector<double>> slopes{{1.0, 0.0}, {0.0, 2.0}};
  const std::vector<double> exact = dpm::detail::joint_changes(now, slopes, 0.0);
  REQUIRE_THAT(exact[0], WithinRel(-2.0, 1e-14));
  REQUIRE_THAT(exact[1], WithinRel(1.5, 1e-14));
  const std::vector<double> half = dpm::detail::joint_changes(now, slopes, 1.0);
  REQUIRE_THAT(half[0], WithinRel(-1.0, 1e-14));
  REQUIRE_THAT(half[1], WithinRel(0.75, 1e-14));
}

TEST_CASE("joint changes are empty where a slope is not finite") {
  const Residuals now{{2.0, -3.0}, {1, 1}};
  const double nan = std::nan("");
  REQUIRE(
      dpm::detail::joint_changes(now, std::vector<std::vector<double>>{{1.0, nan}}, 0.1).empty());
}

TEST_CASE("a weight on which no sample depends stays, and the others change") {
  const Residuals now{{2.0, -3.0}, {1, 1}};
  const std::vector<std::vector<double>> slopes{{1.0, 0.0}, {0.0, 0.0}};
  const std::vector<double> changes = dpm::detail::joint_changes(now, slopes, 0.0);
  REQUIRE(changes.size() == 2);
  REQUIRE_THAT(changes[0], WithinRel(-2.0, 1e-14));
  REQUIRE(changes[1] == 0.0);
}

TEST_CASE("a joint fit reaches weights that the distances depend on") {
  // Of the eight free weights two matter, so the system is singular but for those that are asked.
  MultistepForm best = usual_form();
  const auto residuals = [](const MultistepForm& form) {
    // All other weights matter a little, so that each has a solution.
    Residuals result = off(form);
    const MultistepForm start = usual_form();
    for (std::size_t j = 1; j < 3; ++j) {
      result.values.push_back(1e-3 * (form.steps[j].sample - start.steps[j].sample));
      for (std::size_t k = 0; k < 2; ++k) {
        result.values.push_back(1e-3 *
                                (prediction(form.steps[j], k) - prediction(start.steps[j], k)));
      }
    }
    result.sizes.push_back(6);
    return result;
  };
  double best_error = error(best);
  const double at_first = best_error;
  dpm::detail::fit_jointly(best, best_error, 10, 1e-3, residuals, error);
  REQUIRE(at_first > 0.1);
  REQUIRE(best_error < 1e-4 * at_first);
  REQUIRE(best_error == error(best));
  REQUIRE_THAT(best.steps[0].sample, WithinAbs(0.5, 1e-4));
}

TEST_CASE("a joint fit keeps the form where held-out samples do not gain") {
  MultistepForm best = usual_form();
  double best_error = 1.0;
  int errors = 0;
  int slopes = 0;
  dpm::detail::fit_jointly(
      best, best_error, 5, 1e-3,
      [&](const MultistepForm& form) {
        ++slopes;
        Residuals result;
        for (const MultistepForm::Step& step : form.steps) {
          result.values.push_back(step.sample);
          for (std::size_t k = 0; k < 2; ++k) result.values.push_back(prediction(step, k));
        }
        result.sizes = {result.values.size()};
        return result;
      },
      [&](const MultistepForm&) {
        ++errors;
        return 0.999;
      });
  REQUIRE(slopes == 1 + 8);
  REQUIRE(errors == 3);
  REQUIRE(best_error == 1.0);
  REQUIRE(best.steps[0].sample == usual_form().steps[0].sample);
}

}  // namespace joint_fit_test
