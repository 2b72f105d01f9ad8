// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Whether a state holds a NaN or an infinity.
#pragma once

#include <cstddef>

#include "dpm/error.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/pack.hpp"
#include "dpm/state/parallel.hpp"

namespace dpm {
namespace detail {

// x - x is 0 for a finite x and NaN otherwise, and a NaN stays in a sum.

/// For whole blocks.
template <class Scalar>
DPM_KERNEL bool finite_blocks(const Scalar* values, std::size_t size) {
  using PackType = KernelPack<Scalar>;
  PackType sums[packs_in_block];
  for (auto& sum : sums) fill_pack(sum, WideOf<Scalar>{});
  for (std::size_t i = 0; i < size; i += kernel_block<Scalar>) {
    DPM_UNROLL
    for (std::size_t u = 0; u < packs_in_block; ++u) {
      PackType x;
      load(x, values + i + u * pack_size<PackType>);
      sums[u] += x - x;
    }
  }
  WideOf<Scalar> sum{};
  for (std::size_t k = 0; k < pack_size<PackType>; ++k) {
    sum += sums[0][k] + sums[1][k] + sums[2][k] + sums[3][k];
  }
  return sum == WideOf<Scalar>{};
}

template <std::size_t Size, class Scalar>
bool few_are_finite(const Scalar* values) {
  WideOf<Scalar> sum{};
  for (std::size_t i = 0; i < Size; ++i) {
    const auto x = static_cast<WideOf<Scalar>>(values[i]);
    sum += x - x;
  }
  return sum == WideOf<Scalar>{};
}

template <class Scalar>
bool finite_values(const Scalar* values, std::size_t size) {
  const std::size_t whole = has_kernels() ? size - size % kernel_block<Scalar> : 0;
  WideOf<Scalar> sum{};
  for (std::size_t i = whole; i < size; ++i) {
    const auto x = static_cast<WideOf<Scalar>>(values[i]);
    sum += x - x;
  }
  return sum == WideOf<Scalar>{} && (whole == 0 || finite_blocks(values, whole));
}

}  // namespace detail

/// Whether every value of a dense state is finite. One pass.
template <DenseState State>
[[nodiscard]] bool all_finite(const State& state) {
  const auto view = dense_view(state);
  detail::require(view.contiguous(),
                  "all_finite: the state is a view with gaps; it must be contiguous");
  if constexpr (detail::has_few_values<State>) {
    return detail::few_are_finite<detail::fixed_size<State>()>(view.data);
  } else {
    return detail::in_chunks(view.size(), [&view](std::size_t begin, std::size_t end) {
      return detail::finite_values(view.data + begin, end - begin);
    });
  }
}

}  // namespace dpm
