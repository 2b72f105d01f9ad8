// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What comes from outside while a run goes on is looked at before it is used.
#pragma once

#include <concepts>
#include <cstddef>

#include "dpm/schedule/level.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/finite.hpp"

namespace dpm::detail {

/// A type that is not dense and knows by itself whether its values are finite.
template <class State>
concept OwnFiniteState = !DenseState<State> && requires(const State& state) {
  { all_finite(state) } -> std::same_as<bool>;
};

/// Where a run stands: `before` and `number`, and " of `all`" if that is known.
struct Place {
  const char* before;
  std::size_t number;
  std::size_t all = 0;
};

/// Rows and columns of a dense state.
struct Shape {
  std::size_t elements = 0;
  std::size_t samples = 0;
  friend bool operator==(const Shape&, const Shape&) = default;
};

template <DenseState State>
Shape shape_of(const State& state) {
  const auto view = dense_view(state);
  return {view.elements, view.samples};
}

/// Whether values from outside have the sample's shape and, if `check_finite`, are finite. States
/// that are not dense are asked whether they are finite if they are the result of the run, and else
/// pass.
template <class State>
bool is_in_order(const State& values, const State& sample, bool check_finite, bool is_result) {
  if constexpr (DenseState<State>) {
    return shape_of(values) == shape_of(sample) && (!check_finite || all_finite(values));
  } else if constexpr (OwnFiniteState<State>) {
    return !is_result || !check_finite || all_finite(values);
  } else {
    return true;
  }
}

/// Refuses values of a wrong shape, or, if the shape is right, those that are not finite.
[[noreturn]] void refuse_values(const char* what, const Shape& shape, const Shape& sample,
                                const Level& level, const Place& place);

template <class State>
[[noreturn]] void refuse_values(const char* what, const State& values, const State& sample,
                                const Level& level, const Place& place) {
  if constexpr (DenseState<State>) {
    refuse_values(what, shape_of(values), shape_of(sample), level, place);
  } else {
    refuse_values(what, Shape{}, Shape{}, level, place);
  }
}

/// Refuses, in the name of `who`, a start that is empty or, else, not finite.
[[noreturn]] void refuse_start(const char* who, bool is_empty);

template <class State>
void check_start(const char* who, const State& x, bool check_finite) {
  if constexpr (DenseState<State>) {
    const bool is_empty = dense_view(x).size() == 0;
    if (is_empty || (check_finite && !all_finite(x))) refuse_start(who, is_empty);
  }
}

/// Gives a state that is to be filled the sample's shape, if what filled it before has changed it.
template <class State>
void make_fillable(State& state, const State& sample) {
  if constexpr (DenseState<State>) {
    if (!(shape_of(state) == shape_of(sample))) state = sample;
  }
}

}  // namespace dpm::detail

#if DPM_DEFINE

#  include <string>

#  include "dpm/error.hpp"

namespace dpm::detail {

inline std::string describe(const char* what, const Level& level, const Place& place) {
  const std::string all = place.all > 0 ? sentence(" of ", place.all) : std::string();
  return sentence(place.before, place.number, all, ": ", what, " (time ", level.time, ", timestep ",
                  level.timestep, ")");
}

DPM_INLINE void refuse_values(const char* what, const Shape& shape, const Shape& sample,
                              const Level& level, const Place& place) {
  const std::string values = describe(what, level, place);
  require(shape == sample, values, " is ", shape.elements, " x ", shape.samples,
          "; it must have the shape of the sample, ", sample.elements, " x ", sample.samples);
  fail<NonFinite>(values + " holds a NaN or an infinity");
}

DPM_INLINE void refuse_start(const char* who, bool is_empty) {
  require(!is_empty, who, ": the start x is empty; it must hold at least one value");
  fail<NonFinite>(sentence(who, ": the start x holds a NaN or an infinity"));
}

}  // namespace dpm::detail

#endif
