// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// UniPC as a plan.
#pragma once

#include "dpm/grid/grid.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/method/budget.hpp"
#include "dpm/method/unipc_options.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// The order of convergence that the options give. The first step, of first order and corrected to
/// the second, keeps the run from more than third order.
[[nodiscard]] int convergence_order(const UniPc& method);

/// The plan of UniPC over `grid`. Refuses an order out of range, and steps that have no solution in
/// the chosen space (see `ExponentialStep`). A step that ends at sigma = 0 or starts at alpha = 0
/// is of first order.
[[nodiscard]] Plan make_plan(const UniPc& method, const Grid& grid,
                             Prediction prediction = Prediction::noise,
                             Correction correction = Correction::none);

[[nodiscard]] Budget<UniPc> for_model_calls(const UniPc& method, int model_calls);

[[nodiscard]] inline UniformLambda default_spacing(const UniPc& /*method*/) { return {}; }

}  // namespace dpm

#if DPM_DEFINE

#  include <algorithm>
#  include <cstddef>
#  include <utility>

#  include "dpm/error.hpp"
#  include "dpm/method/predictor_corrector.hpp"
#  include "dpm/method/unipc_weights.hpp"
#  include "dpm/plan/builder.hpp"

namespace dpm {

DPM_INLINE int convergence_order(const UniPc& method) {
  const int most = method.corrector && !method.lower_order_final ? 3 : 2;
  return std::min(method.corrector ? method.order + 1 : method.order, most);
}

DPM_INLINE Plan make_plan(const UniPc& method, const Grid& grid, Prediction prediction,
                          Correction correction) {
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

DPM_INLINE Budget<UniPc> for_model_calls(const UniPc& method, int model_calls) {
  detail::require_model_calls("UniPc", model_calls, 1);
  return {method, model_calls};
}

}  // namespace dpm

#endif
