// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Any deterministic plan as a multistep method with weights of its own at each step.
#pragma once

#include <cstddef>
#include <vector>

#include "dpm/math/bounded_vector.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// A deterministic plan, written as one step for each model call:
///
///     m_j     = the prediction at x_j, as the model is told the level `asked`, in the form's space
///     x_{j+1} = sample x_j + sum over k of predictions[k] m_{j-k}
///
/// Every explicit method has this form: a stage of a singlestep method is a sample at its own
/// level, and a corrector weighs predictions that are there (the non-stationary solvers of Shaul et
/// al. 2024, arXiv 2403.01329, Sec. 3).
struct MultistepForm {
  /// The most predictions that a step weighs: as many as one `Combine` can beside the sample.
  static constexpr std::size_t max_history = Combine::max_operands - 1;

  struct Step {
    Level from = {};
    Level to = {};
    /// The level that the model is told; mostly `from`.
    Level asked = {};
    double sample = 1.0;                                  ///< the weight of x_j
    BoundedVector<double, max_history> predictions = {};  ///< of m_j, m_{j-1}, ...
  };

  Prediction prediction = Prediction::noise;
  Space space = Space::data;
  std::vector<Step> steps;  ///< one for each model call
};

/// The form of `plan`, found by running it on formal samples. Refuses plans that draw noise, ask
/// for a correction, ask for two predictions in one call, are parts of a run, keep the flow
/// prediction, run toward more noise, do not call the model on the start first, or weigh more than
/// `MultistepForm::max_history` predictions. Estimates of a step's error are left out. Cost: a run
/// over states of model_calls + 1 values.
[[nodiscard]] MultistepForm multistep_form(const Plan& plan);

/// The plan that does what `form` says. It passes `check`, as any plan of the library.
[[nodiscard]] Plan plan_of(const MultistepForm& form);

namespace detail {

/// How many predictions the steps of the form need at once, and at least `least`.
std::size_t history_of(const MultistepForm& form, std::size_t least = 1);

/// The part of a run of `form` that finishes step `call` - 1, if there is one, and makes model call
/// number `call`, if there is one. The predictions live on in `slots` registers: m_j is in number
/// j mod `slots`.
Plan part_of(const MultistepForm& form, std::size_t call, std::size_t slots);

}  // namespace detail
}  // namespace dpm

#if DPM_DEFINE

#  include <algorithm>
#  include <cmath>
#  include <utility>
#  include <variant>

#  include "dpm/error.hpp"
#  include "dpm/plan/builder.hpp"
#  include "dpm/plan/check.hpp"
#  include "dpm/plan/conversion.hpp"
#  include "dpm/run/sample.hpp"
#  include "dpm/run/stepper.hpp"

namespace dpm {
namespace detail {

/// A sample as a linear function of the start and of all predictions m_0, m_1, ...
using FormalSample = std::vector<double>;

/// Refuses plans that have no multistep form, as far as their instructions tell.
inline void require_explicit(const Plan& plan) {
  check(plan);
  const PlanNeeds needs(plan);
  require(
      needs.draws == 0, "calibrate: the plan draws noise ", needs.draws,
      " times; only deterministic methods can be calibrated, so choose one, or tau = 0 or eta = "
      "0 where the method has that option");
  require(
      needs.corrections == 0, "calibrate: the plan asks for ", needs.corrections,
      " corrections of the data prediction; make it with Correction::none, as weights cannot be "
      "fitted through clipping");
  require(needs.model_calls > 0, "calibrate: the plan never calls the model; it must do so");
  require(plan.live.empty(),
          "calibrate: the plan is a part of a run (Plan::live); hand over the plan of a whole run");
  require(plan.space != Space::flow,
          "calibrate: the plan keeps the flow prediction (Space::flow); make it with a method in "
          "data space, such as UniPc");
  for (const Step& step : plan.steps) {
    for (const Instruction& instruction : step.instructions) {
      const auto* e = std::get_if<Evaluate>(&instruction);
      require(e == nullptr || !e->unconditional,
              "calibrate: the plan asks for two predictions in one call (CFG++); calibrate a plan "
              "of another method, with guidance inside the model");
    }
  }
}

/// Refuses a step toward more noise.
inline void require_toward_data(const Level& from, const Level& to) {
  require(to.lambda() >= from.lambda(), "calibrate: the plan goes from time ", from.time,
          " to time ", to.time, ", where there is more noise; it must lead from noise to data");
}

/// Whether a call's input is the sample as it stands. The model may be told another level than
/// where that is; a stage's input stands where the model is told.
inline bool same_sample(const FormalSample& input, const FormalSample& sample) {
  for (std::size_t i = 0; i < input.size(); ++i) {
    if (!(std::abs(input[i] - sample[i]) <= 1e-12 * std::max(1.0, std::abs(sample[i])))) {
      return false;
    }
  }
  return true;
}

/// The weights that lead from the formal sample x_j to x_{j+1}.
inline void find_weights(const FormalSample& now, const FormalSample& next, std::size_t j,
                         MultistepForm::Step& step) {
  require(now[0] != 0.0, "calibrate: the sample at model call ", j + 1,
          " does not depend on the start; the plan must lead from noise to data");
  step.sample = next[0] / now[0];
  double most = 0.0;
  for (std::size_t i = 0; i <= j + 1; ++i) {
    most = std::max({most, std::abs(next[i]), std::abs(step.sample * now[i])});
  }
  const double rounding = 1e-11 * most;
  const auto weight = [&](std::size_t k) { return next[1 + j - k] - step.sample * now[1 + j - k]; };
  std::size_t count = j + 1;
  while (count > 1 && std::abs(weight(count - 1)) <= rounding) --count;
  require(count <= MultistepForm::max_history, "calibrate: the step after model call ", j + 1,
          " weighs the predictions of ", count, " calls; it may weigh ", MultistepForm::max_history,
          " at most");
  for (std::size_t k = 0; k < count; ++k) step.predictions.push_back(weight(k));
}

DPM_INLINE std::size_t history_of(const MultistepForm& form, std::size_t least) {
  std::size_t most = least;
  for (const MultistepForm::Step& step : form.steps) most = std::max(most, step.predictions.size());
  return std::min(most, form.steps.size());
}

inline void write_combination(PlanBuilder& builder, const MultistepForm& form, std::size_t j,
                              std::size_t slots) {
  const MultistepForm::Step& step = form.steps[j];
  BoundedVector<Term, Combine::max_operands> terms{{sample_register, step.sample}};
  for (std::size_t k = 0; k < step.predictions.size(); ++k) {
    terms.push_back({prediction_register((j - k) % slots), step.predictions[k]});
  }
  builder.combine(sample_register, terms.span());
}

DPM_INLINE Plan part_of(const MultistepForm& form, std::size_t call, std::size_t slots) {
  PlanBuilder builder(form.prediction);
  builder.set_space(form.space);
  if (call > 0) {
    builder.begin_step(form.steps[call - 1].from, form.steps[call - 1].to);
    write_combination(builder, form, call - 1, slots);
  }
  if (call < form.steps.size()) {
    const MultistepForm::Step& step = form.steps[call];
    builder.begin_step(step.from, step.from);
    builder.evaluate(call % slots, sample_register, step.asked);
  }
  const std::size_t known = std::min(call + 1, form.steps.size());
  for (std::size_t k = 0; k < std::min(known, slots); ++k) builder.keep(prediction_register(k));
  return std::move(builder).finish();
}

}  // namespace detail

DPM_INLINE MultistepForm multistep_form(const Plan& plan) {
  detail::require_explicit(plan);
  MultistepForm form{plan.prediction, plan.space, {}};
  const auto calls = static_cast<std::size_t>(plan.model_calls());
  detail::FormalSample start(calls + 1);
  start[0] = 1.0;
  std::vector<detail::FormalSample> samples;
  Stepper<detail::FormalSample> run(detail::borrow(plan), start);
  while (const auto call = run.next()) {
    const Level& at = call->level;
    const std::size_t j = samples.size();
    const Conversion c =
        plan.space == Space::data ? to_data(plan.prediction, at) : to_noise(plan.prediction, at);
    detail::require(c.output != 0.0, "calibrate: the model's output at time ", at.time,
                    " says nothing about the ", plan.space == Space::data ? "data" : "noise",
                    "; the plan must not call it there");
    detail::FormalSample& x = samples.emplace_back(call->input);
    for (double& value : x) value /= at.input_scale();
    const Level from = detail::same_sample(x, run.sample()) ? run.level() : at;
    if (j > 0) detail::require_toward_data(form.steps.back().from, from);
    for (std::size_t i = 0; i <= calls; ++i) {
      call->output[i] = ((i == j + 1 ? 1.0 : 0.0) - c.input * x[i]) / c.output;
    }
    if (j > 0) form.steps.back().to = from;
    form.steps.push_back({.from = from, .to = plan.end(), .asked = at, .predictions = {}});
  }
  detail::require_toward_data(form.steps.back().from, plan.end());
  double distance = std::abs(samples[0][0] - 1.0);
  for (std::size_t i = 1; i <= calls; ++i) distance += std::abs(samples[0][i]);
  detail::require(distance < 1e-12,
                  "calibrate: the plan changes the start before it calls the model; its first call "
                  "must be of the start itself");
  form.steps[0].from = plan.start();
  samples.push_back(run.sample());
  for (std::size_t j = 0; j < calls; ++j) {
    detail::find_weights(samples[j], samples[j + 1], j, form.steps[j]);
  }
  return form;
}

DPM_INLINE Plan plan_of(const MultistepForm& form) {
  PlanBuilder builder(form.prediction);
  builder.set_space(form.space);
  const std::size_t slots = detail::history_of(form);
  for (std::size_t j = 0; j < form.steps.size(); ++j) {
    const MultistepForm::Step& step = form.steps[j];
    builder.begin_step(step.from, step.to);
    builder.evaluate(j % slots, sample_register, step.asked);
    detail::write_combination(builder, form, j, slots);
  }
  return std::move(builder).finish();
}

}  // namespace dpm

#endif
