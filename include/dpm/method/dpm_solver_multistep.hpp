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
#include "dpm/method/polynomial.hpp"
#include "dpm/plan/builder.hpp"

namespace dpm::detail {

/// Whether the first step of a run is a singlestep step of second order.
inline bool has_singlestep_start(const DpmSolver& method, std::size_t steps) {
  const bool only_step_is_last = method.lower_order_final && steps == 1;
  return method.order == 3 && method.start == DpmSolver::Start::singlestep && method.tau == 0.0 &&
         !only_step_is_last;
}

/// Writes multistep DPM-Solver(++) (arXiv 2211.01095, Alg. 2 for order 2). Order 3 integrates the
/// parabola through the last three predictions exactly, which is UniP-3 (Zhao et al. 2023, arXiv
/// 2302.04867, Sec. 3, with varying coefficients).
///
/// The start of order 3: a first step of local error O(h^3), singlestep; a second step of multistep
/// order 2, whose local error is O(h^3) too; each happens once, so the run keeps third order.
///
/// With tau > 0 the same polynomial goes through the SDE's solution: SDE-DPM-Solver++(2M) (arXiv
/// 2211.01095, App. B) and its relatives in noise space and of third order.
inline void write_multistep(PlanBuilder& builder, const DpmSolver& method, const Grid& grid) {
  const std::size_t order = static_cast<std::size_t>(method.order);
  const bool good_start = has_singlestep_start(method, grid.steps());
  Nodes history;  // newest first
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& s = grid[i];
    const Level& t = grid[i + 1];
    const ExponentialStep step(method.space, s, t, method.tau);
    if (i == 0 && good_start && step.finite()) {
      const Level middle = grid.schedule().level_at_lambda(0.5 * (s.lambda() + t.lambda()));
      write_singlestep_step(builder, method, {s, t, {middle}});
      history = Nodes{Node{s.lambda(), prediction_register(0)}};
      continue;
    }
    builder.begin_step(s, t);
    const double noise_stddev = step.noise_stddev();
    if (noise_stddev > 0.0) builder.draw();
    history =
        with_newest({s.lambda(), builder.evaluate(i % order, sample_register, s)}, history, order);
    std::size_t usable = step.finite() ? history.size() : 1;
    if (method.first_order_final && i + 1 == grid.steps()) usable = 1;
    if (method.lower_order_final) usable = std::min(usable, grid.steps() - i);
    const auto update = good_start && i == 1 ? DpmSolver::Update::taylor : method.update;
    DerivativeWeights w = dpm_solver_weights(step, static_cast<int>(usable), update);
    if (method.halved_second_difference && usable == 3) w[2] *= 0.5;
    UpdateTerms terms =
        polynomial_terms(step.linear(), w, s.lambda(), history.span().first(usable));
    if (method.estimate_error && usable > 1) {
      const auto lower = dpm_solver_weights(step, static_cast<int>(usable) - 1, update);
      write_error_estimate(
          builder, terms,
          polynomial_terms(step.linear(), lower, s.lambda(), history.span().first(usable - 1)));
    }
    terms.push_back({noise_register, noise_stddev});
    builder.combine(sample_register, terms.span());
  }
  if (method.denoise_to_zero) {
    write_singlestep_step(builder, method, {grid.back(), grid.schedule().level(0.0), {}});
  }
}

}  // namespace dpm::detail
