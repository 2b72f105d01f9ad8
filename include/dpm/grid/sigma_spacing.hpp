// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Grids spaced in sigma / alpha, through your own sigmas, and at quantiles of a beta distribution.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>

#include "dpm/grid/spacing.hpp"
#include "dpm/math/beta_quantile.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include "dpm/grid/sigma_scale.hpp"
#endif

namespace dpm {

/// Levels equally far apart in (sigma / alpha)^(1 / rho) (Karras et al. 2022, arXiv 2206.00364,
/// Eq. 5). A larger rho puts more levels where the noise is low; rho = 1 is uniform in sigma /
/// alpha, and the limit of large rho is `UniformLambda`. Start, end, still times, and final are as
/// for `UniformTime`; alpha must not be 0 at the start. EDM goes on to sigma = 0 after the end,
/// `FinalSigma::zero`. (`KarrasSigma` is what ComfyUI makes of it on a flow.)
struct Karras {
  double rho = 7.0;
  std::optional<double> start = std::nullopt;
  std::optional<double> end = std::nullopt;
  FinalSigma final = FinalSigma::sigma_min;
};

/// "Exponential" in other libraries: sigma / alpha in geometric progression.
using Exponential = UniformLambda;

/// Times at the quantiles of a beta distribution: level i of n is at the quantile 1 - i / n of
/// beta(a, b), scaled to [end, start] (Lee et al. 2024, arXiv 2407.12173, Sec. 4). a = b = 0.6 puts
/// more levels near both ends; a = b = 1 is `UniformTime`. Start, end and final as for
/// `UniformTime`.
struct Beta {
  double a = 0.6;
  double b = 0.6;
  std::optional<double> start = std::nullopt;
  std::optional<double> end = std::nullopt;
  FinalSigma final = FinalSigma::sigma_min;
};

/// The grid of `steps` intervals with the given spacing. Refuses parameters out of range, and what
/// `make_grid` of `UniformTime` refuses.
[[nodiscard]] Grid make_grid(const Karras& spacing, const AnySchedule& schedule, int steps);
[[nodiscard]] Grid make_grid(const Beta& spacing, const AnySchedule& schedule, int steps);

/// The grid through your own values of sigma / alpha, strictly monotone; the last may be 0. The
/// values are sigma itself where alpha = 1 (the sigmas of k-diffusion), and sigma / (1 - sigma) for
/// a flow. Published tables are rounded: a value that exceeds the schedule's greatest by less than
/// a thousandth of it counts as the greatest. Refuses greater ones.
[[nodiscard]] Grid grid_of_sigmas(const AnySchedule& schedule, std::span<const double> sigmas);

#if DPM_DEFINE

DPM_INLINE Grid make_grid(const Karras& spacing, const AnySchedule& schedule, int steps) {
  detail::require(spacing.rho > 0.0 && spacing.rho < std::numeric_limits<double>::infinity(),
                  "Karras: rho = ", spacing.rho, "; it must be in (0, inf)");
  const auto [start, end] = detail::time_range(spacing, schedule);
  const auto root = [&](double time) {
    return std::exp(-schedule.level(time).lambda() / spacing.rho);
  };
  const double a = root(start);
  const double b = root(end);
  detail::require(std::isfinite(a) && std::isfinite(b),
                  "Karras: sigma / alpha is infinite at time ", std::isfinite(a) ? end : start,
                  "; start and end where alpha > 0");
  return detail::make_spaced_grid(schedule, steps, start, end, spacing.final, [&](double f) {
    return schedule.time_of_lambda(-spacing.rho * std::log(a + (b - a) * f));
  });
}

DPM_INLINE Grid make_grid(const Beta& spacing, const AnySchedule& schedule, int steps) {
  const auto [start, end] = detail::time_range(spacing, schedule);
  (void)beta_quantile(0.5, spacing.a, spacing.b);  // refuses a and b even where one step needs none
  return detail::make_spaced_grid(
      schedule, steps, start, end, spacing.final, [&, s = start, e = end](double f) {
        return e + (s - e) * beta_quantile(1.0 - f, spacing.a, spacing.b);
      });
}

DPM_INLINE Grid grid_of_sigmas(const AnySchedule& schedule, std::span<const double> sigmas) {
  const detail::SigmaScale over_alpha(schedule, false);
  return detail::grid_through(schedule, sigmas.size(), [&](std::size_t i) {
    return over_alpha.level_at("grid_of_sigmas", i, sigmas[i]);
  });
}

#endif

}  // namespace dpm
