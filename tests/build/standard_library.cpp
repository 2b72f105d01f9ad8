// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What stands in for functions of older standard libraries gives what those functions give.
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#define DPM_OLD_STANDARD_LIBRARY
#include "dpm/dpm.hpp"

namespace {

int failures = 0;

template <class Real>
void compare(Real value) {
  char text[64];
  const std::string standard(text, std::to_chars(text, text + sizeof text, value).ptr);
  const std::string ours(text, dpm::detail::write_number(text, value));
  if (ours == standard) return;
  if (++failures < 20) std::fprintf(stderr, "%s should be %s\n", ours.c_str(), standard.c_str());
}

/// Powers of two and of ten with their neighbours, short decimals, whole numbers, and `count` of
/// all bit patterns.
template <class Real, class Bits>
void compare_many(int count) {
  using Limits = std::numeric_limits<Real>;
  std::vector<Real> values{
      Real(0),          Limits::min(), Limits::max(), Limits::denorm_min(), Limits::infinity(),
      Limits::epsilon()};
  for (int e = Limits::min_exponent - Limits::digits; e <= Limits::max_exponent; ++e) {
    values.push_back(std::ldexp(Real(1), e));
  }
  for (int e = Limits::min_exponent10; e <= Limits::max_exponent10; ++e) {
    values.push_back(static_cast<Real>(std::pow(10.0, e)));
  }
  for (int i = 1; i < 2000; ++i) {
    for (const double unit : {1e-9, 1e-5, 1e-4, 0.001, 0.01, 0.1, 1.0, 1e4, 1e5, 1e15, 1e17}) {
      values.push_back(static_cast<Real>(i * unit));
    }
  }
  std::uint64_t state = 1;
  for (int i = 0; i < count; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const auto real = std::bit_cast<Real>(static_cast<Bits>(state >> (64 - 8 * sizeof(Real))));
    if (!std::isnan(real)) values.push_back(real);
    values.push_back(static_cast<Real>(static_cast<double>(state >> 11U) * 0x1p-53));
    values.push_back(static_cast<Real>(state >> (i % 64)));
  }
  for (const Real value : values) {
    compare(value);
    compare(-value);
    compare(std::nextafter(value, Real(0)));
    compare(std::nextafter(value, Limits::infinity()));
  }
}

}  // namespace

int main() {
  compare_many<double, std::uint64_t>(5'000);
  compare_many<float, std::uint32_t>(5'000);
  if (dpm::detail::sentence(-std::numeric_limits<float>::quiet_NaN(), " ", 0.1F) != "nan 0.1") {
    ++failures;
  }
  static_assert(dpm::detail::bit_cast<std::uint32_t>(-1.5F) == std::bit_cast<std::uint32_t>(-1.5F));
  return failures == 0 ? 0 : 1;
}
