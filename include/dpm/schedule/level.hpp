// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// One point of the forward process: its time, log alpha and log sigma.
#pragma once

#include <cmath>
#include <limits>

#include "dpm/separate.hpp"  // asks for C++20

namespace dpm {

/// One point of the forward process x_t = alpha_t x_0 + sigma_t epsilon (Lu et al. 2022, arXiv
/// 2206.00927, Eq. 2.1), with what the model is told there.
///
/// The logarithms are stored because they keep digits that alpha and sigma lose near the ends:
/// close to clean data alpha rounds to 1, but log alpha does not round to 0. Both singular ends are
/// legal: clean data (sigma = 0, lambda = +inf) and pure noise (alpha = 0, lambda = -inf).
struct Level {
  /// Time t of the forward process; 0 is clean data.
  double time = 0.0;
  /// log alpha_t, at most 0 for variance-preserving schedules; -inf where alpha = 0.
  double log_alpha = 0.0;
  /// log sigma_t; -inf where sigma = 0.
  double log_sigma = -std::numeric_limits<double>::infinity();
  /// What the model is given as its time (a network trained on 1000 betas counts 0..999).
  double timestep = 0.0;
  /// d, the standard deviation of clean data (sigma_data in Karras et al. 2022, arXiv 2206.00364,
  /// Table 1), for a model that is given c_in x with c_in = 1 / sqrt(alpha^2 d^2 + sigma^2). 0: the
  /// model is given x itself.
  double data_stddev = 0.0;

  [[nodiscard]] double alpha() const { return std::exp(log_alpha); }
  [[nodiscard]] double sigma() const { return std::exp(log_sigma); }
  /// Half the log signal-to-noise ratio, log(alpha / sigma) (arXiv 2206.00927, Sec. 3.1).
  [[nodiscard]] double lambda() const { return log_alpha - log_sigma; }
  /// c_in, the factor on x in the model's input; 1 if `data_stddev` is 0.
  [[nodiscard]] double input_scale() const {
    return data_stddev > 0.0 ? 1.0 / std::hypot(alpha() * data_stddev, sigma()) : 1.0;
  }

  friend bool operator==(const Level&, const Level&) = default;
};

namespace detail {

/// Whether a level lies on the path of a flow, alpha + sigma = 1. On other processes the sum
/// exceeds 1 by about the lesser of the two, or by more; so near its ends, where that is lost in
/// rounding, a level does not tell.
inline bool is_on_flow(const Level& level) {
  const double alpha = level.alpha();
  const double sigma = level.sigma();
  const double lesser = alpha < sigma ? alpha : sigma;
  return lesser > 1e-9 && std::abs(alpha + sigma - 1.0) < 1e-3 * lesser;
}

}  // namespace detail

/// How a level changes along a schedule: the time derivatives of log alpha and log sigma.
struct LevelRate {
  double d_log_alpha = 0.0;
  double d_log_sigma = 0.0;
};

}  // namespace dpm
