// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The plans of the diffusers classes that take more noise away than they should and add fresh
/// noise, and of those with a call in the middle of each step.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>

#include "dpm/interop/diffusers/levels.hpp"
#include "dpm/plan/builder.hpp"

namespace dpm::diffusers::detail {

/// An ancestral step from sigma s to t where alpha = 1: deterministically to `down`, then fresh
/// noise of standard deviation `up`, with down^2 + up^2 = t^2 (DDIM with eta = 1: Song et al. 2021,
/// arXiv 2010.02502, Eq. 16).
struct AncestralSigmas {
  double down = 0.0;
  double up = 0.0;
};

inline AncestralSigmas ancestral_sigmas(double s, double t) {
  return {t * t / s, t * std::sqrt((s - t) * (s + t)) / s};
}

/// EulerAncestralDiscrete. It draws in the last step too, where the noise has no weight.
inline Plan euler_ancestral_plan(const Options& o, std::span<const Level> levels) {
  PlanBuilder builder = builder_for(o);
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    const double s = levels[i].sigma();
    const AncestralSigmas to = ancestral_sigmas(s, levels[i + 1].sigma());
    builder.begin_step(levels[i], levels[i + 1]);
    builder.draw();
    const Register m = builder.evaluate(0, sample_register, levels[i]);
    builder.combine(sample_register,
                    {{sample_register, 1.0}, {m, to.down - s}, {noise_register, to.up}});
  }
  return std::move(builder).finish();
}

/// KDPM2Discrete and KDPM2AncestralDiscrete: an Euler step to the middle of the interval in log
/// sigma, and from the interval's beginning again with the slope found there (DPM-Solver-2: Lu et
/// al. 2022, arXiv 2206.00927, Alg. 1). Each call of the model is a step, and the stage register
/// keeps the sample at the interval's beginning. The last interval is an Euler step.
inline Plan kdpm2_plan(const Options& o, const AnySchedule& schedule,
                       std::span<const Level> levels) {
  const bool ancestral = o.kind == Kind::kdpm2_ancestral;
  PlanBuilder builder = builder_for(o);
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    const double s = levels[i].sigma();
    const double t = levels[i + 1].sigma();
    const AncestralSigmas to = ancestral ? ancestral_sigmas(s, t) : AncestralSigmas{t, 0.0};
    const bool last = i + 2 == levels.size();
    const Level middle = last ? levels[i + 1] : schedule.level(middle_sigma(o, s, t));
    builder.begin_step(levels[i], middle);
    const Register first = builder.evaluate(0, sample_register, levels[i]);
    builder.combine(stage_register, {{sample_register, 1.0}});
    builder.combine(sample_register, {{sample_register, 1.0}, {first, middle.sigma() - s}});
    if (last) break;
    builder.begin_step(middle, levels[i + 1]);
    if (ancestral) builder.draw();
    const Register second = builder.evaluate(0, sample_register, middle);
    builder.combine(sample_register,
                    {{stage_register, 1.0}, {second, to.down - s}, {noise_register, to.up}});
  }
  return std::move(builder).finish();
}

/// DPMSolverSDE: both steps of an interval, to the geometric mean of its two sigmas and from its
/// beginning to its end, are ancestral, around the data prediction. The last one is Euler's.
inline Plan dpm_sde_plan(const Options& o, const Run& run, const AnySchedule& schedule,
                         std::span<const Level> levels) {
  PlanBuilder builder = builder_for(o);
  const auto write_step = [&](Register start, double s, const AncestralSigmas& to, Register data) {
    builder.combine(
        sample_register,
        {{start, to.down / s}, {data, 1.0 - to.down / s}, {noise_register, run.s_noise * to.up}});
  };
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    const double s = levels[i].sigma();
    const double t = levels[i + 1].sigma();
    const bool last = i + 2 == levels.size();
    const Level middle = last ? levels[i + 1] : schedule.level(middle_sigma(o, s, t));
    builder.begin_step(levels[i], middle);
    if (!last) builder.draw();
    const Register first = builder.evaluate(0, sample_register, levels[i]);
    builder.combine(stage_register, {{sample_register, 1.0}});
    write_step(sample_register, s, ancestral_sigmas(s, middle.sigma()), first);
    if (last) break;
    builder.begin_step(middle, levels[i + 1]);
    builder.draw();
    const Register second = builder.evaluate(0, sample_register, middle);
    write_step(stage_register, s, ancestral_sigmas(s, t), second);
  }
  return std::move(builder).finish();
}

/// LTXEulerAncestralRF: Euler's step along the flow to sigma = down, then x is scaled to the alpha
/// of the step's end and fresh noise fills up to its sigma. diffusers adds 1e-12 where it divides.
inline Plan ltx_plan(const Options& o, std::span<const Level> levels) {
  PlanBuilder builder = builder_for(o);
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    const double s = levels[i].sigma();
    const double t = levels[i + 1].sigma();
    const bool draws = t > 0.0 && o.eta > 0.0 && o.s_noise > 0.0;
    const double down = t * (1.0 + (t / s - 1.0) * o.eta);
    const double alpha = 1.0 - t;
    const double alpha_down = 1.0 - down;
    const double left = t * t - down * down * alpha * alpha / (alpha_down * alpha_down + 1e-12);
    const double scale = draws ? alpha / (alpha_down + 1e-12) : 1.0;
    builder.begin_step(levels[i], levels[i + 1]);
    if (draws) builder.draw();
    const Register m = builder.evaluate_raw(0, sample_register, levels[i]);
    builder.combine(sample_register,
                    {{sample_register, scale},
                     {m, scale * (down - s)},
                     {noise_register, draws ? o.s_noise * std::sqrt(std::max(left, 0.0)) : 0.0}});
  }
  return std::move(builder).finish();
}

}  // namespace dpm::diffusers::detail
