// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What comes from outside while a run goes on is looked at before it is used.
#pragma once

#include <concepts>
#include <string>

#include "dpm/error.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/finite.hpp"

namespace dpm::detail {

/// A type that is not dense and knows by itself whether its values are finite.
template <class State>
concept OwnFiniteState = !DenseState<State> && requires(const State& state) {
  { all_finite(state) } -> std::same_as<bool>;
};

/// Refuses values from outside whose shape is not the sample's and, if `check_finite`, those that
/// are not finite. `place()` says where the run stands; it is only asked then. States that are not
/// dense are asked whether they are finite if they are the result of the run, and else pass.
template <class State, class Place>
void check_values(const char* what, const State& values, const State& sample, bool check_finite,
                  const Level& level, const Place& place, bool is_result) {
  const auto where = [&] {
    return sentence(place(), ": ", what, " (time ", level.time, ", label ", level.label, ")");
  };
  const char* const not_finite = " holds a NaN or an infinity";
  if constexpr (DenseState<State>) {
    const auto is = dense_view(values);
    const auto should_be = dense_view(sample);
    const bool fits = is.same_shape(should_be);
    if (fits && (!check_finite || all_finite(values))) return;
    require(fits, where(), " is ", is.elements, " x ", is.samples,
            "; it must have the shape of the sample, ", should_be.elements, " x ",
            should_be.samples);
    fail<NonFinite>(where() + not_finite);
  } else if constexpr (OwnFiniteState<State>) {
    if (is_result && check_finite && !all_finite(values)) fail<NonFinite>(where() + not_finite);
  }
}

/// Gives a state that is to be filled the sample's shape, if what filled it before has changed it.
template <class State>
void make_fillable(State& state, const State& sample) {
  if constexpr (DenseState<State>) {
    if (!dense_view(state).same_shape(dense_view(sample))) state = sample;
  }
}

}  // namespace dpm::detail
