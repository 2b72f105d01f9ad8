// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Levels, rates and times of variance-preserving schedules, alpha^2 + sigma^2 = 1.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "dpm/error.hpp"
#include "dpm/schedule/level.hpp"

namespace dpm::detail {

/// The rate at a level with alpha^2 + sigma^2 = 1, where alpha^2 d log alpha = -sigma^2 d log
/// sigma.
inline LevelRate variance_preserving_rate(const Level& level, double d_log_alpha) {
  // At alpha = 0 log alpha falls infinitely fast, and sigma not at all.
  const double ratio = std::exp(2.0 * level.lambda());
  return {d_log_alpha, ratio == 0.0 ? 0.0 : -ratio * d_log_alpha};
}

/// The level with alpha^2 + sigma^2 = 1 and the given log alpha <= 0. No digits are lost at either
/// end: log sigma = log(1 - e^(2 log alpha)) / 2 through expm1 near 0 and log1p far from it.
inline Level variance_preserving_level(double time, double log_alpha, double timestep) {
  constexpr double log_half = -0.6931471805599453;
  const double log_variance = 2.0 * log_alpha > log_half ? std::log(-std::expm1(2.0 * log_alpha))
                                                         : std::log1p(-std::exp(2.0 * log_alpha));
  return {time, log_alpha, 0.5 * log_variance, timestep};
}

/// The time at lambda in [least, +inf], through `schedule.time_of_log_alpha`; `least` is the lambda
/// of the schedule's last time. A lambda below it by rounding alone counts as `least`, because
/// grids compute lambdas by sums and differences.
template <class Scalar, class Schedule>
double variance_preserving_time(std::string_view name, const Schedule& schedule, double least,
                                double lambda) {
  constexpr double rounding =
      std::max(1e-12, 64.0 * static_cast<double>(std::numeric_limits<Scalar>::epsilon()));
  const double last_time = schedule.last_time();
  require(lambda >= least - rounding * std::max(1.0, std::abs(least)), name,
          ": lambda must be in [", least, ", inf] and is ", lambda);
  if (lambda <= least) return last_time;
  const auto l = static_cast<Scalar>(lambda);
  // -log(1 + e^(-2 l)) / 2, arranged so that the exponential cannot overflow.
  const Scalar log_alpha =
      l >= 0 ? -std::log1p(std::exp(-2 * l)) / 2 : l - std::log1p(std::exp(2 * l)) / 2;
  return std::min(static_cast<double>(schedule.time_of_log_alpha(log_alpha)), last_time);
}

}  // namespace dpm::detail
