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

/// The variance-exploding process x = x_0 + sigma epsilon (Song et al. 2021, arXiv 2011.13456,
/// Sec. 3.4) with sigma itself as its time, in the manner of Karras et al. 2022 (arXiv 2206.00364,
/// Sec. 3): alpha = 1. The model is given sigma as its time, and x as it is.
///
/// A run starts from standard normal noise times sigma_max, and by default ends at sigma_min.
class VarianceExploding {
 public:
  /// 0 < sigma_min < sigma_max, finite.
  explicit VarianceExploding(double sigma_min = 0.01, double sigma_max = 50.0)
      : VarianceExploding("VarianceExploding", sigma_min, sigma_max) {}

  [[nodiscard]] double first_time() const { return sigma_min_; }
  [[nodiscard]] double last_time() const { return sigma_max_; }

  /// The level at time sigma in [0, sigma_max].
  [[nodiscard]] Level level(double sigma) const {
    check_sigma(sigma);
    return {.time = sigma, .log_sigma = std::log(sigma), .timestep = sigma};
  }
  /// The time at lambda = -log sigma in [-log sigma_max, +inf]; a lambda past the end by rounding
  /// alone is the end.
  [[nodiscard]] double time_of_lambda(double lambda) const {
    const double least = -std::log(sigma_max_);
    detail::require(lambda >= least - 1e-12 * std::max(1.0, std::abs(least)), name_,
                    ": lambda must be in [", least, ", inf] and is ", lambda);
    return lambda <= least ? sigma_max_ : std::min(std::exp(-lambda), sigma_max_);
  }
  /// How fast the level changes at time sigma in (0, sigma_max].
  [[nodiscard]] LevelRate rate(double sigma) const {
    check_sigma(sigma);
    return {0.0, 1.0 / sigma};
  }

 protected:
  /// The same under the name of the class that is made of it, for its refusals.
  VarianceExploding(std::string_view name, double sigma_min, double sigma_max)
      : name_(name), sigma_min_(sigma_min), sigma_max_(sigma_max) {
    detail::require(sigma_min > 0.0 && sigma_min < sigma_max, name, ": sigma_min must be in (0, ",
                    sigma_max, ") and is ", sigma_min);
    detail::require(sigma_max < std::numeric_limits<double>::infinity(), name,
                    ": sigma_max must be finite and is ", sigma_max);
  }

 private:
  void check_sigma(double sigma) const {
    detail::require(sigma >= 0.0 && sigma <= sigma_max_, name_,
                    ": time, which is sigma, must be in [0, ", sigma_max_, "] and is ", sigma);
  }

  std::string_view name_;
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
class Edm : VarianceExploding {
 public:
  /// 0 < sigma_min < sigma_max, finite; sigma_data > 0, finite.
  explicit Edm(double sigma_min = 0.002, double sigma_max = 80.0, double sigma_data = 0.5)
      : VarianceExploding("Edm", sigma_min, sigma_max), sigma_data_(sigma_data) {
    detail::require(sigma_data > 0.0 && sigma_data < std::numeric_limits<double>::infinity(),
                    "Edm: sigma_data must be in (0, inf) and is ", sigma_data);
  }

  using VarianceExploding::first_time;
  using VarianceExploding::last_time;
  using VarianceExploding::rate;
  using VarianceExploding::time_of_lambda;

  /// The level at time sigma in [0, sigma_max]. No network is asked at sigma = 0, where c_noise is
  /// infinite; the timestep there is that of sigma_min.
  [[nodiscard]] Level level(double sigma) const {
    Level at = VarianceExploding::level(sigma);
    at.timestep = std::log(sigma > 0.0 ? sigma : first_time()) / 4.0;
    at.data_stddev = sigma_data_;
    return at;
  }

 private:
  double sigma_data_;
};

#if !DPM_DEFINE
extern template AnySchedule::AnySchedule(VarianceExploding);
extern template AnySchedule::AnySchedule(Edm);
#endif

}  // namespace dpm
