// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What variance-preserving schedules share: levels and times from log alpha.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "dpm/error.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/separate.hpp"

namespace dpm::detail {

void check_time(std::string_view name, double time, double last_time);

/// The time at lambda in [least, +inf], through `schedule.time_of_log_alpha`; `least` is the lambda
/// of the schedule's last time. A lambda past the end by rounding alone is the end: grids are sums
/// and differences of lambdas, so they miss it by a few units in the last place.
template <class Scalar, class Schedule>
double variance_preserving_time(std::string_view name, const Schedule& schedule, double least,
                                double lambda) {
  constexpr double rounding =
      std::max(1e-12, 64.0 * static_cast<double>(std::numeric_limits<Scalar>::epsilon()));
  const double last_time = schedule.last_time();
  require(lambda >= least - rounding * std::max(1.0, std::abs(least)), name,
          ": lambda must be in [", least, ", inf] and is ", lambda);
  if (lambda <= least) return last_time;
  const Scalar log_alpha = variance_preserving_log_alpha(static_cast<Scalar>(lambda));
  return std::min(static_cast<double>(schedule.time_of_log_alpha(log_alpha)), last_time);
}

}  // namespace dpm::detail

#if DPM_DEFINE

namespace dpm::detail {

DPM_INLINE void check_time(std::string_view name, double time, double last_time) {
  require(time >= 0 && time <= last_time, name, ": time must be in [0, ", last_time, "] and is ",
          time);
}

}  // namespace dpm::detail

#endif
