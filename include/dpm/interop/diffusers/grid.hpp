// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The timesteps and sigmas that diffusers chooses, in its own arithmetic.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/diffusers/curves.hpp"
#include "dpm/interop/diffusers/options.hpp"
#include "dpm/interop/diffusers/table.hpp"

namespace dpm::diffusers::detail {

/// The values first, first - step, ... above 0, as numpy's arange computes and counts them.
inline std::vector<double> arange_down(double first, double step) {
  const double difference = (first - step) - first;
  const auto count = static_cast<int>(std::ceil((0.0 - first) / -step));
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) values.push_back(first + i * difference);
  return values;
}

/// Evenly spread timesteps, high to low: "trailing", which for some counts of steps ends with one
/// entry too many, -1, because the steps are added up in floating point.
inline std::vector<double> trailing(Mode mode, int table_size, int train_timesteps, int steps) {
  std::vector<double> timesteps;
  for (const double value : arange_down(table_size, train_timesteps / static_cast<double>(steps))) {
    timesteps.push_back(std::nearbyint(value) - 1.0);
  }
  require(mode == Mode::compatible || timesteps.back() >= 0.0,
          "diffusers: timestep_spacing "
          "trailing with ",
          steps,
          " steps makes diffusers add a timestep of -1; use another number "
          "of steps, or dpm::Trailing, which counts in whole numbers");
  return timesteps;
}

inline void check_steps(const Options& o, int steps) {
  require(steps >= 1 && steps <= 1'000'000, "diffusers: steps = ", steps, " for ",
          class_name(o.kind), "; it must lie between 1 and 1000000");
}

/// The timesteps of DDIM, its inverse, DDPM and PNDM, high to low.
inline std::vector<double> table_timesteps(const Options& o, Mode mode, int train, int steps) {
  check_steps(o, steps);
  require(steps <= train, "diffusers: steps = ", steps, " for ", class_name(o.kind),
          "; it must not be greater than num_train_timesteps = ", train);
  if (o.timestep_spacing == "trailing") return trailing(mode, train, train, steps);
  const int stride = train / steps;
  std::vector<double> timesteps;
  for (int i = steps - 1; i >= 0; --i) {
    timesteps.push_back(o.timestep_spacing == "linspace"
                            ? std::nearbyint(linspace(0.0, train - 1.0, i, steps))
                            : static_cast<double>(i * stride + o.steps_offset));
  }
  return timesteps;
}

/// The timesteps of the classes that step in lambda, high to low, from a table cut to `cut`
/// entries.
inline std::vector<double> lambda_timesteps(const Options& o, Mode mode, int cut, int train,
                                            int steps) {
  if (o.timestep_spacing == "trailing") return trailing(mode, cut, train, steps);
  const int stride = cut / (steps + 1);
  std::vector<double> timesteps;
  for (int i = steps; i >= 1; --i) {
    timesteps.push_back(o.timestep_spacing == "linspace"
                            ? std::nearbyint(linspace(0.0, cut - 1.0, i, steps + 1))
                            : static_cast<double>(i * stride + o.steps_offset));
  }
  return timesteps;
}

/// The grid of a class that steps in lambda (DPM-Solver, UniPC, DEIS, SA-Solver), high to low.
inline Points lambda_points(const Options& o, Mode mode, const Table& table, const Run& run) {
  const std::vector<Curve> curve = curves(o);
  Points points;
  if (!run.timesteps.empty()) {
    require(curve.empty() && !o.use_flow_sigmas,
            "diffusers: timesteps are given and the configuration has sigmas of its own; leave "
            "the timesteps out");
    points.timesteps = run.timesteps;
  } else {
    check_steps(o, run.steps);
    points.timesteps = lambda_timesteps(
        o, mode, o.num_train_timesteps - table.clipped_entries(o.lambda_min_clipped),
        o.num_train_timesteps, run.steps);
  }
  if (o.use_flow_sigmas && curve.empty()) {
    points = flow_points(o, run);
  } else if (!curve.empty()) {
    points.sigmas = sigmas_on(curve[0], o.sigma_max.value_or(table.sigma_max()),
                              o.sigma_min.value_or(table.sigma_min()), run.steps);
    points.timesteps.clear();
    // Exponential and "lu" are the same sigmas; what differs is how timesteps are made whole.
    const bool rounds = (o.use_karras_sigmas && (o.kind != Kind::dpm_multistep ||
                                                 o.beta_schedule != "squaredcos_cap_v2")) ||
                        (o.use_lu_lambdas && o.beta_schedule != "squaredcos_cap_v2");
    for (double& sigma : points.sigmas) {
      if (o.use_flow_sigmas) {
        sigma /= sigma + 1.0;
        points.timesteps.push_back(sigma * o.num_train_timesteps);
        continue;
      }
      const double timestep = table.timestep_of(sigma);
      points.timesteps.push_back(rounds ? std::nearbyint(timestep) : timestep);
    }
  } else {
    for (const double timestep : points.timesteps) {
      points.sigmas.push_back(table.sigma_at(timestep));
    }
  }
  for (double& timestep : points.timesteps) timestep = std::trunc(timestep);

  const bool may_be_zero = o.kind != Kind::deis && o.kind != Kind::sa_solver;
  const bool own_end = o.kind == Kind::unipc || !may_be_zero;
  if (may_be_zero && o.final_sigmas_type == "zero") {
    points.sigmas.push_back(0.0);
  } else if (own_end && (!curve.empty() || o.use_flow_sigmas)) {
    points.sigmas.push_back(points.sigmas.back());
  } else {
    points.sigmas.push_back(table.sigma_min());
  }
  return points;
}

/// The grid of DPMSolverMultistepInverse, low to high.
inline Points inverse_points(const Options& o, Mode mode, const Table& table, const Run& run) {
  check_steps(o, run.steps);
  const std::vector<Curve> curve = curves(o);
  const int n = run.steps;
  const int cut = o.num_train_timesteps - table.clipped_entries(o.lambda_min_clipped);
  Points points;
  if (o.use_flow_sigmas) {
    require(mode == Mode::compatible,
            "diffusers: DPMSolverMultistepInverseScheduler with use_flow_sigmas runs towards the "
            "data; invert with dpm::DpmSolver over a reversed grid");
    points = flow_points(o, run);
    points.sigmas.push_back(points.sigmas.back());
  } else if (!curve.empty()) {
    points.sigmas = sigmas_on(curve[0], table.sigma_min(), table.sigma_max(), n);
    for (const double sigma : points.sigmas) {
      const double timestep = table.timestep_of(sigma);
      points.timesteps.push_back(o.use_karras_sigmas ? std::nearbyint(timestep) : timestep);
    }
    points.sigmas.push_back(points.sigmas.back());
  } else {
    if (o.timestep_spacing == "trailing") {
      points.timesteps = trailing(mode, cut, o.num_train_timesteps, n);
      std::reverse(points.timesteps.begin(), points.timesteps.end());
    }
    const int stride = cut / (n + 1);
    for (int i = 0; i < n && o.timestep_spacing != "trailing"; ++i) {
      points.timesteps.push_back(o.timestep_spacing == "linspace"
                                     ? std::nearbyint(linspace(0.0, cut - 1.0, i, n + 1))
                                     : static_cast<double>(i * stride + o.steps_offset));
    }
    for (const double timestep : points.timesteps) {
      points.sigmas.push_back(table.sigma_at(timestep));
    }
    points.sigmas.push_back(table.sigma_at(cut - 1.0));
  }
  // Repeated timesteps are dropped, before they are made whole; their sigmas are not.
  points.timesteps.erase(std::unique(points.timesteps.begin(), points.timesteps.end()),
                         points.timesteps.end());
  for (double& timestep : points.timesteps) timestep = std::trunc(timestep);
  return points;
}

}  // namespace dpm::diffusers::detail
