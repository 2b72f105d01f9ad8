// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// How far the distributions of two sets of features are apart.
#pragma once

#include <span>
#include <vector>

#include "dpm/separate.hpp"

namespace dpm {

/// The Frechet distance between the normal distributions that have the means m and covariances C of
/// two sets of features (Heusel et al. 2017, arXiv 1706.08500):
///
///     |m - m'|^2 + trace(C + C' - 2 (C C')^(1/2)).
///
/// It is 0 for equal distributions. From few samples it comes out too large: only values from as
/// many samples can be compared.
///
/// @param a, b  the features of each sample, as many for all of them and in both; at least two
///              samples.
///
/// NaN where a feature is. Refuses fewer samples and features of other numbers. Cost: n^2 d + 10
/// n^3 products for n samples of d features; no matrix of d x d is made.
[[nodiscard]] double frechet_distance(std::span<const std::vector<double>> a,
                                      std::span<const std::vector<double>> b);

namespace detail {

/// The sum of the singular values of a matrix with these columns, by rotations that make them
/// orthogonal (Hestenes 1958; Golub & Van Loan 2013, Matrix Computations, Sec. 8.6.3). Columns are
/// changed.
double sum_of_singular_values(std::vector<std::vector<double>>& columns);

}  // namespace detail
}  // namespace dpm

#if DPM_DEFINE

#  include <cmath>
#  include <cstddef>
#  include <numeric>

#  include "dpm/error.hpp"

namespace dpm {
namespace detail {

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

DPM_INLINE double sum_of_singular_values(std::vector<std::vector<double>>& columns) {
  constexpr int most_sweeps = 60;  // about ten are enough
  for (int sweep = 0; sweep < most_sweeps; ++sweep) {
    bool orthogonal = true;
    for (std::size_t i = 1; i < columns.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        std::vector<double>& a = columns[i];
        std::vector<double>& b = columns[j];
        const double aa = dot(a, a);
        const double bb = dot(b, b);
        const double ab = dot(a, b);
        if (!(std::abs(ab) > 1e-15 * std::sqrt(aa * bb))) continue;
        orthogonal = false;
        const double cot = (bb - aa) / (2.0 * ab);  // of twice the angle
        const double tan = std::copysign(1.0, cot) / (std::abs(cot) + std::hypot(1.0, cot));
        const double cos = 1.0 / std::hypot(1.0, tan);
        const double sin = cos * tan;
        for (std::size_t k = 0; k < a.size(); ++k) {
          const double turned = cos * a[k] - sin * b[k];
          b[k] = sin * a[k] + cos * b[k];
          a[k] = turned;
        }
      }
    }
    if (orthogonal) break;
  }
  double sum = 0.0;
  for (const std::vector<double>& column : columns) sum += std::sqrt(dot(column, column));
  return sum;
}

inline std::vector<double> mean_of(std::span<const std::vector<double>> samples) {
  std::vector<double> mean(samples[0].size());
  for (const std::vector<double>& sample : samples) {
    for (std::size_t k = 0; k < mean.size(); ++k) mean[k] += sample[k];
  }
  for (double& value : mean) value /= static_cast<double>(samples.size());
  return mean;
}

/// The samples without their mean, over the root of one less than their number: their products sum
/// up to the covariance.
inline std::vector<std::vector<double>> centred(std::span<const std::vector<double>> samples,
                                                const std::vector<double>& mean) {
  std::vector<std::vector<double>> result(samples.begin(), samples.end());
  const double scale = 1.0 / std::sqrt(static_cast<double>(samples.size() - 1));
  for (std::vector<double>& sample : result) {
    for (std::size_t k = 0; k < mean.size(); ++k) sample[k] = scale * (sample[k] - mean[k]);
  }
  return result;
}

}  // namespace detail

DPM_INLINE double frechet_distance(std::span<const std::vector<double>> a,
                                   std::span<const std::vector<double>> b) {
  detail::require(a.size() >= 2 && b.size() >= 2, "frechet_distance: there are ", a.size(), " and ",
                  b.size(), " samples; each set must have at least 2");
  for (const auto set : {a, b}) {
    for (std::size_t i = 0; i < set.size(); ++i) {
      detail::require(set[i].size() == a[0].size(), "frechet_distance: sample ", i, " has ",
                      set[i].size(), " features and the first has ", a[0].size(),
                      "; all must have as many");
    }
  }
  const std::vector<double> mean_a = detail::mean_of(a);
  const std::vector<double> mean_b = detail::mean_of(b);
  const auto centred_a = detail::centred(a, mean_a);
  const auto centred_b = detail::centred(b, mean_b);
  double distance = 0.0;
  for (std::size_t k = 0; k < mean_a.size(); ++k) {
    distance += (mean_a[k] - mean_b[k]) * (mean_a[k] - mean_b[k]);
  }
  for (const auto& sample : centred_a) distance += detail::dot(sample, sample);
  for (const auto& sample : centred_b) distance += detail::dot(sample, sample);
  // With C = A A^T and C' = B B^T the roots of the eigenvalues of C C' are the singular values of
  // A^T B.
  std::vector<std::vector<double>> products;
  for (const auto& of_b : centred_b) {
    std::vector<double>& column = products.emplace_back();
    for (const auto& of_a : centred_a) column.push_back(detail::dot(of_a, of_b));
  }
  distance -= 2.0 * detail::sum_of_singular_values(products);
  return distance < 0.0 ? 0.0 : distance;  // below 0 it is rounding
}

}  // namespace dpm

#endif
