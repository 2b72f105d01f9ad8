// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Small systems of linear equations that are symmetric and positive definite.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

namespace dpm::detail {

/// Solves A x = b by Cholesky's factorisation (Golub & Van Loan 2013, Matrix Computations, Sec.
/// 4.2.3). `matrix` holds A row by row, of which the lower triangle is read, and `b` the right-hand
/// side, which becomes x. Returns whether A is positive definite; if not, b is as it was. A is
/// overwritten in each case. Cost: n^3 / 6 products, for systems of a few unknowns.
inline bool solve_positive_definite(std::span<double> matrix, std::span<double> b) {
  const std::size_t n = b.size();
  for (std::size_t j = 0; j < n; ++j) {
    double* const row = &matrix[j * n];
    for (std::size_t k = 0; k < j; ++k) {
      const double* const other = &matrix[k * n];
      for (std::size_t i = 0; i < k; ++i) row[k] -= row[i] * other[i];
      row[k] /= other[k];
    }
    for (std::size_t i = 0; i < j; ++i) row[j] -= row[i] * row[i];
    if (!(row[j] > 0.0)) return false;  // a NaN too
    row[j] = std::sqrt(row[j]);
  }
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = 0; i < j; ++i) b[j] -= matrix[j * n + i] * b[i];
    b[j] /= matrix[j * n + j];
  }
  for (std::size_t j = n; j-- > 0;) {
    for (std::size_t i = j + 1; i < n; ++i) b[j] -= matrix[i * n + j] * b[i];
    b[j] /= matrix[j * n + j];
  }
  return true;
}

}  // namespace dpm::detail
