// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Quantiles of the beta distribution.
#pragma once

#include "dpm/separate.hpp"

namespace dpm {

/// The x in [0, 1] with P(X <= x) = p for X ~ beta(a, b): the inverse of the regularised incomplete
/// beta function. For 0 <= p <= 1 and a, b in [0.01, 1000]; other arguments are refused. For
/// shapes up to 7 the error is about 1e-14 in x, relative for x below 1/2; for shapes near 1000
/// 2e-13. A p so small that 1 - p has no digits of it should not belong to an x above 1/2. Cost:
/// some tens of model_calls of a continued fraction.
[[nodiscard]] double beta_quantile(double p, double a, double b);

}  // namespace dpm

#if DPM_DEFINE

#  include "dpm/error.hpp"
#  include "dpm/math/beta_distribution.hpp"

namespace dpm {

DPM_INLINE double beta_quantile(double p, double a, double b) {
  detail::require(p >= 0.0 && p <= 1.0, "beta_quantile: p = ", p, "; it must be in [0, 1]");
  for (const double shape : {a, b}) {
    detail::require(shape >= 0.01 && shape <= 1000.0, "beta_quantile: a = ", a, ", b = ", b,
                    "; both must be in [0.01, 1000]");
  }
  if (p == 0.0 || p == 1.0) return p;
  const detail::BetaShape shape = detail::beta_shape(a, b);
  // In the lower half x keeps its digits.
  return p > detail::beta_distribution(0.5, shape)
             ? 1.0 - detail::beta_lower_quantile(1.0 - p, shape.reflected())
             : detail::beta_lower_quantile(p, shape);
}

}  // namespace dpm

#endif
