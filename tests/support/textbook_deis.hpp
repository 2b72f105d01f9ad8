// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// DEIS and iPNDM, whose weights are integrals of Lagrange's polynomials.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <vector>

#include "support/textbook_base.hpp"
#include "support/textbook_multistep.hpp"
#include "support/textbook_pndm.hpp"
#include "support/textbook_quadrature.hpp"

namespace dpm_test::textbook {

/// sigma / alpha.
inline double sigma_over_alpha(const dpm::Level& at) {
  return std::exp(at.log_sigma - at.log_alpha);
}

enum class DeisVariable { time, sigma_over_alpha, lambda };

/// DEIS (Zhang & Chen 2022, arXiv 2204.13902, Sec. 3.3): x_t = Psi(t, s) x_s + sum over j of
/// C_j eps_j with C_j = integral from s to t of 1/2 Psi(t, u) G^2(u) / sigma(u) l_j(u) du, Psi(t,
/// u) = alpha_t / alpha_u, for a variance-preserving schedule with noise rate G^2 = `beta`. The
/// rho variants are the same integral with u replaced: alpha_t times that of l_j drho.
/// The order rises to `order`.
inline Vec deis(const Network& eps, const dpm::AnySchedule& schedule,
                const std::function<double(double)>& beta, const Levels& grid, Vec x,
                std::size_t order, DeisVariable variable) {
  const auto position = [variable](const dpm::Level& at) {
    if (variable == DeisVariable::time) return at.time;
    return variable == DeisVariable::sigma_over_alpha ? sigma_over_alpha(at)
                                                      : std::log(sigma_over_alpha(at));
  };
  std::vector<Prediction> history;
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const dpm::Level& s = grid[i];
    const dpm::Level& t = grid[i + 1];
    history.push_back({s, eps(x, s)});
    const std::size_t known = std::min(order, history.size());
    std::vector<double> nodes;
    for (std::size_t j = 0; j < known; ++j) nodes.push_back(position(history[i - j].at));
    x = t.alpha() / s.alpha() * x;
    for (std::size_t j = 0; j < known; ++j) {
      const double C = integral(position(s), position(t), [&](double u) {
        const double l = lagrange(nodes, j, u);
        if (variable == DeisVariable::sigma_over_alpha) return t.alpha() * l;
        if (variable == DeisVariable::lambda) return t.alpha() * std::exp(u) * l;
        const dpm::Level at = schedule.level(u);
        return 0.5 * t.alpha() / at.alpha() * beta(u) / at.sigma() * l;
      });
      x = x + C * history[i - j].value;
    }
  }
  return x;
}

/// iPNDM (arXiv 2204.13902, App. H.2): PNDM's multistep part alone, with lower orders first. The
/// weights are those of Adams and Bashforth for the grid's own times, which the paper has for equal
/// ones.
inline Vec ipndm(const Network& eps, const Levels& grid, Vec x, std::size_t order) {
  std::vector<Prediction> history;
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const dpm::Level& s = grid[i];
    const dpm::Level& t = grid[i + 1];
    history.push_back({s, eps(x, s)});
    const std::size_t known = std::min(order, history.size());
    std::vector<double> nodes;
    for (std::size_t j = 0; j < known; ++j) nodes.push_back(history[i - j].at.time);
    Vec mix(x.size(), 0.0);
    for (std::size_t j = 0; j < known; ++j) {
      const double whole =
          integral(s.time, t.time, [&](double u) { return lagrange(nodes, j, u); });
      mix = mix + whole / (t.time - s.time) * history[i - j].value;
    }
    x = pndm_transfer(x, mix, s, t);
  }
  return x;
}

}  // namespace dpm_test::textbook
