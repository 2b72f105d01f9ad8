// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Heun's method, the second-order deterministic sampler of EDM, and Euler's method.
#pragma once

#include <span>

#include "dpm/grid/sigma_spacing.hpp"
#include "dpm/method/churn.hpp"
#include "dpm/method/ddim.hpp"
#include "dpm/method/exponential_step.hpp"
#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <array>
#  include <cstddef>
#endif

namespace dpm {

/// Euler's method for d(x/alpha) / d(sigma/alpha) = epsilon is DDIM. It is `sample_euler` of
/// k-diffusion, EulerDiscrete of diffusers, and Euler's method along a flow. `Euler{.eta = 1}` is
/// the ancestral Euler method.
using Euler = Ddim;

/// Heun's method in sigma / alpha (Karras et al. 2022, arXiv 2206.00364, Alg. 1):
///
///     x' = Euler's step from s to t with epsilon_s,
///     x_t = Euler's step from s to t with (epsilon_s + epsilon(x', t)) / 2.
///
/// Second order, two model calls a step; a step to sigma = 0 is Euler's, with one call.
struct Heun {
  static constexpr const char* name = "Heun";
  /// Estimate the error of the Euler step x' in each step, as `DpmSolver::estimate_error` does.
  bool estimate_error = false;
  /// Noise before each step.
  Churn churn = {};
};

[[nodiscard]] inline int convergence_order(const Heun& /*method*/) { return 2; }

/// Works in noise space. Refuses a grid that starts at alpha = 0, where sigma / alpha is infinite;
/// for a flow from pure noise use a method in data space.
void write(PlanBuilder& builder, const Heun& method, const Grid& grid);

/// Two calls a step, and one in a step to sigma = 0: over a grid that ends there an odd number,
/// over others an even one.
[[nodiscard]] inline Budget<Heun> for_model_calls(const Heun& method, int model_calls) {
  detail::require_model_calls(Heun::name, model_calls, 1);
  return {method, detail::steps_for(model_calls, 2)};
}

/// The spacing that EDM samples with.
[[nodiscard]] inline Karras default_spacing(const Heun& /*method*/) { return {}; }

namespace detail {

/// target <- the sample after Euler's step from s to t for d(x/alpha) / d(sigma/alpha) = epsilon,
/// with epsilon the sum of the terms of `slope`. This is the DDIM step, and PNDM's "transfer" (Liu
/// et al. 2022, arXiv 2202.09778, Eq. 11).
void write_euler_step(PlanBuilder& builder, Register target, const Level& s, const Level& t,
                      std::span<const Term> slope);

/// Heun's step from s to t, in the step that has begun. The two predictions stay in slots 0 and 1.
void write_heun_step(PlanBuilder& builder, const Level& s, const Level& t,
                     bool estimate_error = false);

}  // namespace detail

#if DPM_DEFINE

namespace detail {

DPM_INLINE void write_euler_step(PlanBuilder& builder, Register target, const Level& s,
                                 const Level& t, std::span<const Term> slope) {
  const ExponentialStep step(Space::noise, s, t);
  BoundedVector<Term, 5> terms{{sample_register, step.linear()}};
  for (const Term& term : slope) terms.push_back({term.operand, step.weight(0) * term.weight});
  builder.combine(target, terms.span());
}

DPM_INLINE void write_heun_step(PlanBuilder& builder, const Level& s, const Level& t,
                                bool estimate_error) {
  const Register first = builder.evaluate(0, sample_register, s);
  write_euler_step(builder, stage_register, s, t, std::array{Term{first, 1.0}});
  const Register second = builder.evaluate(1, stage_register, t);
  if (estimate_error) {
    const double half = 0.5 * ExponentialStep(Space::noise, s, t).weight(0);
    builder.combine(error_register, {{second, half}, {first, -half}});
  }
  write_euler_step(builder, sample_register, s, t, std::array{Term{first, 0.5}, Term{second, 0.5}});
}

}  // namespace detail

DPM_INLINE void write(PlanBuilder& builder, const Heun& method, const Grid& grid) {
  check_churn(Heun::name, method.churn);
  builder.set_space(Space::noise);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level from = churned_level(method.churn, grid, i);
    const Level& t = grid[i + 1];
    builder.begin_step(grid[i], t);
    write_noise_up(builder, grid[i], from, method.churn.scale);
    if (t.sigma() > 0.0) {
      detail::write_heun_step(builder, from, t, method.estimate_error);
    } else {
      const Register m = builder.evaluate(0, sample_register, from);
      detail::write_euler_step(builder, sample_register, from, t, std::array{Term{m, 1.0}});
    }
  }
}

#endif

}  // namespace dpm
