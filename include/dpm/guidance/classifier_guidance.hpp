// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Classifier guidance: a gradient of log p(y | x) added to what a network predicts.
#pragma once

#include <cmath>
#include <utility>

#include "dpm/error.hpp"
#include "dpm/guidance/guidance_scale.hpp"
#include "dpm/guidance/kept_state.hpp"
#include "dpm/model.hpp"
#include "dpm/plan/conversion.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/state/combine.hpp"

namespace dpm {
namespace detail {

/// What a prediction gains for each unit of gradient with respect to x: 1 for the score, so -sigma
/// for the noise (arXiv 2105.05233, Eq. 14), sigma^2 / alpha for the data, and so on.
inline double guidance_weight(Prediction prediction, const Level& at) {
  if (prediction == Prediction::score) return 1.0;
  if (prediction == Prediction::noise) return -at.sigma();
  require(at.alpha() > 0.0, "ClassifierGuidance: at time ", at.time,
          " alpha is 0, where the gradient says nothing about the data; start below that time, or "
          "limit the scale by within(low, high) with a finite high");
  if (prediction == Prediction::data) return at.sigma() * std::exp(-at.lambda());
  require(prediction != Prediction::edm || at.data_stddev > 0.0,
          "ClassifierGuidance: Prediction::edm at time ", at.time,
          ", where data_stddev is 0; it needs a schedule that scales the model's input, such as "
          "Edm");
  return -at.sigma() / to_noise(prediction, at).output;
}

}  // namespace detail

/// Classifier guidance (Dhariwal & Nichol 2021, arXiv 2105.05233, Eq. 14 and Alg. 2), for a user's
/// classifier of noisy samples, or any other log-likelihood of a measurement y:
///
///     noise prediction - scale sigma grad log p(y | x)
///
/// or the same for what the model predicts: score + scale grad, data + scale sigma^2 / alpha grad.
///
///     dpm::ClassifierGuidance guided(network, gradient, 2.0, dpm::Prediction::velocity);
///     dpm::sample(schedule, 20, guided, x, dpm::Prediction::velocity);
///
/// It is a model itself. `model` and `gradient` have any form of `ModelFor` and are owned;
/// `std::ref` shares one. Both get the input of a model, which is x times `Level::input_scale()`
/// where levels scale it (`Level::data_stddev` above 0, as with `Edm`). The gradient is with
/// respect to that input, as automatic differentiation has it.
///
/// Where the scale is 0 the gradient is not called. Cost besides: one pass over the state. The
/// first call allocates one state, which is kept, so an object serves one thread at a time. States
/// of any type that a run takes. `out` must not be `x`.
template <class Model, class Gradient>
class ClassifierGuidance {
 public:
  /// Refuses empty callables; for the scale see `GuidanceScale`.
  ///
  /// @param prediction  what the model's output means.
  ClassifierGuidance(Model model, Gradient gradient, GuidanceScale scale,
                     Prediction prediction = Prediction::noise)
      : model_(std::move(model)),
        gradient_(std::move(gradient)),
        scale_(std::move(scale)),
        prediction_(prediction) {
    detail::require_callable("ClassifierGuidance", "model", model_);
    detail::require_callable("ClassifierGuidance", "gradient", gradient_);
  }

  /// out <- the guided output. Refuses outputs of another shape than x, what the scale refuses, and
  /// alpha = 0 unless the model predicts noise or score or the scale is 0 there.
  template <class State>
  void operator()(const State& x, const Level& level, State& out) {
    static_assert(RunnableState<State>,
                  "dpm: guidance works on states that own their values, as runs do.");
    const char* const who = "ClassifierGuidance";
    const double scale = scale_.at(level, 0.0);
    if (scale == 0.0) return call_model<State>(model_, x, level, out);
    const double weight = scale * level.input_scale() * detail::guidance_weight(prediction_, level);
    State& gradient = gradient_output_.like(x);
    call_model<State>(model_, x, level, out);
    detail::check_output(who, "the model's output", level, out, x);
    call_model<State>(gradient_, x, level, gradient);
    detail::check_output(who, "the gradient", level, gradient, x);
    detail::combine_two(out, 1.0, out, weight, gradient);
  }

 private:
  Model model_;
  Gradient gradient_;
  GuidanceScale scale_;
  Prediction prediction_;
  detail::KeptState gradient_output_;
};

}  // namespace dpm
