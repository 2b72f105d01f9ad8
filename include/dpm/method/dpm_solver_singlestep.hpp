// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Singlestep DPM-Solver: each step starts afresh and calls the model as often as its order.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "dpm/grid/grid.hpp"
#include "dpm/method/dpm_solver_options.hpp"
#include "dpm/method/dpm_solver_weights.hpp"
#include "dpm/method/polynomial.hpp"

namespace dpm::detail {

/// One interval of a singlestep method: its ends and its inner levels, in order.
struct SinglestepInterval {
  Level from;
  Level to;
  BoundedVector<Level, 2> inner;
};

/// Writes the model calls of one singlestep step: at its beginning, in slot 0, unless `start_known`
/// says that the prediction is there already, and at its inner levels, each reached by the exact
/// polynomial through the predictions so far. Returns where the predictions are known.
inline Nodes write_stages(PlanBuilder& builder, const DpmSolver& method,
                          const SinglestepInterval& interval, bool start_known = false) {
  const Level& s = interval.from;
  const Register first =
      start_known ? prediction_register(0) : builder.evaluate(0, sample_register, s);
  Nodes nodes{{s.lambda(), first}};
  for (const Level& inner : interval.inner) {
    const ExponentialStep stage(method.space, s, inner);
    const auto w =
        dpm_solver_weights(stage, static_cast<int>(nodes.size()), DpmSolver::Update::taylor);
    builder.combine(stage_register,
                    polynomial_terms(stage.linear(), w, s.lambda(), nodes.span()).span());
    nodes.push_back({inner.lambda(), builder.evaluate(nodes.size(), stage_register, inner)});
    if (method.stages == DpmSolver::Stages::on_grid) {
      nodes = distinct_nodes(nodes.span(), interval.to.lambda() - s.lambda(), nearest_predictions);
    }
  }
  return nodes;
}

/// The update over the whole step from the first predictions, as many as its order: DPM-Solver-1,
/// -2 and -3 (arXiv 2206.00927, Alg. 1 and 2; App. B for free r1 and r2), and in data space
/// DPM-Solver++(2S) (arXiv 2211.01095, Alg. 1) and its third-order sibling.
inline UpdateTerms singlestep_update(const DpmSolver& method, const SinglestepInterval& interval,
                                     std::span<const Node> known) {
  const ExponentialStep step(method.space, interval.from, interval.to);
  // DPM-Solver-3 proper takes the derivative from the second stage alone (Alg. 2, last line).
  const bool proper = known.size() == 3 && method.update == DpmSolver::Update::midpoint;
  const Nodes nodes = proper ? Nodes{known[0], known[2]} : Nodes(known);
  const auto w = dpm_solver_weights(step, static_cast<int>(nodes.size()),
                                    proper ? DpmSolver::Update::taylor : method.update);
  return polynomial_terms(step.linear(), w, interval.from.lambda(), nodes.span());
}

/// Writes the model calls and the update of a singlestep step of order 1 + the number of inner
/// levels, and the noise of an ancestral one, in the step that has begun.
inline void write_singlestep_update(PlanBuilder& builder, const DpmSolver& method,
                                    const SinglestepInterval& interval, double noise_stddev = 0.0) {
  if (noise_stddev > 0.0) builder.draw();
  const Nodes nodes = write_stages(builder, method, interval);
  const auto update_of = [&](std::size_t known) {
    return singlestep_update(method, interval, nodes.span().first(known));
  };
  auto terms = estimated_update(builder, method.estimate_error, nodes.size(), update_of);
  if (noise_stddev > 0.0) terms.push_back({noise_register, noise_stddev});
  builder.combine(sample_register, terms.span());
}

/// Writes one singlestep step without noise.
inline void write_singlestep_step(PlanBuilder& builder, const DpmSolver& method,
                                  const SinglestepInterval& interval) {
  builder.begin_step(interval.from, interval.to);
  write_singlestep_update(builder, method, interval);
}

/// The inner levels of a step of the given order from s to t.
inline BoundedVector<Level, 2> inner_levels(const DpmSolver& method, const AnySchedule& schedule,
                                            int order, const Level& s, const Level& t) {
  const double h = t.lambda() - s.lambda();
  BoundedVector<Level, 2> inner;
  if (order >= 2) {
    // r1 is meant for the method's own order; a lower-order step of the budget has its own default.
    const double r1 = order == method.order ? method.inner_ratio() : 0.5;
    inner.push_back(schedule.level_at_lambda(s.lambda() + r1 * h));
  }
  if (order >= 3) inner.push_back(schedule.level_at_lambda(s.lambda() + method.r2 * h));
  return inner;
}

/// The orders of the steps, none above `most_orders`: these in full, or so many calls in all as the
/// budget says, the full orders first (arXiv 2206.00927, App. D.3).
inline std::vector<int> singlestep_orders(const DpmSolver& method, std::vector<int> most_orders) {
  const int steps = static_cast<int>(most_orders.size());
  int most_calls = 0;
  int steps_left = steps;
  for (int& order : most_orders) {
    if (method.lower_order_final) order = std::min(order, steps_left--);
    most_calls += order;
  }
  if (method.model_calls == 0) return most_orders;
  require(method.model_calls >= steps && method.model_calls <= most_calls,
          "DpmSolver: model_calls = ", method.model_calls, " over ", steps,
          " steps of order at most ", method.order, "; it must lie between ", steps, " and ",
          most_calls);
  int spare = method.model_calls - steps;  // each step makes one call at least
  for (int& order : most_orders) {
    order = std::min(order, spare + 1);
    spare -= order - 1;
  }
  return most_orders;
}

/// How many singlestep steps share out `model_calls` (arXiv 2206.00927, App. D.3): as few as can,
/// or one more where lower orders at the end are asked for.
inline int singlestep_count(const DpmSolver& method, int model_calls) {
  const bool full =
      method.order == 1 || (model_calls % method.order == 0 && !method.lower_order_final);
  return full ? model_calls / method.order : model_calls / method.order + 1;
}

/// Writes the steps of a grid whose inner levels lie at the ratios r1 and r2.
inline void write_steps_at_ratios(PlanBuilder& builder, const DpmSolver& method, const Grid& grid) {
  std::vector<int> most_orders(grid.steps());
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const bool finite = std::isfinite(grid[i + 1].lambda() - grid[i].lambda());
    most_orders[i] = finite ? method.order : 1;
  }
  const std::vector<int> orders = singlestep_orders(method, std::move(most_orders));
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level from = churned_level(method.churn, grid, i);
    const auto [down, noise_stddev] = ancestral_target(method.fresh, from, grid[i + 1]);
    auto inner = inner_levels(method, grid.schedule(), orders[i], from, down);
    // A very long ancestral step goes down to where sigma is 0 in double, in first order.
    const auto is_clean = [](const Level& level) { return level.sigma() == 0.0; };
    if (is_clean(down) || std::any_of(inner.begin(), inner.end(), is_clean)) inner.truncate(0);
    builder.begin_step(grid[i], grid[i + 1]);
    write_noise_up(builder, grid[i], from, method.churn.scale);
    write_singlestep_update(builder, method, {from, down, inner}, noise_stddev);
  }
}

/// Writes steps whose inner levels are points of the grid: a step of order p takes p grid steps,
/// and each grid step costs one call. Where the order does not divide their number, the last steps
/// have lower orders.
inline void write_steps_on_grid(PlanBuilder& builder, const DpmSolver& method, const Grid& grid) {
  const int points = static_cast<int>(grid.steps());
  require(method.model_calls == 0 || method.model_calls == points,
          "DpmSolver: model_calls = ", method.model_calls, " with stages on a grid of ", points,
          " steps; there each step is one call");
  DpmSolver shared_out = method;
  shared_out.model_calls = points;
  shared_out.lower_order_final = false;
  const auto steps = static_cast<std::size_t>(singlestep_count(method, points));
  const auto orders = singlestep_orders(shared_out, std::vector<int>(steps, method.order));
  std::size_t at = 0;
  for (const int order : orders) {
    SinglestepInterval interval{grid[at], {}, {}};
    for (int i = 1; i < order; ++i) interval.inner.push_back(grid[++at]);
    interval.to = grid[++at];
    require(order == 1 || std::isfinite(interval.to.lambda() - interval.from.lambda()),
            "DpmSolver: a step of order ", order, " with stages on the grid runs from time ",
            interval.from.time, " to time ", interval.to.time,
            ", where alpha or sigma is 0; only steps of order 1 may, so end above time 0 (and use "
            "denoise_to_zero) or start where alpha > 0");
    write_singlestep_step(builder, method, interval);
  }
}

}  // namespace dpm::detail
