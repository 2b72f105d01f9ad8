// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Heun++: Heun's method with a third slope from the step after the next.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "dpm/method/churn.hpp"
#include "dpm/method/heun.hpp"
#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// "Heun++" (`heunpp2` of ComfyUI, after Jin et al. 2023, arXiv 2310.10971): Euler's steps to the
/// next level and to the one after it, then a step with a mean of the three noise predictions
/// there. With k = sigma / alpha and k_0 that of the grid's start, the second has the weight k / (3
/// k_0) of its own level, the third likewise, and the first the rest. These weights do not
/// integrate the polynomial through the predictions, so the order is 1. Three model calls a step,
/// two in the last but one, one in the last.
struct HeunPlusPlus {
  static constexpr const char* name = "HeunPlusPlus";
  /// Noise before each step.
  Churn churn = {};
};

[[nodiscard]] inline int convergence_order(const HeunPlusPlus& /*method*/) { return 1; }

/// Works in noise space. Refuses a grid that starts at alpha = 0, and one that runs towards more
/// noise, where the weights would grow without bound.
void write(PlanBuilder& builder, const HeunPlusPlus& method, const Grid& grid);

/// 3 steps - 3 calls (one step: one call); refuses numbers that no grid makes.
[[nodiscard]] Budget<HeunPlusPlus> for_model_calls(const HeunPlusPlus& method, int model_calls);

[[nodiscard]] inline Karras default_spacing(const HeunPlusPlus& /*method*/) { return {}; }

#if DPM_DEFINE

DPM_INLINE void write(PlanBuilder& builder, const HeunPlusPlus& method, const Grid& grid) {
  check_churn(HeunPlusPlus::name, method.churn);
  detail::require(grid.back().time < grid.front().time, "HeunPlusPlus: the grid runs from time ",
                  grid.front().time, " to time ", grid.back().time,
                  ", towards more noise; it must run towards clean data");
  builder.set_space(Space::noise);
  const std::size_t n = grid.steps();
  const auto weight_at = [&](std::size_t i, double stages) {
    return std::exp(grid[0].lambda() - grid[i].lambda()) / stages;
  };
  for (std::size_t i = 0; i < n; ++i) {
    const Level from = churned_level(method.churn, grid, i);
    builder.begin_step(grid[i], grid[i + 1]);
    write_noise_up(builder, grid[i], from, method.churn.scale);
    BoundedVector<Term, 3> slope{{builder.evaluate(0, sample_register, from), 1.0}};
    const std::size_t more = std::min<std::size_t>(n - 1 - i, 2);
    for (std::size_t k = 1; k <= more; ++k) {
      // Euler's steps from the start, along the slopes so far, each over its own interval.
      const Level& at = grid[i + k];
      if (k == 1) {
        detail::write_euler_step(builder, stage_register, from, at, slope.span());
      } else {
        const ExponentialStep step(Space::noise, grid[i + 1], at);
        builder.combine(stage_register,
                        {{stage_register, step.linear()}, {slope[1].operand, step.weight(0)}});
      }
      slope.push_back({builder.evaluate(k, stage_register, at), 0.0});
    }
    for (std::size_t k = 1; k <= more; ++k) {
      slope[k].weight = weight_at(i + k, static_cast<double>(more + 1));
      slope[0].weight -= slope[k].weight;
    }
    detail::write_euler_step(builder, sample_register, from, grid[i + 1], slope.span());
  }
}

DPM_INLINE Budget<HeunPlusPlus> for_model_calls(const HeunPlusPlus& method, int model_calls) {
  detail::require_model_calls(HeunPlusPlus::name, model_calls, 1);
  detail::require(model_calls == 1 || model_calls % 3 == 0,
                  "HeunPlusPlus: model_calls = ", model_calls,
                  "; its n steps make 3 n - 3 calls, and one step makes one");
  return {method, model_calls == 1 ? 1 : model_calls / 3 + 1};
}

#endif

}  // namespace dpm
