// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The number that k-diffusion and the programs built on it call sigma.
#pragma once

#include <cstddef>

#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <cmath>
#  include <utility>
#endif

namespace dpm::detail {

/// Whether alpha + sigma = 1, as on the straight path of a flow.
[[nodiscard]] bool is_flow(const AnySchedule& schedule);

/// What k-diffusion and the programs built on it call sigma: sigma / alpha, but on a flow sigma
/// itself.
class SigmaScale {
 public:
  explicit SigmaScale(const AnySchedule& schedule) : SigmaScale(schedule, is_flow(schedule)) {}
  SigmaScale(AnySchedule schedule, bool flow);

  [[nodiscard]] const AnySchedule& schedule() const { return schedule_; }
  [[nodiscard]] bool flow() const { return flow_; }
  /// The logarithm of the number at a time.
  [[nodiscard]] double log_at(double time) const;
  /// The time at a logarithm.
  [[nodiscard]] double time_of_log(double log_sigma) const;
  /// The level at entry `i` of a list whose maker is `name`. A number that exceeds the schedule's
  /// greatest by less than a thousandth is a rounded one, and counts as the greatest.
  [[nodiscard]] Level level_at(const char* name, std::size_t i, double sigma) const;

  /// The time of the least number that a curve goes down to: the schedule's first time, but on a
  /// flow, whose first time is sigma = 0, a thousandth: the first entry of its table in ComfyUI.
  [[nodiscard]] double first_time() const {
    return flow_ ? 0.001 * schedule_.last_time() : schedule_.first_time();
  }

 private:
  AnySchedule schedule_;
  bool flow_;
  double greatest_;
};

#if DPM_DEFINE

DPM_INLINE bool is_flow(const AnySchedule& schedule) {
  return is_on_flow(schedule.level(0.5 * schedule.last_time()));
}

DPM_INLINE SigmaScale::SigmaScale(AnySchedule schedule, bool flow)
    : schedule_(std::move(schedule)),
      flow_(flow),
      greatest_(std::exp(log_at(schedule_.last_time()))) {}

DPM_INLINE double SigmaScale::log_at(double time) const {
  const Level level = schedule_.level(time);
  return flow_ ? level.log_sigma : -level.lambda();
}

DPM_INLINE double SigmaScale::time_of_log(double log_sigma) const {
  return schedule_.time_of_lambda(flow_ ? std::log1p(-std::exp(log_sigma)) - log_sigma
                                        : -log_sigma);
}

DPM_INLINE Level SigmaScale::level_at(const char* name, std::size_t i, double sigma) const {
  require(sigma >= 0.0, name, ": sigmas[", i, "] = ", sigma, "; it must be at least 0");
  if (sigma > greatest_ && (flow_ || schedule_.max_time() <= schedule_.last_time())) {
    require(sigma <= 1.001 * greatest_, name, ": sigmas[", i, "] = ", sigma, "; the greatest ",
            flow_ ? "sigma" : "sigma / alpha", " of the schedule is ",
            static_cast<float>(greatest_));
    return schedule_.level(schedule_.last_time());
  }
  return schedule_.level(time_of_log(std::log(sigma)));
}

#endif

}  // namespace dpm::detail
