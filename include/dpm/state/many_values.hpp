// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// `combine` for arrays of any size: blocks of vector registers, shared among threads.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/finite.hpp"
#include "dpm/state/parallel.hpp"
#include "dpm/state/simd.hpp"
#include "dpm/state/weights.hpp"

namespace dpm::detail {

/// A loop over the whole blocks of `begin` to `end`. Returns whether the values there of `watched`,
/// one of the operands, were finite before a target was written.
template <class Scalar>
using CombineKernel = bool (*)(const Weights&, std::span<Scalar* const> targets,
                               std::span<const Scalar* const> operands, const Scalar* watched,
                               std::size_t begin, std::size_t end);

/// sum <- 2^-40 x + sum. One infinity or NaN makes the sum infinite or NaN for good; else the
/// factor keeps it from overflow. This is one instruction, where testing the bits of x takes three.
template <class PackType>
DPM_KERNEL inline void add_trace(PackType& sum, const PackType& x) {
  PackType scale;
  fill_pack(scale, PackValue<PackType>(0x1p-40));
#if DPM_X86_KERNELS
  add_product(sum, scale, x);
#else
  for (std::size_t k = 0; k < pack_size<PackType>; ++k) sum[k] += scale[k] * x[k];
#endif
}

/// The kernel for one size of the matrix, whose weights stay in registers. All loads of a pack come
/// before its stores; `watched` is loaded twice, then from the first-level cache. The last target
/// reads only the first `InLast` operands: mostly it converts a model's output, from two.
template <class Scalar, std::size_t Targets, std::size_t Operands, std::size_t InLast>
DPM_KERNEL bool combine_blocks(const Weights& weights, std::span<Scalar* const> targets,
                               std::span<const Scalar* const> operands, const Scalar* watched,
                               std::size_t begin, std::size_t end) {
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
  KernelPack<Scalar> seen[packs_in_block] = {};
  for (std::size_t at = begin; at < end; at += kernel_block<Scalar>) {
    DPM_UNROLL
    for (std::size_t u = 0; u < packs_in_block; ++u) {
      const std::size_t here = at + u * pack_size<KernelPack<Scalar>>;
      KernelPack<Scalar> x[Operands];
      DPM_UNROLL
      for (std::size_t j = 0; j < Operands; ++j) load(x[j], from[j] + here);
      KernelPack<Scalar> looked_at;
      load(looked_at, watched + here);
      add_trace(seen[u], looked_at);
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
  KernelPack<Scalar> all{};
  DPM_UNROLL
  // NOLINTNEXTLINE(modernize-loop-convert): unrolled, so that all of them stay in registers
  for (std::size_t u = 0; u < packs_in_block; ++u) add_trace(all, seen[u]);
  return pack_is_finite(all);
}

/// How many operands the last of several targets reads: two if all others weigh 0, else all. An
/// operand that is left out may be infinite, which times 0 would be NaN.
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
DPM_KERNEL bool combine_blocks_of_any_size(const Weights& weights, std::span<Scalar* const> targets,
                                           std::span<const Scalar* const> operands,
                                           const Scalar* watched, std::size_t begin,
                                           std::size_t end) {
  using Wide = WideOf<Scalar>;
  KernelPack<Scalar> seen{};
  const std::size_t last = terms_of_last(weights, targets.size(), operands.size());
  for (std::size_t at = begin; at < end; at += pack_size<KernelPack<Scalar>>) {
    KernelPack<Scalar> x[Combine::max_operands];
    for (std::size_t j = 0; j < operands.size(); ++j) load(x[j], operands[j] + at);
    KernelPack<Scalar> looked_at;
    load(looked_at, watched + at);
    add_trace(seen, looked_at);
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
  return pack_is_finite(seen);
}

/// The same sums one by one, where kernels do not run: tens of times as slow if std::fma is a call.
template <class Scalar>
bool combine_one_by_one(const Weights& weights, std::span<Scalar* const> targets,
                        std::span<const Scalar* const> operands, const Scalar* watched,
                        std::size_t begin, std::size_t end) {
  using Wide = WideOf<Scalar>;
  BitsOf<Wide> seen = 0;
  const std::size_t last = terms_of_last(weights, targets.size(), operands.size());
  for (std::size_t at = begin; at < end; ++at) {
    Wide x[Combine::max_operands];
    for (std::size_t j = 0; j < operands.size(); ++j) x[j] = static_cast<Wide>(operands[j][at]);
    seen |= finite_bits(static_cast<Wide>(watched[at]));
    for (std::size_t i = 0; i < targets.size(); ++i) {
      Wide sum = static_cast<Wide>(weights(i, 0)) * x[0];
      const std::size_t terms = i + 1 == targets.size() ? last : operands.size();
      for (std::size_t j = 1; j < terms; ++j) {
        sum = multiply_add(static_cast<Wide>(weights(i, j)), x[j], sum);
      }
      targets[i][at] = static_cast<Scalar>(sum);
    }
  }
  return says_finite<Wide>(seen);
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

/// The kernel for a matrix of weights. The sizes of most steps have one of their own; more would
/// cost every user compile time.
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

/// `combine` for arrays of any size. Returns whether the values of operand number `checked` were
/// finite before a target was written.
template <class Scalar>
bool combine_arrays(const Weights& weights, std::span<Scalar* const> targets,
                    std::span<const Scalar* const> operands, std::size_t size,
                    std::size_t checked = 0) {
  if constexpr (!has_kernel_scalar<Scalar>) {
    return in_chunks(size, [&](std::size_t begin, std::size_t end) {
      return combine_one_by_one(weights, targets, operands, operands[checked], begin, end);
    });
  } else {
    const auto kernel = combine_kernel<Scalar>(weights, targets.size(), operands.size());
    constexpr std::size_t block = kernel_block<Scalar>;
    const std::size_t whole = size - size % block;
    const bool finite = in_chunks(whole, [&](std::size_t begin, std::size_t end) {
      return kernel(weights, targets, operands, operands[checked], begin, end);
    });
    const std::size_t rest = size - whole;
    if (rest == 0) return finite;
    // The rest goes through the same code, so that its results do not depend on its place.
    std::array<std::array<Scalar, block>, Combine::max_operands> padded{};
    std::array<std::array<Scalar, block>, Combine::max_targets> results;
    std::array<Scalar*, Combine::max_targets> to;
    std::array<const Scalar*, Combine::max_operands> from;
    for (std::size_t i = 0; i < targets.size(); ++i) to[i] = results[i].data();
    for (std::size_t j = 0; j < operands.size(); ++j) {
      std::copy_n(operands[j] + whole, rest, padded[j].data());
      from[j] = padded[j].data();
    }
    const bool rest_finite = kernel(weights, std::span<Scalar* const>(to.data(), targets.size()),
                                    std::span<const Scalar* const>(from.data(), operands.size()),
                                    from[checked], 0, block);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      std::copy_n(results[i].data(), rest, targets[i] + whole);
    }
    return finite && rest_finite;
  }
}

#if !DPM_DEFINE
extern template bool combine_arrays<float>(const Weights&, std::span<float* const>,
                                           std::span<const float* const>, std::size_t, std::size_t);
extern template bool combine_arrays<double>(const Weights&, std::span<double* const>,
                                            std::span<const double* const>, std::size_t,
                                            std::size_t);
#endif

}  // namespace dpm::detail
