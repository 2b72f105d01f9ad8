// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Noise schedules that diffusers' classes have and the library has not.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <utility>

#include "dpm/interop/diffusers/table.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/schedule/noise_schedule.hpp"

namespace dpm::diffusers {

/// The process of EulerDiscrete, HeunDiscrete and their like: x = x_0 + sigma epsilon, the model
/// given x over sqrt(1 + sigma^2) and the table's timestep of sigma. Its time is sigma.
class SigmaSchedule {
 public:
  /// Up to the table's largest sigma, or to `sigma_max` if that is larger.
  explicit SigmaSchedule(detail::Table table, double sigma_max = 0.0)
      : table_(std::move(table)), sigma_max_(std::max(sigma_max, table_.sigma_max())) {}

  [[nodiscard]] double first_time() const { return table_.sigma_min(); }
  [[nodiscard]] double last_time() const { return sigma_max_; }
  /// The level at sigma >= 0.
  [[nodiscard]] Level level(double sigma) const {
    dpm::detail::require(sigma >= 0.0 && sigma < std::numeric_limits<double>::infinity(),
                         "SigmaSchedule: time, which is sigma, is ", sigma,
                         "; it must be finite and at least 0");
    return {.time = sigma,
            .log_sigma = std::log(sigma),
            .timestep = table_.timestep_of(sigma),
            .data_stddev = 1.0};
  }
  [[nodiscard]] double time_of_lambda(double lambda) const { return std::exp(-lambda); }
  [[nodiscard]] LevelRate rate(double sigma) const { return {0.0, 1.0 / sigma}; }

 private:
  detail::Table table_;
  double sigma_max_;
};

/// Another schedule whose model is given timesteps of its own.
class WithTimesteps {
 public:
  WithTimesteps(AnySchedule schedule, std::function<double(const Level&)> timestep_of)
      : schedule_(std::move(schedule)), timestep_of_(std::move(timestep_of)) {}

  [[nodiscard]] double first_time() const { return schedule_.first_time(); }
  [[nodiscard]] double last_time() const { return schedule_.last_time(); }
  [[nodiscard]] Level level(double time) const {
    Level level = schedule_.level(time);
    level.timestep = timestep_of_(level);
    return level;
  }
  [[nodiscard]] double time_of_lambda(double lambda) const {
    return schedule_.time_of_lambda(lambda);
  }
  [[nodiscard]] LevelRate rate(double time) const { return schedule_.rate(time); }

 private:
  AnySchedule schedule_;
  std::function<double(const Level&)> timestep_of_;
};

/// IPNDM's process: alpha = cos(pi t / 2) and sigma = sin(pi t / 2), with t as the timestep.
class AngleSchedule {
 public:
  [[nodiscard]] double first_time() const { return 0.0; }
  [[nodiscard]] double last_time() const { return 1.0; }
  [[nodiscard]] Level level(double time) const {
    // As the sine of the angle left, so that alpha is 0 at t = 1.
    return {.time = time,
            .log_alpha = std::log(std::sin(quarter * (1.0 - time))),
            .log_sigma = std::log(std::sin(quarter * time)),
            .timestep = time};
  }
  [[nodiscard]] double time_of_lambda(double lambda) const {
    return std::atan(std::exp(-lambda)) / quarter;
  }
  [[nodiscard]] LevelRate rate(double time) const {
    const double tangent = std::tan(quarter * time);
    return {-quarter * tangent, quarter / tangent};
  }

 private:
  static constexpr double quarter = std::numbers::pi / 2.0;
};

/// DDPMWuerstchen's process: alpha^2 = cos^2(pi / 2 (u + s) / (1 + s)) / cos^2(pi / 2 s / (1 + s)),
/// kept between 1e-4 and 0.9999, where u = t^scaler, or 1 - (1 - t)^scaler if scaler > 1. The
/// timestep is t.
class WuerstchenSchedule {
 public:
  WuerstchenSchedule(double scaler, double s) : scaler_(scaler), s_(s) {}

  [[nodiscard]] double first_time() const { return time_of_cumprod(most); }
  [[nodiscard]] double last_time() const { return time_of_cumprod(least); }
  [[nodiscard]] Level level(double time) const {
    const double cosine = std::cos(angle_of(time)) / std::cos(angle_of(0.0));
    const double cumprod = std::clamp(cosine * cosine, least, most);
    return {.time = time,
            .log_alpha = 0.5 * std::log(cumprod),
            .log_sigma = 0.5 * std::log1p(-cumprod),
            .timestep = time};
  }
  [[nodiscard]] double time_of_lambda(double lambda) const {
    return time_of_cumprod(std::clamp(1.0 / (1.0 + std::exp(-2.0 * lambda)), least, most));
  }
  [[nodiscard]] LevelRate rate(double time) const {
    const double left = 1.0 - time;
    const double speed = scaler_ > 1.0 ? scaler_ * std::pow(left, scaler_ - 1.0)
                                       : scaler_ * std::pow(time, scaler_ - 1.0);
    const double d_log_alpha = -std::tan(angle_of(time)) * quarter / (1.0 + s_) * speed;
    const double cumprod = std::exp(2.0 * level(time).log_alpha);
    return {d_log_alpha, -d_log_alpha * cumprod / (1.0 - cumprod)};
  }

 private:
  static constexpr double quarter = std::numbers::pi / 2.0;
  static constexpr double least = 0.0001;
  static constexpr double most = 0.9999;

  [[nodiscard]] double angle_of(double time) const {
    const double u = scaler_ > 1.0 ? 1.0 - std::pow(1.0 - time, scaler_) : std::pow(time, scaler_);
    return quarter * (u + s_) / (1.0 + s_);
  }
  [[nodiscard]] double time_of_cumprod(double cumprod) const {
    const double angle = std::acos(std::sqrt(cumprod) * std::cos(angle_of(0.0)));
    const double u = std::clamp(angle / quarter * (1.0 + s_) - s_, 0.0, 1.0);
    return scaler_ > 1.0 ? 1.0 - std::pow(1.0 - u, 1.0 / scaler_) : std::pow(u, 1.0 / scaler_);
  }

  double scaler_;
  double s_;
};

}  // namespace dpm::diffusers
