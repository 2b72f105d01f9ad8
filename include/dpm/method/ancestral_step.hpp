// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The first-order step with fresh noise that DDIM and DDPM share.
#pragma once

#include <cmath>

#include "dpm/error.hpp"
#include "dpm/plan/plan.hpp"

namespace dpm {

/// x_t = linear x_s + weight m + deviation z, with m the prediction in the plan's space.
struct AncestralStep {
  double linear = 0.0;
  double weight = 0.0;
  /// Standard deviation of the fresh noise.
  double deviation = 0.0;
};

/// The DDIM step from level s to level t (Song et al. 2021, arXiv 2010.02502, Eq. 12 and 16):
///
///     x_t = alpha_t x_0 + sqrt(sigma_t^2 - d^2) epsilon + d z,
///     d = eta (sigma_t / sigma_s) sqrt(1 - alpha_s^2 / alpha_t^2).
///
/// With h = lambda_t - lambda_s, d = eta sigma_t sqrt(1 - e^(-2h)) and sqrt(sigma_t^2 - d^2) = q
/// sigma_t, q^2 = 1 - eta^2 (1 - e^(-2h)); then, with k = h - log q, the step is an exponential
/// step of length k: in data space x_t = q (sigma_t / sigma_s) x_s - alpha_t expm1(-k) x_0, in
/// noise space x_t = (alpha_t / alpha_s) x_s - q sigma_t expm1(k) epsilon. No digits are lost at
/// any h, and eta = 0 gives the weights of DPM-Solver-1 to the last bit.
///
/// Refuses what has no real root (eta too large, or eta > 0 where the noise grows), and a start at
/// alpha = 0 in noise space or at sigma = 0 in data space.
inline AncestralStep ancestral_step(Space space, const Level& s, const Level& t, double eta) {
  const double h = t.lambda() - s.lambda();
  const double fresh = eta == 0.0 ? 0.0 : -std::expm1(-2.0 * h);  // 1 - e^(-2h)
  detail::require(fresh >= 0.0, "make_plan: the step from time ", s.time, " to time ", t.time,
                  " adds noise while eta = ", eta, "; inversion needs eta = 0");
  const double rest = eta * eta * fresh;  // 1 - q^2
  detail::require(rest <= 1.0, "make_plan: eta = ", eta, " over the step from time ", s.time,
                  " to time ", t.time, "; there it must be at most ", 1.0 / std::sqrt(fresh));
  const double log_q = 0.5 * std::log1p(-rest);
  const double q = std::exp(log_q);
  const double sigma = t.sigma();
  AncestralStep step;
  step.deviation = eta * sigma * std::sqrt(fresh);
  if (space == Space::data) {
    step.linear = q * std::exp(t.log_sigma - s.log_sigma);
    step.weight = -t.alpha() * std::expm1(log_q - h);
  } else {
    step.linear = std::exp(t.log_alpha - s.log_alpha);
    // As a difference for long steps: that keeps the limit at sigma_t = 0.
    step.weight = h > 1.0 ? q * sigma - std::exp(t.log_alpha - s.log_alpha + s.log_sigma)
                          : -q * sigma * std::expm1(h - log_q);
  }
  detail::require(
      std::isfinite(step.linear), "make_plan: the step from time ", s.time,
      space == Space::noise
          ? " starts at alpha = 0, where a noise or score prediction has no step; use a "
            "data or velocity prediction"
          : " starts at sigma = 0, where a data or velocity prediction has no step; use "
            "a noise prediction");
  return step;
}

}  // namespace dpm
