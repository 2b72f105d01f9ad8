// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The inner loop of `combine`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "dpm/state/simd.hpp"
#include "dpm/state/weights.hpp"

namespace dpm::detail {

/// A loop over the whole blocks of `begin` to `end`.
template <class Scalar>
using CombineKernel = void (*)(const Weights&, std::span<Scalar* const> targets,
                               std::span<const Scalar* const> operands, std::size_t begin,
                               std::size_t end);

/// The kernel for one size of the matrix. Weights stay in registers, each operand is read once,
/// each target written once, after all operands of its pack have been read. The last target reads
/// the first `InLast` operands only: mostly it is the conversion of a model's output, which has
/// two.
template <class Scalar, std::size_t Targets, std::size_t Operands, std::size_t InLast>
DPM_KERNEL void combine_blocks(const Weights& weights, std::span<Scalar* const> targets,
                               std::span<const Scalar* const> operands, std::size_t begin,
                               std::size_t end) {
  using Wide = WideOf<Scalar>;
  KernelPack<Scalar> w[Targets][Operands];
  for (std::size_t i = 0; i < Targets; ++i) {
    for (std::size_t j = 0; j < Operands; ++j) {
      fill_pack(w[i][j], static_cast<Wide>(weights(i, j)));
    }
  }
  Scalar* to[Targets];
  const Scalar* from[Operands];
  std::copy_n(targets.data(), Targets, to);
  std::copy_n(operands.data(), Operands, from);
  for (std::size_t at = begin; at < end; at += kernel_block<Scalar>) {
    DPM_UNROLL
    for (std::size_t u = 0; u < packs_in_block; ++u) {
      const std::size_t here = at + u * pack_size<KernelPack<Scalar>>;
      KernelPack<Scalar> x[Operands];
      DPM_UNROLL
      for (std::size_t j = 0; j < Operands; ++j) load(x[j], from[j] + here);
      DPM_UNROLL
      for (std::size_t i = 0; i < Targets; ++i) {
        KernelPack<Scalar> sum = w[i][0] * x[0];
        std::size_t terms = Operands;
        if (i + 1 == Targets) terms = InLast;
        DPM_UNROLL
        for (std::size_t j = 1; j < terms; ++j) add_product(sum, w[i][j], x[j]);
        store(sum, to[i] + here);
      }
    }
  }
}

/// How many operands the last of several targets reads: two, or all. What it leaves out may be
/// infinite.
inline std::size_t terms_of_last(const Weights& weights, std::size_t targets,
                                 std::size_t operands) {
  if (targets == 1) return operands;
  for (std::size_t j = 2; j < operands; ++j) {
    if (weights(targets - 1, j) != 0.0) return operands;
  }
  return std::min(operands, std::size_t{2});
}

/// The kernel for any size: the same sums, about half as fast.
template <class Scalar>
DPM_KERNEL void combine_blocks_of_any_size(const Weights& weights, std::span<Scalar* const> targets,
                                           std::span<const Scalar* const> operands,
                                           std::size_t begin, std::size_t end) {
  using Wide = WideOf<Scalar>;
  const std::size_t last = terms_of_last(weights, targets.size(), operands.size());
  for (std::size_t at = begin; at < end; at += pack_size<KernelPack<Scalar>>) {
    KernelPack<Scalar> x[8];
    for (std::size_t j = 0; j < operands.size(); ++j) load(x[j], operands[j] + at);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      KernelPack<Scalar> weight;
      fill_pack(weight, static_cast<Wide>(weights(i, 0)));
      KernelPack<Scalar> sum = weight * x[0];
      const std::size_t terms = i + 1 == targets.size() ? last : operands.size();
      for (std::size_t j = 1; j < terms; ++j) {
        fill_pack(weight, static_cast<Wide>(weights(i, j)));
        add_product(sum, weight, x[j]);
      }
      store(sum, targets[i] + at);
    }
  }
}

/// What runs where kernels do not: the same sums, one by one. Compiled for a processor without
/// fused multiply-adds it calls the C library for each, tens of times as slow.
template <class Scalar>
void combine_one_by_one(const Weights& weights, std::span<Scalar* const> targets,
                        std::span<const Scalar* const> operands, std::size_t begin,
                        std::size_t end) {
  using Wide = WideOf<Scalar>;
  const std::size_t last = terms_of_last(weights, targets.size(), operands.size());
  for (std::size_t at = begin; at < end; ++at) {
    Wide x[8];
    for (std::size_t j = 0; j < operands.size(); ++j) x[j] = static_cast<Wide>(operands[j][at]);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      Wide sum = static_cast<Wide>(weights(i, 0)) * x[0];
      const std::size_t terms = i + 1 == targets.size() ? last : operands.size();
      for (std::size_t j = 1; j < terms; ++j) {
        sum = multiply_add(static_cast<Wide>(weights(i, j)), x[j], sum);
      }
      targets[i][at] = static_cast<Scalar>(sum);
    }
  }
}

/// The kernels for `Least` operands and more.
template <class Scalar, std::size_t Targets, std::size_t Least, std::size_t InLast = 0,
          std::size_t... More>
CombineKernel<Scalar> choose_kernel(std::size_t operands, std::index_sequence<More...>) {
  CombineKernel<Scalar> kernel = &combine_blocks_of_any_size<Scalar>;
  ((operands == Least + More ? void(kernel = &combine_blocks < Scalar, Targets, Least + More,
                                    InLast == 0 ? Least + More : InLast >)
                             : void()),
   ...);
  return kernel;
}

/// The kernel for a matrix of weights. The sizes that the library's methods have in most of their
/// steps get one of their own; more of them would cost every user compile time.
template <class Scalar>
CombineKernel<Scalar> combine_kernel(const Weights& weights, std::size_t targets,
                                     std::size_t operands) {
  if (!has_kernels()) return &combine_one_by_one<Scalar>;
  const bool pair = terms_of_last(weights, targets, operands) == 2;
  if (targets == 1) {
    return choose_kernel<Scalar, 1, 1>(operands, std::make_index_sequence<6>{});
  }
  if (targets == 2 && !pair) {
    return choose_kernel<Scalar, 2, 3>(operands, std::make_index_sequence<3>{});
  }
  if (targets == 2) return choose_kernel<Scalar, 2, 2, 2>(operands, std::make_index_sequence<5>{});
  return &combine_blocks_of_any_size<Scalar>;
}

}  // namespace dpm::detail
