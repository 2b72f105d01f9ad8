// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The schedule of a model that was trained on a table of noise variances.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/schedule/variance_preserving.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// What a model trained on N betas is given as its time.
enum class TimestepType {
  /// 1000 (t - 1/N), at least 0: the real number that falls on 0 ... 999 at the table's times when
  /// N = 1000 (Lu et al. 2022, arXiv 2206.00927, App. D.2).
  continuous,
  /// The nearest index into the table, 0 ... N - 1.
  discrete,
};

/// The continuous-time schedule through a table of N noise variances (Lu et al. 2022, arXiv
/// 2206.00927, App. D.2 and D.4). Entry i of the table belongs to time (i + 1) / N:
///
///     log alpha((i + 1) / N) = sum over j <= i of log(1 - beta_j) / 2,     log alpha(0) = 0,
///
/// with log alpha linear between these times, and alpha^2 + sigma^2 = 1. A table may end in pure
/// noise (last beta 1: alpha = 0, log alpha = -inf); in that last cell alpha itself is linear.
///
/// Holds N + 1 numbers. `Scalar` is the type of the table and of the arithmetic on it.
template <std::floating_point Scalar = double>
class DiscreteSchedule {
 public:
  /// From the variances beta_i, each in (0, 1); the last may be 1.
  explicit DiscreteSchedule(std::span<const Scalar> betas,
                            TimestepType type = TimestepType::continuous)
      : DiscreteSchedule(type, sum_betas(betas)) {}

  /// From the cumulative products of 1 - beta: strictly decreasing in (0, 1); the last may be 0.
  [[nodiscard]] static DiscreteSchedule from_alphas_cumprod(
      std::span<const Scalar> alphas_cumprod, TimestepType type = TimestepType::continuous) {
    detail::require(!alphas_cumprod.empty(), "alphas_cumprod must not be empty");
    std::vector<Scalar> log_alphas{0};
    log_alphas.reserve(alphas_cumprod.size() + 1);
    Scalar before = 1;
    for (std::size_t i = 0; i < alphas_cumprod.size(); ++i) {
      const Scalar entry = alphas_cumprod[i];
      const bool last = i + 1 == alphas_cumprod.size();
      detail::require(entry < before && (entry > 0 || (last && entry == 0)), "alphas_cumprod[", i,
                      "] must be in ", last ? "[" : "(", "0, ", before, ") and is ", entry);
      log_alphas.push_back(std::log(entry) / 2);
      before = entry;
    }
    return {type, std::move(log_alphas)};
  }

  /// N, the number of table entries.
  [[nodiscard]] std::size_t size() const { return log_alphas_.size() - 1; }

  /// The time of table entry `index` < N: (index + 1) / N.
  [[nodiscard]] double time_of_index(std::size_t index) const {
    detail::require(index < size(), "DiscreteSchedule: index must be less than ", size(),
                    " and is ", index);
    return static_cast<double>(index + 1) / count();
  }

  /// The time of the table's first entry, 1/N.
  [[nodiscard]] double first_time() const { return 1.0 / count(); }
  [[nodiscard]] double last_time() const { return 1.0; }

  /// The level at time t in [0, 1]. Cost: O(1).
  [[nodiscard]] Level level(double time) const {
    detail::check_time("DiscreteSchedule", time, 1.0);
    return detail::variance_preserving_level(
        time, static_cast<double>(log_alpha(static_cast<Scalar>(time))), timestep(time));
  }

  /// The time at lambda in [lambda(1), +inf]; a lambda past the end by rounding alone is the end.
  /// Cost: O(log N).
  [[nodiscard]] double time_of_lambda(double lambda) const {
    return detail::variance_preserving_time<Scalar>("DiscreteSchedule", *this, least_lambda_,
                                                    lambda);
  }

  /// How fast the level changes at time t in (0, 1]. log alpha is linear between the table's times,
  /// so this jumps there; at one of them it is the rate just before it.
  [[nodiscard]] LevelRate rate(double time) const {
    const Level at = level(time);  // first, because it refuses times outside the table
    const double position = time * count();
    const double nearest = std::round(position);
    const double end = nearest / count() == time ? nearest : std::ceil(position);
    const auto cell = static_cast<std::size_t>(std::max(end, 1.0)) - 1;
    const auto left = static_cast<double>(log_alphas_[cell]);
    const auto right = static_cast<double>(log_alphas_[cell + 1]);
    const double slope =
        std::isinf(right) ? -1.0 / (static_cast<double>(cell + 1) - position) : right - left;
    return detail::variance_preserving_rate(at, slope * count());
  }

  /// log alpha at time t in [0, 1], which is not checked.
  [[nodiscard]] Scalar log_alpha(Scalar time) const {
    const Scalar position = time * static_cast<Scalar>(size());
    const std::size_t cell = std::min(static_cast<std::size_t>(position), size() - 1);
    const Scalar fraction = position - static_cast<Scalar>(cell);
    const Scalar left = log_alphas_[cell];
    const Scalar right = log_alphas_[cell + 1];
    return std::isinf(right) ? left + std::log1p(-fraction) : std::lerp(left, right, fraction);
  }

  /// The inverse of `log_alpha`.
  [[nodiscard]] Scalar time_of_log_alpha(Scalar log_alpha) const {
    const auto at_or_below = std::lower_bound(log_alphas_.begin() + 1, log_alphas_.end() - 1,
                                              log_alpha, std::greater<>());
    const Scalar right = *at_or_below;
    const Scalar left = *(at_or_below - 1);
    const Scalar fraction =
        std::isinf(right) ? -std::expm1(log_alpha - left) : (log_alpha - left) / (right - left);
    const auto cell = at_or_below - 1 - log_alphas_.begin();
    return (static_cast<Scalar>(cell) + fraction) / static_cast<Scalar>(size());
  }

 private:
  DiscreteSchedule(TimestepType type, std::vector<Scalar> log_alphas)
      : log_alphas_(std::move(log_alphas)),
        timestep_type_(type),
        least_lambda_(level(1.0).lambda()) {}

  static std::vector<Scalar> sum_betas(std::span<const Scalar> betas) {
    detail::check_betas(betas);
    std::vector<Scalar> log_alphas{0};
    log_alphas.reserve(betas.size() + 1);
    for (const Scalar beta : betas) {
      log_alphas.push_back(log_alphas.back() + std::log1p(-beta) / 2);
    }
    return log_alphas;
  }

  [[nodiscard]] double count() const { return static_cast<double>(size()); }

  /// Steps of the table are counted first, so that a table of 1000 gets whole timesteps at its
  /// times.
  [[nodiscard]] double timestep(double time) const {
    const double steps = time * count() - 1.0;
    return std::max(0.0, timestep_type_ == TimestepType::discrete ? std::round(steps)
                                                                  : steps * (1000.0 / count()));
  }

  std::vector<Scalar> log_alphas_;  // at times 0, 1/N, ..., 1
  TimestepType timestep_type_;
  double least_lambda_;
};

template <class Betas>
DiscreteSchedule(const Betas&) -> DiscreteSchedule<typename Betas::value_type>;
template <class Betas>
DiscreteSchedule(const Betas&, TimestepType) -> DiscreteSchedule<typename Betas::value_type>;

#if !DPM_DEFINE
extern template AnySchedule::AnySchedule(DiscreteSchedule<double>);
#endif

}  // namespace dpm
