// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The schedule of rectified flow: the straight path between data and noise.
#pragma once

#include <cmath>
#include <limits>

#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// Rectified flow, or flow matching on the straight path (Liu et al. 2023, arXiv 2209.03003; Lipman
/// et al. 2023, arXiv 2210.02747): alpha = 1 - sigma, with time shifted towards noise,
///
///     sigma(t) = shift t / (1 + (shift - 1) t)
///
/// (Esser et al. 2024, arXiv 2403.03206, Sec. 5.3.2, "timestep shift"). With shift = 1, sigma = t.
/// The models of this kind predict `Prediction::flow`, epsilon - x_0, and are given
/// `timestep_scale` times sigma as their time.
///
/// Both ends are singular and legal: sigma = 0 at t = 0 and alpha = 0 at t = 1. A run starts from
/// standard normal noise at t = 1, which needs a method in data space (the default of `DpmSolver`),
/// and by default ends at t = 0, where a flow is defined, unlike a noise prediction.
class RectifiedFlow {
 public:
  /// 0 < shift; 0 < timestep_scale; both finite.
  explicit RectifiedFlow(double shift = 1.0, double timestep_scale = 1000.0)
      : shift_(shift), timestep_scale_(timestep_scale) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    detail::require(shift > 0.0 && shift < infinity,
                    "RectifiedFlow: shift must be in (0, inf) and is ", shift);
    detail::require(timestep_scale > 0.0 && timestep_scale < infinity,
                    "RectifiedFlow: timestep_scale must be in (0, inf) and is ", timestep_scale);
  }

  [[nodiscard]] double first_time() const { return 0.0; }
  [[nodiscard]] double last_time() const { return 1.0; }

  /// The level at time t in [0, 1]. alpha = (1 - t) / (1 + (shift - 1) t) loses no digits near 1.
  [[nodiscard]] Level level(double time) const {
    detail::check_time("RectifiedFlow", time, 1.0);
    const double norm = (1.0 - time) + shift_ * time;
    const double alpha = (1.0 - time) / norm;
    const double sigma = shift_ * time / norm;
    return {.time = time,
            .log_alpha = sigma < 0.5 ? std::log1p(-sigma) : std::log(alpha),
            .log_sigma = alpha < 0.5 ? std::log1p(-alpha) : std::log(sigma),
            .timestep = timestep_scale_ * sigma};
  }

  /// The time at lambda in [-inf, +inf]: t / (1 - t) = e^(-lambda) / shift.
  [[nodiscard]] double time_of_lambda(double lambda) const {
    detail::require(!std::isnan(lambda), "RectifiedFlow: lambda is nan; it must be a number");
    return 1.0 / (1.0 + shift_ * std::exp(lambda));
  }

  /// How fast the level changes at time t in (0, 1).
  [[nodiscard]] LevelRate rate(double time) const {
    detail::check_time("RectifiedFlow", time, 1.0);
    const double norm = (1.0 - time) + shift_ * time;
    return {-shift_ / ((1.0 - time) * norm), 1.0 / (time * norm)};
  }

 private:
  double shift_;
  double timestep_scale_;
};

#if !DPM_DEFINE
extern template AnySchedule::AnySchedule(RectifiedFlow);
#endif

}  // namespace dpm
