// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// All weights of a fitted plan at once, for the least distance at its end.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "dpm/calibration/multistep_form.hpp"
#include "dpm/calibration/residuals.hpp"
#include "dpm/separate.hpp"

namespace dpm::detail {

/// One weight of a form that may change: that of a feature (see `most_features`) of one step.
struct FreeWeight {
  std::size_t step = 0;
  std::size_t feature = 0;
};

/// The weights that a joint fit changes: of each step the first three features that it has.
std::vector<FreeWeight> free_weights(const MultistepForm& form);

/// The form with each free weight changed by its part of `by`.
MultistepForm changed(const MultistepForm& form, std::span<const FreeWeight> weights,
                      std::span<const double> by);

/// The changes that lead to the least distances if these depended linearly on the weights: the
/// robust normal equations of `slopes` (one for each free weight), whose diagonal is multiplied by
/// 1 + `ridge` (Levenberg-Marquardt). Empty if they have no solution.
std::vector<double> joint_changes(const Residuals& now, std::span<const std::vector<double>> slopes,
                                  double ridge);

/// Improves a fitted form by changing the weights of all steps together, in at most `turns` turns
/// of Gauss and Newton with slopes from differences. Each costs one run of the form as it is, one
/// for each free weight, and one for each of three ridges: 3 N + 3 for N model calls.
///
/// @param step       how much a weight changes for a slope.
/// @param residuals  those of a form, on the samples that are fitted.
/// @param error      the error of a form on samples that are held out; a change stays if that falls
///                   by half a per cent.
template <class ResidualsOf, class ErrorOf>
void fit_jointly(MultistepForm& best, double& best_error, int turns, double step,
                 const ResidualsOf& residuals, const ErrorOf& error) {
  for (int turn = 0; turn < turns; ++turn) {
    const std::vector<FreeWeight> weights = free_weights(best);
    const Residuals now = residuals(best);
    std::vector<std::vector<double>> slopes;
    std::vector<double> by(weights.size());
    for (std::size_t w = 0; w < weights.size(); ++w) {
      by[w] = step;
      std::vector<double>& slope =
          slopes.emplace_back(residuals(changed(best, weights, by)).values);
      by[w] = 0.0;
      for (std::size_t i = 0; i < slope.size(); ++i) slope[i] = (slope[i] - now.values[i]) / step;
    }
    const MultistepForm before = best;
    bool better = false;
    for (const double ridge : {1e-4, 1e-2, 1.0}) {
      const std::vector<double> changes = joint_changes(now, slopes, ridge);
      if (changes.empty()) continue;
      const MultistepForm trial = changed(before, weights, changes);
      const double here = error(trial);
      if (!(here < 0.995 * best_error)) continue;
      best = trial;
      best_error = here;
      better = true;
    }
    if (!better) break;
  }
}

}  // namespace dpm::detail

#if DPM_DEFINE

#  include "dpm/calibration/fitted_runs.hpp"
#  include "dpm/calibration/weight_fit.hpp"
#  include "dpm/math/cholesky.hpp"

namespace dpm::detail {

DPM_INLINE std::vector<FreeWeight> free_weights(const MultistepForm& form) {
  std::vector<FreeWeight> weights;
  for (std::size_t j = 0; j < form.steps.size(); ++j) {
    const std::size_t features = j == 0 ? 2 : 3;  // the first step has no backward difference
    for (std::size_t f = 0; f < features; ++f) weights.push_back({j, f});
  }
  return weights;
}

DPM_INLINE MultistepForm changed(const MultistepForm& form, std::span<const FreeWeight> weights,
                                 std::span<const double> by) {
  MultistepForm result = form;
  for (std::size_t w = 0; w < weights.size(); ++w) {
    if (by[w] == 0.0) continue;
    FeatureWeights change{};
    change[weights[w].feature] = by[w];
    change_weights(result.steps[weights[w].step], change);
  }
  return result;
}

DPM_INLINE std::vector<double> joint_changes(const Residuals& now,
                                             std::span<const std::vector<double>> slopes,
                                             double ridge) {
  const std::vector<double> distances = now.distances();
  const std::vector<double> factors = robust_factors(distances);
  const std::size_t n = slopes.size();
  std::vector<double> matrix(n * n);
  std::vector<double> changes(n);
  std::size_t first = 0;
  for (std::size_t s = 0; s < now.sizes.size(); ++s) {
    for (std::size_t i = first; i < first + now.sizes[s]; ++i) {
      for (std::size_t w = 0; w < n; ++w) {
        const double slope = factors[s] * slopes[w][i];
        changes[w] -= slope * now.values[i];
        for (std::size_t v = 0; v <= w; ++v) matrix[w * n + v] += slope * slopes[v][i];
      }
    }
    first += now.sizes[s];
  }
  add_ridge(matrix, n, ridge);
  if (!solve_positive_definite(matrix, changes)) changes.clear();
  return changes;
}

}  // namespace dpm::detail

#endif
