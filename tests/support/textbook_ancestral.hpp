// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// k-diffusion's loops with fresh noise: ancestral steps, churn, DPM++ SDE and Restart.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <vector>

#include "support/textbook_base.hpp"
#include "support/textbook_deis.hpp"
#include "support/textbook_ode.hpp"

namespace dpm_test::textbook {

// As in textbook_ode.hpp these work on y = x / alpha, with rho = sigma / alpha for k-diffusion's
// sigma.

/// The level whose sigma / alpha is rho.
inline dpm::Level level_at_rho(const dpm::AnySchedule& schedule, double rho) {
  return schedule.level(schedule.time_of_lambda(-std::log(rho)));
}

/// The denoiser D(y, rho).
inline Vec denoised(const Network& eps, const Vec& y, const dpm::Level& at) {
  const Vec x = at.alpha() * y;
  return data_from_noise(x, eps(x, at), at);
}

/// `get_ancestral_step` of k-diffusion.
struct Ancestral {
  double down;
  double up;
};
inline Ancestral ancestral(double from, double to, double eta) {
  if (eta == 0) return {to, 0};
  const double up =
      std::min(to, eta * std::sqrt(to * to * (from * from - to * to) / (from * from)));
  return {std::sqrt(to * to - up * up), up};
}

/// One step of an ODE from s to the sigma / alpha `down`, which starts from y.
using DownStep =
    std::function<Vec(const Network& eps, const dpm::Level& s, double down, const Vec& y)>;

/// Ancestral steps over any solver: down, then noise. `draws` has one vector for each step.
inline Vec ancestral_loop(const Network& eps, const Levels& grid, const Vec& x, double eta,
                          const std::vector<Vec>& draws, const DownStep& step) {
  Vec y = x / grid[0].alpha();
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const auto [down, up] =
        ancestral(sigma_over_alpha(grid[i]), sigma_over_alpha(grid[i + 1]), eta);
    y = step(eps, grid[i], down, y) + up * draws.at(i);
  }
  return grid.back().alpha() * y;
}

/// The step of `sample_dpm_2_ancestral`.
inline DownStep dpm_2_down(const dpm::AnySchedule& schedule) {
  return [schedule](const Network& eps, const dpm::Level& s, double down, const Vec& y) {
    const double from = sigma_over_alpha(s);
    const double mid = std::exp((std::log(from) + std::log(down)) / 2);
    const Vec y_2 = y + (mid - from) * sigma_derivative(eps, y, s);
    return y + (down - from) * sigma_derivative(eps, y_2, level_at_rho(schedule, mid));
  };
}

/// The step of `sample_dpmpp_2s_ancestral`.
inline DownStep dpmpp_2s_down(const dpm::AnySchedule& schedule) {
  return [schedule](const Network& eps, const dpm::Level& s, double down, const Vec& y) {
    const double from = sigma_over_alpha(s);
    const double h = std::log(from / down);
    const double mid = std::exp(-(-std::log(from) + h / 2));
    const Vec y_2 = mid / from * y - std::expm1(-h / 2) * denoised(eps, y, s);
    return down / from * y - std::expm1(-h) * denoised(eps, y_2, level_at_rho(schedule, mid));
  };
}

/// The third-order step of the same family: "DPM-Solver-3" of k-diffusion's DPMSolver class for the
/// denoiser in place of eps (the official code's singlestep DPM-Solver++-3), r1 = 1/3, r2 = 2/3.
inline DownStep dpmpp_3s_down(const dpm::AnySchedule& schedule) {
  return [schedule](const Network& eps, const dpm::Level& s, double down, const Vec& y) {
    const double from = sigma_over_alpha(s);
    const double h = std::log(from / down);
    const double rho_1 = from * std::exp(-h / 3);
    const double rho_2 = from * std::exp(-2 * h / 3);
    const Vec D = denoised(eps, y, s);
    const Vec y_1 = rho_1 / from * y - std::expm1(-h / 3) * D;
    const Vec D_1 = denoised(eps, y_1, level_at_rho(schedule, rho_1));
    const double slope_2 = std::expm1(-2 * h / 3) / (2 * h / 3) + 1;
    const Vec y_2 = rho_2 / from * y - std::expm1(-2 * h / 3) * D + 2 * slope_2 * (D_1 - D);
    const Vec D_2 = denoised(eps, y_2, level_at_rho(schedule, rho_2));
    const double slope = std::expm1(-h) / h + 1;
    return down / from * y - std::expm1(-h) * D + 1.5 * slope * (D_2 - D);
  };
}

/// `sample_res_multistep_ancestral` of ComfyUI, with the distance of the history measured from one
/// grid level to the next (there it is measured to where the step before went down).
inline Vec res_multistep_ancestral(const Network& eps, const Levels& grid, const Vec& x, double eta,
                                   const std::vector<Vec>& draws) {
  Vec y = x / grid[0].alpha();
  Vec before;
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const double from = sigma_over_alpha(grid[i]);
    const auto [down, up] = ancestral(from, sigma_over_alpha(grid[i + 1]), eta);
    const Vec D = denoised(eps, y, grid[i]);
    const double h = std::log(from / down);
    if (i == 0) {
      y = y + (down - from) / from * (y - D);
    } else {
      const double phi_1 = std::expm1(-h) / -h;
      const double phi_2 = (phi_1 - 1) / -h;
      const double c_2 = std::log(from / sigma_over_alpha(grid[i - 1])) / h;
      const double b_2 = phi_2 / c_2;
      y = std::exp(-h) * y + h * ((phi_1 - b_2) * D + b_2 * before);
    }
    y = y + up * draws.at(i);
    before = D;
  }
  return grid.back().alpha() * y;
}

/// `sample_dpmpp_sde` of k-diffusion with independent draws, two for each step.
inline Vec dpmpp_sde(const Network& eps, const dpm::AnySchedule& schedule, const Levels& grid,
                     const Vec& x, double eta, double r, const std::vector<Vec>& draws) {
  Vec y = x / grid[0].alpha();
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const double from = sigma_over_alpha(grid[i]);
    const double to = sigma_over_alpha(grid[i + 1]);
    const double mid = from * std::exp(-r * std::log(from / to));
    const double factor = 1 / (2 * r);
    const Vec D = denoised(eps, y, grid[i]);
    // Without noise there is no draw.
    const auto noise = [&](std::size_t k) { return eta > 0 ? draws.at(2 * i + k) : 0.0 * y; };
    const Ancestral half = ancestral(from, mid, eta);
    const Vec y_2 =
        half.down / from * y - std::expm1(std::log(half.down / from)) * D + half.up * noise(0);
    const Vec D_2 = denoised(eps, y_2, level_at_rho(schedule, mid));
    const Ancestral whole = ancestral(from, to, eta);
    const Vec mix = (1 - factor) * D + factor * D_2;
    y = whole.down / from * y - std::expm1(std::log(whole.down / from)) * mix + whole.up * noise(1);
  }
  return grid.back().alpha() * y;
}

/// Euler's ancestral step of a flow, `EulerAncestralRF`: `sample_euler_ancestral_RF` of ComfyUI, in
/// which alpha = 1 - sigma. Over another process the solver goes to the level of the same sigma and
/// is scaled likewise.
inline Vec euler_ancestral_flow(const Network& eps, const Levels& grid, Vec x, double eta,
                                const std::vector<Vec>& draws) {
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const dpm::Level& s = grid[i];
    const dpm::Level& t = grid[i + 1];
    const double sigma = t.sigma();
    const double down = sigma * (1 + (sigma / s.sigma() - 1) * eta);
    // (1 - sigma) / (1 - down), from the stored logarithms, which keep their digits near sigma = 1.
    const double data = -std::expm1(t.log_sigma);
    const double scale = data / (data - sigma * eta * std::expm1(t.log_sigma - s.log_sigma));
    const double up = std::sqrt(sigma * sigma - down * down * scale * scale);
    const Vec noise = eps(x, s);
    x = t.alpha() * data_from_noise(x, noise, s) + down * scale * noise + up * draws.at(i);
  }
  return x;
}

/// S_churn, S_tmin and S_tmax.
struct ChurnOptions {
  double churn = 0;
  double least = 0;
  double most = 0;
};

/// Karras et al. 2022 (arXiv 2206.00364), Alg. 2, over any solver of one step.
inline Vec churned_loop(const Network& eps, const dpm::AnySchedule& schedule, const Levels& grid,
                        const Vec& x, const ChurnOptions& options, const std::vector<Vec>& draws,
                        const DownStep& step) {
  Vec y = x / grid[0].alpha();
  std::size_t draw = 0;
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const double from = sigma_over_alpha(grid[i]);
    const bool churns = from >= options.least && from <= options.most;
    const double gamma =
        churns ? std::min(options.churn / double(grid.size() - 1), std::sqrt(2.0) - 1) : 0;
    const double hat = from * (gamma + 1);
    if (gamma > 0) y = y + std::sqrt(hat * hat - from * from) * draws.at(draw++);
    const dpm::Level s = gamma > 0 ? level_at_rho(schedule, hat) : grid[i];
    y = step(eps, s, sigma_over_alpha(grid[i + 1]), y);
  }
  return grid.back().alpha() * y;
}

inline DownStep euler_down() {
  return [](const Network& eps, const dpm::Level& s, double down, const Vec& y) {
    return y + (down - sigma_over_alpha(s)) * sigma_derivative(eps, y, s);
  };
}

inline DownStep heun_down(const dpm::AnySchedule& schedule) {
  return [schedule](const Network& eps, const dpm::Level& s, double down, const Vec& y) {
    const double dt = down - sigma_over_alpha(s);
    const Vec d = sigma_derivative(eps, y, s);
    const Vec d_2 = sigma_derivative(eps, y + dt * d, level_at_rho(schedule, down));
    return y + dt / 2 * (d + d_2);
  };
}

/// Restart (Xu et al. 2023, arXiv 2306.14878, Alg. 1) with Heun's method and one interval, from the
/// grid level nearest to `low` back up to that nearest to `high`, and down over a Karras list.
inline Vec restart(const Network& eps, const dpm::AnySchedule& schedule, const Levels& grid,
                   const Vec& x, double low, double high, int steps, int times,
                   const std::vector<Vec>& draws) {
  const DownStep heun = heun_down(schedule);
  const auto nearest = [&](double rho) {
    return *std::min_element(grid.begin(), grid.end(), [&](const auto& a, const auto& b) {
      return std::abs(sigma_over_alpha(a) - rho) < std::abs(sigma_over_alpha(b) - rho);
    });
  };
  const double bottom = sigma_over_alpha(nearest(low));
  const double top = sigma_over_alpha(nearest(high));
  const auto karras = [&](int i) {
    const double a = std::pow(top, 1.0 / 7);
    const double b = std::pow(bottom, 1.0 / 7);
    return std::pow(a + i * (b - a) / steps, 7);
  };
  Vec y = x / grid[0].alpha();
  std::size_t draw = 0;
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    y = heun(eps, grid[i], sigma_over_alpha(grid[i + 1]), y);
    if (sigma_over_alpha(grid[i + 1]) != bottom) continue;
    for (int time = 0; time < times; ++time) {
      y = y + std::sqrt(top * top - bottom * bottom) * draws.at(draw++);
      for (int k = 0; k < steps; ++k) {
        y = heun(eps, level_at_rho(schedule, karras(k)), karras(k + 1), y);
      }
    }
  }
  return grid.back().alpha() * y;
}

}  // namespace dpm_test::textbook
