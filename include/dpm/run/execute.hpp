// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What fixed and adaptive runs do alike with the states behind a plan's registers.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <type_traits>

#include "dpm/error.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/state/combine.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/finite.hpp"
#include "dpm/state/weights.hpp"

namespace dpm::detail {

/// Runs a `Combine`. `states.target(register)` is the state to write, `states.operand(register)`
/// the one to read.
template <class State, class States>
void run_combine(const Combine& c, States& states) {
  const std::size_t rows = c.targets.size();
  const std::size_t columns = c.operands.size();
  State* targets[Combine::max_targets];
  const State* operands[Combine::max_operands];
  for (std::size_t i = 0; i < rows; ++i) targets[i] = &states.target(c.targets[i]);
  for (std::size_t j = 0; j < columns; ++j) operands[j] = &states.operand(c.operands[j]);
  combine(Weights(c.weights.begin(), columns), std::span<State* const>(targets, rows),
          std::span<const State* const>(operands, columns));
}

/// Puts a NaN where a model is to write, so that `all_finite` notices an output that nobody fills.
template <class State>
void mark_unfilled(State& output) {
  if constexpr (DenseState<State>) {
    const auto view = dense_view(output);
    view.data[0] = std::numeric_limits<std::remove_pointer_t<decltype(view.data)>>::quiet_NaN();
  }
}

/// Refuses, in the name of `who`, values from outside whose shape is not the sample's; whether they
/// are finite. States of other types pass.
template <class State>
[[nodiscard]] bool well_formed(const char* who, const char* what, const State& values,
                               const State& sample, bool check_finite) {
  if constexpr (DenseState<State>) {
    const auto is = dense_view(values);
    const auto should_be = dense_view(sample);
    require(is.same_shape(should_be), who, ": ", what, " is ", is.elements, " x ", is.samples,
            "; it must have the shape of the sample, ", should_be.elements, " x ",
            should_be.samples);
    return !check_finite || all_finite(values);
  } else {
    return true;
  }
}

}  // namespace dpm::detail
