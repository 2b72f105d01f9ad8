// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// DEIS, and the linear multistep method of k-diffusion, as plans.
#pragma once

#include <cstdint>

#include "dpm/grid/grid.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/method/budget.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// DEIS, exponential Adams-Bashforth (Zhang & Chen 2022, arXiv 2204.13902, Sec. 3.3): the noise
/// prediction is extrapolated by a polynomial through the last predictions, and in rho = sigma /
/// alpha integrated exactly,
///
///     x_t = (alpha_t / alpha_s) x_s + alpha_t times the integral of p from rho_s to rho_t.
///
/// The variants differ in the variable that p is a polynomial of. One model call a step; the first
/// steps have lower orders.
struct Deis {
  enum class Variable : std::uint8_t {
    time,              ///< tAB-DEIS
    sigma_over_alpha,  ///< rhoAB-DEIS; of order 4 it is LMS, k-diffusion's linear multistep method
    lambda,            ///< diffusers' "logrho": multistep DPM-Solver in noise space
  };
  /// How many predictions the polynomial goes through, 1 to 4; 1 is DDIM.
  int order = 3;
  Variable variable = Variable::lambda;
  /// Estimate each step's error from the order below, as `DpmSolver::estimate_error`; with order 4
  /// not a true one for about ten steps after the start (`Progress::error`).
  bool estimate_error = false;
};

/// Order of convergence. The first step, of first order, keeps the run from more than the second.
[[nodiscard]] inline int convergence_order(const Deis& method) { return method.order == 1 ? 1 : 2; }

/// The plan of DEIS over `grid`, in noise space. Refuses an order out of range and a grid that
/// starts at alpha = 0. A step to sigma = 0 is of first order.
[[nodiscard]] Plan make_plan(const Deis& method, const Grid& grid,
                             Prediction prediction = Prediction::noise,
                             Correction correction = Correction::none);

[[nodiscard]] Budget<Deis> for_model_calls(const Deis& method, int model_calls);

/// Equal steps in the square root of time, as the paper uses them (App. H.3).
[[nodiscard]] inline QuadraticTime default_spacing(const Deis& /*method*/) { return {}; }

}  // namespace dpm

#if DPM_DEFINE

#  include <cmath>
#  include <cstddef>
#  include <utility>

#  include "dpm/error.hpp"
#  include "dpm/math/gauss_legendre.hpp"
#  include "dpm/method/exponential_step.hpp"
#  include "dpm/method/polynomial.hpp"
#  include "dpm/plan/builder.hpp"

namespace dpm {
namespace detail {

/// The point of a level in the variable that predictions are extrapolated in.
inline double deis_position(Deis::Variable variable, const Level& level) {
  switch (variable) {
    case Deis::Variable::time:
      return level.time;
    case Deis::Variable::sigma_over_alpha:
      return std::exp(-level.lambda());
    case Deis::Variable::lambda:
      break;
  }
  return level.lambda();
}

/// alpha_t times the integral over rho of (u - u_s)^n / n! for n < count, u being time, by Gauss
/// and Legendre in lambda: alpha_t d(rho) = -sigma_t e^(lambda_t - lambda) d(lambda).
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
  // Time is smooth in lambda up to alpha^2 = 0, at i pi / 2: the error of n nodes falls like
  // r^(-2 n) with r = y + sqrt(1 + y^2), y = pi / (2 half), and is that of rounding here.
  if (std::abs(half) < 0.3) {
    add_nodes(gauss_legendre_rule<8>());
  } else if (std::abs(half) < 0.6) {
    add_nodes(gauss_legendre_rule<12>());
  } else if (std::abs(half) < 1.1) {
    add_nodes(gauss_legendre_rule<16>());
  } else {
    add_nodes(gauss_legendre_rule<32>());
  }
  DerivativeWeights weights{step.weight(0)};
  for (std::size_t n = 1; n < count; ++n) weights.push_back(half * sums[n]);
  return weights;
}

/// The same for each variable u.
inline DerivativeWeights deis_weights(Deis::Variable variable, const AnySchedule& schedule,
                                      const Level& s, const Level& t, const ExponentialStep& step,
                                      std::size_t count) {
  if (variable == Deis::Variable::lambda) return exact_weights(step, count);
  if (variable == Deis::Variable::time) return deis_time_weights(schedule, s, t, step, count);
  DerivativeWeights weights{step.weight(0)};
  const double length = deis_position(variable, t) - deis_position(variable, s);
  for (std::size_t n = 1; n < count; ++n) {
    weights.push_back(weights[n - 1] * length / static_cast<double>(n + 1));
  }
  return weights;
}

}  // namespace detail

DPM_INLINE Plan make_plan(const Deis& method, const Grid& grid, Prediction prediction,
                          Correction correction) {
  detail::require(method.order >= 1 && method.order <= 4, "Deis: order = ", method.order,
                  "; it must be 1 to 4");
  const auto order = static_cast<std::size_t>(method.order);
  PlanBuilder builder(Space::noise, prediction, correction);
  Nodes history;
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& s = grid[i];
    const Level& t = grid[i + 1];
    const ExponentialStep step(Space::noise, s, t);
    const double start = detail::deis_position(method.variable, s);
    builder.begin_step(s, t);
    history = with_newest({start, builder.evaluate(i % order, sample_register, s)}, history, order);
    const std::size_t usable = step.finite() ? history.size() : 1;
    const DerivativeWeights weights =
        detail::deis_weights(method.variable, grid.schedule(), s, t, step, usable);
    const auto update_of = [&](std::size_t nodes) {
      return polynomial_terms(step.linear(), weights, start, history.span().first(nodes));
    };
    const UpdateTerms terms = update_of(usable);
    if (method.estimate_error && usable > 1) {
      write_error_estimate(builder, terms, update_of(usable - 1));
    }
    builder.combine(sample_register, terms.span());
  }
  return std::move(builder).finish();
}

DPM_INLINE Budget<Deis> for_model_calls(const Deis& method, int model_calls) {
  detail::require_model_calls("Deis", model_calls, 1);
  return {method, model_calls};
}

}  // namespace dpm

#endif
