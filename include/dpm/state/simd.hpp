// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Vector registers as values, with which the loops over states are written.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "dpm/separate.hpp"  // asks for C++20

// Loops over packs must be unrolled, or what should be in registers would live in memory.
// nvcc hands the pragma on to g++, with a warning that it does not know it.
#define DPM_PRAGMA(text) _Pragma(#text)
#if defined(__NVCC__)
#  define DPM_UNROLL_UP_TO(count)  \
    DPM_PRAGMA(nv_diagnostic push) \
    DPM_PRAGMA(nv_diag_suppress 1675) DPM_PRAGMA(GCC unroll count) DPM_PRAGMA(nv_diagnostic pop)
#elif defined(__GNUC__)
#  define DPM_UNROLL_UP_TO(count) DPM_PRAGMA(GCC unroll count)
#else
#  define DPM_UNROLL_UP_TO(count)
#endif
#define DPM_UNROLL DPM_UNROLL_UP_TO(8)

// Kernels are compiled for AVX2 and FMA on x86-64 even if the user's code is not, and chosen where
// the processor has them. (On Windows g++ does not align the stack for such functions.)
#if defined(__x86_64__) && defined(__GNUC__) && !defined(_WIN32)
#  define DPM_X86_KERNELS 1
#else
#  define DPM_X86_KERNELS 0
#endif
#if DPM_X86_KERNELS && !(defined(__AVX2__) && defined(__FMA__) && defined(__F16C__))
#  define DPM_KERNEL [[gnu::target("avx2,fma,f16c")]]
#  define DPM_CHOOSES_KERNELS 1
#else
#  define DPM_KERNEL
#  define DPM_CHOOSES_KERNELS 0
#endif

namespace dpm::detail {

/// The size of a register. It does not depend on what a file is compiled for, as all files of a
/// program share the kernels.
inline constexpr std::size_t kernel_pack_bytes = DPM_X86_KERNELS ? 32 : 16;

/// Whether kernels run here. All processors with AVX2 convert half types.
#if DPM_CHOOSES_KERNELS
inline bool has_kernels() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#else
constexpr bool has_kernels() { return true; }
#endif

/// Whether a scalar has so many binary digits, like half (11) and bfloat16 (8).
template <class Scalar, int Digits>
inline constexpr bool has_digits =
    std::numeric_limits<Scalar>::is_specialized&& std::numeric_limits<Scalar>::digits == Digits;

template <class Scalar>
inline constexpr bool is_half_type = (has_digits<Scalar, 11> ||
                                      has_digits<Scalar, 8>)&&sizeof(Scalar) == 2 &&
                                     std::is_trivially_copyable_v<Scalar>;

/// What sums of a scalar are formed in: float for the half types, so that a step rounds once.
template <class Scalar>
using WideOf = std::conditional_t<(std::numeric_limits<Scalar>::is_specialized &&
                                   std::numeric_limits<Scalar>::digits < 24),
                                  float, Scalar>;

/// Some values, for scalars and compilers without vector registers.
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
};

template <class Wide, std::size_t Bytes>
struct PackOf {
  using type = PackArray<Wide, Bytes / sizeof(Wide) + (Bytes < sizeof(Wide) ? 1 : 0)>;
};
#if defined(__GNUC__)
// One vector register. g++ 12 does not vectorise such loops at -O2 by itself.
template <class Wide, std::size_t Bytes>
requires(Bytes == 16 || Bytes == 32) &&
    (std::is_same_v<Wide, float> || std::is_same_v<Wide, double> ||
     std::is_same_v<Wide, std::uint32_t> ||
     std::is_same_v<Wide, std::uint64_t>)struct PackOf<Wide, Bytes> {
  using type [[gnu::vector_size(Bytes)]] = Wide;
};
#endif

/// What kernels compute a scalar with.
template <class Scalar>
using KernelPack = typename PackOf<WideOf<Scalar>, kernel_pack_bytes>::type;
template <class PackType>
using PackValue = std::remove_cvref_t<decltype(std::declval<PackType&>()[0])>;
template <class PackType>
inline constexpr std::size_t pack_size = sizeof(PackType) / sizeof(PackValue<PackType>);

/// Kernels take several packs at a time, so that their loops cost little.
inline constexpr std::size_t packs_in_block = 4;
template <class Scalar>
inline constexpr std::size_t kernel_block = packs_in_block* pack_size<KernelPack<Scalar>>;

// Packs are handed over by reference: how registers of AVX are passed depends on the caller.
// At -O1 g++ inlines only what says `inline`.

template <class PackType, class Wide>
inline void fill_pack(PackType& pack, Wide value) {
  pack = PackType{};
  for (std::size_t k = 0; k < pack_size<PackType>; ++k) pack[k] = value;
}

/// Whether kernels take a scalar: float, double and the half types.
template <class Scalar>
inline constexpr bool has_kernel_scalar =
    std::is_same_v<WideOf<Scalar>, float> || std::is_same_v<WideOf<Scalar>, double>;

/// a b + c, rounded once in float and double. So a sum of products is the same bits everywhere,
/// where compilers contract plain products and sums as they choose.
template <class Wide>
Wide multiply_add(const Wide& a, const Wide& b, const Wide& c) {
  if constexpr (has_kernel_scalar<Wide>) {
    return std::fma(a, b, c);
  } else {
    return a * b + c;
  }
}

#if DPM_X86_KERNELS
using FourFloats [[gnu::vector_size(16)]] = float;
using EightFloats [[gnu::vector_size(32)]] = float;
using TwoDoubles [[gnu::vector_size(16)]] = double;
using FourDoubles [[gnu::vector_size(32)]] = double;
#endif

/// sum <- a b + sum.
template <class PackType>
DPM_KERNEL inline void add_product(PackType& sum, const PackType& a, const PackType& b) {
#if DPM_X86_KERNELS
  if constexpr (std::is_same_v<PackType, EightFloats>) {
    sum = __builtin_ia32_vfmaddps256(a, b, sum);
  } else if constexpr (std::is_same_v<PackType, FourDoubles>) {
    sum = __builtin_ia32_vfmaddpd256(a, b, sum);
  } else if constexpr (std::is_same_v<PackType, FourFloats>) {
    sum = __builtin_ia32_vfmaddps(a, b, sum);
  } else if constexpr (std::is_same_v<PackType, TwoDoubles>) {
    sum = __builtin_ia32_vfmaddpd(a, b, sum);
  } else
#endif
  {
    for (std::size_t k = 0; k < pack_size<PackType>; ++k) {
      sum[k] = multiply_add(a[k], b[k], sum[k]);
    }
  }
}

template <class PackType, class Scalar>
inline void load(PackType& pack, const Scalar* from) {
  using Wide = WideOf<Scalar>;
  if constexpr (std::is_same_v<Scalar, Wide> && std::is_trivially_copyable_v<Scalar>) {
    std::memcpy(&pack, from, sizeof pack);
  } else {
    for (std::size_t k = 0; k < pack_size<PackType>; ++k) pack[k] = static_cast<Wide>(from[k]);
  }
}

template <class PackType, class Scalar>
inline void store(const PackType& pack, Scalar* to) {
  if constexpr (std::is_same_v<Scalar, WideOf<Scalar>> && std::is_trivially_copyable_v<Scalar>) {
    std::memcpy(to, &pack, sizeof pack);
  } else {
    for (std::size_t k = 0; k < pack_size<PackType>; ++k) to[k] = static_cast<Scalar>(pack[k]);
  }
}

#if DPM_X86_KERNELS
// Eight values of a half type; to the nearest, ties to even, like their own conversions.
using EightBits16 [[gnu::vector_size(16)]] = std::uint16_t;
using EightBits32 [[gnu::vector_size(32)]] = std::uint32_t;
using EightHalves [[gnu::vector_size(16)]] = std::int16_t;

template <class Scalar>
requires is_half_type<Scalar> DPM_KERNEL inline void load(EightFloats& pack, const Scalar* from) {
  if constexpr (has_digits<Scalar, 11>) {
    EightHalves bits;
    std::memcpy(&bits, from, sizeof bits);
    pack = __builtin_ia32_vcvtph2ps256(bits);
  } else {
    EightBits16 bits;
    std::memcpy(&bits, from, sizeof bits);
    pack = EightFloats(__builtin_convertvector(bits, EightBits32) << 16);
  }
}

template <class Scalar>
requires is_half_type<Scalar> DPM_KERNEL inline void store(const EightFloats& pack, Scalar* to) {
  if constexpr (has_digits<Scalar, 11>) {
    const EightHalves bits = __builtin_ia32_vcvtps2ph256(pack, 0);
    std::memcpy(static_cast<void*>(to), &bits, sizeof bits);
  } else {
    const EightBits32 bits = EightBits32(pack);
    const EightBits32 rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
    const EightBits32 is_nan = EightBits32(pack != pack);  // whose bits must not overflow
    const EightBits16 result =
        __builtin_convertvector((rounded & ~is_nan) | (is_nan & 0x7FC0), EightBits16);
    std::memcpy(static_cast<void*>(to), &result, sizeof result);
  }
}
#endif

}  // namespace dpm::detail
