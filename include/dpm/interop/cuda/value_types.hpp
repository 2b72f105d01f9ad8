// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The types of values in a device's memory: as bits, and to and from float.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dpm/separate.hpp"
#include "dpm/standard_library.hpp"

namespace dpm {

/// What the values in a device's memory are. Sums are formed in float and rounded once.
enum class CudaType : std::uint8_t { float32, float16, bfloat16 };

namespace detail {

// Values of the half types, as bits. On the device they are converted by single instructions that
// the flags of nvcc leave alone; the host gives the same bits.
struct HalfBits {
  std::uint16_t bits;
};
struct BfloatBits {
  std::uint16_t bits;
};

constexpr std::size_t size_of(CudaType type) { return type == CudaType::float32 ? 4 : 2; }

/// Calls `function` with a value of the type that stands for `type`.
template <class Function>
void with_scalar(CudaType type, const Function& function) {
  if (type == CudaType::float32) {
    function(float{});
  } else if (type == CudaType::float16) {
    function(HalfBits{});
  } else {
    function(BfloatBits{});
  }
}

DPM_DEVICE inline float widen(float x) { return x; }

DPM_DEVICE inline float widen(HalfBits x) {
#if defined(__CUDA_ARCH__)
  float wide;
  asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(x.bits));
  return wide;
#else
  const std::uint32_t sign = (x.bits & 0x8000U) << 16;
  const std::uint32_t size = x.bits & 0x7FFFU;
  if (size >= 0x7C00) return bit_cast<float>(sign | 0x7F800000 | size << 13);
  const float wide = bit_cast<float>(size << 13) * 0x1p112F;  // exact, below 2^-14 too
  return bit_cast<float>(sign | bit_cast<std::uint32_t>(wide));
#endif
}

DPM_DEVICE inline float widen(BfloatBits x) { return bit_cast<float>(std::uint32_t{x.bits} << 16); }

/// To the nearest, ties to even.
DPM_DEVICE inline void narrow(float x, float& to) { to = x; }

DPM_DEVICE inline void narrow(float x, HalfBits& to) {
#if defined(__CUDA_ARCH__)
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(to.bits) : "f"(x));
#else
  const auto bits = bit_cast<std::uint32_t>(x);
  const std::uint32_t sign = bits >> 16 & 0x8000;
  const std::uint32_t size = bits & 0x7FFFFFFF;
  std::uint32_t half = 0;
  if (size > 0x7F800000) {
    half = 0x7E00;  // NaN
  } else if (size >= 0x47800000) {
    half = 0x7C00;  // 2^16 and more are infinite
  } else if (size < 0x38800000) {
    // Below 2^-14 halves lie 2^-24 apart, as floats do from 1/2 on.
    half = bit_cast<std::uint32_t>(bit_cast<float>(size) + 0.5F) - 0x3F000000;
  } else {
    half = (size - 0x38000000 + 0xFFF + (size >> 13 & 1)) >> 13;
  }
  to.bits = static_cast<std::uint16_t>(sign | half);
#endif
}

DPM_DEVICE inline void narrow(float x, BfloatBits& to) {
  const auto bits = bit_cast<std::uint32_t>(x);
  const bool is_nan = (bits & 0x7FFFFFFF) > 0x7F800000;  // whose bits must not overflow
  to.bits = static_cast<std::uint16_t>(is_nan ? 0x7FC0 : (bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

}  // namespace detail
}  // namespace dpm
