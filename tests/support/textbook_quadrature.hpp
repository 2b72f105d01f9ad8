// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Integrals and Lagrange's polynomials, which the textbook multistep methods are written in.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace dpm_test::textbook {

/// The integral from a to b: Gauss-Legendre with five nodes on each of 128 equal parts.
template <class Function>
double integral(double a, double b, const Function& function) {
  const double inner = std::sqrt(5 - 2 * std::sqrt(10.0 / 7)) / 3;
  const double outer = std::sqrt(5 + 2 * std::sqrt(10.0 / 7)) / 3;
  const double inner_weight = (322 + 13 * std::sqrt(70.0)) / 900;
  const double outer_weight = (322 - 13 * std::sqrt(70.0)) / 900;
  constexpr int parts = 128;
  const double half = (b - a) / (2 * parts);
  double sum = 0;
  for (int i = 0; i < parts; ++i) {
    const double middle = a + (2 * i + 1) * half;
    sum += 128.0 / 225 * function(middle);
    sum += inner_weight * (function(middle - inner * half) + function(middle + inner * half));
    sum += outer_weight * (function(middle - outer * half) + function(middle + outer * half));
  }
  return half * sum;
}

/// Lagrange's polynomial that is 1 at nodes[j] and 0 at the other nodes.
inline double lagrange(const std::vector<double>& nodes, std::size_t j, double at) {
  double product = 1;
  for (std::size_t k = 0; k < nodes.size(); ++k) {
    if (k != j) product *= (at - nodes[k]) / (nodes[j] - nodes[k]);
  }
  return product;
}

}  // namespace dpm_test::textbook
