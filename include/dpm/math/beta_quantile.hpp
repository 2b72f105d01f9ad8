// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Quantiles of the beta distribution.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "dpm/error.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// The x in [0, 1] with P(X <= x) = p for X ~ beta(a, b): the inverse of the regularised incomplete
/// beta function. Takes 0 <= p <= 1 and a, b in [0.01, 1000] and refuses others.
///
/// The error of x is about 1e-14 for a and b up to 7, and 2e-13 near 1000; it is relative where x <
/// 1/2. Values of x above 1/2 are computed from 1 - p, so there a tiny p loses its digits.
[[nodiscard]] double beta_quantile(double p, double a, double b);

namespace detail {

/// P(X <= x) for X ~ beta(a, b).
double beta_distribution(double x, double a, double b);

}  // namespace detail

#if DPM_DEFINE

namespace detail {

/// The continued fraction of the incomplete beta function by Lentz's method (Press et al. 2007,
/// Numerical Recipes, Sec. 6.4). Converges fast for x < (a + 1) / (a + b + 2).
inline double beta_continued_fraction(double x, double a, double b) {
  constexpr double tiny = 1e-300;
  const auto keep_from_zero = [](double value) { return std::abs(value) < tiny ? tiny : value; };
  double c = 1.0;
  double d = 1.0 / keep_from_zero(1.0 - (a + b) * x / (a + 1.0));
  double fraction = d;
  for (int m = 1; m < 10'000; ++m) {
    const double even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
    d = 1.0 / keep_from_zero(1.0 + even * d);
    c = keep_from_zero(1.0 + even / c);
    fraction *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
    d = 1.0 / keep_from_zero(1.0 + odd * d);
    c = keep_from_zero(1.0 + odd / c);
    fraction *= d * c;
    if (std::abs(d * c - 1.0) < std::numeric_limits<double>::epsilon()) break;
  }
  return fraction;
}

/// A beta distribution, with the logarithm of the complete beta function of its shape.
struct BetaShape {
  double a = 1.0;
  double b = 1.0;
  double log_beta = 0.0;

  /// The distribution of 1 - x.
  [[nodiscard]] BetaShape reflected() const { return {b, a, log_beta}; }
};

inline BetaShape beta_shape(double a, double b) {
  return {a, b, std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b)};
}

/// P(X <= x) for small x, given x and 1 - x. The upper tail is the lower one of `reflected()`.
inline double beta_lower_tail(double x, double one_minus_x, const BetaShape& shape) {
  const double front =
      std::exp(shape.a * std::log(x) + shape.b * std::log(one_minus_x) - shape.log_beta);
  return front * beta_continued_fraction(x, shape.a, shape.b) / shape.a;
}

/// P(X <= x).
inline double beta_distribution(double x, const BetaShape& shape) {
  if (x <= 0.0) return 0.0;
  if (x >= 1.0) return 1.0;
  if (x < (shape.a + 1.0) / (shape.a + shape.b + 2.0)) return beta_lower_tail(x, 1.0 - x, shape);
  return 1.0 - beta_lower_tail(1.0 - x, x, shape.reflected());
}

/// The quantile at p > 0, if it is at most 1/2.
inline double beta_lower_quantile(double p, const BetaShape& shape) {
  // Newton's method for log P against log x, kept inside a bracket: P behaves like x^a for small x,
  // so the curve is nearly straight.
  const double a = shape.a;
  double low = std::log(p * a) / a + shape.log_beta / a - 1.0 / a;
  double high = std::log(0.5);
  low = std::min(low, high - 1.0);
  while (beta_distribution(std::exp(low), shape) > p) low -= 1.0 / a;
  double log_x = std::clamp((std::log(p * a) + shape.log_beta) / a, low, high);
  for (int iteration = 0; iteration < 200; ++iteration) {
    const double x = std::exp(log_x);
    const double value = beta_distribution(x, shape);
    (value < p ? low : high) = log_x;
    const double log_density =
        (a - 1.0) * log_x + (shape.b - 1.0) * std::log1p(-x) - shape.log_beta;
    double next = log_x - std::log(value / p) * value / std::exp(log_density + log_x);
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    if (std::abs(next - log_x) < 4e-16 * std::max(1.0, std::abs(log_x))) return std::exp(next);
    log_x = next;
  }
  return std::exp(log_x);
}

DPM_INLINE double beta_distribution(double x, double a, double b) {
  return beta_distribution(x, beta_shape(a, b));
}

}  // namespace detail

DPM_INLINE double beta_quantile(double p, double a, double b) {
  detail::require(p >= 0.0 && p <= 1.0, "beta_quantile: p = ", p, "; it must be in [0, 1]");
  for (const double shape : {a, b}) {
    detail::require(shape >= 0.01 && shape <= 1000.0, "beta_quantile: a = ", a, ", b = ", b,
                    "; both must be in [0.01, 1000]");
  }
  if (p == 0.0 || p == 1.0) return p;
  if (p == 0.5 && a == b) return p;  // the median of a symmetric distribution, without rounding
  const detail::BetaShape shape = detail::beta_shape(a, b);
  // In the lower half x keeps its digits.
  return p > detail::beta_distribution(0.5, shape)
             ? 1.0 - detail::beta_lower_quantile(1.0 - p, shape.reflected())
             : detail::beta_lower_quantile(p, shape);
}

#endif

}  // namespace dpm
