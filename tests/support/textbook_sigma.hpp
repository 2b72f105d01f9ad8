// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// More deterministic loops over sigma of ComfyUI, and the two of consistency models.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "support/textbook_base.hpp"
#include "support/textbook_deis.hpp"
#include "support/textbook_ode.hpp"

namespace dpm_test::textbook {

/// `sample_heunpp2` of ComfyUI over a list that does not end in 0: its last step is Euler's, its
/// last but one has two slopes, all others three.
inline Vec heunpp2(const Network& eps, const Levels& grid, const Vec& x) {
  Vec y = x / grid[0].alpha();
  const std::size_t n = grid.size() - 1;
  const auto rho = [&](std::size_t i) { return sigma_over_alpha(grid[i]); };
  for (std::size_t i = 0; i < n; ++i) {
    const double dt = rho(i + 1) - rho(i);
    const Vec d = sigma_derivative(eps, y, grid[i]);
    if (i + 1 == n) {
      y = y + dt * d;
      break;
    }
    const Vec y_2 = y + dt * d;
    const Vec d_2 = sigma_derivative(eps, y_2, grid[i + 1]);
    if (i + 2 == n) {
      const double w_2 = rho(i + 1) / (2 * rho(0));
      y = y + dt * ((1 - w_2) * d + w_2 * d_2);
      continue;
    }
    const Vec y_3 = y_2 + (rho(i + 2) - rho(i + 1)) * d_2;
    const Vec d_3 = sigma_derivative(eps, y_3, grid[i + 2]);
    const double w_2 = rho(i + 1) / (3 * rho(0));
    const double w_3 = rho(i + 2) / (3 * rho(0));
    y = y + dt * ((1 - w_2 - w_3) * d + w_2 * d_2 + w_3 * d_3);
  }
  return grid.back().alpha() * y;
}

/// `sample_gradient_estimation` (Permenter & Yuan 2024, arXiv 2306.04848, Alg. 2).
inline Vec gradient_estimation(const Network& eps, const Levels& grid, const Vec& x, double gamma) {
  Vec y = x / grid[0].alpha();
  Vec d_old;
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const double dt = sigma_over_alpha(grid[i + 1]) - sigma_over_alpha(grid[i]);
    const Vec d = sigma_derivative(eps, y, grid[i]);
    y = y + dt * d;
    if (i >= 1) y = y + (gamma - 1) * dt * (d - d_old);
    d_old = d;
  }
  return grid.back().alpha() * y;
}

/// `sample_ipndm`: Adams' and Bashforth's weights of equal steps on any list.
inline Vec ipndm_of_equal_steps(const Network& eps, const Levels& grid, const Vec& x,
                                std::size_t most) {
  const std::vector<std::vector<double>> weights{{1},
                                                 {3. / 2, -1. / 2},
                                                 {23. / 12, -16. / 12, 5. / 12},
                                                 {55. / 24, -59. / 24, 37. / 24, -9. / 24}};
  Vec y = x / grid[0].alpha();
  std::vector<Vec> d;
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const double dt = sigma_over_alpha(grid[i + 1]) - sigma_over_alpha(grid[i]);
    d.push_back(sigma_derivative(eps, y, grid[i]));
    const std::vector<double>& w = weights[std::min(most, i + 1) - 1];
    for (std::size_t k = 0; k < w.size(); ++k) y = y + dt * w[k] * d[i - k];
  }
  return grid.back().alpha() * y;
}

/// LCM (Luo et al. 2023, arXiv 2310.04378, Alg. 3) without the boundary condition; the last step
/// draws noise too if it ends above sigma = 0.
inline Vec lcm(const Network& eps, const Levels& grid, Vec x, const std::vector<Vec>& draws) {
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    x = grid[i + 1].alpha() * data_from_noise(x, eps(x, grid[i]), grid[i]) +
        grid[i + 1].sigma() * draws.at(i);
  }
  return x;
}

/// TCD (Zheng et al. 2024, arXiv 2402.19159, Alg. 4): DDIM to s = (1 - gamma) t, then the forward
/// process up to t.
inline Vec tcd(const Network& eps, const dpm::AnySchedule& schedule, const Levels& grid, Vec x,
               double gamma, const std::vector<Vec>& draws) {
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const dpm::Level& t = grid[i + 1];
    const dpm::Level s = schedule.level((1 - gamma) * t.time);
    const Vec noise = eps(x, grid[i]);
    const Vec x_s = s.alpha() * data_from_noise(x, noise, grid[i]) + s.sigma() * noise;
    const double ratio = t.alpha() / s.alpha();
    const double added = t.sigma() * t.sigma() - ratio * ratio * s.sigma() * s.sigma();
    x = ratio * x_s + std::sqrt(added) * draws.at(i);
  }
  return x;
}

}  // namespace dpm_test::textbook
