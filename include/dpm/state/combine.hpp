// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Weighted sums of dense states: the arithmetic of a run's steps.
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
  using Scalar = ScalarOf<State>;
  if constexpr (has_few_kernel<State>) {
    if (has_kernels()) return combine_few(weights, targets, operands, checked);
  }
  Scalar* to[Combine::max_targets];
  const Scalar* from[Combine::max_operands];
  for (std::size_t i = 0; i < targets.size(); ++i) to[i] = dense_view(*targets[i]).data;
  for (std::size_t j = 0; j < operands.size(); ++j) from[j] = dense_view(*operands[j]).data;
  const std::span<Scalar* const> all_to(to, targets.size());
  const std::span<const Scalar* const> all_from(from, operands.size());
  if constexpr (has_few_values<State>) {
    const std::size_t watched_operand = checked < operands.size() ? checked : 0;
    const Scalar* const watched = dense_view(*operands[watched_operand]).data;
    return combine_one_by_one(weights, all_to, all_from, watched, 0, fixed_size<State>());
  } else {
    return combine_arrays(weights, all_to, all_from, dense_view(*targets[0]).size(), checked);
  }
}

/// What the library's `combine` returns, by which it is told from one of a state's own namespace.
struct LibraryCombine {};

}  // namespace detail

/// `combine` for dense states of one size (see `Weights`). Weights are converted to the state's
/// scalar; half types are summed in float and rounded once. One pass: each operand is read once,
/// each target written once. An element's result depends on its operands alone, not on its place or
/// on OpenMP's threads (of other types than float, double and half types, if the compiler contracts
/// no products).
template <DenseState State>
detail::LibraryCombine combine(const Weights& weights, std::span<State* const> targets,
                               std::span<const State* const> operands) {
  // Large states are looked at for nothing; few values would pay for it.
  const std::size_t looked_at = operands.size() > 1 ? 1 : 0;
  static_cast<void>(detail::combine_and_check(
      weights, targets, operands, detail::has_few_values<State> ? operands.size() : looked_at));
  return {};
}

namespace detail {

/// target <- x_weight x + y_weight y, in one pass; the target may be x or y.
template <class State>
void combine_two(State& target, double x_weight, const State& x, double y_weight, const State& y) {
  const double weights[] = {x_weight, y_weight};
  State* const targets[] = {&target};
  const State* const operands[] = {&x, &y};
  combine(Weights(weights, 2), std::span<State* const>(targets, 1),
          std::span<const State* const>(operands, 2));
}

}  // namespace detail

/// What a run can work on: a type that owns its values and has `combine`, the library's or its own.
/// Views (spans, maps) are not: a copy of one would share the values (see `OwnedState`).
template <class State>
concept RunnableState = std::copyable<State> && std::same_as<State, OwnedState<State>> &&
    requires(const Weights& weights, std::span<State* const> targets,
             std::span<const State* const> operands) {
  combine(weights, targets, operands);
};

namespace detail {

/// Whether the `combine` of a state is the library's, so that it can look at what it reads.
template <class State>
concept CombinedHere = requires(const Weights& weights, std::span<State* const> targets,
                                std::span<const State* const> operands) {
  { combine(weights, targets, operands) } -> std::same_as<LibraryCombine>;
};

}  // namespace detail
}  // namespace dpm
