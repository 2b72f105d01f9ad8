// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// SEEDS: exponential Runge-Kutta methods for the reverse SDE.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>

#include "dpm/method/dpm_solver_options.hpp"
#include "dpm/method/exponential_step.hpp"
#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// SEEDS-2 and SEEDS-3 (Gonzalez et al. 2023, arXiv 2305.14267, Alg. 2 and 3) for data predictions,
/// as ComfyUI has them: exponential Runge-Kutta stages with the noise of the SDE between them, all
/// along one noisy path. `stages` model calls and draws a step; a step to sigma = 0 or from alpha =
/// 0 is of first order with one call. Both have weak order 2; tau = 0 is the ODE, where the stages
/// give orders 2 and 3.
///
/// `{.r1 = 1.0, .update = DpmSolver::Update::taylor}` is ComfyUI's exponential Heun method, whose
/// second stage is at the step's end.
struct Seeds {
  static constexpr const char* name = "Seeds";
  /// 2 or 3.
  int stages = 2;
  /// The SDE with tau^2 times the noise of the reverse diffusion ("eta" in ComfyUI is tau^2).
  double tau = 1.0;
  /// The factor on each draw ("s_noise"). Only 1 keeps the marginals.
  double noise_scale = 1.0;
  /// Inner levels at lambda_s + r1 h and, of three stages, lambda_s + r2 h. r1 is 1/2 of two stages
  /// and 1/3 of three when left out; of two stages it may be 1. The last draw of a step then has no
  /// weight, as in ComfyUI.
  std::optional<double> r1 = std::nullopt;
  double r2 = 2.0 / 3.0;
  /// How two stages weigh the slope ("phi_1" and "phi_2" in ComfyUI); three have the Taylor form.
  DpmSolver::Update update = DpmSolver::Update::midpoint;
};

/// Order of convergence; for tau > 0, weak order. As in singlestep DPM-Solver, order 3 needs r2 =
/// 2/3.
[[nodiscard]] inline int convergence_order(const Seeds& method) {
  const bool third =
      method.stages == 3 && method.tau == 0.0 && std::abs(method.r2 - 2.0 / 3.0) < 1e-12;
  return third ? 3 : 2;
}

/// Works in data space. Refuses options out of range and steps that have no solution there (see
/// `ExponentialStep`).
void write(PlanBuilder& builder, const Seeds& method, const Grid& grid);

/// `stages` calls a step, and one in a step to sigma = 0.
[[nodiscard]] Budget<Seeds> for_model_calls(const Seeds& method, int model_calls);

[[nodiscard]] inline UniformLambda default_spacing(const Seeds& /*method*/) { return {}; }

#if DPM_DEFINE

namespace detail {

inline void check_options(const Seeds& method) {
  require(method.stages == 2 || method.stages == 3, "Seeds: stages = ", method.stages,
          "; it must be 2 or 3");
  require(method.tau >= 0.0 && method.tau < 1e100, "Seeds: tau = ", method.tau,
          "; it must be finite and at least 0");
  require(method.noise_scale >= 0.0 && method.noise_scale < 1e100,
          "Seeds: noise_scale = ", method.noise_scale, "; it must be finite and at least 0");
  const double r1 = method.r1.value_or(0.5);
  require(
      r1 > 0.0 && (r1 < 1.0 || (r1 == 1.0 && method.stages == 2)), "Seeds: r1 = ", r1,
      method.stages == 2 ? "; it must be above 0 and at most 1" : "; it must lie between 0 and 1");
  require(method.stages == 2 || (method.r2 > method.r1.value_or(1.0 / 3.0) && method.r2 < 1.0),
          "Seeds: r2 = ", method.r2, "; it must lie between r1 and 1");
}

/// One step over a finite interval. The noise of each part of it is added to the sample as it is
/// at s, scaled so that every later stage, which is linear in the sample, has its due share.
inline void write_seeds_step(PlanBuilder& builder, const Seeds& method, const AnySchedule& schedule,
                             const Level& s, const Level& t) {
  const double h = t.lambda() - s.lambda();
  const double decay = method.tau * method.tau * h;
  const double r1 = method.r1.value_or(method.stages == 2 ? 0.5 : 1.0 / 3.0);
  const auto stages = static_cast<std::size_t>(method.stages);
  const bool taylor = method.stages == 3 || method.update == DpmSolver::Update::taylor;
  const std::array<double, 4> ratios{0.0, r1, method.stages == 2 ? 1.0 : method.r2, 1.0};
  const auto level_at = [&](double r) {
    return r == 1.0 ? t : schedule.level_at_lambda(s.lambda() + r * h);
  };
  builder.begin_step(s, t);
  Register first;
  Register last;
  for (std::size_t k = 1; k <= stages; ++k) {
    if (method.tau > 0.0) builder.draw();
    const double r = ratios[k - 1];
    const Level at = k == 1 ? s : level_at(r);
    last = builder.evaluate(k - 1, k == 1 ? sample_register : stage_register, at);
    if (k == 1) first = last;
    if (method.tau > 0.0) {
      const double part = ratios[k] - r;
      const double share =
          s.sigma() * std::exp(ratios[k] * decay) * std::sqrt(-std::expm1(-2.0 * part * decay));
      builder.replace_sample(
          {{sample_register, 1.0}, {noise_register, method.noise_scale * share}});
    }
    const bool whole = k == stages;
    const ExponentialStep step(Space::data, s, level_at(ratios[k]), method.tau);
    // The slope comes from the first and the newest stage: (last - first) / (r h).
    double of_last = 0.0;
    if (k > 1) of_last = taylor ? step.weight(1) / (r * h) : 0.5 / r * step.weight(0);
    builder.combine(
        whole ? sample_register : stage_register,
        {{sample_register, step.linear()}, {first, step.weight(0) - of_last}, {last, of_last}});
  }
}

}  // namespace detail

DPM_INLINE void write(PlanBuilder& builder, const Seeds& method, const Grid& grid) {
  detail::check_options(method);
  builder.set_space(Space::data);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& s = grid[i];
    const Level& t = grid[i + 1];
    const ExponentialStep whole(Space::data, s, t, method.tau);  // refuses what has no solution
    if (whole.finite()) {
      detail::write_seeds_step(builder, method, grid.schedule(), s, t);
      continue;
    }
    const double noise_stddev = method.noise_scale * whole.noise_stddev();
    builder.begin_step(s, t);
    if (noise_stddev > 0.0) builder.draw();
    const Register m = builder.evaluate(0, sample_register, s);
    builder.combine(
        sample_register,
        {{sample_register, whole.linear()}, {m, whole.weight(0)}, {noise_register, noise_stddev}});
  }
}

DPM_INLINE Budget<Seeds> for_model_calls(const Seeds& method, int model_calls) {
  detail::check_options(method);
  detail::require_model_calls(Seeds::name, model_calls, 1);
  return {method, detail::steps_for(model_calls, method.stages)};
}

#endif

}  // namespace dpm
