// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Writes the steps of DPM-Solver and DPM-Solver++, and plans them by model calls.
#pragma once

#include <cstddef>

#include "dpm/method/dpm_solver_options.hpp"
#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include "dpm/method/dpm_solver_multistep.hpp"
#  include "dpm/method/dpm_solver_singlestep.hpp"
#endif

namespace dpm {

/// Refuses options out of range, and steps that have no solution in the chosen space (see
/// `ExponentialStep`).
void write(PlanBuilder& builder, const DpmSolver& method, const Grid& grid);

/// Singlestep takes steps of full order if the order divides `model_calls` and `lower_order_final`
/// is off. Otherwise it takes one step more, and the last steps have lower orders, as in
/// DPM-Solver-fast (arXiv 2206.00927, App. D.3).
[[nodiscard]] Budget<DpmSolver> for_model_calls(const DpmSolver& method, int model_calls);

/// Steps of equal length in lambda, in which the method's error is measured.
[[nodiscard]] inline UniformLambda default_spacing(const DpmSolver& /*method*/) { return {}; }

#if DPM_DEFINE

DPM_INLINE void write(PlanBuilder& builder, const DpmSolver& method, const Grid& grid) {
  detail::check_options(method);
  const bool stops_short = grid.back().sigma() > 0.0 && grid.back().time < grid.front().time;
  detail::require(!method.denoise_to_zero || stops_short,
                  "DpmSolver: denoise_to_zero over a grid from time ", grid.front().time,
                  " to time ", grid.back().time,
                  "; the grid must run towards clean data and stop short of it");
  builder.set_space(method.space);
  if (method.form == DpmSolver::Form::multistep) {
    detail::write_multistep(builder, method, grid);
  } else if (method.stages == DpmSolver::Stages::on_grid) {
    detail::write_steps_on_grid(builder, method, grid);
  } else {
    detail::write_steps_at_ratios(builder, method, grid);
  }
  if (method.denoise_to_zero) {
    detail::write_singlestep_step(builder, method, {grid.back(), grid.schedule().level(0.0), {}});
  }
}

DPM_INLINE Budget<DpmSolver> for_model_calls(const DpmSolver& method, int model_calls) {
  detail::check_options(method);
  const int final_calls = method.denoise_to_zero ? 1 : 0;
  detail::require_model_calls("DpmSolver", model_calls, 1 + final_calls);
  Budget<DpmSolver> budget{method, model_calls - final_calls};
  if (method.form == DpmSolver::Form::multistep) {
    const auto steps_with_start = static_cast<std::size_t>(budget.steps - 1);
    if (steps_with_start > 0 && detail::has_singlestep_start(method, steps_with_start)) {
      --budget.steps;
    } else {
      budget.method.start = DpmSolver::Start::lower_order;
    }
    return budget;
  }
  detail::require(method.model_calls == 0 || method.model_calls == budget.steps,
                  "DpmSolver: model_calls = ", method.model_calls, " among the options and ",
                  budget.steps, " to plan for; leave the option 0");
  if (method.stages == DpmSolver::Stages::on_grid) return budget;
  const int singlestep_calls = budget.steps;
  budget.steps = detail::singlestep_count(method, singlestep_calls);
  if (budget.steps * method.order > singlestep_calls) budget.method.model_calls = singlestep_calls;
  budget.method.lower_order_final = false;
  return budget;
}

#endif

}  // namespace dpm
