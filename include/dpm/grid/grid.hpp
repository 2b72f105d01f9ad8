// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The levels that a sampler steps through.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// A sequence of levels in strictly decreasing time (sampling) or strictly increasing time
/// (inversion), with their schedule, which gives methods the levels in between.
class Grid {
 public:
  /// Refuses fewer than two levels, and levels whose times or lambdas are not strictly monotone.
  Grid(AnySchedule schedule, std::vector<Level> levels);

  [[nodiscard]] const AnySchedule& schedule() const { return schedule_; }
  [[nodiscard]] std::span<const Level> levels() const;
  /// The number of intervals, one less than the number of levels.
  [[nodiscard]] std::size_t steps() const { return levels_.size() - 1; }
  [[nodiscard]] const Level& operator[](std::size_t i) const { return levels_[i]; }
  [[nodiscard]] const Level& front() const { return levels_.front(); }
  [[nodiscard]] const Level& back() const { return levels_.back(); }

  /// The same levels in the opposite order: the grid of the inversion.
  [[nodiscard]] Grid reversed() const;

  /// The rest of this grid, from level number `first` on.
  [[nodiscard]] Grid from(std::size_t first) const;

  /// This grid with one more level at its end. `grid.then(0.0)` ends at clean data, sigma = 0.
  [[nodiscard]] Grid then(double time) const;

 private:
  AnySchedule schedule_;
  std::vector<Level> levels_;
};

#if DPM_DEFINE

DPM_INLINE Grid::Grid(AnySchedule schedule, std::vector<Level> levels)
    : schedule_(std::move(schedule)), levels_(std::move(levels)) {
  detail::require(levels_.size() >= 2, "Grid: it was given ", levels_.size(),
                  " levels; it must have at least 2");
  const double direction = levels_[1].time < levels_[0].time ? 1.0 : -1.0;
  for (std::size_t i = 1; i < levels_.size(); ++i) {
    const Level& a = levels_[i - 1];
    const Level& b = levels_[i];
    detail::require(
        direction * (a.time - b.time) > 0.0 && direction * (b.lambda() - a.lambda()) > 0.0,
        "Grid: level ", i, " has time ", b.time, " and lambda ", b.lambda(), " after time ", a.time,
        " and lambda ", a.lambda(),
        "; times must be strictly monotone and lambda must run against them");
  }
}

DPM_INLINE std::span<const Level> Grid::levels() const { return levels_; }

DPM_INLINE Grid Grid::reversed() const { return {schedule_, {levels_.rbegin(), levels_.rend()}}; }

DPM_INLINE Grid Grid::from(std::size_t first) const {
  detail::require(first < steps(), "Grid: from level ", first, " of ", levels_.size(),
                  "; at least one step must be left");
  return {schedule_, {levels_.begin() + static_cast<std::ptrdiff_t>(first), levels_.end()}};
}

DPM_INLINE Grid Grid::then(double time) const {
  std::vector<Level> longer = levels_;
  longer.push_back(schedule_.level(time));
  return {schedule_, std::move(longer)};
}

#endif

}  // namespace dpm
