// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The arithmetic of a run on dense states.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include "dpm/error.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/weights.hpp"

namespace dpm {
namespace detail {

/// Scalars that are combined at a time: few enough for registers and the first cache, many enough
/// to vectorise.
inline constexpr std::size_t combine_block = 32;

/// One block of targets[i] = sum_j weights[i][j] * operands[j]. The sums are formed in a local
/// array, so operands and targets may be the same memory and the loops need no aliasing checks.
template <std::size_t Targets, std::size_t Operands, class Scalar>
void combine_block_of(const std::array<std::array<Scalar, Operands>, Targets>& weights,
                      const std::array<Scalar*, Targets>& targets,
                      const std::array<const Scalar*, Operands>& operands) {
  std::array<std::array<Scalar, combine_block>, Targets> sums;
  for (std::size_t i = 0; i < Targets; ++i) {
    for (std::size_t k = 0; k < combine_block; ++k) sums[i][k] = weights[i][0] * operands[0][k];
    for (std::size_t j = 1; j < Operands; ++j) {
      for (std::size_t k = 0; k < combine_block; ++k) sums[i][k] += weights[i][j] * operands[j][k];
    }
  }
  for (std::size_t i = 0; i < Targets; ++i) {
    for (std::size_t k = 0; k < combine_block; ++k) targets[i][k] = sums[i][k];
  }
}

template <std::size_t Targets, std::size_t Operands, class Scalar>
void combine_arrays(const Weights& weights, std::span<Scalar* const> targets,
                    std::span<const Scalar* const> operands, std::size_t size) {
  std::array<std::array<Scalar, Operands>, Targets> w;
  for (std::size_t i = 0; i < Targets; ++i) {
    for (std::size_t j = 0; j < Operands; ++j) w[i][j] = static_cast<Scalar>(weights(i, j));
  }
  std::array<Scalar*, Targets> to;
  std::array<const Scalar*, Operands> from;
  std::size_t done = 0;
  for (; done + combine_block <= size; done += combine_block) {
    for (std::size_t i = 0; i < Targets; ++i) to[i] = targets[i] + done;
    for (std::size_t j = 0; j < Operands; ++j) from[j] = operands[j] + done;
    combine_block_of<Targets, Operands, Scalar>(w, to, from);
  }
  if (done == size) return;
  // The rest goes through the same block, padded, so that an element's result does not depend on
  // where it stands.
  const std::size_t rest = size - done;
  std::array<std::array<Scalar, combine_block>, Operands> padded{};
  std::array<std::array<Scalar, combine_block>, Targets> results;
  for (std::size_t j = 0; j < Operands; ++j) {
    std::copy_n(operands[j] + done, rest, padded[j].data());
    from[j] = padded[j].data();
  }
  for (std::size_t i = 0; i < Targets; ++i) to[i] = results[i].data();
  combine_block_of<Targets, Operands, Scalar>(w, to, from);
  for (std::size_t i = 0; i < Targets; ++i) {
    std::copy_n(results[i].data(), rest, targets[i] + done);
  }
}

/// Calls `function` with the constant `n`, which lies in 1 .. Most.
template <std::size_t Most, class Function>
void with_constant(std::size_t n, Function function) {
  if constexpr (Most >= 1) {
    if (n == Most) return function(std::integral_constant<std::size_t, Most>{});
    with_constant<Most - 1>(n, function);
  }
}

}  // namespace detail

/// `combine` for dense states (see `Weights`). Weights become the state's scalar here and nowhere
/// else. One pass: each operand is read once, each target written once; an element's result depends
/// on its operands alone, not on its place. All states must have the same size.
template <DenseState State>
void combine(const Weights& weights, std::span<State* const> targets,
             std::span<const State* const> operands) {
  using Scalar = std::remove_pointer_t<decltype(dense_view(*targets[0]).data)>;
  std::array<Scalar*, 3> to{};
  std::array<const Scalar*, 8> from{};
  for (std::size_t i = 0; i < targets.size(); ++i) to[i] = dense_view(*targets[i]).data;
  for (std::size_t j = 0; j < operands.size(); ++j) from[j] = dense_view(*operands[j]).data;
  const std::size_t size = dense_view(*targets[0]).size();
  detail::with_constant<3>(targets.size(), [&](auto rows) {
    detail::with_constant<8>(operands.size(), [&](auto columns) {
      detail::combine_arrays<rows.value, columns.value, Scalar>(
          weights, std::span<Scalar* const>(to.data(), rows.value),
          std::span<const Scalar* const>(from.data(), columns.value), size);
    });
  });
}

/// What a run can work on: a type that owns its values and has `combine`, the library's or its own.
/// Views (spans, maps) are not: a copy of one would share the values (see `OwnedState`).
template <class State>
concept RunnableState = std::copyable<State> && std::same_as<State, OwnedState<State>> &&
    requires(const Weights& weights, std::span<State* const> targets,
             std::span<const State* const> operands) {
  combine(weights, targets, operands);
};

/// Whether every value of a dense state is finite. One pass: x - x is 0 for a finite x and NaN
/// otherwise, and a NaN stays in a sum; several sums at once let the compiler vectorise.
template <DenseState State>
[[nodiscard]] bool all_finite(const State& state) {
  const auto view = dense_view(state);
  using Scalar = std::remove_cv_t<std::remove_pointer_t<decltype(view.data)>>;
  detail::require(view.contiguous(),
                  "all_finite: the state is a view with gaps; it must be contiguous");
  std::array<Scalar, 16> sums{};
  std::size_t i = 0;
  for (; i + sums.size() <= view.size(); i += sums.size()) {
    for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += view.data[i + k] - view.data[i + k];
  }
  for (; i < view.size(); ++i) sums[0] += view.data[i] - view.data[i];
  return std::all_of(sums.begin(), sums.end(), [](Scalar sum) { return sum == Scalar{0}; });
}

}  // namespace dpm
