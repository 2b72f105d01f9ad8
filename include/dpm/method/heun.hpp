// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The second-order deterministic sampler of EDM as a plan, and Euler's method.
#pragma once

#include "dpm/grid/grid.hpp"
#include "dpm/grid/sigma_spacing.hpp"
#include "dpm/method/budget.hpp"
#include "dpm/method/ddim.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// Euler's method for d(x/alpha)/d(rho) = epsilon in rho = sigma / alpha (k-diffusion's
/// `sample_euler`, diffusers' EulerDiscrete, and Euler steps along a flow) is DDIM; the ancestral
/// Euler method is `Euler{.eta = 1}`.
using Euler = Ddim;

/// Heun's method in rho = sigma / alpha (Karras et al. 2022, arXiv 2206.00364, Alg. 1). Second
/// order, two model calls a step; a last step to sigma = 0 is one of Euler's, with one call.
struct Heun {
  /// Estimate the error of Euler's step in each step, as `DpmSolver::estimate_error`.
  bool estimate_error = false;
};

/// Order of convergence.
[[nodiscard]] inline int convergence_order(const Heun& /*method*/) { return 2; }

/// The plan of Heun's method over `grid`, in noise space. Refuses a grid that starts at alpha = 0,
/// where rho is infinite; a flow from pure noise wants a method in data space.
[[nodiscard]] Plan make_plan(const Heun& method, const Grid& grid,
                             Prediction prediction = Prediction::noise,
                             Correction correction = Correction::none);

/// Two calls a step: refuses an odd number.
[[nodiscard]] Budget<Heun> for_model_calls(const Heun& method, int model_calls);

/// The spacing that EDM samples with.
[[nodiscard]] inline Karras default_spacing(const Heun& /*method*/) { return {}; }

}  // namespace dpm

#if DPM_DEFINE

#  include <cstddef>
#  include <utility>

#  include "dpm/error.hpp"
#  include "dpm/method/transfer.hpp"
#  include "dpm/plan/builder.hpp"

namespace dpm {

DPM_INLINE Plan make_plan(const Heun& method, const Grid& grid, Prediction prediction,
                          Correction correction) {
  PlanBuilder builder(Space::noise, prediction, correction);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& s = grid[i];
    const Level& t = grid[i + 1];
    if (t.sigma() > 0.0) {
      detail::write_heun_step(builder, s, t, method.estimate_error);
    } else {
      builder.begin_step(s, t);
      const BoundedVector<Term, 1> first{{builder.evaluate(0, sample_register, s), 1.0}};
      detail::write_transfer(builder, sample_register, s, t, first.span());
    }
  }
  return std::move(builder).finish();
}

DPM_INLINE Budget<Heun> for_model_calls(const Heun& method, int model_calls) {
  detail::require_model_calls("Heun", model_calls, 2);
  detail::require(model_calls % 2 == 0, "Heun: model_calls = ", model_calls,
                  "; it makes two calls a step");
  return {method, model_calls / 2};
}

}  // namespace dpm

#endif
