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
using dpm::detail::JointEquations;
using dpm::detail::Residuals;

namespace {

MultistepForm usual_form() { return dpm::multistep_form(dpm::make_plan(dpm::VpLinear(), 3)); }

/// The weight of a prediction; 0 where the step does not weigh it.
double prediction(const MultistepForm::Step& step, std::size_t k) {
  return k < step.predictions.size() ? step.predictions[k] : 0.0;
}

/// The robust factors of two samples that count alike.
const std::vector<double> ones{1.0, 1.0};

using Slopes = std::vector<std::vector<double>>;  // one for each unknown

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
  JointEquations equations(2);
  equations.add({{2.0, -3.0}, {1, 1}}, ones, Slopes{{1.0, 0.0}, {0.0, 2.0}});
  const std::vector<double> exact = equations.solution(0.0);
  REQUIRE_THAT(exact[0], WithinRel(-2.0, 1e-14));
  REQUIRE_THAT(exact[1], WithinRel(1.5, 1e-14));
  const std::vector<double> half = equations.solution(1.0);
  REQUIRE_THAT(half[0], WithinRel(-1.0, 1e-14));
  REQUIRE_THAT(half[1], WithinRel(0.75, 1e-14));
}

TEST_CASE("joint equations add up over parts of the samples") {
  JointEquations whole(1);
  whole.add({{2.0, -3.0}, {1, 1}}, std::vector<double>{1.0, 0.5}, Slopes{{1.0, 4.0}});
  JointEquations parts(1);
  parts.add({{2.0}, {1}}, std::vector<double>{1.0}, Slopes{{1.0}});
  parts.add({{-3.0}, {1}}, std::vector<double>{0.5}, Slopes{{4.0}});
  REQUIRE(parts.solution(0.1) == whole.solution(0.1));
  // (2 1 - 0.5 3 4) / (1 + 0.5 16), of which a change is the negative.
  REQUIRE_THAT(whole.solution(0.0)[0], WithinRel(4.0 / 9.0, 1e-14));
}

TEST_CASE("joint changes are empty where a slope is not finite") {
  JointEquations equations(1);
  equations.add({{2.0, -3.0}, {1, 1}}, ones, Slopes{{1.0, std::nan("")}});
  REQUIRE(equations.solution(0.1).empty());
}

TEST_CASE("a weight on which no sample depends stays, and the others change") {
  JointEquations equations(2);
  equations.add({{2.0, -3.0}, {1, 1}}, ones, Slopes{{1.0, 0.0}, {0.0, 0.0}});
  const std::vector<double> changes = equations.solution(0.0);
  REQUIRE(changes.size() == 2);
  REQUIRE_THAT(changes[0], WithinRel(-2.0, 1e-14));
  REQUIRE(changes[1] == 0.0);
}

TEST_CASE("a joint fit reaches weights that the distances depend on") {
  // Of the eight free weights two matter, so the system is singular but for those that are asked.
  MultistepForm best = usual_form();
  const auto residuals = [](const MultistepForm& form, std::size_t /*state*/) {
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
  dpm::detail::fit_jointly(best, best_error, 10, 1e-3, 1, residuals, error);
  REQUIRE(at_first > 0.1);
  REQUIRE(best_error < 1e-4 * at_first);
  REQUIRE(best_error == error(best));
  REQUIRE_THAT(best.steps[0].sample, WithinAbs(0.5, 1e-4));
}

TEST_CASE("a joint fit does not depend on how samples are divided into states") {
  const auto part_of_off = [](const MultistepForm& form, std::size_t sample) {
    const Residuals all = off(form);
    return sample == 0 ? Residuals{{all.values[0], all.values[1]}, {2}}
                       : Residuals{{all.values[2]}, {1}};
  };
  MultistepForm together = usual_form();
  MultistepForm apart = usual_form();
  double error_together = error(together);
  double error_apart = error_together;
  dpm::detail::fit_jointly(
      together, error_together, 2, 1e-3, 1,
      [](const MultistepForm& form, std::size_t /*state*/) { return off(form); }, error);
  // The state between the two has no sample that is fitted.
  dpm::detail::fit_jointly(
      apart, error_apart, 2, 1e-3, 3,
      [&](const MultistepForm& form, std::size_t state) {
        return state == 1 ? Residuals{} : part_of_off(form, state / 2);
      },
      error);
  REQUIRE(error_apart == error_together);
  REQUIRE(error_apart < 0.01 * error(usual_form()));
}

TEST_CASE("a joint fit keeps the form where held-out samples do not gain") {
  MultistepForm best = usual_form();
  double best_error = 1.0;
  int errors = 0;
  std::vector<int> runs(2);
  dpm::detail::fit_jointly(
      best, best_error, 5, 1e-3, runs.size(),
      [&](const MultistepForm& form, std::size_t state) {
        ++runs[state];
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
  REQUIRE(runs == std::vector<int>{1 + 8, 1 + 8});
  REQUIRE(errors == 3);
  REQUIRE(best_error == 1.0);
  REQUIRE(best.steps[0].sample == usual_form().steps[0].sample);
}

}  // namespace joint_fit_test
