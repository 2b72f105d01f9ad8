// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// DPM++ SDE: a singlestep solver with fresh noise in its inner stage as well.
#pragma once

#include <cstddef>

#include "dpm/method/ancestral_step.hpp"
#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <cmath>
#endif

namespace dpm {

/// "DPM++ SDE" of k-diffusion, the stochastic form of DPM-Solver++(2S) (Lu et al. 2022, arXiv
/// 2211.01095, Alg. 1): an ancestral step of first order to the inner level, then one over the
/// whole step with a mean of both data predictions. Two model calls and two draws a step; a step
/// to sigma = 0 is of first order with one call and no draw.
///
/// Where k-diffusion draws both from one Brownian path, so that they are correlated, these draws
/// are independent.
struct DpmSolverSde {
  static constexpr const char* name = "DpmSolverSde";
  /// eta and the scale of the draws; eta = 0 is DPM-Solver++(2S).
  FreshNoise fresh = {.eta = 1.0};
  /// The inner level lies at lambda_s + r1 h.
  double r1 = 0.5;
};

/// Order of convergence; for eta > 0, weak order.
[[nodiscard]] inline int convergence_order(const DpmSolverSde& method) {
  return method.fresh.eta > 0.0 ? 1 : 2;
}

/// Works in data space. Refuses options out of range and what `ancestral_target` refuses.
void write(PlanBuilder& builder, const DpmSolverSde& method, const Grid& grid);

/// Two calls a step, and one in a step to sigma = 0.
[[nodiscard]] Budget<DpmSolverSde> for_model_calls(const DpmSolverSde& method, int model_calls);

[[nodiscard]] inline UniformLambda default_spacing(const DpmSolverSde& /*method*/) { return {}; }

#if DPM_DEFINE

DPM_INLINE void write(PlanBuilder& builder, const DpmSolverSde& method, const Grid& grid) {
  check_fresh_noise(DpmSolverSde::name, method.fresh);
  detail::require(method.r1 > 0.0 && method.r1 < 1.0, "DpmSolverSde: r1 = ", method.r1,
                  "; it must lie between 0 and 1");
  builder.set_space(Space::data);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& s = grid[i];
    const Level& t = grid[i + 1];
    const AncestralStep step = ancestral_step(Space::data, s, t, method.fresh);
    const double h = t.lambda() - s.lambda();
    if (!std::isfinite(h)) {
      write_ancestral_step(builder, step, s, s, t);
      continue;
    }
    const Level middle = grid.schedule().level_at_lambda(s.lambda() + method.r1 * h);
    const AncestralStep inner = ancestral_step(Space::data, s, middle, method.fresh);
    builder.begin_step(s, t);
    if (inner.noise_stddev > 0.0) builder.draw();
    const Register first = builder.evaluate(0, sample_register, s);
    builder.combine(stage_register, {{sample_register, inner.exact.linear()},
                                     {first, inner.exact.weight(0)},
                                     {noise_register, inner.noise_stddev}});
    if (step.noise_stddev > 0.0) builder.draw();
    const Register second = builder.evaluate(1, stage_register, middle);
    const double of_second = 0.5 / method.r1;
    const double weight = step.exact.weight(0);
    builder.combine(sample_register, {{sample_register, step.exact.linear()},
                                      {first, weight * (1.0 - of_second)},
                                      {second, weight * of_second},
                                      {noise_register, step.noise_stddev}});
  }
}

DPM_INLINE Budget<DpmSolverSde> for_model_calls(const DpmSolverSde& method, int model_calls) {
  detail::require_model_calls(DpmSolverSde::name, model_calls, 1);
  return {method, detail::steps_for(model_calls, 2)};
}

#endif

}  // namespace dpm
