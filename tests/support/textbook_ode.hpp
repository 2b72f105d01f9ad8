// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Solvers of the ODE as it stands: k-diffusion's loops over sigma, and Runge-Kutta methods.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <vector>

#include "support/textbook_base.hpp"
#include "support/textbook_deis.hpp"
#include "support/textbook_quadrature.hpp"

namespace dpm_test::textbook {

// k-diffusion works on y = x / alpha, whose noise level is rho = sigma / alpha (its "sigma"), with
// a denoiser D(y, rho) and d = (y - D) / rho.

/// The derivative d at y.
inline Vec sigma_derivative(const Network& eps, const Vec& y, const dpm::Level& at) {
  const Vec x = at.alpha() * y;
  const Vec denoised = data_from_noise(x, eps(x, at), at);
  return (y - denoised) / sigma_over_alpha(at);
}

/// Euler's method with fresh noise: to rho_down, then noise of deviation rho_up ("ancestral"; eta =
/// 0: plain Euler). `draws` holds one standard normal vector for each step.
inline Vec euler(const Network& eps, const Levels& grid, const Vec& x, double eta = 0,
                 const std::vector<Vec>& draws = {}) {
  Vec y = x / grid[0].alpha();
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const double from = sigma_over_alpha(grid[i]);
    const double to = sigma_over_alpha(grid[i + 1]);
    double up = 0;
    if (eta > 0) {
      up = std::min(to, eta * std::sqrt(to * to * (from * from - to * to) / (from * from)));
    }
    const double down = std::sqrt(to * to - up * up);
    y = y + (down - from) * sigma_derivative(eps, y, grid[i]);
    if (up > 0) y = y + up * draws.at(i);
  }
  return grid.back().alpha() * y;
}

/// Heun's method (Karras et al. 2022, arXiv 2206.00364, Alg. 1); the last level has sigma > 0.
inline Vec heun(const Network& eps, const Levels& grid, const Vec& x) {
  Vec y = x / grid[0].alpha();
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const double dt = sigma_over_alpha(grid[i + 1]) - sigma_over_alpha(grid[i]);
    const Vec d = sigma_derivative(eps, y, grid[i]);
    const Vec d_2 = sigma_derivative(eps, y + dt * d, grid[i + 1]);
    y = y + dt / 2 * (d + d_2);
  }
  return grid.back().alpha() * y;
}

/// The linear multistep method: Adams-Bashforth over uneven steps, the order rising to `order`.
inline Vec linear_multistep(const Network& eps, const Levels& grid, const Vec& x,
                            std::size_t order) {
  Vec y = x / grid[0].alpha();
  std::vector<Vec> ds;
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    ds.push_back(sigma_derivative(eps, y, grid[i]));
    const std::size_t known = std::min(order, i + 1);
    std::vector<double> nodes;
    for (std::size_t j = 0; j < known; ++j) nodes.push_back(sigma_over_alpha(grid[i - j]));
    for (std::size_t j = 0; j < known; ++j) {
      const double coefficient = integral(sigma_over_alpha(grid[i]), sigma_over_alpha(grid[i + 1]),
                                          [&](double u) { return lagrange(nodes, j, u); });
      y = y + coefficient * ds[i - j];
    }
  }
  return grid.back().alpha() * y;
}

// The variance-preserving diffusion ODE with noise rate beta (arXiv 2206.00927, Eq. 2.7):
// dx/dt = -beta/2 x + beta / (2 sigma) eps, and with d lambda/dt = -beta / (2 sigma^2),
// dx/d lambda = sigma^2 x - sigma eps.

/// dx/du at x, where u is time or lambda.
using Slope = std::function<Vec(const Vec& x, double u)>;

/// Over one step of length h: the explicit midpoint method (order 2), or the classical one (4).
inline Vec runge_kutta_step(const Slope& f, const Vec& x, double u, double h, int order) {
  const Vec k1 = f(x, u);
  const Vec k2 = f(x + h / 2 * k1, u + h / 2);
  if (order == 2) return x + h * k2;
  const Vec k3 = f(x + h / 2 * k2, u + h / 2);
  const Vec k4 = f(x + h * k3, u + h);
  return x + h / 6 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
}

inline Vec runge_kutta_in_time(const Network& eps, const dpm::AnySchedule& schedule,
                               const std::function<double(double)>& beta, const Levels& grid, Vec x,
                               int order) {
  const Slope slope = [&](const Vec& at_x, double time) {
    const dpm::Level at = schedule.level(time);
    return -beta(time) / 2 * at_x + beta(time) / (2 * at.sigma()) * eps(at_x, at);
  };
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    x = runge_kutta_step(slope, x, grid[i].time, grid[i + 1].time - grid[i].time, order);
  }
  return x;
}

inline Vec runge_kutta_in_lambda(const Network& eps, const dpm::AnySchedule& schedule,
                                 const Levels& grid, Vec x, int order) {
  const Slope slope = [&](const Vec& at_x, double lambda) {
    const dpm::Level at = schedule.level(schedule.time_of_lambda(lambda));
    return std::pow(at.sigma(), 2) * at_x - at.sigma() * eps(at_x, at);
  };
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const double from = grid[i].lambda();
    x = runge_kutta_step(slope, x, from, grid[i + 1].lambda() - from, order);
  }
  return x;
}

}  // namespace dpm_test::textbook
