// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The arithmetic of a run on dense states.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>

#include "dpm/error.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/few_values.hpp"
#include "dpm/state/many_values.hpp"
#include "dpm/state/weights.hpp"

namespace dpm {
namespace detail {

/// Does what `combine` does and returns whether all values of `*operands[checked]` were finite
/// before a target was written. Both happen in one pass over memory.
template <DenseState State>
[[nodiscard]] bool combine_and_check(const Weights& weights, std::span<State* const> targets,
                                     std::span<const State* const> operands, std::size_t checked) {
  if constexpr (!std::same_as<State, OwnedState<State>>) {
    const auto require_whole = [](const auto& view) {
      require(view.contiguous(), "combine: a state is a view with gaps; it must be contiguous");
    };
    for (const State* state : targets) require_whole(dense_view(*state));
    for (const State* state : operands) require_whole(dense_view(*state));
  }
  if constexpr (has_few_values<State>) {
    return combine_few(weights, targets, operands, checked);
  } else {
    using Scalar = ScalarOf<State>;
    Scalar* to[Combine::max_targets];
    const Scalar* from[Combine::max_operands];
    for (std::size_t i = 0; i < targets.size(); ++i) to[i] = dense_view(*targets[i]).data;
    for (std::size_t j = 0; j < operands.size(); ++j) from[j] = dense_view(*operands[j]).data;
    return combine_arrays(weights, std::span<Scalar* const>(to, targets.size()),
                          std::span<const Scalar* const>(from, operands.size()),
                          dense_view(*targets[0]).size(), checked);
  }
}

}  // namespace detail

/// `combine` for dense states (see `Weights`). Weights become the state's scalar here and nowhere
/// else; half types are summed in float and rounded once. One pass: each operand is read once, each
/// target written once; an element's result depends on its operands alone, not on its place, nor on
/// how many threads OpenMP has (of float, double and half types; of others as far as the compiler
/// contracts no products). All states must have the same size.
template <DenseState State>
void combine(const Weights& weights, std::span<State* const> targets,
             std::span<const State* const> operands) {
  static_cast<void>(
      detail::combine_and_check(weights, targets, operands, operands.size() > 1 ? 1 : 0));
}

/// What a run can work on: a type that owns its values and has `combine`, the library's or its own.
/// Views (spans, maps) are not: a copy of one would share the values (see `OwnedState`).
template <class State>
concept RunnableState = std::copyable<State> && std::same_as<State, OwnedState<State>> &&
    requires(const Weights& weights, std::span<State* const> targets,
             std::span<const State* const> operands) {
  combine(weights, targets, operands);
};

}  // namespace dpm
