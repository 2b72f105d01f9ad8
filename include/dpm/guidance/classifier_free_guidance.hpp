// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Classifier-free guidance: with two models, or with one on a doubled batch.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "dpm/error.hpp"
#include "dpm/guidance/guidance_scale.hpp"
#include "dpm/guidance/kept_state.hpp"
#include "dpm/model.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/state/combine.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/weights.hpp"

namespace dpm {

/// Rescaled guidance (Lin et al. 2023, arXiv 2305.08891, Sec. 3.4): large scales make samples too
/// bright, so each sample of the guided output g is multiplied by
///
///     phi stddev(c) / stddev(g) + 1 - phi,
///
/// c being the conditional output and stddev over the values of that sample. As in the paper and in
/// diffusers it rescales what the models return, so the result depends on the prediction type. To
/// rescale the data prediction, guide models that predict data.
struct GuidanceRescale {
  /// In [0, 1]; 0 leaves guidance as it is. The paper takes 0.7.
  double phi = 0.0;
  /// Values of each sample, for ranges that hold several one after the other. 0: one sample, or
  /// those that are the columns of an Eigen object.
  std::size_t elements_per_sample = 0;
};

namespace detail {

inline void check_rescale(const char* who, const GuidanceRescale& rescale) {
  require(rescale.phi >= 0.0 && rescale.phi <= 1.0, who, ": phi = ", rescale.phi,
          "; it must be in [0, 1]");
}

/// out <- the guided output, rescaled; `out` may be one of the others. Deviations are counted from
/// the sample's first value: those of a constant sample are exactly 0, and it is not rescaled.
template <class Scalar>
void combine_rescaled(const char* who, double scale, const GuidanceRescale& rescale,
                      DenseView<Scalar> conditional, DenseView<Scalar> unconditional,
                      DenseView<Scalar> out) {
  conditional = split_samples(who, conditional, rescale.elements_per_sample);
  unconditional = split_samples(who, unconditional, rescale.elements_per_sample);
  out = split_samples(who, out, rescale.elements_per_sample);
  const std::size_t n = out.elements;
  for (std::size_t s = 0; s < out.samples; ++s) {
    const auto c = [&](std::size_t e) { return static_cast<double>(conditional.at(e, s)); };
    const auto guided = [&](std::size_t e) {
      return scale * c(e) + (1.0 - scale) * static_cast<double>(unconditional.at(e, s));
    };
    const auto squares = [n](const auto& values) {
      double mean = 0.0;
      for (std::size_t e = 0; e < n; ++e) mean += values(e) - values(0);
      mean /= static_cast<double>(n);
      double sum = 0.0;
      for (std::size_t e = 0; e < n; ++e) {
        const double deviation = values(e) - values(0) - mean;
        sum += deviation * deviation;
      }
      return sum;
    };
    const double is = squares(guided);
    const double factor = is == 0.0 ? 1.0 : 1.0 + rescale.phi * (std::sqrt(squares(c) / is) - 1.0);
    for (std::size_t e = 0; e < n; ++e) out.at(e, s) = static_cast<Scalar>(factor * guided(e));
  }
}

}  // namespace detail

/// Classifier-free guidance (Ho & Salimans 2022, arXiv 2207.12598) with two models:
///
///     output = u + scale (c - u)     c the conditional model's output, u the unconditional one's
///
/// so 1 is the conditional model alone, and the paper's w is scale - 1. With a negative prompt, the
/// model that has it is the unconditional one.
///
///     dpm::ClassifierFreeGuidance guided(with_prompt, without_prompt, 7.5);
///     dpm::sample(schedule, 20, guided, x);
///
/// It is a model itself, for the prediction that both its models make. Any prediction will do, as
/// all are linear in the noise prediction. The models have any form of `ModelFor`, get what a
/// network alone would get (at EDM's levels the scaled input) and are owned; `std::ref` shares one.
///
/// Where the scale is 1 only the conditional model is called, and where it is 0 (without rescaling)
/// only the unconditional one; the run's report counts either, or both, as one call. Cost besides:
/// one pass over the state, and with rescaling a few more reads of both outputs. The first call
/// allocates one state, which is kept, so an object serves one thread at a time. States of any type
/// that a run takes; rescaling needs a dense one. `out` must not be `x`.
template <class Conditional, class Unconditional>
class ClassifierFreeGuidance {
 public:
  /// Refuses empty callables and rescale.phi outside [0, 1]; for the scale see `GuidanceScale`.
  ClassifierFreeGuidance(Conditional conditional, Unconditional unconditional, GuidanceScale scale,
                         GuidanceRescale rescale = {})
      : conditional_(std::move(conditional)),
        unconditional_(std::move(unconditional)),
        scale_(std::move(scale)),
        rescale_(rescale) {
    detail::require_callable("ClassifierFreeGuidance", "conditional", conditional_);
    detail::require_callable("ClassifierFreeGuidance", "unconditional", unconditional_);
    detail::check_rescale("ClassifierFreeGuidance", rescale);
  }

  /// out <- the guided output. Refuses outputs of another shape than x, and what the scale refuses.
  template <class State>
  void operator()(const State& x, const Level& level, State& out) {
    static_assert(RunnableState<State>,
                  "dpm: guidance works on states that own their values, as runs do.");
    const double scale = scale_.at(level, 1.0);
    if (scale == 1.0) return call_model<State>(conditional_, x, level, out);
    if (scale == 0.0 && rescale_.phi == 0.0) {
      return call_model<State>(unconditional_, x, level, out);
    }
    guide(scale, x, level, out, unconditional_output_.like(x));
  }

  /// The same, and `unconditional` <- the unconditional model's output, for CFG++. Both models are
  /// called at every scale.
  template <class State>
  void operator()(const State& x, const Level& level, State& out, State& unconditional) {
    guide(scale_.at(level, 1.0), x, level, out, unconditional);
  }

 private:
  template <class State>
  void guide(double scale, const State& x, const Level& level, State& out, State& other) {
    const char* const who = "ClassifierFreeGuidance";
    call_model<State>(conditional_, x, level, out);
    detail::check_output(who, "the conditional output", level, out, x);
    call_model<State>(unconditional_, x, level, other);
    detail::check_output(who, "the unconditional output", level, other, x);
    if (rescale_.phi == 0.0) return detail::combine_two(out, scale, out, 1.0 - scale, other);
    if constexpr (DenseState<State>) {
      detail::combine_rescaled(who, scale, rescale_, dense_view(out), dense_view(other),
                               dense_view(out));
    } else {
      detail::require(false, who, ": phi = ", rescale_.phi,
                      "; it must be 0 for a state that is not dense");
    }
  }

  Conditional conditional_;
  Unconditional unconditional_;
  GuidanceScale scale_;
  GuidanceRescale rescale_;
  detail::KeptState unconditional_output_;
};

/// The same guidance with one model, called once on a doubled batch: its input is [x | x] and its
/// output must be [conditional | unconditional], the halves of the columns or of a range.
///
///     dpm::BatchedClassifierFreeGuidance guided(network, 7.5);
///     dpm::sample(schedule, 20, guided, x);
///
/// The model is called on both halves at every scale. Cost besides: x is written twice, and one
/// pass combines. The first call allocates two doubled states, which are kept. States are Eigen
/// arrays and matrices with dynamic columns, and ranges with `resize`. Else as
/// `ClassifierFreeGuidance`, bit for bit if the model treats each sample by itself.
template <class Model>
class BatchedClassifierFreeGuidance {
 public:
  /// Refuses empty callables and rescale.phi outside [0, 1]; for the scale see `GuidanceScale`.
  BatchedClassifierFreeGuidance(Model model, GuidanceScale scale, GuidanceRescale rescale = {})
      : model_(std::move(model)), scale_(std::move(scale)), rescale_(rescale) {
    detail::require_callable("BatchedClassifierFreeGuidance", "model", model_);
    detail::check_rescale("BatchedClassifierFreeGuidance", rescale);
  }

  /// out <- the guided output. Refuses a model output that has not the shape of its input.
  template <class State>
  void operator()(const State& x, const Level& level, State& out) {
    static_assert(detail::DoublableState<State>,
                  "dpm: guidance on a doubled batch needs a state that can hold twice the samples: "
                  "an Eigen array or matrix whose number of columns is not fixed, or a range with "
                  "resize, such as std::vector.");
    if constexpr (detail::DoublableState<State>) guide(x, level, out);
  }

  /// The same, and `unconditional` <- the unconditional half of the model's output, for CFG++.
  template <class State>
  void operator()(const State& x, const Level& level, State& out, State& unconditional) {
    detail::check_output("BatchedClassifierFreeGuidance", "the output to be filled", level,
                         unconditional, x);
    (*this)(x, level, out);
    if constexpr (detail::DoublableState<State>) {
      const auto half = detail::half_of(output_.twice(x), 1);
      const auto to = dense_view(unconditional);
      detail::for_each_stretch(half, to, [&](std::size_t from, std::size_t at, std::size_t size) {
        std::copy_n(half.data + from, size, to.data + at);
      });
    }
  }

 private:
  template <class State>
  void guide(const State& x, const Level& level, State& out) {
    const char* const who = "BatchedClassifierFreeGuidance";
    detail::check_output(who, "the output to be filled", level, out, x);
    const double scale = scale_.at(level, 1.0);
    State& input = input_.twice(x);
    State& output = output_.twice(x);
    const auto from = dense_view(x);
    for (const std::size_t k : {std::size_t{0}, std::size_t{1}}) {
      const auto half = detail::half_of(input, k);
      detail::for_each_stretch(half, from, [&](std::size_t to, std::size_t at, std::size_t size) {
        std::copy_n(from.data + at, size, half.data + to);
      });
      detail::mark_unfilled(detail::half_of(output, k));
    }
    call_model<State>(model_, input, level, output);
    detail::check_output(who, "the model's output", level, output, input);
    const auto conditional = detail::half_of(output, 0);
    const auto unconditional = detail::half_of(output, 1);
    const auto to = dense_view(out);
    if (rescale_.phi > 0.0) {
      return detail::combine_rescaled(who, scale, rescale_, conditional, unconditional, to);
    }
    using Scalar = ScalarOf<State>;
    const double weights[] = {scale, 1.0 - scale};
    detail::for_each_stretch(
        conditional, to, [&](std::size_t at, std::size_t in, std::size_t size) {
          Scalar* const target[] = {to.data + in};
          const Scalar* const operands[] = {conditional.data + at, unconditional.data + at};
          detail::combine_arrays<Scalar>(Weights(weights, 2), target, operands, size);
        });
  }

  Model model_;
  GuidanceScale scale_;
  GuidanceRescale rescale_;
  detail::KeptState input_;
  detail::KeptState output_;
};

}  // namespace dpm
