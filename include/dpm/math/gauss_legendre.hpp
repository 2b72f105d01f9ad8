// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Gauss-Legendre quadrature, for weights that have no closed form.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace dpm::detail {

/// The nodes in (-1, 1) and the weights of Gauss-Legendre quadrature.
template <std::size_t Count>
struct GaussLegendreRule {
  std::array<double, Count> nodes{};
  std::array<double, Count> weights{};

  /// Newton's method on the Legendre polynomial P of degree Count, from the usual first guess
  /// (Press et al. 2007, Numerical Recipes, Sec. 4.6.1).
  GaussLegendreRule() {
    constexpr auto degree = static_cast<double>(Count);
    for (std::size_t i = 0; i < Count; ++i) {
      double x = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (degree + 0.5));
      double derivative = 0.0;
      for (int iteration = 0; iteration < 8; ++iteration) {
        double previous = 1.0;
        double p = x;
        for (std::size_t k = 2; k <= Count; ++k) {
          const auto n = static_cast<double>(k);
          const double next = ((2.0 * n - 1.0) * x * p - (n - 1.0) * previous) / n;
          previous = p;
          p = next;
        }
        derivative = degree * (x * p - previous) / (x * x - 1.0);
        x -= p / derivative;
      }
      nodes[i] = x;
      weights[i] = 2.0 / ((1.0 - x * x) * derivative * derivative);
    }
  }
};

/// Exact for polynomials up to degree 2 Count - 1.
template <std::size_t Count>
const GaussLegendreRule<Count>& gauss_legendre_rule() {
  static const GaussLegendreRule<Count> rule;
  return rule;
}

}  // namespace dpm::detail
