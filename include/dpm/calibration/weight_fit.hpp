// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The weights of one step by robust ridge regression over samples.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "dpm/separate.hpp"

namespace dpm::detail {

/// What the weights of a step may change, in this order: the weight of the newest prediction, of
/// the sample, and of up to four backward differences of predictions.
inline constexpr std::size_t most_features = 6;
using FeatureWeights = std::array<double, most_features>;

/// What a sample says of the weights: with the target y (where the reference goes, less where the
/// step leads with the weights that it has) and the features f_0, f_1, ..., all divided by the root
/// of the number of values.
struct SampleMoments {
  double target = 0.0;                               ///< y y
  FeatureWeights with_target{};                      ///< f_i y
  std::array<FeatureWeights, most_features> gram{};  ///< f_i f_j for j <= i

  /// Adds one value of the sample; `scale` is one over the number of its values.
  void add(const FeatureWeights& features, std::size_t count, double y, double scale) {
    target += scale * y * y;
    for (std::size_t i = 0; i < count; ++i) {
      with_target[i] += scale * features[i] * y;
      for (std::size_t j = 0; j <= i; ++j) gram[i][j] += scale * features[i] * features[j];
    }
  }

  /// The distance that is left with these weights: its root mean square over the values.
  [[nodiscard]] double residual(const FeatureWeights& weights) const;
};

/// The weights of the first `features` features that minimise the sum over the samples of u_s (the
/// square of the residual), plus `ridge` times that sum's parts of each weight alone, which makes
/// the ridge independent of the features' sizes. The factors u_s are the robust ones of the
/// residuals, found in turns with the weights (iteratively reweighted least squares).
FeatureWeights robust_ridge(std::span<const SampleMoments* const> samples, std::size_t features,
                            double ridge);

/// The weights with the number of features, at most `features`, and the ridge that do best on
/// samples that were left out (cross-validation in four parts, in a mixed order); all zero where
/// the step is best left as it is, as it is for fewer than two samples.
FeatureWeights fit_weights(std::span<const SampleMoments> samples, std::size_t features);

}  // namespace dpm::detail

#if DPM_DEFINE

#  include <algorithm>
#  include <cmath>

#  include "dpm/calibration/mixed_order.hpp"
#  include "dpm/calibration/residuals.hpp"
#  include "dpm/math/cholesky.hpp"

namespace dpm::detail {

DPM_INLINE double SampleMoments::residual(const FeatureWeights& weights) const {
  double sum = target;
  for (std::size_t i = 0; i < most_features; ++i) {
    sum += weights[i] * (weights[i] * gram[i][i] - 2.0 * with_target[i]);
    for (std::size_t j = 0; j < i; ++j) sum += 2.0 * weights[i] * weights[j] * gram[i][j];
  }
  return sum > 0.0 ? std::sqrt(sum) : 0.0 * sum;  // keeps a NaN; below 0 it is rounding
}

/// Multiplies the diagonal of normal equations by 1 + `ridge`. An unknown on which nothing depends
/// gets an equation of its own, by which it is 0.
inline void add_ridge(std::span<double> matrix, std::size_t size, double ridge) {
  for (std::size_t i = 0; i < size; ++i) {
    double& diagonal = matrix[i * size + i];
    diagonal = diagonal == 0.0 ? 1.0 : diagonal * (1.0 + ridge);
  }
}

/// The minimum for given factors; false if there is none.
inline bool weighted_ridge(std::span<const SampleMoments* const> samples,
                           std::span<const double> factors, std::size_t features, double ridge,
                           FeatureWeights& weights) {
  double matrix[most_features * most_features] = {};
  weights = {};
  for (std::size_t s = 0; s < samples.size(); ++s) {
    for (std::size_t i = 0; i < features; ++i) {
      weights[i] += factors[s] * samples[s]->with_target[i];
      for (std::size_t j = 0; j <= i; ++j) {
        matrix[i * features + j] += factors[s] * samples[s]->gram[i][j];
      }
    }
  }
  add_ridge(std::span(matrix, features * features), features, ridge);
  if (solve_positive_definite(std::span(matrix, features * features),
                              std::span(weights.data(), features))) {
    return true;
  }
  weights = {};
  return false;
}

DPM_INLINE FeatureWeights robust_ridge(std::span<const SampleMoments* const> samples,
                                       std::size_t features, double ridge) {
  FeatureWeights weights{};
  std::vector<double> residuals(samples.size());
  for (int turn = 0; turn < 4; ++turn) {
    for (std::size_t s = 0; s < samples.size(); ++s) residuals[s] = samples[s]->residual(weights);
    const std::vector<double> factors = robust_factors(residuals);
    if (!weighted_ridge(samples, factors, features, ridge, weights)) break;
  }
  return weights;
}

DPM_INLINE FeatureWeights fit_weights(std::span<const SampleMoments> samples,
                                      std::size_t features) {
  constexpr std::size_t parts = 4;
  constexpr double ridges[] = {1e-12, 1e-9, 1e-6, 1e-4, 1e-2};
  const std::size_t n = samples.size();
  if (n < 2) return {};
  std::array<std::vector<const SampleMoments*>, parts> known;  // without one part
  std::vector<const SampleMoments*> all;
  std::vector<double> left(n);
  const std::vector<std::size_t> order = mixed_order(n);
  for (std::size_t s = 0; s < n; ++s) {
    const SampleMoments& sample = samples[order[s]];
    all.push_back(&sample);
    left[s] = sample.residual({});
    for (std::size_t part = 0; part < parts; ++part) {
      if (s % parts != part) known[part].push_back(&sample);
    }
  }
  double best = typical(left);
  std::size_t best_features = 0;
  double best_ridge = 0.0;
  for (std::size_t count = 1; count <= features; ++count) {
    for (const double ridge : ridges) {
      for (std::size_t part = 0; part < std::min(parts, n); ++part) {
        const FeatureWeights weights = robust_ridge(known[part], count, ridge);
        for (std::size_t s = part; s < n; s += parts) left[s] = all[s]->residual(weights);
      }
      const double here = typical(left);
      if (!(here < best)) continue;
      best = here;
      best_features = count;
      best_ridge = ridge;
    }
  }
  return best_features > 0 ? robust_ridge(all, best_features, best_ridge) : FeatureWeights{};
}

}  // namespace dpm::detail

#endif
