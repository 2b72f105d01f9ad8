// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Checks of values that come from outside the library: their shape, and that they are finite.
#pragma once

#include <concepts>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "dpm/error.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/finite.hpp"

namespace dpm::detail {

/// Rows and columns of a dense state.
struct Shape {
  std::size_t elements = 0;
  std::size_t samples = 0;
  friend bool operator==(const Shape&, const Shape&) = default;
};

template <class Scalar>
Shape shape_of(const DenseView<Scalar>& view) {
  return {view.elements, view.samples};
}
template <DenseState State>
Shape shape_of(const State& state) {
  return shape_of(dense_view(state));
}

/// Throws "<subject> is 2 x 3; it must have the shape of <of>, 4 x 5".
[[noreturn]] void refuse_shape(const std::string& subject, const Shape& is, std::string_view of,
                               const Shape& must_be);

/// Throws `NonFinite`: "<subject> holds a NaN or an infinity".
[[noreturn]] void refuse_non_finite(const std::string& subject);

/// Refuses a shape that is not the one of `of`; the parts name what has it.
template <class... Subject>
void require_shape(const Shape& is, std::string_view of, const Shape& must_be,
                   const Subject&... subject) {
  if (!(is == must_be)) [[unlikely]] {
    refuse_shape(sentence(subject...), is, of, must_be);
  }
}

/// A state that is not dense and can be asked whether another has its shape, type and place.
template <class State>
concept ComparableState = !DenseState<State> && requires(const State& a, const State& b) {
  { is_like(a, b) } -> std::same_as<bool>;
};

/// Refuses an `x` that has not the shape of the sample.
template <class State>
void require_like(const State& sample, const State& x, const char* subject) {
  if constexpr (DenseState<State>) {
    require_shape(shape_of(x), "the sample", shape_of(sample), subject);
  } else if constexpr (ComparableState<State>) {
    require(is_like(sample, x), subject,
            " is unlike the sample; it must have the size, the type and the place of the sample");
  }
}

/// Refuses a state that is not finite; the parts name it.
template <class State, class... Subject>
void require_finite(const State& state, const Subject&... subject) {
  if (!is_finite(state)) [[unlikely]] {
    refuse_non_finite(sentence(subject...));
  }
}

/// Puts a NaN where a model is to write, so that an output that nobody fills is noticed.
template <class Scalar>
void mark_unfilled(const DenseView<Scalar>& view) {
  if (view.size() > 0) view.data[0] = std::numeric_limits<Scalar>::quiet_NaN();
}
template <class State>
void mark_unfilled(State& output) {
  if constexpr (DenseState<State>) mark_unfilled(dense_view(output));
}

/// Gives `state`, which is to be filled, the shape of `like`: its last filler may have changed it.
template <class State>
void make_fillable(State& state, const State& like) {
  if constexpr (DenseState<State>) {
    if (!(shape_of(state) == shape_of(like))) state = like;
  }
}

/// The same for what a model is to fill; `mark` puts a NaN there.
template <class State>
void make_unfilled(State& output, const State& like, bool mark) {
  make_fillable(output, like);
  if (mark) mark_unfilled(output);
}

/// Refuses, in the name of `who`, a start that is empty or, if `check_finite`, not finite.
template <class State>
void check_start(const char* who, const State& x, bool check_finite) {
  if constexpr (DenseState<State>) {
    require(dense_view(x).size() > 0, who,
            ": the start x is empty; it must hold at least one value");
    if (check_finite) require_finite(x, who, ": the start x");
  }
}

#if DPM_DEFINE

DPM_INLINE void refuse_shape(const std::string& subject, const Shape& is, std::string_view of,
                             const Shape& must_be) {
  refuse({subject, " is ", is.elements, " x ", is.samples, "; it must have the shape of ", of, ", ",
          must_be.elements, " x ", must_be.samples});
}

DPM_INLINE void refuse_non_finite(const std::string& subject) {
  fail<NonFinite>(subject + " holds a NaN or an infinity");
}

#endif

}  // namespace dpm::detail
