// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
#include "dpm/math/cholesky.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "support/catch.hpp"

namespace cholesky_test {

using namespace dpm_test;

TEST_CASE("a small positive definite system is solved") {
  // A = L L^T with L = (2 0 0; 1 3 0; -1 2 1), x = (1, -2, 3). What stands above the diagonal is
  // not read.
  std::vector<double> matrix{4.0, 99.0, 99.0, 2.0, 10.0, 99.0, -2.0, 5.0, 6.0};
  std::vector<double> b{4.0 - 4.0 - 6.0, 2.0 - 20.0 + 15.0, -2.0 - 10.0 + 18.0};
  REQUIRE(dpm::detail::solve_positive_definite(matrix, b));
  REQUIRE_THAT(b[0], WithinAbs(1.0, 1e-14));
  REQUIRE_THAT(b[1], WithinAbs(-2.0, 1e-14));
  REQUIRE_THAT(b[2], WithinAbs(3.0, 1e-14));
}

TEST_CASE("a Hilbert matrix of six rows is solved to its condition") {
  constexpr std::size_t n = 6;
  std::vector<double> matrix(n * n);
  std::vector<double> b(n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      matrix[i * n + j] = 1.0 / static_cast<double>(i + j + 1);
      b[i] += matrix[i * n + j];
    }
  }
  REQUIRE(dpm::detail::solve_positive_definite(matrix, b));
  // The condition is 1.5e7, times a few roundings of 1e-16.
  for (const double x : b) REQUIRE_THAT(x, WithinAbs(1.0, 1e-8));
}

TEST_CASE("a system that is not positive definite is told and its right-hand side kept") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::vector<double>& singular :
       {std::vector<double>{1.0, 1.0, 1.0, 1.0}, std::vector<double>{1.0, 0.0, 0.0, -1.0},
        std::vector<double>{0.0, 0.0, 0.0, 1.0}, std::vector<double>{1.0, 0.0, nan, 1.0}}) {
    std::vector<double> matrix = singular;
    std::vector<double> b{2.0, 3.0};
    REQUIRE_FALSE(dpm::detail::solve_positive_definite(matrix, b));
    REQUIRE(b == std::vector<double>{2.0, 3.0});
  }
}

TEST_CASE("a system of no unknowns has a solution") {
  REQUIRE(dpm::detail::solve_positive_definite({}, {}));
}

}  // namespace cholesky_test
