// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// DDIM with eta, and DDPM ancestral sampling.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "support/textbook_base.hpp"

namespace dpm_test::textbook {

/// The cumulative product of alphas at a level ("alpha" in the DDIM paper, "alpha bar" in DDPM).
inline double alpha_bar(const dpm::Level& at) { return std::exp(2 * at.log_alpha); }

/// 1 - alpha bar, from the stored logarithm of sigma so that it keeps its digits near clean data.
inline double one_minus_alpha_bar(const dpm::Level& at) { return std::exp(2 * at.log_sigma); }

/// beta_t = 1 - alpha_bar_t / alpha_bar_p, for a step from t to p over any number of training
/// steps.
inline double beta(const dpm::Level& t, const dpm::Level& p) {
  return -std::expm1(2 * (t.log_alpha - p.log_alpha));
}

/// DDIM: Song et al. 2020, arXiv 2010.02502, Eq. 12, with sigma_t(eta) of Eq. 16. `eps` predicts
/// noise. `draws` holds one standard normal vector for each step whose sigma_t(eta) is not 0, in
/// order. The last level may have sigma = 0.
inline Vec ddim(const Network& eps, const Levels& grid, Vec x, double eta = 0.0,
                const std::vector<Vec>& draws = {}) {
  std::size_t draw = 0;
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const dpm::Level& t = grid[i];
    const dpm::Level& p = grid[i + 1];
    const Vec e = eps(x, t);
    const Vec predicted_x0 = (x - std::sqrt(one_minus_alpha_bar(t)) * e) / std::sqrt(alpha_bar(t));
    // Only eta = 0 runs towards noise, where beta is negative.
    const double sigma_t = eta == 0
                               ? 0.0
                               : eta * std::sqrt(one_minus_alpha_bar(p) / one_minus_alpha_bar(t)) *
                                     std::sqrt(beta(t, p));
    x = std::sqrt(alpha_bar(p)) * predicted_x0 +
        std::sqrt(one_minus_alpha_bar(p) - sigma_t * sigma_t) * e;
    if (sigma_t > 0) x = x + sigma_t * draws.at(draw++);
  }
  return x;
}

/// The variance of a DDPM step: the posterior's, beta~_t = (1 - alpha_bar_p) / (1 - alpha_bar_t)
/// beta_t (arXiv 2006.11239, Eq. 7), or beta_t itself (its section 3.2).
enum class DdpmVariance { posterior, beta };

/// DDPM: Ho et al. 2020, arXiv 2006.11239, Algorithm 2, on any sub-grid of the training levels
/// (alpha_t is the ratio of alpha bars). `eps` predicts noise. `draws` holds one standard normal
/// vector for each step that does not end at sigma = 0, in order.
inline Vec ddpm(const Network& eps, const Levels& grid, Vec x, DdpmVariance variance,
                const std::vector<Vec>& draws) {
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const dpm::Level& t = grid[i];
    const dpm::Level& p = grid[i + 1];
    const double beta_t = beta(t, p);
    const double alpha_t = alpha_bar(t) / alpha_bar(p);
    x = 1 / std::sqrt(alpha_t) * (x - beta_t / std::sqrt(one_minus_alpha_bar(t)) * eps(x, t));
    if (p.sigma() == 0) continue;
    const double sigma_squared = variance == DdpmVariance::beta
                                     ? beta_t
                                     : one_minus_alpha_bar(p) / one_minus_alpha_bar(t) * beta_t;
    x = x + std::sqrt(sigma_squared) * draws.at(i);
  }
  return x;
}

/// DDPM once more, for a network that predicts data: the posterior mean of Eq. 7 takes x0 as it is,
/// so the first level may have alpha = 0.
inline Vec ddpm_from_data(const Network& x0, const Levels& grid, Vec x, DdpmVariance variance,
                          const std::vector<Vec>& draws) {
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const dpm::Level& t = grid[i];
    const dpm::Level& p = grid[i + 1];
    const double beta_t = beta(t, p);
    const double alpha_t = alpha_bar(t) / alpha_bar(p);
    const double beta_tilde = one_minus_alpha_bar(p) / one_minus_alpha_bar(t) * beta_t;
    x = std::sqrt(alpha_bar(p)) * beta_t / one_minus_alpha_bar(t) * x0(x, t) +
        std::sqrt(alpha_t) * one_minus_alpha_bar(p) / one_minus_alpha_bar(t) * x;
    if (p.sigma() == 0) continue;
    x = x + std::sqrt(variance == DdpmVariance::beta ? beta_t : beta_tilde) * draws.at(i);
  }
  return x;
}

}  // namespace dpm_test::textbook
