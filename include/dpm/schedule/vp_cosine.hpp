// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The variance-preserving schedule whose alpha is a cosine in time.
#pragma once

#include <cmath>
#include <concepts>
#include <numbers>

#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/schedule/variance_preserving.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// The cosine schedule (Nichol & Dhariwal 2021, arXiv 2102.09672, Eq. 17):
///
///     alpha(t) = cos((t + s) / (1 + s) pi/2) / cos(s / (1 + s) pi/2),     alpha^2 + sigma^2 = 1.
///
/// alpha is 0 at t = 1, so sampling usually starts a little earlier: 0.9946 is the choice of Lu et
/// al. 2022 (arXiv 2206.00927, App. D.4). Any last time up to 1 itself is allowed.
///
/// The model is given t itself. `Scalar` is the type the closed forms are evaluated in.
template <std::floating_point Scalar = double>
class VpCosine {
 public:
  /// 0 < s <= 1; 0 <= first_time < last_time <= 1. By default sampling runs from the last time to
  /// the first; the domain is [0, last_time].
  explicit VpCosine(double s = 0.008, double last_time = 0.9946, double first_time = 1e-3)
      : first_time_(first_time),
        last_time_(last_time),
        angle_per_time_(std::numbers::pi_v<Scalar> / 2 / (1 + static_cast<Scalar>(s))),
        tan_start_(std::tan(static_cast<Scalar>(s) * angle_per_time_)),
        cos_start_(std::cos(static_cast<Scalar>(s) * angle_per_time_)) {
    detail::require(s > 0 && s <= 1, "VpCosine: s must be in (0, 1] and is ", s);
    detail::require(last_time > 0 && last_time <= 1,
                    "VpCosine: last_time must be in (0, 1] and is ", last_time);
    detail::require(first_time >= 0 && first_time < last_time,
                    "VpCosine: first_time must be in [0, ", last_time, ") and is ", first_time);
  }

  [[nodiscard]] double first_time() const { return first_time_; }
  [[nodiscard]] double last_time() const { return last_time_; }

  /// The level at time t in [0, last_time].
  [[nodiscard]] Level level(double time) const {
    detail::check_time("VpCosine", time, last_time_);
    return detail::variance_preserving_level(
        time, static_cast<double>(log_alpha(static_cast<Scalar>(time))), time);
  }

  /// The time at lambda in [lambda(last_time), +inf]; a lambda past the end by rounding alone is
  /// the end.
  [[nodiscard]] double time_of_lambda(double lambda) const {
    return detail::variance_preserving_time<Scalar>("VpCosine", *this, level(last_time_).lambda(),
                                                    lambda);
  }

  /// How fast the level changes at time t in (0, last_time].
  [[nodiscard]] LevelRate rate(double time) const {
    const auto angle_left = static_cast<double>((1 - static_cast<Scalar>(time)) * angle_per_time_);
    const double d_log_alpha = -static_cast<double>(angle_per_time_) / std::tan(angle_left);
    return detail::variance_preserving_rate(level(time), d_log_alpha);
  }

  /// log alpha at time t in [0, 1], which is not checked. The early half goes through 1 - alpha,
  /// the late half through the angle left to pi/2, so that neither end loses digits.
  [[nodiscard]] Scalar log_alpha(Scalar time) const {
    if (2 * time > 1) return std::log(std::sin((1 - time) * angle_per_time_) / cos_start_);
    const Scalar angle = time * angle_per_time_;
    const Scalar half_sine = std::sin(angle / 2);
    return std::log1p(-(2 * half_sine * half_sine + tan_start_ * std::sin(angle)));
  }

  /// The inverse of `log_alpha`. With v = 1 - alpha and w the tangent of half the angle since t =
  /// 0, (2 - v) w^2 + 2 tan(start) w = v; this is the root that does not cancel.
  [[nodiscard]] Scalar time_of_log_alpha(Scalar log_alpha) const {
    const Scalar v = -std::expm1(log_alpha);
    const Scalar w = v / (tan_start_ + std::sqrt(tan_start_ * tan_start_ + v * (2 - v)));
    return 2 * std::atan(w) / angle_per_time_;
  }

 private:
  double first_time_;
  double last_time_;
  Scalar angle_per_time_;
  Scalar tan_start_;  // of the angle at t = 0
  Scalar cos_start_;
};

#if !DPM_DEFINE
extern template AnySchedule::AnySchedule(VpCosine<double>);
#endif

}  // namespace dpm
