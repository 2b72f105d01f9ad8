// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// DPM-Solver and DPM-Solver++ as plans.
#pragma once

#include <utility>

#include "dpm/grid/grid.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/method/budget.hpp"
#include "dpm/method/dpm_solver_multistep.hpp"
#include "dpm/method/dpm_solver_options.hpp"
#include "dpm/method/dpm_solver_singlestep.hpp"
#include "dpm/plan/builder.hpp"

namespace dpm {

/// The plan of DPM-Solver(++) over `grid`. Refuses options out of range (see `DpmSolver`), and
/// steps that have no solution in the chosen space (see `ExponentialStep`).
[[nodiscard]] inline Plan make_plan(const DpmSolver& method, const Grid& grid,
                                    Prediction prediction = Prediction::noise,
                                    Correction correction = Correction::none) {
  detail::check_options(method);
  PlanBuilder builder(method.space, prediction, correction);
  if (method.form == DpmSolver::Form::singlestep) {
    detail::write_singlestep(builder, method, grid);
  } else {
    detail::write_multistep(builder, method, grid);
  }
  return std::move(builder).finish();
}

/// How to make exactly `calls` model calls. Singlestep takes steps of full order only where they
/// divide `calls` (and lower orders at the end are not asked for); otherwise it shares the calls
/// out.
[[nodiscard]] inline Budget<DpmSolver> for_calls(const DpmSolver& method, int calls) {
  detail::check_options(method);
  const int final_calls = method.denoise_to_zero ? 1 : 0;
  detail::require_calls("DpmSolver", calls, 1 + final_calls);
  Budget<DpmSolver> budget{method, calls - final_calls};
  const int order = method.order;
  if (method.form == DpmSolver::Form::multistep) {
    const auto steps_with_start = static_cast<std::size_t>(budget.steps - 1);
    if (steps_with_start > 0 && detail::has_singlestep_start(method, steps_with_start)) {
      --budget.steps;
    } else {
      budget.method.start = DpmSolver::Start::lower_order;
    }
    return budget;
  }
  const bool even = budget.steps % order == 0 && !method.lower_order_final;
  budget.method.calls = even ? 0 : budget.steps;
  budget.method.lower_order_final = false;
  if (method.stages == DpmSolver::Stages::at_ratios) {
    if (!even && order == 3) {
      budget.steps = budget.steps / 3 + 1;
    } else {
      budget.steps = (budget.steps + order - 1) / order;
    }
  }
  return budget;
}

/// Steps of equal length in lambda, which the method's error is made of.
[[nodiscard]] inline UniformLambda default_spacing(const DpmSolver& /*method*/) { return {}; }

}  // namespace dpm
