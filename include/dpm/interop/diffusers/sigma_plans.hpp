// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The plans of the diffusers classes that step in sigma: Euler, Heun, FlowMatchEuler.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/diffusers/levels.hpp"
#include "dpm/plan/builder.hpp"

namespace dpm::diffusers::detail {

/// EulerDiscrete without churn: x + (sigma_t - sigma_s) epsilon.
inline Plan euler_plan(const Options& o, std::span<const Level> levels) {
  PlanBuilder builder = builder_for(o);
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    builder.begin_step(levels[i], levels[i + 1]);
    const Register m = builder.evaluate(0, sample_register, levels[i]);
    builder.combine(sample_register,
                    {{sample_register, 1.0}, {m, levels[i + 1].sigma() - levels[i].sigma()}});
  }
  return std::move(builder).finish();
}

/// HeunDiscrete, each of whose model calls is a step: to the end of the interval, and from its
/// beginning again with the mean of both slopes. The last interval has the first alone. The stage
/// register keeps the sample at the interval's beginning.
inline Plan heun_plan(const Options& o, std::span<const Level> levels) {
  PlanBuilder builder = builder_for(o);
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    const Level& s = levels[i];
    const Level& t = levels[i + 1];
    const double length = t.sigma() - s.sigma();
    builder.begin_step(s, t);
    const Register first = builder.evaluate(0, sample_register, s);
    builder.combine(stage_register, {{sample_register, 1.0}});
    builder.combine(sample_register, {{sample_register, 1.0}, {first, length}});
    if (i + 2 == levels.size()) break;
    builder.begin_step(t, t);
    const Register second = builder.evaluate(1, sample_register, t);
    builder.combine(sample_register,
                    {{stage_register, 1.0}, {first, 0.5 * length}, {second, 0.5 * length}});
  }
  return std::move(builder).finish();
}

/// FlowMatchEulerDiscrete: x + (sigma_t - sigma_s) flow, or with `stochastic_sampling` fresh noise
/// around the data prediction x - sigma_s flow.
inline Plan flow_match_plan(const Options& o, std::span<const Level> levels) {
  PlanBuilder builder = builder_for(o);
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    const double s = levels[i].sigma();
    const double t = levels[i + 1].sigma();
    builder.begin_step(levels[i], levels[i + 1]);
    if (o.stochastic_sampling) builder.draw();
    const Register flow = builder.evaluate_raw(0, sample_register, levels[i]);
    if (o.stochastic_sampling) {
      builder.combine(sample_register,
                      {{sample_register, 1.0 - t}, {flow, -(1.0 - t) * s}, {noise_register, t}});
    } else {
      builder.combine(sample_register, {{sample_register, 1.0}, {flow, t - s}});
    }
  }
  return std::move(builder).finish();
}

}  // namespace dpm::diffusers::detail
