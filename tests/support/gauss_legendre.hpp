// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Integrals by the library's Gauss-Legendre rule.
#pragma once

#include <cstddef>

#include "dpm/math/gauss_legendre.hpp"

namespace dpm_test {

/// The integral of `function` from a to b.
template <class Function>
double gauss_legendre(double a, double b, Function function) {
  const auto& rule = dpm::detail::gauss_legendre_rule<32>();
  const double middle = 0.5 * (a + b);
  const double half = 0.5 * (b - a);
  double sum = 0.0;
  for (std::size_t i = 0; i < rule.nodes.size(); ++i) {
    sum += rule.weights[i] * function(middle + half * rule.nodes[i]);
  }
  return half * sum;
}

}  // namespace dpm_test
