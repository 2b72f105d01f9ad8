// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// How far the samples' features are from those of real digits.
#pragma once

#include <Eigen/Core>

#include "sampler.hpp"

namespace study {

/// The Frechet distance between two normal distributions that have the means and covariances of
/// features (Heusel et al. 2017, arXiv 1706.08500):
///
///     |m - m'|^2 + trace(C + C' - 2 (C^(1/2) C' C^(1/2))^(1/2)).
///
/// It is zero for equal distributions; from finite samples it comes out too large, the more so the
/// fewer there are, so only values from as many samples can be compared.
class FrechetDistance {
 public:
  explicit FrechetDistance(const RealDigits& real);

  /// Of the features in the columns, at least two, from the real digits'.
  [[nodiscard]] double operator()(const Eigen::MatrixXd& features) const;

  /// The standard deviation that the sampling alone gives it, by `resamples` draws of as many
  /// columns from these (bootstrap).
  [[nodiscard]] double deviation(const Eigen::MatrixXd& features, int resamples) const;

 private:
  Eigen::VectorXd mean_;
  Eigen::MatrixXd root_;  // of the covariance
  double trace_;          // of the covariance
};

/// The middle one, or the mean of the two in the middle. At least one value.
[[nodiscard]] double median(std::vector<double> values);

/// For each sample (column) the root mean square of the difference.
[[nodiscard]] std::vector<double> differences(const Eigen::MatrixXf& a, const Eigen::MatrixXf& b);

}  // namespace study
