// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Every kind of schedule that grids are made over, and what holds for each grid.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "dpm/grid/grid.hpp"
#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/log_sigma_table.hpp"
#include "dpm/schedule/variance_preserving.hpp"
#include "dpm/schedule/vp_cosine.hpp"
#include "dpm/schedule/vp_linear.hpp"
#include "support/catch.hpp"

namespace dpm_test {

/// A user's own schedule on [0, 80], alpha = 1 / sqrt(1 + t^2), so that lambda = -log t. It looks
/// at no argument, so that what is refused is refused by the grid.
struct InverseTime {
  [[nodiscard]] dpm::Level level(double time) const {
    return dpm::detail::variance_preserving_level(time, -std::log1p(time * time) / 2, 10 * time);
  }
  [[nodiscard]] double time_of_lambda(double lambda) const { return std::exp(-lambda); }
  [[nodiscard]] double first_time() const { return 0.01; }
  [[nodiscard]] double last_time() const { return 80.0; }
};

/// Every kind of schedule, and one that has been wrapped twice.
struct NamedSchedule {
  std::string name;
  dpm::AnySchedule schedule;
};

inline std::vector<NamedSchedule> schedules() {
  return {{"VpLinear", dpm::VpLinear()},
          {"VpCosine", dpm::VpCosine()},
          {"DiscreteSchedule", dpm::DiscreteSchedule(dpm::linear_betas(1000))},
          {"LogSigmaTable", dpm::LogSigmaTable(dpm::DiscreteSchedule(dpm::linear_betas(1000)))},
          {"AnySchedule", dpm::AnySchedule(dpm::AnySchedule(dpm::VpLinear()))},
          {"a user's own", InverseTime()}};
}

/// Every level is the schedule's, and they run one way.
inline void require_consistent(const dpm::Grid& grid, const dpm::AnySchedule& schedule,
                               std::size_t steps) {
  REQUIRE(grid.steps() == steps);
  REQUIRE(grid.levels().size() == steps + 1);
  const bool inverts = grid.front().time < grid.back().time;
  for (std::size_t i = 0; i <= steps; ++i) {
    REQUIRE(grid[i] == schedule.level(grid[i].time));
    REQUIRE(grid.schedule().level(grid[i].time) == grid[i]);
    if (i > 0) REQUIRE((grid[i - 1].time < grid[i].time) == inverts);
    if (i > 0) REQUIRE((grid[i - 1].lambda() > grid[i].lambda()) == inverts);
  }
}

}  // namespace dpm_test
