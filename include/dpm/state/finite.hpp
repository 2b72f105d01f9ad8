// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Whether a state holds a NaN or an infinity.
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "dpm/error.hpp"
#include "dpm/separate.hpp"
#include "dpm/standard_library.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/parallel.hpp"
#include "dpm/state/simd.hpp"

namespace dpm {
namespace detail {

// In infinities and NaN the exponent is all ones: adding one to it carries into the sign. Compilers
// may take x - x and x != x for known (-ffast-math -fno-finite-math-only), but not these bits.

template <class Wide>
using BitsOf = std::conditional_t<sizeof(Wide) == 4, std::uint32_t, std::uint64_t>;
template <class Wide>
inline constexpr BitsOf<Wide> exponent_bits = sizeof(Wide) == 4
                                                  ? BitsOf<Wide>{0x7F80'0000}
                                                  : BitsOf<Wide>(0x7FF0'0000'0000'0000);
template <class Wide>
inline constexpr BitsOf<Wide> lowest_exponent_bit = exponent_bits<Wide> & -exponent_bits<Wide>;

/// The highest bit is set if and only if x is not finite.
template <class Wide>
BitsOf<Wide> finite_bits(Wide x) {
  if constexpr (std::is_same_v<Wide, float> || std::is_same_v<Wide, double>) {
    return (bit_cast<BitsOf<Wide>>(x) & exponent_bits<Wide>)+lowest_exponent_bit<Wide>;
  } else {
    return std::isfinite(x) ? 0 : ~BitsOf<Wide>{0};
  }
}

template <class Wide>
bool says_finite(BitsOf<Wide> bits) {
  return bits >> (8 * sizeof bits - 1) == 0;
}

template <class PackType>
bool pack_is_finite(const PackType& x) {
  using Wide = PackValue<PackType>;
  BitsOf<Wide> all = 0;
  for (std::size_t k = 0; k < pack_size<PackType>; ++k) all |= finite_bits<Wide>(x[k]);
  return says_finite<Wide>(all);
}

/// For whole blocks.
template <class Scalar>
DPM_KERNEL bool finite_blocks(const Scalar* values, std::size_t size) {
  using Wide = WideOf<Scalar>;
  using PackType = KernelPack<Scalar>;
  BitsOf<Wide> all = 0;
  if constexpr (std::is_class_v<PackType>) {
    for (std::size_t i = 0; i < size; ++i) all |= finite_bits(static_cast<Wide>(values[i]));
  } else {
    using Bits = typename PackOf<BitsOf<Wide>, sizeof(PackType)>::type;
    Bits seen[packs_in_block] = {};
    for (std::size_t i = 0; i < size; i += kernel_block<Scalar>) {
      DPM_UNROLL
      for (std::size_t u = 0; u < packs_in_block; ++u) {
        PackType x;
        load(x, values + i + u * pack_size<PackType>);
        Bits bits;
        std::memcpy(&bits, &x, sizeof bits);
        seen[u] |= (bits & exponent_bits<Wide>)+lowest_exponent_bit<Wide>;
      }
    }
    for (std::size_t k = 0; k < pack_size<PackType>; ++k) {
      all |= seen[0][k] | seen[1][k] | seen[2][k] | seen[3][k];
    }
  }
  return says_finite<Wide>(all);
}

template <class Scalar>
bool finite_values(const Scalar* values, std::size_t size) {
  using Wide = WideOf<Scalar>;
  const std::size_t whole = has_kernels() ? size - size % kernel_block<Scalar> : 0;
  BitsOf<Wide> rest = 0;
  for (std::size_t i = whole; i < size; ++i) rest |= finite_bits(static_cast<Wide>(values[i]));
  return says_finite<Wide>(rest) && (whole == 0 || finite_blocks(values, whole));
}

/// Whether all values are finite, of any number.
template <class Scalar>
bool array_is_finite(const Scalar* values, std::size_t size) {
  return in_chunks(size, [values](std::size_t begin, std::size_t end) {
    return finite_values(values + begin, end - begin);
  });
}
#if !DPM_DEFINE
extern template bool array_is_finite(const float*, std::size_t);
extern template bool array_is_finite(const double*, std::size_t);
#endif

}  // namespace detail

/// Whether every value of a dense state is finite. One pass.
template <DenseState State>
[[nodiscard]] bool all_finite(const State& state) {
  const auto view = dense_view(state);
  detail::require(view.contiguous(),
                  "all_finite: the state is a view with gaps; it must be contiguous");
  using Scalar = std::remove_const_t<ScalarOf<const State>>;
  if constexpr (detail::has_few_values<State>) {
    using Wide = detail::WideOf<Scalar>;
    detail::BitsOf<Wide> all = 0;
    for (std::size_t i = 0; i < detail::fixed_size<State>(); ++i) {
      all |= detail::finite_bits(static_cast<Wide>(view.data[i]));
    }
    return detail::says_finite<Wide>(all);
  } else {
    return detail::array_is_finite<Scalar>(view.data, view.size());
  }
}

namespace detail {

/// Whether a state is finite; true for a type that has no `all_finite`.
template <class State>
bool is_finite(const State& state) {
  if constexpr (requires {
                  { all_finite(state) } -> std::same_as<bool>;
                }) {
    return all_finite(state);
  } else {
    return true;
  }
}

}  // namespace detail

}  // namespace dpm
