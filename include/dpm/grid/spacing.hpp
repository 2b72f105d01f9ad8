// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Spacings in powers of time and in lambda, and grids through your own levels.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "dpm/grid/final_sigma.hpp"
#include "dpm/grid/grid.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// Levels equally far apart in time (Song et al. 2021, arXiv 2010.02502, App. D.2, "linear").
///
/// `start` and `end` are times; left out, they are the schedule's last and first time. A start
/// below the last time suits image-to-image; a start below a given end makes a grid for inversion.
/// `final` says whether the end is the last level, or sigma = 0 comes after it; an end at sigma = 0
/// is the last in any case.
struct UniformTime {
  std::optional<double> start = std::nullopt;
  std::optional<double> end = std::nullopt;
  FinalSigma final = FinalSigma::sigma_min;
};

/// Levels equally far apart in the square root of time, so denser where the noise is low
/// (arXiv 2010.02502, App. D.2, "quadratic"). Start, end and final as for `UniformTime`.
struct QuadraticTime {
  std::optional<double> start = std::nullopt;
  std::optional<double> end = std::nullopt;
  FinalSigma final = FinalSigma::sigma_min;
};

/// Levels equally far apart in time^(1 / power) (Zhang & Chen 2022, arXiv 2204.13902, App. H.3; in
/// their code `ts_order` of the phase "t"). A larger power puts more levels where the noise is low.
/// Power 1 is `UniformTime`, 2 is `QuadraticTime`, and the limit of large powers takes equal steps
/// in log time. It may end at time 0. Start, end and final as for `UniformTime`.
struct PowerTime {
  double power = 3.0;
  std::optional<double> start = std::nullopt;
  std::optional<double> end = std::nullopt;
  FinalSigma final = FinalSigma::sigma_min;
};

/// Levels equally far apart in lambda, half the log-SNR: the steps that DPM-Solver takes (arXiv
/// 2206.00927, Sec. 3.3). Start and end, still times, and final as for `UniformTime`; lambda must
/// be finite at start and end, so sigma = 0 and alpha = 0 are refused there.
struct UniformLambda {
  std::optional<double> start = std::nullopt;
  std::optional<double> end = std::nullopt;
  FinalSigma final = FinalSigma::sigma_min;
};

/// The grid of `steps` intervals with the given spacing. Refuses fewer than one step or more than
/// 10,000,000, times that the schedule refuses, an end equal to the start, a start that leaves
/// nothing to do down to an end that is left out, a power that is not positive and finite, and a
/// grid for inversion that shall end at sigma = 0.
[[nodiscard]] Grid make_grid(const UniformTime& spacing, const AnySchedule& schedule, int steps);
[[nodiscard]] Grid make_grid(const QuadraticTime& spacing, const AnySchedule& schedule, int steps);
[[nodiscard]] Grid make_grid(const PowerTime& spacing, const AnySchedule& schedule, int steps);
[[nodiscard]] Grid make_grid(const UniformLambda& spacing, const AnySchedule& schedule, int steps);

/// The grid through your own times, in the order given.
[[nodiscard]] Grid grid_of_times(const AnySchedule& schedule, std::span<const double> times);

/// The grid through your own lambdas, in the order given.
[[nodiscard]] Grid grid_of_lambdas(const AnySchedule& schedule, std::span<const double> lambdas);

#if DPM_DEFINE

namespace detail {

/// The grid over `steps` intervals whose inner times are `time_at(fraction)`; both ends are exact.
template <class TimeAt>
Grid make_spaced_grid(const AnySchedule& schedule, int steps, double start, double end,
                      FinalSigma final, TimeAt time_at) {
  require_grid_steps(steps);
  require(start != end, "make_grid: start and end are both ", start, "; they must differ");
  const Level first = schedule.level(start);
  const Level last = schedule.level(end);
  require(final == FinalSigma::sigma_min || start > end, "make_grid: time rises from ", start,
          " to ", end,
          ", as for an inversion, which cannot go on to sigma = 0; leave final at "
          "FinalSigma::sigma_min");
  const bool clean = std::isinf(last.log_sigma);
  return finish_grid(schedule, steps, clean ? FinalSigma::sigma_min : final, [&](int count) {
    std::vector<Level> levels{first};
    levels.reserve(static_cast<std::size_t>(count));
    for (int i = 1; i < count - 1; ++i) {
      levels.push_back(schedule.level(time_at(i / double(count - 1))));
    }
    if (count > 1) levels.push_back(last);
    return levels;
  });
}

/// Start and end; `default_end` is the end left out. Refuses to go on from a start to a default end
/// that does not lie below it: only who gives an end may mean inversion.
template <class Spacing>
std::pair<double, double> time_range(const Spacing& spacing, const AnySchedule& schedule,
                                     double default_end) {
  const double start = spacing.start.value_or(schedule.last_time());
  const double end = spacing.end.value_or(default_end);
  require(spacing.end || !(start >= 0.0 && start <= end), "make_grid: start = ", start,
          " and no end, so sampling ends at ",
          default_end == schedule.first_time() ? "the schedule's first time " : "time ", end,
          " and there is nothing to do; start above it, or give an end to invert");
  return {start, end};
}

template <class Spacing>
std::pair<double, double> time_range(const Spacing& spacing, const AnySchedule& schedule) {
  return time_range(spacing, schedule, schedule.first_time());
}

/// The grid whose level number i of `count` is `level_of(i)`.
template <class LevelOf>
Grid grid_through(const AnySchedule& schedule, std::size_t count, LevelOf level_of) {
  std::vector<Level> levels;
  levels.reserve(count);
  for (std::size_t i = 0; i < count; ++i) levels.push_back(level_of(i));
  return {schedule, std::move(levels)};
}

}  // namespace detail

DPM_INLINE Grid make_grid(const UniformTime& spacing, const AnySchedule& schedule, int steps) {
  const auto [start, end] = detail::time_range(spacing, schedule);
  return detail::make_spaced_grid(schedule, steps, start, end, spacing.final,
                                  [a = start, b = end](double f) { return a + (b - a) * f; });
}

DPM_INLINE Grid make_grid(const QuadraticTime& spacing, const AnySchedule& schedule, int steps) {
  const auto [start, end] = detail::time_range(spacing, schedule);
  return detail::make_spaced_grid(schedule, steps, start, end, spacing.final,
                                  [a = std::sqrt(start), b = std::sqrt(end)](double f) {
                                    const double root = a + (b - a) * f;
                                    return root * root;
                                  });
}

DPM_INLINE Grid make_grid(const PowerTime& spacing, const AnySchedule& schedule, int steps) {
  const double power = spacing.power;
  detail::require(power > 0.0 && power < std::numeric_limits<double>::infinity(),
                  "PowerTime: power = ", power, "; it must be in (0, inf)");
  const auto [start, end] = detail::time_range(spacing, schedule);
  const double a = std::pow(start, 1.0 / power);
  const double b = std::pow(end, 1.0 / power);
  return detail::make_spaced_grid(schedule, steps, start, end, spacing.final,
                                  [=](double f) { return std::pow(a + (b - a) * f, power); });
}

DPM_INLINE Grid make_grid(const UniformLambda& spacing, const AnySchedule& schedule, int steps) {
  const auto [start, end] = detail::time_range(spacing, schedule);
  const double a = schedule.level(start).lambda();
  const double b = schedule.level(end).lambda();
  detail::require(std::isfinite(a) && std::isfinite(b), "make_grid: lambda runs from ", a, " to ",
                  b,
                  "; uniform lambda needs both to be finite, so end above time 0 and start where "
                  "alpha > 0");
  return detail::make_spaced_grid(schedule, steps, start, end, spacing.final, [&](double f) {
    return schedule.time_of_lambda(a + (b - a) * f);
  });
}

DPM_INLINE Grid grid_of_times(const AnySchedule& schedule, std::span<const double> times) {
  return detail::grid_through(schedule, times.size(),
                              [&](std::size_t i) { return schedule.level(times[i]); });
}

DPM_INLINE Grid grid_of_lambdas(const AnySchedule& schedule, std::span<const double> lambdas) {
  return detail::grid_through(schedule, lambdas.size(),
                              [&](std::size_t i) { return schedule.level_at_lambda(lambdas[i]); });
}

#endif

}  // namespace dpm
