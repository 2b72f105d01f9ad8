// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// ER-SDE: multistep solvers of an SDE with noise of one's own choice.
#pragma once

#include <algorithm>
#include <cstddef>

#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <cmath>

#  include "dpm/math/gauss_legendre.hpp"
#  include "dpm/method/polynomial.hpp"
#endif

namespace dpm {

/// ER-SDE-Solver (Cui et al. 2023, arXiv 2309.06169, Alg. 1 to 3) with the noise function of its
/// authors' fifth choice, phi(k) = k (e^(k^0.3) + 10) of k = sigma / alpha. With k_s, k_t and
/// r = phi(k_t) / phi(k_s):
///
///     x_t = (alpha_t / alpha_s) r x_s + alpha_t (1 - r) x_0 + alpha_t sqrt(k_t^2 - r^2 k_s^2) z
///
/// plus terms with the divided differences of x_0 in k. One model call and one draw a step; the
/// first steps have lower orders, and a step to sigma = 0 is of first order without a draw.
///
/// No noise (`noise_scale` 0) is not the ODE.
struct ErSde {
  static constexpr const char* name = "ErSde";
  /// 1 to 3.
  int order = 3;
  /// The factor on each draw. Only 1 keeps the marginals.
  double noise_scale = 1.0;
  /// The integrals of 1 / phi are sums over this many left end points, as in the authors' code; 0:
  /// exact to rounding.
  int points = 200;
};

/// Weak order of convergence. The sums have an error of first order, which is small beside that of
/// the steps until there are thousands of them.
[[nodiscard]] inline int convergence_order(const ErSde& method) {
  return method.points == 0 ? std::min(method.order, 2) : 1;
}

/// Works in data space. Refuses options out of range and a grid that runs towards more noise. A
/// step from alpha = 0 is its limit, all noise drawn anew.
void write(PlanBuilder& builder, const ErSde& method, const Grid& grid);

[[nodiscard]] inline UniformLambda default_spacing(const ErSde& /*method*/) { return {}; }

#if DPM_DEFINE

namespace detail {

/// phi(k) / k, and phi(k).
inline double er_sde_growth(double k) { return std::exp(std::pow(k, 0.3)) + 10.0; }
inline double er_sde_noise(double k) { return k * er_sde_growth(k); }

/// The weights of x_0 and of its first and half its second derivative in k, over alpha_t.
inline DerivativeWeights er_sde_weights(const ErSde& method, double k_s, double k_t, double phi_t,
                                        std::size_t count) {
  DerivativeWeights weights{1.0 - phi_t / er_sde_noise(k_s)};
  if (count < 2) return weights;
  double sum = 0.0;
  double moment = 0.0;
  const auto add = [&](double k, double width) {
    sum += width / er_sde_noise(k);
    moment += width * (k - k_s) / er_sde_noise(k);
  };
  if (method.points > 0) {
    const double width = (k_s - k_t) / method.points;
    for (int i = 0; i < method.points; ++i) add(k_t + i * width, width);
  } else {
    // In log k the integrand has its singularities 3.1 beside the real axis, so 16 nodes on a
    // length of 2 reach rounding.
    const auto& rule = gauss_legendre_rule<16>();
    const double length = std::log(k_s) - std::log(k_t);
    const int parts = static_cast<int>(std::ceil(length / 2.0));
    const double half = 0.5 * length / parts;
    for (int part = 0; part < parts; ++part) {
      for (std::size_t i = 0; i < rule.nodes.size(); ++i) {
        const double k = k_t * std::exp(half * (2 * part + 1 + rule.nodes[i]));
        add(k, half * rule.weights[i] * k);
      }
    }
  }
  const double length = k_t - k_s;
  weights.push_back(length + sum * phi_t);
  if (count > 2) weights.push_back(0.5 * length * length + moment * phi_t);
  return weights;
}

}  // namespace detail

DPM_INLINE void write(PlanBuilder& builder, const ErSde& method, const Grid& grid) {
  detail::require(method.order >= 1 && method.order <= 3, "ErSde: order = ", method.order,
                  "; it must be 1, 2 or 3");
  detail::require(method.points >= 0 && method.points <= 1'000'000,
                  "ErSde: points = ", method.points, "; it must lie between 0 and 1000000");
  detail::require(method.noise_scale >= 0.0 && method.noise_scale < 1e100,
                  "ErSde: noise_scale = ", method.noise_scale,
                  "; it must be finite and at least 0");
  detail::require(grid.back().time < grid.front().time, "ErSde: the grid runs from time ",
                  grid.front().time, " to time ", grid.back().time,
                  ", towards more noise; it must run towards clean data");
  builder.set_space(Space::data);
  const auto slots = static_cast<std::size_t>(method.order);
  Nodes history;  // in k, newest first
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& s = grid[i];
    const Level& t = grid[i + 1];
    const double k_s = std::exp(-s.lambda());
    const double k_t = std::exp(-t.lambda());
    const double phi_t = detail::er_sde_noise(k_t);
    const double kept = phi_t / detail::er_sde_growth(k_s);  // r k_s
    const double alpha = t.alpha();
    const double noise =
        method.noise_scale * alpha * std::sqrt(std::max(0.0, k_t * k_t - kept * kept));
    builder.begin_step(s, t);
    if (noise > 0.0) builder.draw();
    const Register newest = builder.evaluate(i % slots, sample_register, s);
    const bool finite = std::isfinite(k_s) && k_t > 0.0;
    if (std::isfinite(k_s)) history = with_newest({k_s, newest, s.lambda()}, history, slots);
    const double h = t.lambda() - s.lambda();
    const Nodes known =
        finite ? distinct_nodes(history.span(), h, nearest_predictions) : Nodes{{k_s, newest}};
    const std::size_t usable = known.size();
    const DerivativeWeights w = detail::er_sde_weights(method, k_s, k_t, phi_t, usable);
    // Divided differences: D1 = (m0 - m1) / h1, and twice the second, (D1 - D2) / ((h1 + h2) / 2).
    double of[3] = {w[0], 0.0, 0.0};
    if (usable > 1) {
      const double h1 = known[0].at - known[1].at;
      of[0] += w[1] / h1;
      of[1] -= w[1] / h1;
      if (usable > 2) {
        const double h2 = known[1].at - known[2].at;
        const double second = 2.0 * w[2] / (h1 + h2);
        of[0] += second / h1;
        of[1] -= second / h1 + second / h2;
        of[2] += second / h2;
      }
    }
    BoundedVector<Term, 5> terms{{sample_register, alpha * kept / s.sigma()},
                                 {newest, alpha * of[0]}};
    for (std::size_t j = 1; j < usable; ++j) {
      terms.push_back({known[j].prediction, alpha * of[j]});
    }
    if (noise > 0.0) terms.push_back({noise_register, noise});
    builder.combine(sample_register, terms.span());
  }
}

#endif

}  // namespace dpm
