// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Schedules with alpha = 1: the variance-exploding process, and EDM.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/separate.hpp"

namespace dpm {
namespace detail {

inline void check_sigma_range(std::string_view name, double sigma_min, double sigma_max) {
  require(sigma_min > 0.0 && sigma_min < sigma_max, name, ": sigma_min must be in (0, ", sigma_max,
          ") and is ", sigma_min);
  require(sigma_max < std::numeric_limits<double>::infinity(), name,
          ": sigma_max must be finite and is ", sigma_max);
}

inline void check_sigma(std::string_view name, double sigma, double sigma_max) {
  require(sigma >= 0.0 && sigma <= sigma_max, name, ": time, which is sigma, must be in [0, ",
          sigma_max, "] and is ", sigma);
}

/// sigma at lambda = -log sigma; one above `sigma_max` by rounding alone counts as `sigma_max`.
inline double sigma_of_lambda(std::string_view name, double lambda, double sigma_max) {
  const double least = -std::log(sigma_max);
  require(lambda >= least - 1e-12 * std::max(1.0, std::abs(least)), name, ": lambda must be in [",
          least, ", inf] and is ", lambda);
  return lambda <= least ? sigma_max : std::min(std::exp(-lambda), sigma_max);
}

}  // namespace detail

/// The variance-exploding process x = x_0 + sigma epsilon (Song et al. 2021, arXiv 2011.13456,
/// Sec. 3.4) with sigma itself as its time, in the manner of Karras et al. 2022 (arXiv 2206.00364,
/// Sec. 3): alpha = 1. The model is given sigma as its time, and x as it is.
///
/// A run starts from standard normal noise times sigma_max, and by default ends at sigma_min.
class VarianceExploding {
 public:
  /// 0 < sigma_min < sigma_max, finite.
  explicit VarianceExploding(double sigma_min = 0.01, double sigma_max = 50.0)
      : sigma_min_(sigma_min), sigma_max_(sigma_max) {
    detail::check_sigma_range("VarianceExploding", sigma_min, sigma_max);
  }

  [[nodiscard]] double first_time() const { return sigma_min_; }
  [[nodiscard]] double last_time() const { return sigma_max_; }

  /// The level at time sigma in [0, sigma_max].
  [[nodiscard]] Level level(double sigma) const {
    detail::check_sigma("VarianceExploding", sigma, sigma_max_);
    return {.time = sigma, .log_sigma = std::log(sigma), .timestep = sigma};
  }
  /// The time at lambda = -log sigma in [-log sigma_max, +inf].
  [[nodiscard]] double time_of_lambda(double lambda) const {
    return detail::sigma_of_lambda("VarianceExploding", lambda, sigma_max_);
  }
  /// How fast the level changes at time sigma in (0, sigma_max].
  [[nodiscard]] LevelRate rate(double sigma) const {
    detail::check_sigma("VarianceExploding", sigma, sigma_max_);
    return {0.0, 1.0 / sigma};
  }

 private:
  double sigma_min_;
  double sigma_max_;
};

/// The process of EDM (Karras et al. 2022, arXiv 2206.00364, Table 1): x = x_0 + sigma epsilon,
/// with sigma as its time and a network that is preconditioned for data of standard deviation
/// `sigma_data`. The network F is given c_in x and c_noise = log(sigma) / 4, and its output is a
/// `Prediction::edm`. The plan does the preconditioning, so the model is F itself.
///
/// A run starts from standard normal noise times sigma_max, and by default ends at sigma_min;
/// `Grid::then(0.0)` adds the last step to sigma = 0.
class Edm {
 public:
  /// 0 < sigma_min < sigma_max, finite; sigma_data > 0, finite.
  explicit Edm(double sigma_min = 0.002, double sigma_max = 80.0, double sigma_data = 0.5)
      : sigma_min_(sigma_min), sigma_max_(sigma_max), sigma_data_(sigma_data) {
    detail::check_sigma_range("Edm", sigma_min, sigma_max);
    detail::require(sigma_data > 0.0 && sigma_data < std::numeric_limits<double>::infinity(),
                    "Edm: sigma_data must be in (0, inf) and is ", sigma_data);
  }

  [[nodiscard]] double first_time() const { return sigma_min_; }
  [[nodiscard]] double last_time() const { return sigma_max_; }

  /// The level at time sigma in [0, sigma_max]. No network is asked at sigma = 0, where c_noise is
  /// infinite; the timestep there is that of sigma_min.
  [[nodiscard]] Level level(double sigma) const {
    detail::check_sigma("Edm", sigma, sigma_max_);
    return {.time = sigma,
            .log_sigma = std::log(sigma),
            .timestep = std::log(sigma > 0.0 ? sigma : sigma_min_) / 4.0,
            .data_stddev = sigma_data_};
  }
  /// The time at lambda = -log sigma in [-log sigma_max, +inf].
  [[nodiscard]] double time_of_lambda(double lambda) const {
    return detail::sigma_of_lambda("Edm", lambda, sigma_max_);
  }
  /// How fast the level changes at time sigma in (0, sigma_max].
  [[nodiscard]] LevelRate rate(double sigma) const {
    detail::check_sigma("Edm", sigma, sigma_max_);
    return {0.0, 1.0 / sigma};
  }

 private:
  double sigma_min_;
  double sigma_max_;
  double sigma_data_;
};

#if !DPM_DEFINE
extern template AnySchedule::AnySchedule(VarianceExploding);
extern template AnySchedule::AnySchedule(Edm);
#endif

}  // namespace dpm
