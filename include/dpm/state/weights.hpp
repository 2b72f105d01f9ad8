// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The small matrix of weights that `combine` is given.
#pragma once

#include <cstddef>

namespace dpm {

/// A row-major matrix of weights: one row for each target, one column for each operand.
///
/// It is the first argument of the library's one customisation point,
///
///     combine(weights, targets, operands):  target i = sum over j of weights(i, j) * operand j
///
/// with `std::span<State* const> targets` (1 to 3) and `std::span<const State* const> operands` (1
/// to 8). A target may be an operand too: read every operand before you write a target. An operand
/// that weighs 0 may be skipped, so that an infinity in it does not become NaN. The library has
/// `combine` for dense states (state/dense.hpp); write it for your own type in its namespace.
class Weights {
 public:
  Weights(const double* values, std::size_t operands) : values_(values), operands_(operands) {}
  [[nodiscard]] double operator()(std::size_t target, std::size_t operand) const {
    return row(target)[operand];
  }
  /// The weights of one target.
  [[nodiscard]] const double* row(std::size_t target) const { return values_ + target * operands_; }

 private:
  const double* values_;
  std::size_t operands_;
};

}  // namespace dpm
