// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// DDIM as a plan.
#pragma once

#include "dpm/grid/grid.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/method/budget.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// DDIM (Song, Meng & Ermon 2021, arXiv 2010.02502, Eq. 12). First order, one model call a step.
struct Ddim {
  /// 0: deterministic, the same as DPM-Solver-1. 1: as much fresh noise as DDPM's posterior. More
  /// is allowed as long as the noise of each step suffices for it.
  double eta = 0.0;
};

/// Order of convergence; for eta > 0, weak order.
[[nodiscard]] inline int convergence_order(const Ddim& /*method*/) { return 1; }

/// The plan of DDIM over `grid`. Refuses a negative or non-finite eta; else as `ancestral_step`.
[[nodiscard]] Plan make_plan(const Ddim& method, const Grid& grid,
                             Prediction prediction = Prediction::noise,
                             Correction correction = Correction::none);

[[nodiscard]] Budget<Ddim> for_model_calls(const Ddim& method, int model_calls);

[[nodiscard]] inline UniformTime default_spacing(const Ddim& /*method*/) { return {}; }

}  // namespace dpm

#if DPM_DEFINE

#  include <cstddef>
#  include <utility>

#  include "dpm/error.hpp"
#  include "dpm/method/ancestral_step.hpp"
#  include "dpm/plan/builder.hpp"

namespace dpm {

DPM_INLINE Plan make_plan(const Ddim& method, const Grid& grid, Prediction prediction,
                          Correction correction) {
  detail::require(method.eta >= 0.0 && method.eta < 1e300, "Ddim: eta = ", method.eta,
                  "; it must be finite and at least 0");
  const Space space = ancestral_space(grid, prediction, correction);
  PlanBuilder builder(space, prediction, correction);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const AncestralStep step = ancestral_step(space, grid[i], grid[i + 1], method.eta);
    write_ancestral_step(builder, step, grid[i], grid[i + 1]);
  }
  return std::move(builder).finish();
}

DPM_INLINE Budget<Ddim> for_model_calls(const Ddim& method, int model_calls) {
  detail::require_model_calls("Ddim", model_calls, 1);
  return {method, model_calls};
}

}  // namespace dpm

#endif
