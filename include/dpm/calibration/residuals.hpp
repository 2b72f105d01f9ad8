// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// How far samples end from where they should, and what that says of all of them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "dpm/separate.hpp"

namespace dpm::detail {

/// How far each sample ends from the reference, value by value, over the root of the number of its
/// values: the samples one after the other.
struct Residuals {
  std::vector<double> values;
  std::vector<std::size_t> sizes;  ///< of each sample

  /// The root of each sample's sum of squares.
  [[nodiscard]] std::vector<double> distances() const;
};

/// The distance of a typical sample: the square of the mean square root. It follows the bulk of the
/// samples, and not the few that end in another mode; and it is smoother than the median. NaN if
/// one distance is.
double typical(std::span<const double> distances);

/// The middle one of the distances, or the mean of the middle two; 0 for none. A NaN counts as
/// infinite.
double median(std::vector<double> distances);

/// The root of the mean of the squares; NaN if one distance is.
double root_mean_square(std::span<const double> distances);

/// The factors 1 / (1 + (r / 3 m)^2) on samples with the distances r, whose median is m: a sample
/// that ends far away, in another mode, counts little.
std::vector<double> robust_factors(std::span<const double> distances);

}  // namespace dpm::detail

#if DPM_DEFINE

#  include <algorithm>
#  include <cmath>
#  include <limits>

namespace dpm::detail {

DPM_INLINE std::vector<double> Residuals::distances() const {
  std::vector<double> result;
  const double* value = values.data();
  for (const std::size_t size : sizes) {
    double sum = 0.0;
    for (const double* const end = value + size; value != end; ++value) sum += *value * *value;
    result.push_back(std::sqrt(sum));
  }
  return result;
}

DPM_INLINE double typical(std::span<const double> distances) {
  double sum = 0.0;
  for (const double distance : distances) sum += std::sqrt(distance);
  const double mean = sum / static_cast<double>(distances.size());
  return mean * mean;
}

DPM_INLINE double median(std::vector<double> distances) {
  if (distances.empty()) return 0.0;
  for (double& distance : distances) {
    if (std::isnan(distance)) distance = std::numeric_limits<double>::infinity();
  }
  std::sort(distances.begin(), distances.end());
  const std::size_t n = distances.size();
  return 0.5 * (distances[(n - 1) / 2] + distances[n / 2]);
}

DPM_INLINE double root_mean_square(std::span<const double> distances) {
  double sum = 0.0;
  for (const double distance : distances) sum += distance * distance;
  return std::sqrt(sum / static_cast<double>(distances.size()));
}

DPM_INLINE std::vector<double> robust_factors(std::span<const double> distances) {
  const double middle = median({distances.begin(), distances.end()});
  std::vector<double> factors;
  for (const double distance : distances) {
    const double far = middle > 0.0 ? distance / (3.0 * middle) : 0.0;
    factors.push_back(1.0 / (1.0 + far * far));
  }
  return factors;
}

}  // namespace dpm::detail

#endif
