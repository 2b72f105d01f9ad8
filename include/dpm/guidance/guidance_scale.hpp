// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What all kinds of guidance share: the scale, and states kept from call to call.
#pragma once

#include <any>
#include <array>
#include <concepts>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

#include "dpm/error.hpp"
#include "dpm/model.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/combine.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/weights.hpp"

namespace dpm {

/// How strongly to guide: a number, or a function of the level for a scale that varies with lambda
/// or time; either can be limited to an interval. It converts from both:
///
///     dpm::GuidanceScale(7.5)
///     dpm::GuidanceScale(4.0).within(0.3, 3.0)
///     [](const dpm::Level& at) { return 1.0 + 3.0 / (1.0 + std::exp(at.lambda())); }
///
/// All scales are in [0, inf). What a scale means is said by the guidance that it is given to: a
/// scale of 1 is no guidance in `ClassifierFreeGuidance`, and one of 0 in `ClassifierGuidance`.
class GuidanceScale {
 public:
  /// The same scale at every level.
  GuidanceScale(double scale);
  /// The scale `function(level)`. What it returns is checked at each call.
  template <class Function>
  requires(
      std::is_invocable_r_v<double, Function&, const Level&>&& std::copy_constructible<Function>)
      GuidanceScale(Function function) {
    detail::require(!detail::is_empty_callable(function),
                    "GuidanceScale: the function is empty; it must return the scale at a level");
    function_ = std::move(function);
  }

  /// The same where sigma / alpha is in (low, high], and no guidance elsewhere (Kynkaanniemi et al.
  /// 2024, arXiv 2404.07724, Sec. 3, where sigma / alpha is called sigma). 0 <= low < high; high
  /// may be infinite, and low = 0 means down to clean data.
  [[nodiscard]] GuidanceScale within(double low, double high) const& {
    return GuidanceScale(*this).within(low, high);
  }
  [[nodiscard]] GuidanceScale within(double low, double high) &&;

  /// The scale at `level`; `off`, the scale that means no guidance, outside the interval.
  [[nodiscard]] double at(const Level& level, double off) const;

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  static bool allowed(double scale) { return scale >= 0.0 && scale < infinity; }

  std::function<double(const Level&)> function_;
  double constant_ = 0.0;
  double log_low_ = -infinity;
  double log_high_ = infinity;
};

namespace detail {

/// Puts a NaN where a model is to write, so that an output that nobody fills is noticed.
template <class Scalar>
void mark_unfilled(const DenseView<Scalar>& view) {
  if (view.size() > 0) view.data[0] = std::numeric_limits<Scalar>::quiet_NaN();
}

/// A dense state that can be resized to hold twice the samples.
template <class State>
concept DoublableState = RunnableState<State> &&
    ((EigenState<State> &&
      requires {
        requires int(State::ColsAtCompileTime) == -1 && int(State::MaxColsAtCompileTime) == -1;
      }) ||
     (RangeState<State> && requires(State & state, std::size_t size) { state.resize(size); }));

/// A state that is kept from call to call, of whatever type the calls are about.
class KeptState {
 public:
  /// The state, shaped like x and not filled. Allocates at first, and where type or shape change.
  template <class State>
  State& like(const State& x) {
    State& state = of_type_of(x);
    if constexpr (DenseState<State>) {
      if (!dense_view(state).same_shape(dense_view(x))) state = x;
      mark_unfilled(dense_view(state));
    } else {
      state = x;
    }
    return state;
  }

  /// The state, shaped like x with twice the samples.
  template <DoublableState State>
  State& twice(const State& x) {
    State& state = of_type_of(x);
    if constexpr (EigenState<State>) {
      state.resize(x.rows(), 2 * x.cols());
    } else {
      state.resize(2 * x.size());
    }
    return state;
  }

 private:
  template <class State>
  State& of_type_of(const State& x) {
    State* const kept = std::any_cast<State>(&state_);
    return kept != nullptr ? *kept : state_.emplace<State>(x);
  }

  std::any state_;
};

/// Half `index` (0 or 1) of a doubled state.
template <DoublableState State>
[[nodiscard]] auto half_of(State& doubled, std::size_t index) {
  auto view = dense_view(doubled);
  if constexpr (EigenState<State>) {
    view.samples /= 2;
    view.data += index * view.samples * view.sample_stride;
  } else {
    view.elements /= 2;
    view.data += index * view.elements;
  }
  return view;
}

/// Calls function(offset in half, offset in whole, size) for each stretch of memory in a half of a
/// doubled state and in a state of that half's shape: one for all, or one for each row of a
/// row-major object.
template <class Scalar, class Other, class Function>
void for_each_span(const DenseView<Scalar>& half, const DenseView<Other>& whole,
                   Function function) {
  if (half.element_stride == 1 && (half.samples == 1 || half.sample_stride == half.elements)) {
    return function(std::size_t{0}, std::size_t{0}, half.size());
  }
  for (std::size_t e = 0; e < half.elements; ++e) {
    function(e * half.element_stride, e * whole.element_stride, half.samples);
  }
}

/// Refuses an output at `level` whose shape is not that of x.
template <class State>
void check_output(const char* who, const char* what, const Level& level, const State& output,
                  const State& x) {
  if constexpr (DenseState<State>) {
    const auto is = dense_view(output);
    const auto should_be = dense_view(x);
    require(is.same_shape(should_be), who, ": at time ", level.time, " ", what, " is ", is.elements,
            " x ", is.samples, "; it must have the shape of the model's input, ",
            should_be.elements, " x ", should_be.samples);
  }
}

/// out <- weight * out + other_weight * other, in one pass.
template <class State>
void add_to(State& out, double weight, const State& other, double other_weight) {
  const std::array<double, 2> weights{weight, other_weight};
  const std::array<State*, 1> targets{&out};
  const std::array<const State*, 2> operands{&out, &other};
  combine(Weights(weights.data(), 2), std::span<State* const>(targets),
          std::span<const State* const>(operands));
}

}  // namespace detail
}  // namespace dpm

#if DPM_DEFINE

#  include <cmath>

namespace dpm {

DPM_INLINE GuidanceScale::GuidanceScale(double scale) : constant_(scale) {
  detail::require(allowed(scale), "GuidanceScale: scale = ", scale, "; it must be in [0, inf)");
}

DPM_INLINE GuidanceScale GuidanceScale::within(double low, double high) && {
  detail::require(low >= 0.0 && low < high, "GuidanceScale: low = ", low, " and high = ", high,
                  "; they must be 0 <= low < high");
  log_low_ = std::log(low);
  log_high_ = std::log(high);
  return std::move(*this);
}

DPM_INLINE double GuidanceScale::at(const Level& level, double off) const {
  const double log_ratio = -level.lambda();
  const bool above_low = log_low_ == -infinity || log_ratio > log_low_;
  if (!above_low || log_ratio > log_high_) return off;
  if (!function_) return constant_;
  const double scale = function_(level);
  detail::require(allowed(scale), "GuidanceScale: scale = ", scale, " at time ", level.time,
                  "; it must be in [0, inf)");
  return scale;
}

}  // namespace dpm

#endif
