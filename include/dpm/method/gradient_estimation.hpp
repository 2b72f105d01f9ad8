// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Gradient estimation: Euler steps along an extrapolated noise prediction.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>

#include "dpm/method/heun.hpp"
#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// The gradient-estimation sampler (Permenter & Yuan 2024, arXiv 2306.04848, Alg. 2): a DDIM step
/// along gamma m0 - (gamma - 1) m1, with m0 and m1 the newest noise prediction and the one before.
/// First order, one model call a step; the first step, and one to sigma = 0, is DDIM's. gamma = 3/2
/// is iPNDM of order 2 with the weights of equal steps, and of second order like it.
struct GradientEstimation {
  static constexpr const char* name = "GradientEstimation";
  /// 1 is DDIM; 2 is the authors' choice.
  double gamma = 2.0;
};

[[nodiscard]] inline int convergence_order(const GradientEstimation& method) {
  return method.gamma == 1.5 ? 2 : 1;
}

/// Works in noise space. Refuses a gamma that is not finite and a grid that starts at alpha = 0.
void write(PlanBuilder& builder, const GradientEstimation& method, const Grid& grid);

#if DPM_DEFINE

DPM_INLINE void write(PlanBuilder& builder, const GradientEstimation& method, const Grid& grid) {
  detail::require(std::abs(method.gamma) < 1e100, "GradientEstimation: gamma = ", method.gamma,
                  "; it must be finite");
  builder.set_space(Space::noise);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& t = grid[i + 1];
    builder.begin_step(grid[i], t);
    const Register newest = builder.evaluate(i % 2, sample_register, grid[i]);
    const bool extrapolates = i > 0 && t.sigma() > 0.0;
    BoundedVector<Term, 2> slope{{newest, extrapolates ? method.gamma : 1.0}};
    if (extrapolates) slope.push_back({prediction_register((i + 1) % 2), 1.0 - method.gamma});
    detail::write_euler_step(builder, sample_register, grid[i], t, slope.span());
  }
}

#endif

}  // namespace dpm
