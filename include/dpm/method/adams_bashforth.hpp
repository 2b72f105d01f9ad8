// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Linear multistep weights.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace dpm::detail {

/// Adams-Bashforth weights, newest prediction first (arXiv 2202.09778, Eq. 12, and its lower
/// orders).
inline std::span<const double> adams_bashforth(std::size_t known) {
  static constexpr std::array<double, 2> two{3.0 / 2.0, -1.0 / 2.0};
  static constexpr std::array<double, 3> three{23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0};
  static constexpr std::array<double, 4> four{55.0 / 24.0, -59.0 / 24.0, 37.0 / 24.0, -9.0 / 24.0};
  if (known == 2) return two;
  if (known == 3) return three;
  return four;
}

}  // namespace dpm::detail
