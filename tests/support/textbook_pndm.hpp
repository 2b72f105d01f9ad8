// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// PNDM with its pseudo Runge-Kutta start, and the PLMS-only variant.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "support/textbook_base.hpp"

namespace dpm_test::textbook {

/// The transfer part phi(x, e, t, p): Liu et al. 2022, arXiv 2202.09778, Eq. 11, with alpha bar =
/// alpha^2 and 1 - alpha bar = sigma^2.
inline Vec pndm_transfer(const Vec& x, const Vec& e, const dpm::Level& t, const dpm::Level& p) {
  const double a_t = std::exp(2 * t.log_alpha);
  const double a_p = std::exp(2 * p.log_alpha);
  const double b_t = std::exp(2 * t.log_sigma);
  const double b_p = std::exp(2 * p.log_sigma);
  return std::sqrt(a_p) / std::sqrt(a_t) * x -
         (a_p - a_t) / (std::sqrt(a_t) * (std::sqrt(b_p * a_t) + std::sqrt(b_t * a_p))) * e;
}

/// The paper's pseudo linear multistep mix of the four latest noise predictions.
inline Vec adams_bashforth_4(const std::vector<Vec>& e) {
  const std::size_t n = e.size();
  return (55.0 * e[n - 1] - 59.0 * e[n - 2] + 37.0 * e[n - 3] - 9.0 * e[n - 4]) / 24.0;
}

/// PNDM (arXiv 2202.09778, section 3.3): three pseudo Runge-Kutta steps, whose midpoint lies midway
/// in time, then pseudo linear multistep ones. `eps` predicts noise.
inline Vec pndm(const Network& eps, const dpm::AnySchedule& schedule, const Levels& grid, Vec x) {
  std::vector<Vec> history;
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const dpm::Level& t = grid[i];
    const dpm::Level& p = grid[i + 1];
    history.push_back(eps(x, t));
    if (i >= 3) {
      x = pndm_transfer(x, adams_bashforth_4(history), t, p);
      continue;
    }
    const dpm::Level middle = schedule.level((t.time + p.time) / 2);
    const Vec& e1 = history.back();
    const Vec x1 = pndm_transfer(x, e1, t, middle);
    const Vec e2 = eps(x1, middle);
    const Vec x2 = pndm_transfer(x, e2, t, middle);
    const Vec e3 = eps(x2, middle);
    const Vec x3 = pndm_transfer(x, e3, t, p);
    const Vec e4 = eps(x3, p);
    x = pndm_transfer(x, (e1 + 2.0 * e2 + 2.0 * e3 + e4) / 6.0, t, p);
  }
  return x;
}

/// PNDM without Runge-Kutta steps, as diffusers has it (skip_prk_steps): the first step is taken
/// again with the mean of the predictions at its two ends, then the multistep order rises to 4. The
/// prediction at the end of the first trial is not kept.
inline Vec plms(const Network& eps, const Levels& grid, Vec x) {
  std::vector<Vec> history;
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const dpm::Level& t = grid[i];
    const dpm::Level& p = grid[i + 1];
    history.push_back(eps(x, t));
    const std::vector<Vec>& e = history;
    Vec mix;
    if (i == 0) {
      const Vec trial = pndm_transfer(x, e[0], t, p);
      mix = (e[0] + eps(trial, p)) / 2.0;
    } else if (i == 1) {
      mix = (3.0 * e[1] - e[0]) / 2.0;
    } else if (i == 2) {
      mix = (23.0 * e[2] - 16.0 * e[1] + 5.0 * e[0]) / 12.0;
    } else {
      mix = adams_bashforth_4(e);
    }
    x = pndm_transfer(x, mix, t, p);
  }
  return x;
}

}  // namespace dpm_test::textbook
