// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Where a grid ends: above sigma = 0, or there.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "dpm/grid/grid.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// Where a grid of `steps` intervals ends. A spacing is a rule that lays n levels from its start to
/// its end, for any n; a single one is the start. Its end is the schedule's first time unless it
/// says otherwise, which is the least noise of a table.
enum class FinalSigma : std::uint8_t {
  /// Clean data. The rule lays `steps` levels, and sigma = 0 comes after them. This is what the
  /// programs built on k-diffusion mean by `steps` steps.
  zero,
  /// The spacing's end: the rule lays `steps` + 1 levels.
  sigma_min,
  /// Clean data in place of the spacing's end: the rule lays `steps` + 1 levels, and sigma = 0
  /// replaces the last. ComfyUI and A1111 do this for DPM2, DPM2 a and UniPC ("discard the
  /// penultimate sigma"), ComfyUI also for published tables.
  zero_instead,
};

#if DPM_DEFINE

namespace detail {

/// More than any run has: a number beyond it is a mistake, which would ask for gigabytes.
inline constexpr int most_grid_steps = 10'000'000;

inline void require_grid_steps(int steps) {
  require(steps >= 1, "make_grid: steps = ", steps, "; it must be at least 1");
  require(steps <= most_grid_steps, "make_grid: steps = ", steps, "; it may be at most ",
          most_grid_steps);
}

/// The grid of `steps` intervals that ends as `final` says. `levels_of(n)` lays n levels above
/// sigma = 0.
template <class LevelsOf>
Grid finish_grid(const AnySchedule& schedule, int steps, FinalSigma final, LevelsOf levels_of) {
  require_grid_steps(steps);
  std::vector<Level> levels = levels_of(final == FinalSigma::zero ? steps : steps + 1);
  if (final == FinalSigma::zero_instead) levels.pop_back();
  if (final != FinalSigma::sigma_min) levels.push_back(schedule.level(0.0));
  return {schedule, std::move(levels)};
}

}  // namespace detail

#endif

}  // namespace dpm
