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

/// The robust normal equations of the changes that would lead to the least distances if these
/// depended linearly on the weights. They grow by a few samples at a time, so that no more slopes
/// need to be there at once.
class JointEquations {
 public:
  explicit JointEquations(std::size_t unknowns)
      : matrix_(unknowns * unknowns), right_side_(unknowns) {}

  /// Adds the samples with the residuals `now`, the robust factors `factors`, and `slopes`, one for
  /// each unknown.
  void add(const Residuals& now, std::span<const double> factors,
           std::span<const std::vector<double>> slopes);

  /// The solution with the diagonal multiplied by 1 + `ridge` (Levenberg-Marquardt). Empty if there
  /// is none.
  [[nodiscard]] std::vector<double> solution(double ridge) const;

 private:
  std::vector<double> matrix_;  // row by row; its lower triangle
  std::vector<double> right_side_;
};

/// Improves a fitted form by changing the weights of all steps together, in at most `turns` turns
/// of Gauss and Newton with slopes from differences. Each costs one run of the form as it is, one
/// for each free weight, and one for each of three ridges: 3 N + 3 for N model calls. Memory, in
/// numbers of 8 bytes: the values of all samples that are fitted, and 3 N - 1 times those of one
/// state.
///
/// @param step       how much a weight changes for a slope.
/// @param states     how many states there are.
/// @param residuals  residuals(form, i) are those of the samples of state number i that are fitted.
/// @param error      the error of a form on samples that are held out; a change stays if that falls
///                   by half a per cent.
template <class ResidualsOf, class ErrorOf>
void fit_jointly(MultistepForm& best, double& best_error, int turns, double step,
                 std::size_t states, const ResidualsOf& residuals, const ErrorOf& error) {
  for (int turn = 0; turn < turns; ++turn) {
    const std::vector<FreeWeight> weights = free_weights(best);
    std::vector<MultistepForm> trials;
    std::vector<double> by(weights.size());
    for (double& change : by) {
      change = step;
      trials.push_back(changed(best, weights, by));
      change = 0.0;
    }
    std::vector<Residuals> now;
    std::vector<double> distances;
    for (std::size_t i = 0; i < states; ++i) {
      for (const double distance : now.emplace_back(residuals(best, i)).distances()) {
        distances.push_back(distance);
      }
    }
    const std::vector<double> factors = robust_factors(distances);
    JointEquations equations(weights.size());
    std::size_t first = 0;
    for (std::size_t i = 0; i < states; ++i) {
      const std::size_t samples = now[i].sizes.size();
      if (samples == 0) continue;
      std::vector<std::vector<double>> slopes;
      for (const MultistepForm& trial : trials) {
        std::vector<double>& slope = slopes.emplace_back(residuals(trial, i).values);
        for (std::size_t k = 0; k < slope.size(); ++k) {
          slope[k] = (slope[k] - now[i].values[k]) / step;
        }
      }
      equations.add(now[i], std::span(factors).subspan(first, samples), slopes);
      first += samples;
    }
    const MultistepForm before = best;
    bool better = false;
    for (const double ridge : {1e-4, 1e-2, 1.0}) {
      const std::vector<double> changes = equations.solution(ridge);
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

DPM_INLINE void JointEquations::add(const Residuals& now, std::span<const double> factors,
                                    std::span<const std::vector<double>> slopes) {
  const std::size_t n = right_side_.size();
  std::size_t first = 0;
  for (std::size_t s = 0; s < now.sizes.size(); ++s) {
    for (std::size_t i = first; i < first + now.sizes[s]; ++i) {
      for (std::size_t w = 0; w < n; ++w) {
        const double slope = factors[s] * slopes[w][i];
        right_side_[w] -= slope * now.values[i];
        for (std::size_t v = 0; v <= w; ++v) matrix_[w * n + v] += slope * slopes[v][i];
      }
    }
    first += now.sizes[s];
  }
}

DPM_INLINE std::vector<double> JointEquations::solution(double ridge) const {
  std::vector<double> matrix = matrix_;
  std::vector<double> changes = right_side_;
  add_ridge(matrix, changes.size(), ridge);
  if (!solve_positive_definite(matrix, changes)) changes.clear();
  return changes;
}

}  // namespace dpm::detail

#endif
