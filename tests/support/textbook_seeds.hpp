// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// SEEDS and ER-SDE, in ComfyUI's form.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "support/textbook_ancestral.hpp"
#include "support/textbook_base.hpp"
#include "support/textbook_quadrature.hpp"

namespace dpm_test::textbook {

/// SEEDS-2 (Gonzalez et al. 2023, arXiv 2305.14267, Alg. 2) on y = x / alpha with rho = sigma /
/// alpha: `sample_seeds_2`, whose inner noise is carried on into the step's. Two draws a step. With
/// phi_2 it weighs the slope by (e^-H - 1 + H) / (H r) in place of (1 - e^-H) / (2 r).
inline Vec seeds_2(const Network& eps, const dpm::AnySchedule& schedule, const Levels& grid,
                   const Vec& x, double eta, const std::vector<Vec>& draws, double r = 0.5,
                   bool phi_2 = false) {
  Vec y = x / grid[0].alpha();
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const double s = sigma_over_alpha(grid[i]);
    const double t = sigma_over_alpha(grid[i + 1]);
    const double h = std::log(s / t);
    const double H = h * (1 + eta);
    const double m = s * std::exp(-r * h);
    const auto z = [&](std::size_t k) { return eta > 0 ? draws.at(2 * i + k) : 0.0 * y; };
    const Vec n_1 = std::sqrt(-std::expm1(-2 * r * h * eta)) * z(0);
    const Vec n_2 =
        std::exp(-(1 - r) * h * eta) * n_1 + std::sqrt(-std::expm1(-2 * (1 - r) * h * eta)) * z(1);
    const Vec D = denoised(eps, y, grid[i]);
    const Vec y_2 = m / s * std::exp(-r * h * eta) * y - std::expm1(-r * H) * D + m * n_1;
    const Vec D_2 = denoised(eps, y_2, level_at_rho(schedule, m));
    const double b_2 = phi_2 ? (std::exp(-H) - 1 + H) / (H * r) : -std::expm1(-H) / (2 * r);
    y = t / s * std::exp(-h * eta) * y - std::expm1(-H) * D + b_2 * (D_2 - D) + t * n_2;
  }
  return grid.back().alpha() * y;
}

/// SEEDS-3 (its Alg. 3): `sample_seeds_3`, three draws a step.
inline Vec seeds_3(const Network& eps, const dpm::AnySchedule& schedule, const Levels& grid,
                   const Vec& x, double eta, const std::vector<Vec>& draws, double r_1 = 1.0 / 3,
                   double r_2 = 2.0 / 3) {
  const auto P = [](double z) { return (std::expm1(z) - z) / z; };
  Vec y = x / grid[0].alpha();
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const double s = sigma_over_alpha(grid[i]);
    const double t = sigma_over_alpha(grid[i + 1]);
    const double h = std::log(s / t);
    const double H = h * (1 + eta);
    const double m_1 = s * std::exp(-r_1 * h);
    const double m_2 = s * std::exp(-r_2 * h);
    // The noise of the part from `from` to `to` is added to that of the parts before, which decays.
    const auto chained = [&](const Vec& before, double from, double to, std::size_t k) {
      if (eta == 0) return before;
      const double part = (to - from) * h * eta;
      return std::exp(-part) * before + std::sqrt(-std::expm1(-2 * part)) * draws.at(3 * i + k);
    };
    const Vec n_1 = chained(0.0 * y, 0, r_1, 0);
    const Vec n_2 = chained(n_1, r_1, r_2, 1);
    const Vec n_3 = chained(n_2, r_2, 1, 2);
    const Vec D = denoised(eps, y, grid[i]);
    const Vec y_2 = m_1 / s * std::exp(-r_1 * h * eta) * y - std::expm1(-r_1 * H) * D + m_1 * n_1;
    const Vec D_2 = denoised(eps, y_2, level_at_rho(schedule, m_1));
    const double A = r_2 / r_1 * P(-r_2 * H);
    const Vec y_3 = m_2 / s * std::exp(-r_2 * h * eta) * y -
                    ((std::expm1(-r_2 * H) - A) * D + A * D_2) + m_2 * n_2;
    const Vec D_3 = denoised(eps, y_3, level_at_rho(schedule, m_2));
    const double B = P(-H) / r_2;
    y = t / s * std::exp(-h * eta) * y - ((std::expm1(-H) - B) * D + B * D_3) + t * n_3;
  }
  return grid.back().alpha() * y;
}

/// ER-SDE-Solver (Cui et al. 2023, arXiv 2309.06169, Alg. 1 to 3) with its fifth noise function,
/// `sample_er_sde`. The integrals are left sums over `points` parts, or for 0 points the integrals
/// themselves.
inline Vec er_sde(const Network& eps, const Levels& grid, const Vec& x, int order, int points,
                  const std::vector<Vec>& draws) {
  const auto f = [](double L) { return L * (std::exp(std::pow(L, 0.3)) + 10); };
  const auto integrated = [&](double from, double to, const auto& function) {
    if (points == 0) return integral(from, to, function);
    const double q = (to - from) / points;
    double sum = 0;
    for (int k = 0; k < points; ++k) sum += q * function(from + k * q);
    return sum;
  };
  Vec y = x / grid[0].alpha();
  Vec D_old;
  Vec slope_old;
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const double L_s = sigma_over_alpha(grid[i]);
    const double L_t = sigma_over_alpha(grid[i + 1]);
    const double r = f(L_t) / f(L_s);
    const Vec D = denoised(eps, y, grid[i]);
    y = r * y + (1 - r) * D;
    if (i >= 1 && order >= 2) {
      const double S = integrated(L_t, L_s, [&](double L) { return 1 / f(L); });
      const Vec slope = (D - D_old) / (L_s - sigma_over_alpha(grid[i - 1]));
      y = y + (L_t - L_s + S * f(L_t)) * slope;
      if (i >= 2 && order >= 3) {
        const double U = integrated(L_t, L_s, [&](double L) { return (L - L_s) / f(L); });
        const Vec second = (slope - slope_old) / ((L_s - sigma_over_alpha(grid[i - 2])) / 2);
        y = y + ((L_t - L_s) * (L_t - L_s) / 2 + U * f(L_t)) * second;
      }
      slope_old = slope;
    }
    D_old = D;
    y = y + std::sqrt(L_t * L_t - L_s * L_s * r * r) * draws.at(i);
  }
  return grid.back().alpha() * y;
}

}  // namespace dpm_test::textbook
