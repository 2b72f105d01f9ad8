// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The spacing in a power of time.
#pragma once

#include <optional>

#include "dpm/grid/grid.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// Levels equally far apart in time^(1 / power) (Zhang & Chen 2022, arXiv 2204.13902, App. H.3; in
/// their code `ts_order` of the phase "t"). A larger power puts more levels where the noise is low.
/// Power 1 is `UniformTime`, 2 is `QuadraticTime`, and the limit of large powers takes equal steps
/// in log time. It may end at time 0. Start and end as for `UniformTime`.
struct PowerTime {
  double power = 3.0;
  std::optional<double> start = std::nullopt;
  std::optional<double> end = std::nullopt;
};

/// The grid of `steps` intervals with this spacing. Refuses a power that is not positive and
/// finite, and what `make_grid` of `UniformTime` refuses.
[[nodiscard]] Grid make_grid(const PowerTime& spacing, const AnySchedule& schedule, int steps);

}  // namespace dpm

#if DPM_DEFINE

#  include <cmath>
#  include <limits>

#  include "dpm/error.hpp"

namespace dpm {

DPM_INLINE Grid make_grid(const PowerTime& spacing, const AnySchedule& schedule, int steps) {
  const double power = spacing.power;
  detail::require(power > 0.0 && power < std::numeric_limits<double>::infinity(),
                  "PowerTime: power = ", power, "; it must be in (0, inf)");
  const auto [start, end] = detail::time_range(spacing, schedule);
  const double a = std::pow(start, 1.0 / power);
  const double b = std::pow(end, 1.0 / power);
  return detail::make_spaced_grid(schedule, steps, start, end,
                                  [=](double f) { return std::pow(a + (b - a) * f, power); });
}

}  // namespace dpm

#endif
