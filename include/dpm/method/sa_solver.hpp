// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// SA-Solver as a plan.
#pragma once

#include <functional>

#include "dpm/grid/grid.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/method/budget.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// SA-Solver, stochastic Adams (Xue et al. 2023, arXiv 2309.05019, Alg. 1): the SDE with tau^2
/// times the noise of the reverse diffusion, with a multistep predictor and a corrector that costs
/// no model call; both integrate the polynomial through the last predictions exactly, and share the
/// step's noise. One model call a step, and one draw where tau > 0; the last step is predicted
/// only. The first steps have lower orders.
struct SaSolver {
  /// Predictions that the predictor's polynomial goes through, 1 to 4.
  int predictor_order = 3;
  /// Predictions that the corrector's goes through, the one at the predicted sample among them: 2
  /// to 5, or 0 for no corrector.
  int corrector_order = 3;
  Space space = Space::data;
  /// tau, at least 0, at the level where a step begins; it holds for the whole step. The paper sets
  /// it to 0 at both ends of the process (App. E).
  std::function<double(const Level&)> tau = [](const Level&) { return 1.0; };
};

/// Weak order of convergence where tau > 0; the order in the ODE's limit is the same.
[[nodiscard]] int convergence_order(const SaSolver& method);

/// The plan of SA-Solver over `grid`. Refuses orders out of range, an empty tau or one that is
/// negative or not finite, and steps that have no solution in the chosen space (see
/// `ExponentialStep`).
[[nodiscard]] Plan make_plan(const SaSolver& method, const Grid& grid,
                             Prediction prediction = Prediction::noise,
                             Correction correction = Correction::none);

[[nodiscard]] Budget<SaSolver> for_model_calls(const SaSolver& method, int model_calls);

[[nodiscard]] inline UniformLambda default_spacing(const SaSolver& /*method*/) { return {}; }

}  // namespace dpm

#if DPM_DEFINE

#  include <cstddef>
#  include <utility>

#  include "dpm/error.hpp"
#  include "dpm/method/predictor_corrector.hpp"
#  include "dpm/plan/builder.hpp"

namespace dpm {

DPM_INLINE int convergence_order(const SaSolver& method) {
  return method.predictor_order == 1 && method.corrector_order == 0 ? 1 : 2;
}

DPM_INLINE Plan make_plan(const SaSolver& method, const Grid& grid, Prediction prediction,
                          Correction correction) {
  detail::require(method.predictor_order >= 1 && method.predictor_order <= 4,
                  "SaSolver: predictor_order = ", method.predictor_order, "; it must be 1 to 4");
  detail::require(
      method.corrector_order == 0 || (method.corrector_order >= 2 && method.corrector_order <= 5),
      "SaSolver: corrector_order = ", method.corrector_order, "; it must be 2 to 5, or 0 for none");
  detail::require(static_cast<bool>(method.tau), "SaSolver: tau is empty; it must be a function");
  PlanBuilder builder(method.space, prediction, correction);
  detail::write_predictor_corrector(
      builder,
      {.space = method.space,
       .predictor_nodes = static_cast<std::size_t>(method.predictor_order),
       .corrector_nodes = static_cast<std::size_t>(method.corrector_order),
       .tau =
           [&](const Level& s) {
             const double tau = method.tau(s);
             detail::require(tau >= 0.0 && tau < 1e100, "SaSolver: tau is ", tau, " at time ",
                             s.time, "; it must be finite and at least 0");
             return tau;
           },
       .weights = [](const detail::MultistepInterval& interval,
                     std::size_t) { return interval.exact; }},
      grid.levels());
  return std::move(builder).finish();
}

DPM_INLINE Budget<SaSolver> for_model_calls(const SaSolver& method, int model_calls) {
  detail::require_model_calls("SaSolver", model_calls, 1);
  return {method, model_calls};
}

}  // namespace dpm

#endif
