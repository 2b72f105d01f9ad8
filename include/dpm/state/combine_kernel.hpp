// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The inner loop of `combine`.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

#include "dpm/state/weights.hpp"

// Loops over targets and operands must be unrolled, or weights and sums would live in memory.
#if defined(__GNUC__)
#  define DPM_UNROLL _Pragma("GCC unroll 8")
#else
#  define DPM_UNROLL
#endif

namespace dpm::detail {

/// What sums of a scalar are formed in: float for the half types, so that a step rounds once.
template <class Scalar>
using WideOf = std::conditional_t<(std::numeric_limits<Scalar>::is_specialized &&
                                   std::numeric_limits<Scalar>::digits < 24),
                                  float, Scalar>;

/// Values that are combined at once, for scalars and compilers without vector registers.
template <class Wide, std::size_t Size>
struct PackArray {
  std::array<Wide, Size> values;

  Wide& operator[](std::size_t k) { return values[k]; }
  const Wide& operator[](std::size_t k) const { return values[k]; }
  friend PackArray operator*(const PackArray& a, const PackArray& b) {
    PackArray c;
    for (std::size_t k = 0; k < Size; ++k) c[k] = a[k] * b[k];
    return c;
  }
  friend PackArray operator-(const PackArray& a, const PackArray& b) {
    PackArray c;
    for (std::size_t k = 0; k < Size; ++k) c[k] = a[k] - b[k];
    return c;
  }
  PackArray& operator+=(const PackArray& b) {
    for (std::size_t k = 0; k < Size; ++k) values[k] += b[k];
    return *this;
  }
};

#if defined(__AVX512F__)
inline constexpr std::size_t pack_bytes = 64;
#elif defined(__AVX__)
inline constexpr std::size_t pack_bytes = 32;
#else
inline constexpr std::size_t pack_bytes = 16;
#endif

template <class Wide>
struct PackOf {
  using type = PackArray<Wide, 4>;
};
#if defined(__GNUC__)
// One vector register. g++ 12 does not vectorise such loops at -O2 by itself.
template <class Wide>
requires std::is_same_v<Wide, float> || std::is_same_v<Wide, double>
struct PackOf<Wide> {
  using type [[gnu::vector_size(pack_bytes)]] = Wide;
};
#endif
template <class Wide>
using Pack = typename PackOf<Wide>::type;

template <class Wide>
inline constexpr std::size_t pack_size = sizeof(Pack<Wide>) / sizeof(Wide);

/// Scalars that the kernel takes at a time: some packs, so that its loop costs little.
inline constexpr std::size_t packs_in_block = 4;
template <class Scalar>
inline constexpr std::size_t combine_block = packs_in_block* pack_size<WideOf<Scalar>>;

template <class Scalar>
Pack<WideOf<Scalar>> load(const Scalar* from) {
  Pack<WideOf<Scalar>> pack;
  if constexpr (std::is_same_v<Scalar, WideOf<Scalar>> && std::is_trivially_copyable_v<Scalar>) {
    std::memcpy(&pack, from, sizeof pack);
  } else {
    for (std::size_t k = 0; k < pack_size<WideOf<Scalar>>; ++k) {
      pack[k] = static_cast<WideOf<Scalar>>(from[k]);
    }
  }
  return pack;
}

template <class Scalar>
void store(const Pack<WideOf<Scalar>>& pack, Scalar* to) {
  if constexpr (std::is_same_v<Scalar, WideOf<Scalar>> && std::is_trivially_copyable_v<Scalar>) {
    std::memcpy(to, &pack, sizeof pack);
  } else {
    for (std::size_t k = 0; k < pack_size<WideOf<Scalar>>; ++k) {
      to[k] = static_cast<Scalar>(pack[k]);
    }
  }
}

template <class Wide>
Pack<Wide> fill_pack(Wide value) {
  Pack<Wide> pack;
  for (std::size_t k = 0; k < pack_size<Wide>; ++k) pack[k] = value;
  return pack;
}

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
void combine_blocks(const Weights& weights, std::span<Scalar* const> targets,
                    std::span<const Scalar* const> operands, std::size_t begin, std::size_t end) {
  using Wide = WideOf<Scalar>;
  std::array<std::array<Pack<Wide>, Operands>, Targets> w;
  for (std::size_t i = 0; i < Targets; ++i) {
    for (std::size_t j = 0; j < Operands; ++j)
      w[i][j] = fill_pack(static_cast<Wide>(weights(i, j)));
  }
  std::array<Scalar*, Targets> to;
  std::array<const Scalar*, Operands> from;
  std::copy_n(targets.begin(), Targets, to.begin());
  std::copy_n(operands.begin(), Operands, from.begin());
  for (std::size_t at = begin; at < end; at += combine_block<Scalar>) {
    DPM_UNROLL
    for (std::size_t u = 0; u < packs_in_block; ++u) {
      const std::size_t here = at + u * pack_size<Wide>;
      std::array<Pack<Wide>, Operands> x;
      DPM_UNROLL
      for (std::size_t j = 0; j < Operands; ++j) x[j] = load(from[j] + here);
      DPM_UNROLL
      for (std::size_t i = 0; i < Targets; ++i) {
        Pack<Wide> sum = w[i][0] * x[0];
        std::size_t terms = Operands;
        if (i + 1 == Targets) terms = InLast;
        DPM_UNROLL
        for (std::size_t j = 1; j < terms; ++j) sum += w[i][j] * x[j];
        store(sum, to[i] + here);
      }
    }
  }
}

/// The kernel for any size: the same sums, about half as fast.
template <class Scalar>
void combine_blocks_of_any_size(const Weights& weights, std::span<Scalar* const> targets,
                                std::span<const Scalar* const> operands, std::size_t begin,
                                std::size_t end) {
  using Wide = WideOf<Scalar>;
  for (std::size_t at = begin; at < end; at += pack_size<Wide>) {
    std::array<Pack<Wide>, 8> x;
    for (std::size_t j = 0; j < operands.size(); ++j) x[j] = load(operands[j] + at);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      Pack<Wide> sum = fill_pack(static_cast<Wide>(weights(i, 0))) * x[0];
      for (std::size_t j = 1; j < operands.size(); ++j) {
        sum += fill_pack(static_cast<Wide>(weights(i, j))) * x[j];
      }
      store(sum, targets[i] + at);
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
  bool pair = true;  // whether the last target reads two operands only
  for (std::size_t j = 2; j < operands; ++j) pair = pair && weights(targets - 1, j) == 0.0;
  if (targets == 1) {
    return choose_kernel<Scalar, 1, 1>(operands, std::make_index_sequence<6>{});
  }
  if (targets == 2 && !pair) {
    return choose_kernel<Scalar, 2, 3>(operands, std::make_index_sequence<3>{});
  }
  if (targets == 2) return choose_kernel<Scalar, 2, 2, 2>(operands, std::make_index_sequence<4>{});
  if (!pair) return &combine_blocks_of_any_size<Scalar>;
  return choose_kernel<Scalar, 3, 3, 2>(operands, std::make_index_sequence<4>{});
}

}  // namespace dpm::detail

#undef DPM_UNROLL
