// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Multistep DPM-Solver: one model call a step, earlier predictions supply the derivatives.
#pragma once

#include <algorithm>
#include <cstddef>

#include "dpm/grid/grid.hpp"
#include "dpm/method/dpm_solver_options.hpp"
#include "dpm/method/dpm_solver_singlestep.hpp"
#include "dpm/method/exponential_step.hpp"
#include "dpm/plan/builder.hpp"

namespace dpm::detail {

/// Whether the first step of a run is a singlestep step of second order.
inline bool has_singlestep_start(const DpmSolver& method, std::size_t steps) {
  const bool only_step_is_last = method.lower_order_final && steps == 1;
  return method.order == 3 && method.start == DpmSolver::Start::singlestep && !only_step_is_last;
}

/// Writes multistep DPM-Solver(++) (arXiv 2211.01095, Alg. 2 for order 2). Order 3 integrates the
/// parabola through the last three predictions exactly, which is UniP-3 (Zhao et al. 2023, arXiv
/// 2302.04867, Sec. 3, with varying coefficients).
///
/// The start of order 3: a first step of local error O(h^3), singlestep; a second step of multistep
/// order 2, whose local error is O(h^3) too; each happens once, so the run keeps third order.
inline void write_multistep(PlanBuilder& builder, const DpmSolver& method, const Grid& grid) {
  const std::size_t order = static_cast<std::size_t>(method.order);
  const bool good_start = has_singlestep_start(method, grid.steps());
  BoundedVector<Node, 3> history;  // newest first
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& s = grid[i];
    const Level& t = grid[i + 1];
    const ExponentialStep step(method.space, s, t);
    if (i == 0 && good_start && step.finite()) {
      const Level middle = grid.schedule().level_at_lambda(0.5 * (s.lambda() + t.lambda()));
      write_singlestep_step(builder, method, {s, t, {middle}});
      history = BoundedVector<Node, 3>{Node{s.lambda(), prediction_register(0)}};
      continue;
    }
    builder.begin_step(s, t);
    BoundedVector<Node, 3> nodes{{s.lambda(), builder.evaluate(i % order, sample_register, s)}};
    for (const Node& node : history) {
      if (nodes.size() < order) nodes.push_back(node);
    }
    history = nodes;
    std::size_t usable = step.finite() ? nodes.size() : 1;
    if (method.lower_order_final) usable = std::min(usable, grid.steps() - i);
    const auto update = good_start && i == 1 ? DpmSolver::Update::taylor : method.update;
    DerivativeWeights w = dpm_solver_weights(step, static_cast<int>(usable), update);
    if (method.halved_second_difference) w.second_difference_factor = 0.5;
    builder.combine(sample_register,
                    polynomial_terms(step.linear(), w, nodes.span().first(usable)).span());
  }
  if (method.denoise_to_zero) {
    write_singlestep_step(builder, method, {grid.back(), grid.schedule().level(0.0), {}});
  }
}

}  // namespace dpm::detail
