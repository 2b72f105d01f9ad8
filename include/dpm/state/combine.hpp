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

#include "dpm/error.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/combine_kernel.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/parallel.hpp"
#include "dpm/state/weights.hpp"

namespace dpm {
namespace detail {

/// The kernel for as many values as a pack has, from `at` on; the last target reads `last`
/// operands.
template <class PackType, class Scalar>
DPM_KERNEL void combine_pack(const Weights& weights, std::span<Scalar* const> targets,
                             std::span<const Scalar* const> operands, std::size_t last,
                             std::size_t at) {
  using Wide = WideOf<Scalar>;
  PackType results[3];
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const double* const row = weights.row(i);
    PackType weight;
    PackType x;
    fill_pack(weight, static_cast<Wide>(row[0]));
    load(x, operands[0] + at);
    PackType sum = weight * x;
    const std::size_t terms = i + 1 == targets.size() ? last : operands.size();
    for (std::size_t j = 1; j < terms; ++j) {
      fill_pack(weight, static_cast<Wide>(row[j]));
      load(x, operands[j] + at);
      add_product(sum, weight, x);
    }
    results[i] = sum;
  }
  for (std::size_t i = 0; i < targets.size(); ++i) store(results[i], targets[i] + at);
}

/// The kernel for a few values, as many as the type says, from number `At` on: in the largest packs
/// that they fill.
template <std::size_t Size, std::size_t At, class Scalar>
DPM_KERNEL void combine_few_kernel(const Weights& weights, std::span<Scalar* const> targets,
                                   std::span<const Scalar* const> operands, std::size_t last) {
  using Wide = WideOf<Scalar>;
  using Whole = KernelPack<Scalar>;
  using Half = typename PackOf<Wide, sizeof(Whole) / 2>::type;
  using Piece = std::conditional_t<
      pack_size<Whole> <= Size - At, Whole,
      std::conditional_t<pack_size<Half> <= Size - At, Half, PackArray<Wide, 1>>>;
  combine_pack<Piece>(weights, targets, operands, last, At);
  if constexpr (At + pack_size<Piece> < Size) {
    combine_few_kernel<Size, At + pack_size<Piece>>(weights, targets, operands, last);
  }
}

/// `combine` for a few values.
template <std::size_t Size, class Scalar>
void combine_few(const Weights& weights, std::span<Scalar* const> targets,
                 std::span<const Scalar* const> operands) {
  if constexpr (has_kernel_scalar<Scalar>) {
    if (has_kernels()) {
      const std::size_t last = terms_of_last(weights, targets.size(), operands.size());
      return combine_few_kernel<Size, 0>(weights, targets, operands, last);
    }
  }
  combine_one_by_one(weights, targets, operands, 0, Size);
}

/// `combine` for arrays of any size, in kernels.
template <class Scalar>
void combine_in_kernels(const Weights& weights, std::span<Scalar* const> targets,
                        std::span<const Scalar* const> operands, std::size_t size) {
  const auto kernel = combine_kernel<Scalar>(weights, targets.size(), operands.size());
  constexpr std::size_t block = kernel_block<Scalar>;
  const std::size_t whole = size - size % block;
  in_chunks(whole, [&](std::size_t begin, std::size_t end) {
    kernel(weights, targets, operands, begin, end);
    return true;
  });
  const std::size_t rest = size - whole;
  if (rest == 0) return;
  // The rest goes through the same code, padded, so that an element's result does not depend on
  // where it stands.
  std::array<std::array<Scalar, block>, 8> padded{};
  std::array<std::array<Scalar, block>, 3> results;
  std::array<Scalar*, 3> to;
  std::array<const Scalar*, 8> from;
  for (std::size_t i = 0; i < targets.size(); ++i) to[i] = results[i].data();
  for (std::size_t j = 0; j < operands.size(); ++j) {
    std::copy_n(operands[j] + whole, rest, padded[j].data());
    from[j] = padded[j].data();
  }
  kernel(weights, std::span<Scalar* const>(to.data(), targets.size()),
         std::span<const Scalar* const>(from.data(), operands.size()), 0, block);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    std::copy_n(results[i].data(), rest, targets[i] + whole);
  }
}

/// `combine` for arrays of any size.
template <class Scalar>
void combine_arrays(const Weights& weights, std::span<Scalar* const> targets,
                    std::span<const Scalar* const> operands, std::size_t size) {
  if constexpr (has_kernel_scalar<Scalar>) {
    combine_in_kernels(weights, targets, operands, size);
  } else {
    in_chunks(size, [&](std::size_t begin, std::size_t end) {
      combine_one_by_one(weights, targets, operands, begin, end);
      return true;
    });
  }
}

#if !DPM_DEFINE
extern template void combine_arrays<float>(const Weights&, std::span<float* const>,
                                           std::span<const float* const>, std::size_t);
extern template void combine_arrays<double>(const Weights&, std::span<double* const>,
                                            std::span<const double* const>, std::size_t);
#endif

}  // namespace detail

/// `combine` for dense states (see `Weights`). Weights become the state's scalar here and nowhere
/// else; half types are summed in float and rounded once. One pass: each operand is read once, each
/// target written once; an element's result depends on its operands alone, not on its place, nor on
/// how many threads OpenMP has (of float, double and half types; of others as far as the compiler
/// contracts no products). All states must have the same size.
template <DenseState State>
void combine(const Weights& weights, std::span<State* const> targets,
             std::span<const State* const> operands) {
  using Scalar = std::remove_pointer_t<decltype(dense_view(*targets[0]).data)>;
  if constexpr (!std::same_as<State, OwnedState<State>>) {
    const auto require_whole = [](const auto& view) {
      detail::require(view.contiguous(),
                      "combine: a state is a view with gaps; it must be contiguous");
    };
    for (const State* state : targets) require_whole(dense_view(*state));
    for (const State* state : operands) require_whole(dense_view(*state));
  }
  Scalar* to[3] = {};
  const Scalar* from[8] = {};
  for (std::size_t i = 0; i < targets.size(); ++i) to[i] = dense_view(*targets[i]).data;
  for (std::size_t j = 0; j < operands.size(); ++j) from[j] = dense_view(*operands[j]).data;
  const std::span<Scalar* const> all_to(to, targets.size());
  const std::span<const Scalar* const> all_from(from, operands.size());
  if constexpr (detail::has_few_values<State>) {
    detail::combine_few<detail::fixed_size<State>()>(weights, all_to, all_from);
  } else {
    detail::combine_arrays(weights, all_to, all_from, dense_view(*targets[0]).size());
  }
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
