// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The experiment: every method at every number of model calls, from the same starts.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <string>
#include <vector>

#include "images.hpp"
#include "methods.hpp"

namespace digits {

struct Settings {
  std::vector<Method> methods;
  std::vector<int> calls;  ///< model calls a sample
  std::uint64_t seed = 0;  ///< of the starts and of the noise that DDPM draws
  int count = 1;           ///< samples
};

/// One method at one number of calls.
struct Cell {
  Eigen::MatrixXd samples;       ///< one a column
  Eigen::MatrixXd difference;    ///< from the converged samples at the level where the run ends
  double median_error = 0.0;     ///< root mean square over pixels, median over samples
  double class_share = 0.0;      ///< of samples that show the digit of the converged sample
  double model_seconds = 0.0;    ///< of processor time, in the noise prediction
  double sampler_seconds = 0.0;  ///< in everything else: plan, combinations, noise
  dpm::Level end;                ///< where the run ends
  int noise_draws = 0;           ///< if any, the samples have no converged ones to be compared with

  [[nodiscard]] double sampler_share() const {
    return sampler_seconds / (model_seconds + sampler_seconds);
  }
};

struct Row {
  Method method;
  std::vector<Cell> cells;  ///< one for each of `Settings::calls`
};

struct Comparison {
  std::vector<int> calls;
  std::vector<Row> rows;
  Eigen::MatrixXd converged;  ///< clean, at sigma = 0
  int converged_calls = 0;
  /// Differences of the converged samples from those with half the calls (root mean square).
  double median_change = 0.0;
  double largest_change = 0.0;
};

/// Runs everything. Throws `dpm::InvalidArgument`, before it starts, if a method cannot make one of
/// the numbers of calls.
Comparison compare(const Images& images, const Settings& settings);

}  // namespace digits
