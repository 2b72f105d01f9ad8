// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// iPNDM as a plan.
#pragma once

#include "dpm/grid/grid.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/method/budget.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// iPNDM (Zhang & Chen 2022, arXiv 2204.13902, App. H.2): PNDM's Adams-Bashforth steps without its
/// warm-up; the first steps have lower orders. Here the weights are those of the grid's own times,
///
///     mix = 1 / (t - s) times the integral from s to t of the polynomial through the last
///           predictions as a function of time,
///
/// so steps need not be of equal length; if they are, the weights are (3, -1)/2, (23, -16, 5)/12,
/// (55, -59, 37, -9)/24. The mix then takes a DDIM step, which ignores how that step weighs the
/// prediction within it: as for PNDM the order is 2. One model call a step. For the same reason the
/// order below says nothing of the error, and there is no estimate of it.
struct Ipndm {
  /// How many predictions are mixed, 1 to 4; 1 is DDIM.
  int order = 4;
};

/// Order of convergence.
[[nodiscard]] int convergence_order(const Ipndm& method);

/// The plan of iPNDM over `grid`, in noise space. Refuses an order out of range and a grid that
/// starts at alpha = 0. A step to sigma = 0 is a DDIM step with the newest prediction alone.
[[nodiscard]] Plan make_plan(const Ipndm& method, const Grid& grid,
                             Prediction prediction = Prediction::noise,
                             Correction correction = Correction::none);

[[nodiscard]] Budget<Ipndm> for_model_calls(const Ipndm& method, int model_calls);

[[nodiscard]] inline UniformTime default_spacing(const Ipndm& /*method*/) { return {}; }

}  // namespace dpm

#if DPM_DEFINE

#  include <cstddef>
#  include <utility>

#  include "dpm/error.hpp"
#  include "dpm/method/exponential_step.hpp"
#  include "dpm/method/polynomial.hpp"
#  include "dpm/plan/builder.hpp"

namespace dpm {

DPM_INLINE int convergence_order(const Ipndm& method) { return method.order == 1 ? 1 : 2; }

DPM_INLINE Plan make_plan(const Ipndm& method, const Grid& grid, Prediction prediction,
                          Correction correction) {
  detail::require(method.order >= 1 && method.order <= 4, "Ipndm: order = ", method.order,
                  "; it must be 1 to 4");
  const auto order = static_cast<std::size_t>(method.order);
  PlanBuilder builder(Space::noise, prediction, correction);
  Nodes history;
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& s = grid[i];
    const Level& t = grid[i + 1];
    const ExponentialStep step(Space::noise, s, t);
    builder.begin_step(s, t);
    history =
        with_newest({s.time, builder.evaluate(i % order, sample_register, s)}, history, order);
    const std::size_t usable = step.finite() ? history.size() : 1;
    DerivativeWeights weights{step.weight(0)};
    for (std::size_t n = 1; n < usable; ++n) {
      weights.push_back(weights[n - 1] * (t.time - s.time) / static_cast<double>(n + 1));
    }
    builder.combine(
        sample_register,
        polynomial_terms(step.linear(), weights, s.time, history.span().first(usable)).span());
  }
  return std::move(builder).finish();
}

DPM_INLINE Budget<Ipndm> for_model_calls(const Ipndm& method, int model_calls) {
  detail::require_model_calls("Ipndm", model_calls, 1);
  return {method, model_calls};
}

}  // namespace dpm

#endif
