// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// DEIS, and the linear multistep method (LMS) of k-diffusion.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include "dpm/math/gauss_legendre.hpp"
#  include "dpm/method/polynomial.hpp"
#endif

namespace dpm {

/// DEIS, exponential Adams-Bashforth (Zhang & Chen 2022, arXiv 2204.13902, Sec. 3.3). A polynomial
/// p through the last noise predictions is integrated exactly over k = sigma / alpha (rho in the
/// paper):
///
///     x_t = (alpha_t / alpha_s) x_s + alpha_t (integral of p dk from k_s to k_t).
///
/// p is a polynomial in one of the variables below. One model call a step; the first steps have
/// lower orders.
struct Deis {
  static constexpr const char* name = "Deis";
  enum class Variable : std::uint8_t {
    time,              ///< tAB-DEIS
    sigma_over_alpha,  ///< rhoAB-DEIS; with order 4 it is k-diffusion's LMS
    lambda,            ///< diffusers' "logrho": multistep DPM-Solver in noise space
  };
  /// How many predictions the polynomial goes through, 1 to 4; 1 is DDIM.
  int order = 3;
  Variable variable = Variable::lambda;
  /// Estimate the error of each step, as `DpmSolver::estimate_error` does. With order 4 the first
  /// ten or so estimates are wrong (see `Progress::error`).
  bool estimate_error = false;
};

/// Order of convergence. The first step, of first order, keeps the run from more than the second.
[[nodiscard]] inline int convergence_order(const Deis& method) { return method.order == 1 ? 1 : 2; }

/// Works in noise space. Refuses an order out of range and a grid that starts at alpha = 0. A step
/// to sigma = 0 is of first order.
void write(PlanBuilder& builder, const Deis& method, const Grid& grid);

/// Equal steps in the square root of time, as the paper uses them (App. H.3).
[[nodiscard]] inline QuadraticTime default_spacing(const Deis& /*method*/) { return {}; }

#if DPM_DEFINE

namespace detail {

/// Writes multistep updates in noise space. Each integrates the polynomial through the last `order`
/// predictions in the variable `position_of(level)`: `weights_of(s, t, step, count)` weigh its
/// first `count` derivatives at the start s of the step. Refuses a method's order out of range.
template <class Method, class PositionOf, class WeightsOf>
void write_adams(PlanBuilder& builder, const Method& method, const Grid& grid, bool estimate_error,
                 PositionOf position_of, WeightsOf weights_of) {
  require(method.order >= 1 && method.order <= 4, Method::name, ": order = ", method.order,
          "; it must be 1 to 4");
  const auto slots = static_cast<std::size_t>(method.order);
  builder.set_space(Space::noise);
  Nodes history;
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& s = grid[i];
    const Level& t = grid[i + 1];
    const ExponentialStep step(Space::noise, s, t);
    const double start = position_of(s);
    builder.begin_step(s, t);
    history = with_newest({start, builder.evaluate(i % slots, sample_register, s), s.lambda()},
                          history, slots);
    const std::size_t usable = step.finite() ? history.size() : 1;
    const Nodes known = distinct_nodes(history.span().first(usable), step.h(), nearest_predictions);
    const DerivativeWeights weights = weights_of(s, t, step, known.size());
    const auto update_of = [&](std::size_t nodes) {
      return polynomial_terms(step.linear(), weights, start, known.span().first(nodes));
    };
    builder.combine(sample_register,
                    estimated_update(builder, estimate_error, known.size(), update_of).span());
  }
}

/// The weights for the mean of the polynomial over a step of the given length in its variable.
inline DerivativeWeights mean_weights(const ExponentialStep& step, double length,
                                      std::size_t count) {
  DerivativeWeights weights{step.weight(0)};
  for (std::size_t n = 1; n < count; ++n) {
    weights.push_back(weights[n - 1] * length / static_cast<double>(n + 1));
  }
  return weights;
}

/// alpha_t times the integral of (u - u_s)^n / n! dk for n < count, where u is time and k = sigma /
/// alpha. Gauss-Legendre quadrature in lambda, with alpha_t dk = -sigma_t e^(lambda_t - lambda)
/// dlambda.
inline DerivativeWeights deis_time_weights(const AnySchedule& schedule, const Level& s,
                                           const Level& t, const ExponentialStep& step,
                                           std::size_t count) {
  const double middle = 0.5 * (s.lambda() + t.lambda());
  const double half = 0.5 * (t.lambda() - s.lambda());
  const double sigma = t.sigma();
  double sums[max_nodes] = {};
  const auto add_nodes = [&](const auto& rule) {
    for (std::size_t i = 0; i < rule.nodes.size() && count > 1; ++i) {
      const double lambda = middle + half * rule.nodes[i];
      const double distance = schedule.time_of_lambda(lambda) - s.time;
      double term = -sigma * std::exp(t.lambda() - lambda);
      for (std::size_t n = 1; n < count; ++n) {
        term *= distance / static_cast<double>(n);
        sums[n] += rule.weights[i] * term;
      }
    }
  };
  // Time is an analytic function of lambda up to its singularities at +-i pi / 2, so the error of n
  // nodes falls like r^(-2 n) with r = y + sqrt(1 + y^2), y = pi / (2 half). These n reach
  // rounding.
  const double width = std::abs(half);
  width < 0.3   ? add_nodes(gauss_legendre_rule<8>())
  : width < 0.6 ? add_nodes(gauss_legendre_rule<12>())
  : width < 1.1 ? add_nodes(gauss_legendre_rule<16>())
                : add_nodes(gauss_legendre_rule<32>());
  DerivativeWeights weights{step.weight(0)};
  for (std::size_t n = 1; n < count; ++n) weights.push_back(half * sums[n]);
  return weights;
}

}  // namespace detail

DPM_INLINE void write(PlanBuilder& builder, const Deis& method, const Grid& grid) {
  const bool in_lambda = method.variable == Deis::Variable::lambda;
  const bool in_time = method.variable == Deis::Variable::time;
  const auto position_of = [=](const Level& level) {
    return in_time ? level.time : in_lambda ? level.lambda() : std::exp(-level.lambda());
  };
  detail::write_adams(
      builder, method, grid, method.estimate_error, position_of,
      [&](const Level& s, const Level& t, const ExponentialStep& step, std::size_t count) {
        return in_lambda ? exact_weights(step, count)
               : in_time ? detail::deis_time_weights(grid.schedule(), s, t, step, count)
                         : detail::mean_weights(step, position_of(t) - position_of(s), count);
      });
}

#endif

}  // namespace dpm
