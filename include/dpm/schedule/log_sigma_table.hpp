// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A table of noise levels as k-diffusion reads it: log(sigma / alpha) is linear between entries.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/schedule/discrete.hpp"
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
/// time (i + 1) / N and to timestep i; between entries the timestep is the real number in between,
/// or, with `TimestepType::discrete`, the nearest entry, which is what ComfyUI gives the network.
///
/// Beyond the table the process goes on and the timestep stays: above the last entry lambda falls
/// with slope 1 in time, below the first one sigma / alpha is linear in time, down to 0.
class LogSigmaTable {
 public:
  /// Refuses a schedule that has no table, one of fewer than two entries, and entries whose lambda
  /// does not fall. The last entry of a table that ends in pure noise, alpha = 0, becomes alpha^2 =
  /// 4.9e-8, as in those programs.
  explicit LogSigmaTable(const AnySchedule& schedule, TimestepType type = TimestepType::continuous);

  /// N, the number of entries.
  [[nodiscard]] std::size_t size() const { return lambdas_.size(); }
  [[nodiscard]] double first_time() const { return 1.0 / static_cast<double>(size()); }
  [[nodiscard]] double last_time() const { return 1.0; }
  [[nodiscard]] double max_time() const { return std::numeric_limits<double>::max(); }

  /// The level at time t in [0, max_time()].
  [[nodiscard]] Level level(double time) const;
  /// The time at lambda in (-inf, +inf].
  [[nodiscard]] double time_of_lambda(double lambda) const;
  /// How fast the level changes at time t > 0; at an entry, just before it.
  [[nodiscard]] LevelRate rate(double time) const;

  /// sigma / alpha at a timestep in [0, N - 1], which need not be whole.
  [[nodiscard]] double sigma_at(double timestep) const;

 private:
  [[nodiscard]] double lambda_at(double timestep) const;

  std::vector<double> lambdas_;  // of the entries, falling
  TimestepType timestep_type_;
};

#if !DPM_DEFINE
extern template AnySchedule::AnySchedule(LogSigmaTable);
#endif

#if DPM_DEFINE

DPM_INLINE LogSigmaTable::LogSigmaTable(const AnySchedule& schedule, TimestepType type)
    : timestep_type_(type) {
  const std::size_t n = schedule.size();
  detail::require(n >= 2, "LogSigmaTable: the schedule has ", n,
                  " table entries; it must have at least 2, as a DiscreteSchedule has");
  for (std::size_t i = 0; i < n; ++i) {
    lambdas_.push_back(
        schedule.level(static_cast<double>(i + 1) / static_cast<double>(n)).lambda());
  }
  // ComfyUI and A1111 put this number in place of the last entry of a zero-SNR table.
  constexpr double least_alpha_cumprod = 4.8973451890853435e-08;
  const bool pure_noise = std::isinf(lambdas_.back());
  if (pure_noise) {
    lambdas_.back() = 0.5 * (std::log(least_alpha_cumprod) - std::log1p(-least_alpha_cumprod));
  }
  for (std::size_t i = 1; i < n; ++i) {
    detail::require(lambdas_[i] < lambdas_[i - 1], "LogSigmaTable: lambda is ", lambdas_[i],
                    " at entry ", i, " after ", lambdas_[i - 1], "; it must fall",
                    pure_noise
                        ? ", and of a table that ends in pure noise the last is set to -8.42; "
                          "take the schedule itself"
                        : "");
  }
}

DPM_INLINE double LogSigmaTable::lambda_at(double timestep) const {
  const auto below = std::min(static_cast<std::size_t>(timestep), size() - 2);
  return std::lerp(lambdas_[below], lambdas_[below + 1], timestep - static_cast<double>(below));
}

DPM_INLINE double LogSigmaTable::sigma_at(double timestep) const {
  detail::require(timestep >= 0.0 && timestep <= static_cast<double>(size() - 1),
                  "LogSigmaTable: timestep must be in [0, ", size() - 1, "] and is ", timestep);
  return std::exp(-lambda_at(timestep));
}

DPM_INLINE Level LogSigmaTable::level(double time) const {
  detail::require(time >= 0.0 && std::isfinite(time),
                  "LogSigmaTable: time must be in [0, inf) and is ", time);
  const auto n = static_cast<double>(size());
  const double timestep = std::clamp(time * n - 1.0, 0.0, n - 1.0);
  double lambda = lambda_at(timestep);
  if (time < first_time()) lambda -= std::log(time * n);
  if (time > 1.0) lambda -= time - 1.0;
  // alpha^2 = 1 / (1 + e^(-2 lambda)), sigma^2 = 1 / (1 + e^(2 lambda)): the greater of the two
  // from an exponential that cannot overflow, the other from lambda.
  const double log_greater = -0.5 * std::log1p(std::exp(-2.0 * std::abs(lambda)));
  return {.time = time,
          .log_alpha = lambda >= 0.0 ? log_greater : log_greater + lambda,
          .log_sigma = lambda >= 0.0 ? log_greater - lambda : log_greater,
          .timestep = timestep_type_ == TimestepType::discrete ? std::round(timestep) : timestep};
}

DPM_INLINE double LogSigmaTable::time_of_lambda(double lambda) const {
  detail::require(lambda > -std::numeric_limits<double>::infinity(),
                  "LogSigmaTable: lambda must be in (-inf, inf] and is ", lambda);
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
    const double nearest = std::round(time * n);
    const double end = nearest / n == time ? nearest : std::ceil(time * n);
    const auto entry = std::max(static_cast<std::size_t>(end), std::size_t{2}) - 1;
    lambda_rate = n * (lambdas_[entry] - lambdas_[entry - 1]);
  }
  // d log alpha / d lambda = sigma^2 where alpha^2 + sigma^2 = 1.
  const double sigma = at.sigma();
  return detail::variance_preserving_rate(at, sigma * sigma * lambda_rate);
}

#endif

}  // namespace dpm
