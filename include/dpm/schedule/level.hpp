// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// One point of the forward process.
#pragma once

#include <cmath>
#include <limits>

namespace dpm {

/// One point of the forward process x_t = alpha_t x_0 + sigma_t epsilon (Lu et al. 2022, arXiv
/// 2206.00927, Eq. 2.1), with what the model is told there.
///
/// The logarithms are stored because near both ends they hold digits that alpha and sigma cannot:
/// 1 - alpha underflows long before log alpha does. Both singular ends are legal: clean data
/// (sigma = 0, lambda = +inf) and pure noise (alpha = 0, lambda = -inf).
struct Level {
  /// Time t of the forward process; 0 is clean data.
  double time = 0.0;
  /// log alpha_t, at most 0 for variance-preserving schedules; -inf where alpha = 0.
  double log_alpha = 0.0;
  /// log sigma_t; -inf where sigma = 0.
  double log_sigma = -std::numeric_limits<double>::infinity();
  /// What the model is given as its time (a network trained on 1000 betas counts 0..999).
  double timestep = 0.0;
  /// 0: the model is given x itself. Above 0: it was trained on inputs of variance 1, and is given
  /// x over the standard deviation that noisy data has here if clean data has this one (sigma_data
  /// in Karras et al. 2022, arXiv 2206.00364, Table 1).
  double data_stddev = 0.0;

  [[nodiscard]] double alpha() const { return std::exp(log_alpha); }
  [[nodiscard]] double sigma() const { return std::exp(log_sigma); }
  /// Half the log signal-to-noise ratio, log(alpha / sigma) (arXiv 2206.00927, Sec. 3.1).
  [[nodiscard]] double lambda() const { return log_alpha - log_sigma; }
  /// The factor on x that makes the model's input (c_in in arXiv 2206.00364, Table 1).
  [[nodiscard]] double input_scale() const {
    return data_stddev > 0.0 ? 1.0 / std::hypot(alpha() * data_stddev, sigma()) : 1.0;
  }

  friend bool operator==(const Level&, const Level&) = default;
};

/// How a level changes along a schedule: the time derivatives of log alpha and log sigma.
struct LevelRate {
  double d_log_alpha = 0.0;
  double d_log_sigma = 0.0;
};

namespace detail {

/// The rate at a level with alpha^2 + sigma^2 = 1, where alpha^2 d log alpha = -sigma^2 d log
/// sigma.
inline LevelRate variance_preserving_rate(const Level& level, double d_log_alpha) {
  // At alpha = 0 log alpha falls infinitely fast, and sigma not at all.
  const double ratio = std::exp(2.0 * level.lambda());
  return {d_log_alpha, ratio == 0.0 ? 0.0 : -ratio * d_log_alpha};
}

/// The level with alpha^2 + sigma^2 = 1 and the given log alpha <= 0. No digits are lost at either
/// end: log sigma = log(1 - e^(2 log alpha)) / 2 through expm1 near 0 and log1p far from it.
inline Level variance_preserving_level(double time, double log_alpha, double timestep) {
  constexpr double log_half = -0.6931471805599453;
  const double log_variance = 2.0 * log_alpha > log_half ? std::log(-std::expm1(2.0 * log_alpha))
                                                         : std::log1p(-std::exp(2.0 * log_alpha));
  return {time, log_alpha, 0.5 * log_variance, timestep};
}

/// log alpha of the variance-preserving level at `lambda`: -log(1 + e^(-2 lambda)) / 2, arranged so
/// that the exponential cannot overflow.
template <class Scalar>
Scalar variance_preserving_log_alpha(Scalar lambda) {
  using std::exp;
  using std::log1p;
  return lambda >= 0 ? -log1p(exp(-2 * lambda)) / 2 : lambda - log1p(exp(2 * lambda)) / 2;
}

}  // namespace detail
}  // namespace dpm
