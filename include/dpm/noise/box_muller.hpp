// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The Box-Muller transform in arithmetic that gives the same bits on every machine.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "dpm/separate.hpp"
#include "dpm/standard_library.hpp"

#if defined(__SSE2__)
#  include <emmintrin.h>
#endif

namespace dpm::detail {

// WebAssembly has no pragma for it, and no fused multiply-add.
#if defined(__clang__) && !defined(__wasm__)
#  pragma float_control(precise, on, push)
#endif

static_assert(std::numeric_limits<double>::is_iec559 && sizeof(double) == sizeof(std::uint64_t),
              "dpm's noise needs IEEE 754 doubles");

// Why the bits are the same everywhere: IEEE 754 fixes + - * / and sqrt, but neither log, sin and
// cos, nor whether a compiler rounds a x + c once (a fused multiply-add) or twice. So the three
// functions are polynomials here, and every product that meets a sum is exact, as its factors have
// 26 significant bits each, as a rule. Fused or not, a x + c is then rounded once. Leading terms of
// 53 bits have a power of two for a factor. The coefficients are minimax in the relative error,
// each first one cut to 26 bits and the others fitted to it.
//
// clang's -ffast-math would reassociate the sums, so it is told to keep to what is written.
//
// The functions read the lower 32 bits of 64-bit words and make doubles from integers by writing
// their bits: common processors have no vector instructions for the conversions.

/// The number whose bits `base` and `n` have between them, less `origin`; exact for an n below 2^52
/// that counts units of the last place of `base`, a power of two.
[[nodiscard]] DPM_DEVICE inline double fixed_point(double base, std::uint64_t n, double origin) {
  return bit_cast<double>(bit_cast<std::uint64_t>(base) | n) - origin;
}

/// `x` rounded to 26 significant bits, halves away from zero.
[[nodiscard]] DPM_DEVICE inline double keep26(double x) {
  constexpr std::uint64_t half = std::uint64_t{1} << 26;
  constexpr std::uint64_t dropped = 2 * half - 1;
  return bit_cast<double>((bit_cast<std::uint64_t>(x) + half) & ~dropped);
}

/// One Horner step: c + a x in 26 bits, from 26-bit a and x.
[[nodiscard]] DPM_DEVICE inline double horner26(double c, double a, double x) {
  return keep26(c + a * x);
}

/// -2 log u > 0 at u = (word + 1/2) / 2^32; relative error below 2^-29.
///
/// With u = 2^k m, m in [sqrt(1/2), sqrt(2)), and s = (m - 1)/(m + 1) it is -2 k log 2 - 4 artanh
/// s, and 4 artanh s = 4 s + s^3 (4/3 + 4 s^2/5 + ...). Near u = 1, k = 0 and m - 1 is exact.
[[nodiscard]] DPM_DEVICE inline double minus_two_log(std::uint64_t word) {
  constexpr double minus_two_log_2 = -0x1.62e42fefa3ap+0;  // 47 bits: exact times |k| < 64
  constexpr auto sqrt_half = bit_cast<std::uint64_t>(0x1.6a09e667f3bcdp-1);
  constexpr std::uint64_t fraction = (std::uint64_t{1} << 52) - 1;
  const double u = fixed_point(0x1p19, (word & 0xFFFFFFFF) << 1 | 1, 0x1p19);
  const std::uint64_t scaled = bit_cast<std::uint64_t>(u) - sqrt_half + (std::uint64_t{64} << 52);
  const double k = fixed_point(0x1p52, scaled >> 52, 0x1p52 + 64);
  const double m = bit_cast<double>((scaled & fraction) + sqrt_half);

  const double s = (m - 1.0) / (m + 1.0);
  const double s26 = keep26(s);
  const double y = keep26(s26 * s26);
  double a = -0x1.31e2df8p-1;
  a = horner26(-0x1.995ebac86e7afp-1, a, y);
  a = horner26(-0x1.55557a24c3aa8p+0, a, y);
  return (k * minus_two_log_2 - 4.0 * s) + keep26(s26 * y) * a;
}

/// sin(pi f / 2) for 26-bit f in [-1/2, 1/2] and y = f^2 in 26 bits; relative error below 2^-27.
[[nodiscard]] DPM_DEVICE inline double sin_quarter(double f, double y) {
  constexpr double half_pi = 0x1.921fb58p+0;  // 26 bits of it; the last step adds the rest
  double a = -0x1.2d9302p-8;
  a = horner26(0x1.465e91ee2857ap-4, a, y);
  a = horner26(-0x1.4abbb9003d59p-1, a, y);
  a = horner26(-0x1.46574083eb5ebp-26, a, y);
  return f * half_pi + f * a;
}

/// cos(pi f / 2) of the same; relative error below 2^-29. 1 - f^2 leads, which is rounded once.
[[nodiscard]] DPM_DEVICE inline double cos_quarter(double f, double y) {
  double a = 0x1.d9d57fp-11;
  a = horner26(-0x1.55c5dfc0fe04ep-6, a, y);
  a = horner26(0x1.03c1dd96256c6p-2, a, y);
  a = horner26(-0x1.de9e63dc1f29p-3, a, y);
  return (1.0 - f * f) + a * y;
}

struct DrawPair {
  double first;
  double second;
};

/// r cos(theta) and r sin(theta) in 26 bits, where theta = 2 pi (n + 1/2) / 2^28, n = word / 2^4.
[[nodiscard]] DPM_DEVICE inline DrawPair polar(double r, std::uint64_t word) {
  // theta = pi/2 (quadrant + f). Two bits shifted out leave f as a signed fraction of 2^32; with
  // its sign flipped it is f + 1/2, unsigned.
  constexpr std::uint64_t sign = std::uint64_t{1} << 63;
  const double f = fixed_point(0x1p20, (word << 2 & 0xFFFFFFC0) ^ 0x80000020, 0x1p20 + 0.5);
  const double y = keep26(f * f);
  const auto c = bit_cast<std::uint64_t>(cos_quarter(f, y));
  const auto s = bit_cast<std::uint64_t>(sin_quarter(f, y));

  const std::uint64_t quadrant = word + 0x20000000;        // in bits 30 and 31
  const std::uint64_t odd = 0 - (quadrant >> 30 & 1);      // all bits in quadrants 1 and 3
  const std::uint64_t swap = (c ^ s) & odd;                // which exchange the two
  const std::uint64_t negative = quadrant << 32 & sign;    // both are in quadrants 2 and 3,
  const std::uint64_t cos_sign = (odd & sign) ^ negative;  // but a cosine in 1 and 2
  return {keep26(r * bit_cast<double>(c ^ swap ^ cos_sign)),
          keep26(r * bit_cast<double>(s ^ swap ^ negative))};
}

/// The square roots of an even number of values. std::sqrt sets errno, which forbids vectors.
inline void square_roots(double* x, std::size_t count) {
#if defined(__SSE2__)
  for (std::size_t i = 0; i < count; i += 2) {
    _mm_storeu_pd(x + i, _mm_sqrt_pd(_mm_loadu_pd(x + i)));
  }
#else
  for (std::size_t i = 0; i < count; ++i) x[i] = std::sqrt(x[i]);
#endif
}

#if defined(__clang__) && !defined(__wasm__)
#  pragma float_control(pop)
#endif

}  // namespace dpm::detail
