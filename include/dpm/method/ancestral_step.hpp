// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The first-order step with fresh noise that DDIM and DDPM share.
#pragma once

#include <cmath>

#include "dpm/grid/grid.hpp"
#include "dpm/method/exponential_step.hpp"
#include "dpm/plan/builder.hpp"

namespace dpm {

/// A step that removes more noise than it should and then adds fresh noise: the exponential step
/// from s to the level (alpha_t, q sigma_t) with q <= 1, then `noise_stddev` times a draw.
struct AncestralStep {
  ExponentialStep exact;
  /// Standard deviation of the fresh noise.
  double noise_stddev = 0.0;
};

/// The DDIM step from level s to level t (Song et al. 2021, arXiv 2010.02502, Eq. 12 and 16):
///
///     x_t = alpha_t x_0 + sqrt(sigma_t^2 - d^2) epsilon + d z,
///     d = eta (sigma_t / sigma_s) sqrt(1 - alpha_s^2 / alpha_t^2).
///
/// With h = lambda_t - lambda_s that is d = eta sigma_t sqrt(1 - e^(-2h)), which loses no digits,
/// and q^2 = 1 - eta^2 (1 - e^(-2h)). At eta = 0 it is DPM-Solver-1.
///
/// Refuses an eta that leaves q^2 < 0, and eta > 0 on a step towards more noise.
inline AncestralStep ancestral_step(Space space, const Level& s, const Level& t, double eta) {
  const double h = t.lambda() - s.lambda();
  const double fresh = eta == 0.0 ? 0.0 : -std::expm1(-2.0 * h);  // 1 - e^(-2h)
  detail::require(fresh >= 0.0, "make_plan: the step from time ", s.time, " to time ", t.time,
                  " runs towards more noise with eta = ", eta, "; inversion needs eta = 0");
  const double taken = eta * eta * fresh;  // 1 - q^2
  detail::require(taken <= 1.0, "make_plan: eta = ", eta, " over the step from time ", s.time,
                  " to time ", t.time, "; there it must be at most ", 1.0 / std::sqrt(fresh));
  Level before_noise = t;
  before_noise.log_sigma += 0.5 * std::log1p(-taken);
  return {ExponentialStep(space, s, before_noise), eta * t.sigma() * std::sqrt(fresh)};
}

/// The space for an ancestral method over `grid`. The step is the same in both spaces, but noise
/// space has none from alpha = 0 and data space has none from sigma = 0.
inline Space ancestral_space(const PlanBuilder& builder, const Grid& grid) {
  const bool predicts_noise =
      builder.prediction() == Prediction::noise || builder.prediction() == Prediction::score;
  const bool noise =
      (predicts_noise && builder.correction() == Correction::none) || grid.front().sigma() == 0.0;
  return noise ? Space::noise : Space::data;
}

/// Writes one such step: draw, model call, update.
inline void write_ancestral_step(PlanBuilder& builder, const AncestralStep& step, const Level& s,
                                 const Level& t) {
  builder.begin_step(s, t);
  if (step.noise_stddev > 0.0) builder.draw();
  const Register m = builder.evaluate(0, sample_register, s);
  builder.combine(sample_register, {{sample_register, step.exact.linear()},
                                    {m, step.exact.weight(0)},
                                    {noise_register, step.noise_stddev}});
}

}  // namespace dpm
