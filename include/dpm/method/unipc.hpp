// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// UniPC as a plan.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "dpm/error.hpp"
#include "dpm/grid/grid.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/method/budget.hpp"
#include "dpm/method/predictor_corrector.hpp"
#include "dpm/plan/builder.hpp"
#include "dpm/plan/plan.hpp"

namespace dpm {

/// UniPC, a unified predictor-corrector (Zhao et al. 2023, arXiv 2302.04867, Alg. 1 and 2). The
/// predictor is multistep DPM-Solver of the given order; the corrector repeats the step with the
/// model's value at the predicted sample, which the next step needs anyway, and gains one order.
/// One model call a step; the last step is predicted only. The first steps have lower orders.
struct UniPc {
  /// The linear system of the paper (Eq. 5) is solved by the polynomial through the predictions,
  /// whatever B(h) is. B(h) counts only where two predictions are combined and the system is
  /// replaced by the constant 1/2 (Sec. 3.3 there): the second-order predictor and the first-order
  /// corrector.
  enum class Coefficients : std::uint8_t {
    bh1,      ///< B(h) = h
    bh2,      ///< B(h) = e^h - 1
    varying,  ///< no such replacement: every polynomial is integrated exactly (App. C)
  };
  /// Order of the predictor, 1 to 4.
  int order = 2;
  Coefficients coefficients = Coefficients::bh2;
  Space space = Space::data;
  /// false: UniP, the predictor alone.
  bool corrector = true;
  /// The last steps take orders ..., 2, 1: steadier on coarse grids, but at most second order.
  bool lower_order_final = false;
  /// Estimate the error of each predicted step, as `DpmSolver::estimate_error`; with order 4 not a
  /// true one for about ten steps after the start (`Progress::error`).
  bool estimate_error = false;
};

/// The order of convergence that the options give. The first step, of first order and corrected to
/// the second, keeps the run from more than third order.
[[nodiscard]] inline int convergence_order(const UniPc& method) {
  const int most = method.corrector && !method.lower_order_final ? 3 : 2;
  return std::min(method.corrector ? method.order + 1 : method.order, most);
}

namespace detail {

/// UniPC's weights for a polynomial through `nodes` predictions.
inline DerivativeWeights unipc_weights(const UniPc& method, const MultistepInterval& interval,
                                       std::size_t nodes) {
  DerivativeWeights weights = interval.exact;
  if (nodes != 2 || method.coefficients == UniPc::Coefficients::varying) return weights;
  const double h = interval.step.h();
  const double of_b = method.coefficients == UniPc::Coefficients::bh2 ? weights[0]
                      : method.space == Space::data                   ? interval.to.alpha() * h
                                                                      : -interval.to.sigma() * h;
  weights[1] = 0.5 * h * of_b;
  return weights;
}

}  // namespace detail

/// The plan of UniPC over `grid`. Refuses an order out of range, and steps that have no solution in
/// the chosen space (see `ExponentialStep`). A step that ends at sigma = 0 or starts at alpha = 0
/// is of first order.
[[nodiscard]] inline Plan make_plan(const UniPc& method, const Grid& grid,
                                    Prediction prediction = Prediction::noise,
                                    Correction correction = Correction::none) {
  detail::require(method.order >= 1 && method.order <= 4, "UniPc: order = ", method.order,
                  "; it must be 1 to 4");
  const auto order = static_cast<std::size_t>(method.order);
  PlanBuilder builder(method.space, prediction, correction);
  detail::write_predictor_corrector(
      builder,
      {.space = method.space,
       .predictor_nodes = order,
       .corrector_nodes = method.corrector ? order + 1 : 0,
       .corrector_follows_predictor = true,
       .lower_order_final = method.lower_order_final,
       .estimate_error = method.estimate_error,
       .tau = [](const Level&) { return 0.0; },
       .weights =
           [&](const detail::MultistepInterval& interval, std::size_t nodes) {
             return detail::unipc_weights(method, interval, nodes);
           }},
      grid.levels());
  return std::move(builder).finish();
}

[[nodiscard]] inline Budget<UniPc> for_calls(const UniPc& method, int calls) {
  detail::require_calls("UniPc", calls, 1);
  return {method, calls};
}

[[nodiscard]] inline UniformLambda default_spacing(const UniPc& /*method*/) { return {}; }

}  // namespace dpm
