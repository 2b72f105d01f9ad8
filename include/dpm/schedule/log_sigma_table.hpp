// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A table of noise levels as k-diffusion reads it: log(sigma / alpha) is linear between entries.
#pragma once

#include <cstddef>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <algorithm>
#  include <cmath>
#  include <functional>

#  include "dpm/schedule/variance_preserving.hpp"
#endif

namespace dpm {

/// The variance-preserving schedule through the entries of another schedule's table, with
/// log(sigma / alpha), which is -lambda, linear between entries, as in the `DiscreteSchedule` of
/// k-diffusion and in the programs built on it. (`dpm::DiscreteSchedule` has log alpha linear
/// there, as the code of DPM-Solver has. At the entries the two are equal.) Entry i of N belongs to
/// time (i + 1) / N and to timestep i.
///
/// Beyond the table the process goes on and the timestep stays: above the last entry lambda falls
/// with slope 1 in time, below the first one sigma / alpha is linear in time, down to 0.
class LogSigmaTable {
 public:
  /// Refuses a schedule that has no table, or one of fewer than two entries. A table that ends in
  /// pure noise, alpha = 0, is cut at alpha^2 = 4.9e-8, as those programs do.
  explicit LogSigmaTable(const AnySchedule& schedule);

  /// N, the number of entries.
  [[nodiscard]] std::size_t size() const { return lambdas_.size(); }
  [[nodiscard]] double first_time() const { return 1.0 / static_cast<double>(size()); }
  [[nodiscard]] double last_time() const { return 1.0; }

  /// The level at time t >= 0.
  [[nodiscard]] Level level(double time) const;
  /// The time at any lambda, +inf included.
  [[nodiscard]] double time_of_lambda(double lambda) const;
  /// How fast the level changes at time t > 0; at an entry, just before it.
  [[nodiscard]] LevelRate rate(double time) const;

  /// sigma / alpha at a timestep in [0, N - 1], which need not be whole.
  [[nodiscard]] double sigma_at(double timestep) const;

 private:
  [[nodiscard]] double lambda_at(double timestep) const;

  std::vector<double> lambdas_;  // of the entries, falling
};

#if DPM_DEFINE

DPM_INLINE LogSigmaTable::LogSigmaTable(const AnySchedule& schedule) {
  const std::size_t n = schedule.size();
  detail::require(n >= 2, "LogSigmaTable: the schedule has ", n,
                  " table entries; it must have at least 2, as a DiscreteSchedule has");
  for (std::size_t i = 0; i < n; ++i) {
    lambdas_.push_back(
        schedule.level(static_cast<double>(i + 1) / static_cast<double>(n)).lambda());
  }
  // ComfyUI and A1111 put this number in place of the last entry of a zero-SNR table.
  constexpr double least_alpha_cumprod = 4.8973451890853435e-08;
  if (std::isinf(lambdas_.back())) {
    lambdas_.back() = 0.5 * (std::log(least_alpha_cumprod) - std::log1p(-least_alpha_cumprod));
  }
}

DPM_INLINE double LogSigmaTable::lambda_at(double timestep) const {
  const auto below = std::min(static_cast<std::size_t>(timestep), size() - 2);
  return std::lerp(lambdas_[below], lambdas_[below + 1], timestep - static_cast<double>(below));
}

DPM_INLINE double LogSigmaTable::sigma_at(double timestep) const {
  detail::require(timestep >= 0.0 && timestep <= static_cast<double>(size() - 1),
                  "LogSigmaTable: timestep = ", timestep, "; it must lie between 0 and ",
                  size() - 1);
  return std::exp(-lambda_at(timestep));
}

DPM_INLINE Level LogSigmaTable::level(double time) const {
  detail::require(time >= 0.0 && std::isfinite(time), "LogSigmaTable: time = ", time,
                  "; it must be finite and at least 0");
  const auto n = static_cast<double>(size());
  const double timestep = std::clamp(time * n - 1.0, 0.0, n - 1.0);
  double lambda = lambda_at(timestep);
  if (time < first_time()) lambda -= std::log(time * n);
  if (time > 1.0) lambda -= time - 1.0;
  // log alpha = -log(1 + e^(-2 lambda)) / 2, arranged so that the exponential cannot overflow.
  const double log_alpha = lambda >= 0.0 ? -0.5 * std::log1p(std::exp(-2.0 * lambda))
                                         : lambda - 0.5 * std::log1p(std::exp(2.0 * lambda));
  return detail::variance_preserving_level(time, log_alpha, timestep);
}

DPM_INLINE double LogSigmaTable::time_of_lambda(double lambda) const {
  detail::require(!std::isnan(lambda), "LogSigmaTable: lambda is nan; it must be a number");
  const auto n = static_cast<double>(size());
  if (lambda >= lambdas_.front()) return std::exp(lambdas_.front() - lambda) / n;
  if (lambda <= lambdas_.back()) return 1.0 + (lambdas_.back() - lambda);
  const auto above = std::lower_bound(lambdas_.begin(), lambdas_.end(), lambda, std::greater<>());
  const auto below = above - 1;
  const double fraction = (*below - lambda) / (*below - *above);
  return (static_cast<double>(above - lambdas_.begin()) + fraction) / n;
}

DPM_INLINE LevelRate LogSigmaTable::rate(double time) const {
  const Level at = level(time);
  const auto n = static_cast<double>(size());
  double lambda_rate = -1.0;
  if (time <= first_time()) {
    lambda_rate = -1.0 / time;
  } else if (time <= 1.0) {
    const auto cell = static_cast<std::size_t>(std::ceil(time * n)) - 1;
    lambda_rate = n * (lambdas_[cell] - lambdas_[cell - 1]);
  }
  // d log alpha / d lambda = sigma^2 where alpha^2 + sigma^2 = 1.
  const double sigma = at.sigma();
  return detail::variance_preserving_rate(at, sigma * sigma * lambda_rate);
}

#endif

}  // namespace dpm
