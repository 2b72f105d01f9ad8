// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Spacings over the integer timesteps of a model that was trained on a table.
#pragma once

#include <cstdint>
#include <span>

#include "dpm/grid/grid.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// Where a grid of integer timesteps ends, after its last model call.
enum class FinalSigma : std::uint8_t {
  zero,       ///< clean data, sigma = 0
  sigma_min,  ///< timestep 0, the least noise in the table; the last timestep must lie above it
};

/// `leading_timesteps` of a table of `train_timesteps`, then the final level.
struct Leading {
  int train_timesteps = 1000;
  int offset = 0;
  FinalSigma final = FinalSigma::zero;
};

/// `linspace_timesteps` from the table's end, steps + 1 of them without timestep 0, then the final
/// level.
struct Linspace {
  int train_timesteps = 1000;
  FinalSigma final = FinalSigma::zero;
};

/// `trailing_timesteps` of the table, then the final level.
struct Trailing {
  int train_timesteps = 1000;
  FinalSigma final = FinalSigma::zero;
};

/// The grid through integer timesteps, high to low, and the final level after them. Timestep i of a
/// table of N stands for time (i + 1) / N, as in `DiscreteSchedule`. Refuses timesteps outside the
/// table and what `Grid` refuses.
[[nodiscard]] Grid grid_of_timesteps(const AnySchedule& schedule, int train_timesteps,
                                     std::span<const int> timesteps,
                                     FinalSigma final = FinalSigma::zero);

/// The grid of `steps` intervals over the table's timesteps.
[[nodiscard]] Grid make_grid(const Leading& spacing, const AnySchedule& schedule, int steps);

[[nodiscard]] Grid make_grid(const Linspace& spacing, const AnySchedule& schedule, int steps);

[[nodiscard]] Grid make_grid(const Trailing& spacing, const AnySchedule& schedule, int steps);

}  // namespace dpm

#if DPM_DEFINE

#  include <cmath>
#  include <cstddef>
#  include <utility>
#  include <vector>

#  include "dpm/error.hpp"
#  include "dpm/grid/timesteps.hpp"

namespace dpm {
namespace detail {

/// Refuses a schedule whose times are not those of a table of `train_timesteps`, 1/N to 1.
inline void check_table_times(const char* spacing, const AnySchedule& schedule,
                              int train_timesteps) {
  require(
      std::abs(schedule.first_time() * train_timesteps - 1.0) < 1e-9 && schedule.last_time() == 1.0,
      spacing, ": train_timesteps = ", train_timesteps, " on a schedule from time ",
      schedule.first_time(), " to ", schedule.last_time(),
      "; it must be the number of entries of the schedule's table, from time 1 / "
      "train_timesteps to 1");
}

}  // namespace detail

DPM_INLINE Grid grid_of_timesteps(const AnySchedule& schedule, int train_timesteps,
                                  std::span<const int> timesteps, FinalSigma final) {
  detail::require(train_timesteps >= 1, "grid_of_timesteps: train_timesteps = ", train_timesteps,
                  "; it must be at least 1");
  const auto time_of = [&](int timestep) {
    return static_cast<double>(timestep + 1) / train_timesteps;
  };
  std::vector<Level> levels;
  levels.reserve(timesteps.size() + 1);
  for (std::size_t i = 0; i < timesteps.size(); ++i) {
    detail::require(timesteps[i] >= 0 && timesteps[i] < train_timesteps,
                    "grid_of_timesteps: timesteps[", i, "] = ", timesteps[i],
                    "; it must lie between 0 and ", train_timesteps - 1);
    levels.push_back(schedule.level(time_of(timesteps[i])));
  }
  levels.push_back(schedule.level(final == FinalSigma::zero ? 0.0 : time_of(0)));
  return {schedule, std::move(levels)};
}

DPM_INLINE Grid make_grid(const Leading& spacing, const AnySchedule& schedule, int steps) {
  detail::check_table_times("Leading", schedule, spacing.train_timesteps);
  const auto timesteps = leading_timesteps(spacing.train_timesteps, steps, spacing.offset);
  return grid_of_timesteps(schedule, spacing.train_timesteps, timesteps, spacing.final);
}

DPM_INLINE Grid make_grid(const Linspace& spacing, const AnySchedule& schedule, int steps) {
  detail::check_table_times("Linspace", schedule, spacing.train_timesteps);
  detail::require(
      steps >= 1 && steps < spacing.train_timesteps, "Linspace: steps = ", steps,
      "; it must lie between 1 and train_timesteps - 1 = ", spacing.train_timesteps - 1);
  auto timesteps = linspace_timesteps(spacing.train_timesteps - 1, steps + 1);
  timesteps.pop_back();
  return grid_of_timesteps(schedule, spacing.train_timesteps, timesteps, spacing.final);
}

DPM_INLINE Grid make_grid(const Trailing& spacing, const AnySchedule& schedule, int steps) {
  detail::check_table_times("Trailing", schedule, spacing.train_timesteps);
  const auto timesteps = trailing_timesteps(spacing.train_timesteps, steps);
  return grid_of_timesteps(schedule, spacing.train_timesteps, timesteps, spacing.final);
}

}  // namespace dpm

#endif
