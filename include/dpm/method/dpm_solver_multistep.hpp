// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Multistep DPM-Solver: one model call a step; earlier predictions supply the derivatives.
#pragma once

#include <algorithm>
#include <cstddef>

#include "dpm/method/dpm_solver_singlestep.hpp"
#include "dpm/method/dpm_solver_weights.hpp"

namespace dpm::detail {

/// Whether the first step of a run is a singlestep step of second order.
inline bool has_singlestep_start(const DpmSolver& method, std::size_t steps) {
  const bool only_step_is_last = method.lower_order_final && steps == 1;
  return method.order == 3 && method.start == DpmSolver::Start::singlestep && method.tau == 0.0 &&
         method.fresh.eta == 0.0 && !only_step_is_last;
}

/// Writes multistep DPM-Solver(++). Let h = lambda_t - lambda_s, let m0, m1, m2 be the predictions
/// at s and at the two levels before it, which lie h1 and h1 + h2 below s in lambda, and let
///
///     D1 = (m0 - m1) / h1,    D2 = (D1 - (m1 - m2) / h2) / (h1 + h2).
///
/// In data space (DPM-Solver++; arXiv 2211.01095, Alg. 2 for order 2) the update from s to t is
///
///     order 1:  x_t = (sigma_t / sigma_s) x_s - alpha_t (e^-h - 1) m0
///     order 2:  ... - alpha_t (e^-h - 1) (h / 2) D1                            (midpoint)
///          or:  ... + alpha_t h^2 phi_2(-h) D1                                 (Taylor)
///     order 3:  ... + alpha_t h^2 phi_2(-h) (D1 + h1 D2) + 2 alpha_t h^3 phi_3(-h) D2
///
/// where ... stands for the line of order 1. In noise space (DPM-Solver; arXiv 2206.00927) it is
///
///     order 1:  x_t = (alpha_t / alpha_s) x_s - sigma_t (e^h - 1) m0
///     order 2:  ... - sigma_t (e^h - 1) (h / 2) D1                             (midpoint)
///          or:  ... - sigma_t h^2 phi_2(h) D1                                  (Taylor)
///     order 3:  ... - sigma_t h^2 phi_2(h) (D1 + h1 D2) - 2 sigma_t h^3 phi_3(h) D2
///
/// Order 3 integrates the parabola through m0, m1, m2 exactly: UniP-3 with varying coefficients
/// (Zhao et al. 2023, arXiv 2302.04867, Sec. 3).
///
/// With tau > 0 (tau = 1: SDE-DPM-Solver++(2M), arXiv 2211.01095, App. B) and q = 1 + tau^2,
/// replace in data space sigma_t / sigma_s by e^(-tau^2 h) sigma_t / sigma_s, e^-h by e^(-q h), and
/// phi_k(-h) by q phi_k(-q h), and add sigma_t sqrt(1 - e^(-2 tau^2 h)) z. In noise space multiply
/// the weights of the predictions by q and add tau sigma_t sqrt(e^(2h) - 1) z.
///
/// Ancestral steps (`method.fresh`) take the update to the level `down` in place of t, and add
/// their draw.
///
/// Order 3 starts with a singlestep and a multistep step of order 2. Both have local error O(h^3)
/// and happen once, so the run keeps third order.
inline void write_multistep(PlanBuilder& builder, const DpmSolver& method, const Grid& grid) {
  const std::size_t order = static_cast<std::size_t>(method.order);
  const bool good_start = has_singlestep_start(method, grid.steps());
  Nodes history;  // newest first
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& s = grid[i];
    const Level& t = grid[i + 1];
    const AncestralTarget target = ancestral_target(method.fresh, s, t);
    const ExponentialStep step(method.space, s, target.down, method.tau);
    if (i == 0 && good_start && step.finite()) {
      const Level middle = grid.schedule().level_at_lambda(0.5 * (s.lambda() + t.lambda()));
      write_singlestep_step(builder, method, {s, t, {middle}});
      history = Nodes{Node{s.lambda(), prediction_register(0)}};
      continue;
    }
    builder.begin_step(s, t);
    const double noise_stddev =
        method.tau > 0.0 ? method.fresh.scale * step.noise_stddev() : target.noise_stddev;
    if (noise_stddev > 0.0) builder.draw();
    history =
        with_newest({s.lambda(), builder.evaluate(i % order, sample_register, s)}, history, order);
    std::size_t usable = step.finite() ? history.size() : 1;
    if (method.first_order_final && i + 1 == grid.steps()) usable = 1;
    if (method.lower_order_final) usable = std::min(usable, grid.steps() - i);
    const Nodes known = distinct_nodes(history.span().first(usable), step.h(), nearest_predictions);
    const auto update = good_start && i == 1 ? DpmSolver::Update::taylor : method.update;
    const auto update_of = [&](std::size_t nodes) {
      DerivativeWeights w = dpm_solver_weights(step, static_cast<int>(nodes), update);
      if (method.halved_second_difference && nodes == 3) w[2] *= 0.5;
      return polynomial_terms(step.linear(), w, s.lambda(), known.span().first(nodes));
    };
    UpdateTerms terms = estimated_update(builder, method.estimate_error, known.size(), update_of);
    terms.push_back({noise_register, noise_stddev});
    builder.combine(sample_register, terms.span());
  }
}

}  // namespace dpm::detail
