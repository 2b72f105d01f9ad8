// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The grids and plans of the diffusers classes that step in sigma: Euler, Heun, FlowMatchEuler;
/// and the grid of EDMDPMSolver.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/diffusers/grid.hpp"
#include "dpm/interop/diffusers/levels.hpp"
#include "dpm/plan/builder.hpp"

namespace dpm::diffusers::detail {

inline Points edm_points(const Options& o, const Run& run) {
  check_steps(o, run.steps);
  const double least = o.sigma_min.value_or(0.002);
  const double most = o.sigma_max.value_or(80.0);
  require(least > 0.0 && least < most, "diffusers: sigma_min is ", least,
          "; it must lie between 0 and sigma_max = ", most);
  require(o.rho > 0.0, "diffusers: rho is ", o.rho, "; it must be greater than 0");
  const Curve curve = o.sigma_schedule == "karras" ? Curve::karras : Curve::exponential;
  Points points{{}, sigmas_on(curve, most, least, run.steps, o.rho)};
  // One step alone is counted from the other end there.
  if (curve == Curve::exponential && run.steps == 1) points.sigmas = {least};
  for (const double sigma : points.sigmas) points.timesteps.push_back(0.25 * std::log(sigma));
  points.sigmas.push_back(o.final_sigmas_type == "zero" ? 0.0 : least);
  return points;
}

/// One timestep and sigma for each interval of Euler and Heun; `evenly` spread timesteps are not
/// made whole here.
inline std::vector<double> euler_timesteps(const Options& o, Mode mode, int train, int steps) {
  check_steps(o, steps);
  if (o.timestep_spacing == "trailing") return trailing(mode, train, train, steps);
  const int stride = train / steps;
  std::vector<double> timesteps;
  for (int i = steps - 1; i >= 0; --i) {
    timesteps.push_back(o.timestep_spacing == "linspace"
                            ? linspace(0.0, train - 1.0, i, steps)
                            : static_cast<double>(i * stride + o.steps_offset));
  }
  return timesteps;
}

/// Refuses sigmas that rise.
inline void check_falling(const Options& o, std::span<const double> sigmas) {
  for (std::size_t i = 1; i < sigmas.size(); ++i) {
    require(sigmas[i] <= sigmas[i - 1], "diffusers: ", class_name(o.kind), " has sigma ", sigmas[i],
            " after ", sigmas[i - 1], "; sigmas must fall");
  }
}

inline Points euler_points(const Options& o, Mode mode, const Table& table, const Run& run) {
  Points points;
  const std::vector<Curve> curve = curves(o);
  if (!run.sigmas.empty()) {
    require(
        o.kind == Kind::euler && run.timesteps.empty(),
        "diffusers: sigmas of one's own are for EulerDiscreteScheduler alone, without timesteps");
    // The last of one's own sigmas is where the run ends.
    require(run.sigmas.size() >= 2, "diffusers: sigmas has ", run.sigmas.size(),
            " entries; it needs at least two, the last of which is where the run ends");
    points.sigmas = run.sigmas;
    for (std::size_t i = 0; i + 1 < run.sigmas.size(); ++i) {
      points.timesteps.push_back(table.timestep_of(run.sigmas[i]));
    }
  } else {
    require(run.timesteps.empty() || curve.empty(),
            "diffusers: timesteps are given and the configuration has sigmas of its own; leave "
            "the timesteps out");
    points.timesteps = !run.timesteps.empty()
                           ? run.timesteps
                           : euler_timesteps(o, mode, o.num_train_timesteps, run.steps);
    if (o.interpolation_type == "linear") {
      for (const double timestep : points.timesteps) {
        points.sigmas.push_back(table.sigma_at(timestep));
      }
    } else {
      // One more than there are timesteps, so that the run stops short of the final sigma.
      const int n = static_cast<int>(points.timesteps.size());
      points.sigmas = sigmas_on(Curve::exponential, table.sigma_max(), table.sigma_min(), n + 1);
    }
    if (!curve.empty()) {
      points.sigmas =
          sigmas_on(curve[0], o.sigma_max.value_or(points.sigmas.front()),
                    o.sigma_min.value_or(points.sigmas.back()),
                    run.steps != 0 ? run.steps : static_cast<int>(run.timesteps.size()));
      points.timesteps.clear();
      for (const double sigma : points.sigmas) {
        points.timesteps.push_back(table.timestep_of(sigma));
      }
    }
  }
  if (o.timestep_type == "continuous" && o.prediction_type == "v_prediction") {
    require(run.timesteps.empty(),
            "diffusers: timesteps are given and timestep_type continuous makes its own; leave them "
            "out");
    points.timesteps.clear();
    const std::size_t calls = points.sigmas.size() - (run.sigmas.empty() ? 0 : 1);
    for (std::size_t i = 0; i < calls; ++i) {
      points.timesteps.push_back(0.25 * std::log(points.sigmas[i]));
    }
  }
  if (run.sigmas.empty()) {
    points.sigmas.push_back(o.final_sigmas_type == "sigma_min" ? table.sigma_min() : 0.0);
  }
  check_falling(o, points.sigmas);
  return points;
}

/// EulerDiscrete without churn: x + (sigma_t - sigma_s) epsilon.
inline Plan euler_plan(const Options& o, std::span<const Level> levels) {
  PlanBuilder builder(prediction_of(o), correction_of(o));
  builder.set_space(Space::noise);
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
  PlanBuilder builder(prediction_of(o), correction_of(o));
  builder.set_space(Space::noise);
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

/// The sigmas of FlowMatchEulerDiscrete. Its table of sigmas is shifted before its ends are taken,
/// and what lies between is shifted again.
inline Points flow_match_points(const Options& o, const Run& run) {
  require(!o.use_dynamic_shifting || run.mu.has_value(),
          "diffusers: use_dynamic_shifting is on and mu is missing; give Run::mu");
  require(o.shift > 0.0, "diffusers: shift is ", o.shift, "; it must be greater than 0");
  const auto train = static_cast<double>(o.num_train_timesteps);
  Points points{{}, run.sigmas};
  if (run.sigmas.empty()) {
    check_steps(o, run.steps);
    const double least = o.use_dynamic_shifting ? 1.0 / train : shifted(o.shift, 1.0 / train);
    for (int i = 0; i < run.steps; ++i) {
      points.sigmas.push_back(linspace(train, least * train, i, run.steps) / train);
    }
  }
  for (double& sigma : points.sigmas) {
    require(sigma > 0.0 && sigma <= 1.0, "diffusers: a flow's sigma is ", sigma,
            "; it must be greater than 0 and at most 1");
    if (!o.use_dynamic_shifting) {
      sigma = shifted(o.shift, sigma);
    } else {
      const double shift = dynamic_shift(o, run);
      sigma = shift / (shift + (1.0 / sigma - 1.0));
    }
  }
  stretch_to_terminal(o, points.sigmas);
  const std::vector<Curve> curve = curves(o);
  if (!curve.empty()) {
    points.sigmas = sigmas_on(curve[0], points.sigmas.front(), points.sigmas.back(),
                              static_cast<int>(points.sigmas.size()));
  }
  for (double& sigma : points.sigmas) {
    if (o.invert_sigmas) sigma = 1.0 - sigma;
    points.timesteps.push_back(sigma * train);
  }
  points.sigmas.push_back(o.invert_sigmas ? 1.0 : 0.0);
  if (!o.invert_sigmas) check_falling(o, points.sigmas);
  return points;
}

/// FlowMatchEulerDiscrete: x + (sigma_t - sigma_s) flow, or with `stochastic_sampling` fresh noise
/// around the data prediction x - sigma_s flow.
inline Plan flow_match_plan(const Options& o, std::span<const Level> levels) {
  PlanBuilder builder(Prediction::flow);
  builder.set_space(Space::data);
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
