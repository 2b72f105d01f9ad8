// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// States that guidance keeps from call to call, and the check of the outputs that fill them.
#pragma once

#include <any>
#include <concepts>
#include <cstddef>

#include "dpm/schedule/level.hpp"
#include "dpm/state/check_values.hpp"
#include "dpm/state/combine.hpp"
#include "dpm/state/dense.hpp"

namespace dpm::detail {

/// A dense state that can be resized to hold twice the samples.
template <class State>
concept DoublableState = RunnableState<State> &&
    ((EigenState<State> &&
      requires {
        requires int(State::ColsAtCompileTime) == -1 && int(State::MaxColsAtCompileTime) == -1;
      }) ||
     (RangeState<State> && requires(State & state, std::size_t size) { state.resize(size); }));

/// A state that is kept from call to call, of the type that the last call asked for.
class KeptState {
 public:
  /// The state, shaped like x and not filled. Allocates at first, and where type or shape change.
  /// States that are not dense are asked by `is_like(state, x)`, or copied where there is none.
  template <class State>
  State& like(const State& x) {
    State& state = of_type_of(x);
    if constexpr (DenseState<State>) {
      make_fillable(state, x);
      mark_unfilled(state);
    } else if constexpr (detail::ComparableState<State>) {
      if (!is_like(state, x)) return state_.emplace<State>(x);
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

/// Calls function(offset in half, offset in whole, size) for each stretch of memory in one half of
/// a doubled state and in a state of its shape: one, or one for each row in row-major storage.
template <class Scalar, class Other, class Function>
void for_each_stretch(const DenseView<Scalar>& half, const DenseView<Other>& whole,
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
    require_shape(shape_of(output), "the model's input", shape_of(x), who, ": at time ", level.time,
                  " ", what);
  }
}

}  // namespace dpm::detail
