// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Quadrature against integrals in closed form.
#include "dpm/math/gauss_legendre.hpp"

#include <cmath>

#include "support/catch.hpp"
#include "support/gauss_legendre.hpp"

namespace gauss_legendre_test {

using namespace dpm_test;

TEST_CASE("Gauss-Legendre quadrature is exact for polynomials and converged for exponentials") {
  const auto power = [](double x) { return std::pow(x, 40); };
  REQUIRE_THAT(gauss_legendre(0.0, 2.0, power), WithinRel(std::pow(2.0, 41) / 41.0, 1e-13));
  const auto exponential = [](double x) { return std::exp(-x); };
  REQUIRE_THAT(gauss_legendre(-5.0, 5.0, exponential), WithinRel(2.0 * std::sinh(5.0), 1e-13));
  REQUIRE_THAT(gauss_legendre(5.0, -5.0, exponential), WithinRel(-2.0 * std::sinh(5.0), 1e-13));
}

}  // namespace gauss_legendre_test
