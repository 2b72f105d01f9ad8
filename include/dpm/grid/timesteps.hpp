// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Integer timesteps of a model that was trained on a table, and the grids over them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dpm/grid/final_sigma.hpp"
#include "dpm/grid/grid.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/separate.hpp"

namespace dpm {
namespace detail {

/// numerator / denominator rounded to the nearest integer, a half to the even one, as numpy rounds.
/// For numerator >= 0 and denominator > 0.
[[nodiscard]] constexpr std::int64_t divide_half_even(std::int64_t numerator,
                                                      std::int64_t denominator) {
  const std::int64_t quotient = numerator / denominator;
  const std::int64_t twice_rest = 2 * (numerator % denominator);
  const bool up = twice_rest > denominator || (twice_rest == denominator && quotient % 2 == 1);
  return up ? quotient + 1 : quotient;
}

}  // namespace detail

/// The `count` equally spaced timesteps from `last` down to 0, both included, each rounded to the
/// nearest integer (a half to the even one); a single one is 0. Refuses count < 1 and last < count
/// - 1, where timesteps would repeat. Integer arithmetic throughout, here and below.
///
/// DDIM samplers take `linspace_timesteps(N - 1, steps)`: their last step leads from timestep 0 to
/// clean data. DPM-Solver samplers take `linspace_timesteps(N - 1, steps + 1)` without timestep 0.
[[nodiscard]] std::vector<int> linspace_timesteps(int last, int count);

/// "Leading" timesteps (code of Ho et al. 2020, arXiv 2006.11239): offset + i stride with stride =
/// train_timesteps / steps rounded down, for i = steps - 1 down to 0. Refuses steps outside 1 ..
/// train_timesteps, and an offset that leaves the table.
[[nodiscard]] std::vector<int> leading_timesteps(int train_timesteps, int steps, int offset = 0);

/// "Trailing" timesteps, which start at the table's end (Lin et al. 2023, arXiv 2305.08891, Table
/// 2): round(i train_timesteps / steps) - 1 for i = steps, ..., 1, with a half rounded to the even
/// integer. Refuses steps outside 1 .. train_timesteps.
[[nodiscard]] std::vector<int> trailing_timesteps(int train_timesteps, int steps);

/// `leading_timesteps` of a table of `train_timesteps`, then the final level: clean data, or
/// timestep 0, which the last timestep must lie above. (`FinalSigma::zero_instead` is for other
/// spacings.)
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
/// table, `FinalSigma::zero_instead` and what `Grid` refuses.
[[nodiscard]] Grid grid_of_timesteps(const AnySchedule& schedule, int train_timesteps,
                                     std::span<const int> timesteps,
                                     FinalSigma final = FinalSigma::zero);

/// The grid of `steps` intervals over the table's timesteps.
[[nodiscard]] Grid make_grid(const Leading& spacing, const AnySchedule& schedule, int steps);
[[nodiscard]] Grid make_grid(const Linspace& spacing, const AnySchedule& schedule, int steps);
[[nodiscard]] Grid make_grid(const Trailing& spacing, const AnySchedule& schedule, int steps);

#if DPM_DEFINE

namespace detail {

inline void check_timesteps(const char* name, int train_timesteps, int steps) {
  require(train_timesteps >= 1, name, ": train_timesteps = ", train_timesteps,
          "; it must be at least 1");
  require(steps >= 1 && steps <= train_timesteps, name, ": steps = ", steps,
          "; it must lie between 1 and train_timesteps = ", train_timesteps);
  require(steps <= most_grid_steps, name, ": steps = ", steps, "; it may be at most ",
          most_grid_steps);
}

/// Refuses a schedule whose times are not those of a table of `train_timesteps`, 1/N to 1.
inline void check_table_times(const char* spacing, const AnySchedule& schedule,
                              int train_timesteps) {
  if (schedule.size() > 0) {
    require(schedule.size() == static_cast<std::size_t>(std::max(train_timesteps, 0)), spacing,
            ": train_timesteps = ", train_timesteps, " on a schedule whose table has ",
            schedule.size(), " entries; it must be that number");
  }
  require(
      std::abs(schedule.first_time() * train_timesteps - 1.0) < 1e-9 && schedule.last_time() == 1.0,
      spacing, ": train_timesteps = ", train_timesteps, " on a schedule from time ",
      schedule.first_time(), " to ", schedule.last_time(),
      "; it must be the number of entries of the schedule's table, from time 1 / "
      "train_timesteps to 1");
}

}  // namespace detail

DPM_INLINE std::vector<int> linspace_timesteps(int last, int count) {
  detail::require(count >= 1, "linspace_timesteps: count = ", count, "; it must be at least 1");
  detail::require(count <= detail::most_grid_steps, "linspace_timesteps: count = ", count,
                  "; it may be at most ", detail::most_grid_steps);
  detail::require(last >= count - 1, "linspace_timesteps: last = ", last, " for ", count,
                  " timesteps; it must be at least ", count - 1);
  std::vector<int> timesteps;
  for (std::int64_t i = count - 1; i >= 0; --i) {
    timesteps.push_back(
        count == 1 ? 0 : static_cast<int>(detail::divide_half_even(i * last, count - 1)));
  }
  return timesteps;
}

DPM_INLINE std::vector<int> leading_timesteps(int train_timesteps, int steps, int offset) {
  detail::check_timesteps("leading_timesteps", train_timesteps, steps);
  const int stride = train_timesteps / steps;
  const int most = train_timesteps - 1 - stride * (steps - 1);
  detail::require(offset >= 0 && offset <= most, "leading_timesteps: offset = ", offset, "; for ",
                  steps, " steps of ", train_timesteps, " it must lie between 0 and ", most);
  std::vector<int> timesteps;
  for (int i = steps - 1; i >= 0; --i) timesteps.push_back(i * stride + offset);
  return timesteps;
}

DPM_INLINE std::vector<int> trailing_timesteps(int train_timesteps, int steps) {
  detail::check_timesteps("trailing_timesteps", train_timesteps, steps);
  std::vector<int> timesteps;
  for (std::int64_t i = steps; i >= 1; --i) {
    timesteps.push_back(static_cast<int>(detail::divide_half_even(i * train_timesteps, steps)) - 1);
  }
  return timesteps;
}

DPM_INLINE Grid grid_of_timesteps(const AnySchedule& schedule, int train_timesteps,
                                  std::span<const int> timesteps, FinalSigma final) {
  detail::require(train_timesteps >= 1, "grid_of_timesteps: train_timesteps = ", train_timesteps,
                  "; it must be at least 1");
  detail::require(
      final != FinalSigma::zero_instead,
      "grid_of_timesteps: final is FinalSigma::zero_instead; after the last timestep it "
      "must be zero or sigma_min");
  const auto time_of = [&](int timestep) {
    return static_cast<double>(timestep + 1) / train_timesteps;
  };
  return detail::grid_through(schedule, timesteps.size() + 1, [&](std::size_t i) {
    if (i == timesteps.size()) return schedule.level(final == FinalSigma::zero ? 0.0 : time_of(0));
    detail::require(timesteps[i] >= 0 && timesteps[i] < train_timesteps,
                    "grid_of_timesteps: timesteps[", i, "] = ", timesteps[i],
                    "; it must lie between 0 and ", train_timesteps - 1);
    return schedule.level(time_of(timesteps[i]));
  });
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

#endif

}  // namespace dpm
