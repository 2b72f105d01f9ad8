// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Plans of sigma-based methods over a flow.
#pragma once

#include <span>

#include "dpm/grid/grid.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <cmath>
#  include <limits>
#  include <utility>
#  include <variant>
#  include <vector>
#endif

namespace dpm::detail {

/// A flow's grid as other programs read it for methods that are written in sigma. On a flow x =
/// (1 - sigma) x_0 + sigma epsilon, the slope (x - x_0) / sigma is the flow prediction epsilon -
/// x_0 itself, and dx / dsigma. So a flow is the process x = x_0 + sigma epsilon' with alpha = 1
/// and the flow prediction in the place of the noise. Unlike lambda this has no singular start.
[[nodiscard]] Grid flow_read_as_noise(const Grid& flow);

/// A plan over such a grid with the flow's own levels, as the run, its noise and its guidance are
/// to see them.
[[nodiscard]] Plan with_flow_levels(Plan plan, const Grid& flow);
/// The same of a plan over levels of `flow` read so; those of `known` keep every bit.
[[nodiscard]] Plan with_flow_levels(Plan plan, const AnySchedule& flow,
                                    std::span<const Level> known);

#if DPM_DEFINE

/// The process x = x_0 + sigma epsilon' of a flow; its time is sigma.
class FlowAsNoise {
 public:
  explicit FlowAsNoise(AnySchedule flow) : flow_(std::move(flow)) {}

  [[nodiscard]] double first_time() const { return 0.0; }
  [[nodiscard]] double last_time() const { return 1.0; }
  [[nodiscard]] double max_time() const { return std::numeric_limits<double>::max(); }
  [[nodiscard]] Level level(double sigma) const {
    // Churn reaches above sigma = 1, where the model's timestep goes on in proportion.
    const double timestep =
        sigma <= 1.0 ? flow_level(sigma).timestep : sigma * flow_.level(flow_.last_time()).timestep;
    return {.time = sigma, .log_sigma = std::log(sigma), .timestep = timestep};
  }
  [[nodiscard]] double time_of_lambda(double lambda) const { return std::exp(-lambda); }

  /// The flow's level at sigma; above sigma = 1 there is none, and alpha is 0.
  [[nodiscard]] Level flow_level(double sigma) const {
    if (sigma <= 1.0) return flow_.level_at_lambda(std::log1p(-sigma) - std::log(sigma));
    Level level = flow_.level(flow_.last_time());
    level.time *= sigma;
    level.timestep *= sigma;
    level.log_sigma = std::log(sigma);
    return level;
  }

 private:
  AnySchedule flow_;
};

DPM_INLINE Grid flow_read_as_noise(const Grid& flow) {
  std::vector<Level> levels;
  for (const Level& level : flow.levels()) {
    levels.push_back(
        {.time = level.sigma(), .log_sigma = level.log_sigma, .timestep = level.timestep});
  }
  return {FlowAsNoise(flow.schedule()), std::move(levels)};
}

DPM_INLINE Plan with_flow_levels(Plan plan, const Grid& flow) {
  return with_flow_levels(std::move(plan), flow.schedule(), flow.levels());
}

DPM_INLINE Plan with_flow_levels(Plan plan, const AnySchedule& flow, std::span<const Level> known) {
  const FlowAsNoise process(flow);
  const auto back = [&](Level& level) {
    for (const Level& same : known) {
      if (same.log_sigma == level.log_sigma) {
        level = same;
        return;
      }
    }
    const double timestep = level.timestep;
    level = process.flow_level(level.time);
    level.timestep = timestep;
  };
  if (plan.prediction == Prediction::noise) plan.prediction = Prediction::flow;
  if (plan.space == Space::noise) plan.space = Space::flow;
  for (Step& step : plan.steps) {
    back(step.from);
    back(step.to);
    for (Instruction& instruction : step.instructions) {
      if (auto* evaluate = std::get_if<Evaluate>(&instruction)) back(evaluate->level);
      if (auto* correct = std::get_if<Correct>(&instruction)) back(correct->level);
    }
  }
  return plan;
}

#endif

}  // namespace dpm::detail
