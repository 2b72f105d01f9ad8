// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// `combine` for states whose type says that they hold a few values. A step of two values takes a
/// quarter of the time that it takes in blocks, which would be mostly padding.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

#include "dpm/state/dense.hpp"
#include "dpm/state/finite.hpp"
#include "dpm/state/many_values.hpp"
#include "dpm/state/simd.hpp"
#include "dpm/state/weights.hpp"

namespace dpm::detail {

/// Whether `combine_few` takes such a state.
template <class State>
inline constexpr bool has_few_kernel = false;
template <DenseState State>
inline constexpr bool has_few_kernel<State> =
    has_few_values<State>&& has_kernel_scalar<ScalarOf<State>>;

/// The kernel for values number `At` and on, in the largest packs that they fill. The last target
/// reads `in_last` operands. Targets and operands are lists of pointers, or find them when asked.
template <std::size_t Targets, std::size_t At = 0, class To, class From>
DPM_KERNEL bool combine_few_in_packs(const Weights& weights, const To& targets,
                                     const From& operands, std::size_t in_last,
                                     std::size_t checked) {
  using State = std::remove_pointer_t<std::remove_cvref_t<decltype(targets[0])>>;
  constexpr std::size_t left = fixed_size<State>() - At;
  using Wide = WideOf<ScalarOf<State>>;
  using Whole = KernelPack<Wide>;
  using Half = typename PackOf<Wide, sizeof(Whole) / 2>::type;
  using Piece =
      std::conditional_t<pack_size<Whole> <= left, Whole,
                         std::conditional_t<pack_size<Half> <= left, Half, PackArray<Wide, 1>>>;
  Piece sums[Targets];
  Piece weight;
  Piece x;
  bool finite = true;
  if (checked < operands.size()) {
    load(x, dense_view(*operands[checked]).data + At);
    finite = pack_is_finite(x);
  }
  load(x, dense_view(*operands[0]).data + At);
  DPM_UNROLL
  for (std::size_t i = 0; i < Targets; ++i) {
    fill_pack(weight, static_cast<Wide>(weights(i, 0)));
    sums[i] = weight * x;
  }
  for (std::size_t j = 1; j < operands.size(); ++j) {
    load(x, dense_view(*operands[j]).data + At);
    DPM_UNROLL
    for (std::size_t i = 0; i < Targets; ++i) {
      if (i > 0 && i + 1 == Targets && j >= in_last) break;
      fill_pack(weight, static_cast<Wide>(weights(i, j)));
      add_product(sums[i], weight, x);
    }
  }
  DPM_UNROLL
  for (std::size_t i = 0; i < Targets; ++i) store(sums[i], dense_view(*targets[i]).data + At);
  if constexpr (pack_size<Piece> < left) {
    constexpr std::size_t next = At + pack_size<Piece>;
    return combine_few_in_packs<Targets, next>(weights, targets, operands, in_last, checked) &&
           finite;
  } else {
    return finite;
  }
}

/// `combine` for a few values, where kernels run. Returns whether those of operand number
/// `checked`, if there is one, were finite before a target was written.
template <class To, class From>
bool combine_few(const Weights& weights, const To& targets, const From& operands,
                 std::size_t checked) {
  const std::size_t in_last = terms_of_last(weights, targets.size(), operands.size());
  if (targets.size() == 1) {
    return combine_few_in_packs<1>(weights, targets, operands, in_last, checked);
  }
  if (targets.size() == 2) {
    return combine_few_in_packs<2>(weights, targets, operands, in_last, checked);
  }
  return combine_few_in_packs<3>(weights, targets, operands, in_last, checked);
}

}  // namespace dpm::detail
