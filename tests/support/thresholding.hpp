// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What corrections are tested on and with: batches, and dynamic thresholding by sorting.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace dpm_test {

using Batch = Eigen::ArrayXXd;

/// Values in columns of different size, of which the c-th reaches c + 1/2.
inline Batch values(Eigen::Index rows, Eigen::Index columns) {
  Batch x(rows, columns);
  for (Eigen::Index i = 0; i < x.size(); ++i) {
    const double k = static_cast<double>(i);
    x(i % rows, i / rows) = std::sin(1.7 * k + 0.3 * k * k) * (0.5 + static_cast<double>(i / rows));
  }
  return x;
}

/// Dynamic thresholding of one sample by sorting.
inline std::vector<double> threshold_sample(std::vector<double> sample, double ratio, double least,
                                            double most) {
  std::vector<double> sorted;
  for (const double value : sample) sorted.push_back(std::abs(value));
  std::sort(sorted.begin(), sorted.end());
  const double position = ratio * static_cast<double>(sorted.size() - 1);
  const double below = std::floor(position);
  const double low = sorted[static_cast<std::size_t>(below)];
  const double high = sorted[static_cast<std::size_t>(std::ceil(position))];
  const double quantile = (1 - (position - below)) * low + (position - below) * high;
  const double s = std::min(std::max(quantile, least), most);
  for (double& value : sample) value = std::max(-s, std::min(s, value)) / s;
  return sample;
}

/// The same of each column.
inline Batch thresholded(Batch x, double ratio, double least, double most) {
  for (auto column : x.colwise()) {
    const auto sample = threshold_sample({column.begin(), column.end()}, ratio, least, most);
    std::copy(sample.begin(), sample.end(), column.begin());
  }
  return x;
}

inline double difference(const Batch& a, const Batch& b) { return (a - b).abs().maxCoeff(); }

}  // namespace dpm_test
