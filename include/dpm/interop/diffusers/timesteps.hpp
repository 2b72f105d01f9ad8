// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The timesteps that diffusers chooses, in its own arithmetic.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/diffusers/options.hpp"

namespace dpm::diffusers::detail {

/// Number i of n equally spaced values, as numpy's linspace computes them.
inline double linspace(double first, double last, int i, int n) {
  if (n > 1 && i == n - 1) return last;
  return n == 1 ? first : i * ((last - first) / (n - 1)) + first;
}

/// The values first, first - step, ... above 0, as numpy's arange computes and counts them.
inline std::vector<double> arange_down(double first, double step) {
  const double difference = (first - step) - first;
  const auto count = static_cast<int>(std::ceil((0.0 - first) / -step));
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) values.push_back(first + i * difference);
  return values;
}

/// The timesteps of "trailing", high to low. For some numbers of steps diffusers' floating-point
/// sum gives one entry too many, -1.
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

/// The timesteps of "linspace" and "leading" in a table of `size` entries, high to low.
inline std::vector<double> evenly_spread(const Options& o, int size, int count) {
  const int stride = size / count;
  std::vector<double> timesteps;
  for (int i = count - 1; i >= 0; --i) {
    timesteps.push_back(o.timestep_spacing == "linspace"
                            ? linspace(0.0, size - 1.0, i, count)
                            : static_cast<double>(i * stride + o.steps_offset));
  }
  return timesteps;
}

inline std::vector<double> rounded(std::vector<double> timesteps) {
  for (double& timestep : timesteps) timestep = std::nearbyint(timestep);
  return timesteps;
}

/// The timesteps of DDIM, its inverse, DDPM and PNDM, high to low.
inline std::vector<double> table_timesteps(const Options& o, Mode mode, int train, int steps) {
  check_steps(o, steps);
  require(steps <= train, "diffusers: steps = ", steps, " for ", class_name(o.kind),
          "; it must not be greater than num_train_timesteps = ", train);
  if (o.timestep_spacing == "trailing") return trailing(mode, train, train, steps);
  return rounded(evenly_spread(o, train, steps));
}

/// The timesteps of the classes that step in lambda, high to low, from a table cut to `cut`
/// entries.
inline std::vector<double> lambda_timesteps(const Options& o, Mode mode, int cut, int steps) {
  if (o.timestep_spacing == "trailing") return trailing(mode, cut, o.num_train_timesteps, steps);
  std::vector<double> timesteps = rounded(evenly_spread(o, cut, steps + 1));
  timesteps.pop_back();
  return timesteps;
}

/// The timesteps of Euler and Heun, high to low. Those of linspace are not rounded.
inline std::vector<double> euler_timesteps(const Options& o, Mode mode, int train, int steps) {
  check_steps(o, steps);
  if (o.timestep_spacing == "trailing") return trailing(mode, train, train, steps);
  return evenly_spread(o, train, steps);
}

/// The timesteps of PNDM's calls, given its grid from high to low.
inline std::vector<double> pndm_calls(const Options& o, std::span<const double> grid, int stride) {
  std::vector<double> calls;
  if (o.skip_prk_steps) {
    calls.assign(grid.begin(), grid.end());
    if (grid.size() > 1) calls.insert(calls.begin() + 1, grid[1]);
    return calls;
  }
  require(grid.size() >= 4, "diffusers: steps = ", grid.size(),
          " for PNDMScheduler with skip_prk_steps false; it must be at least 4");
  const int half_stride = stride / 2;
  for (std::size_t block = 0; block < 3; ++block) {
    const double middle = grid[block + 1] + half_stride;
    for (const double call : {grid[block], middle, middle, grid[block + 1]}) calls.push_back(call);
  }
  calls.insert(calls.end(), grid.begin() + 3, grid.end());
  return calls;
}

}  // namespace dpm::diffusers::detail
