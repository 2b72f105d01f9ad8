// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The exact solution of the diffusion ODE, or of one of its SDEs, over one interval.
#pragma once

#include <cmath>

#include "dpm/error.hpp"
#include "dpm/math/phi.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// The diffusion ODE (tau = 0) over one interval from level s to level t, with its linear part
/// solved exactly. With h = lambda_t - lambda_s and m the prediction in the plan's space,
///
///     x_t = linear x_s + sum of weight(n) d^n m / dlambda^n (lambda_s) + noise_stddev z
///
///     noise space:  linear = alpha_t / alpha_s,  weight(n) = -sigma_t h^(n+1) phi_{n+1}(h)
///     data space:   linear = sigma_t / sigma_s,  weight(n) =  alpha_t h^(n+1) phi_{n+1}(-h)
///
/// (Lu et al. 2022, arXiv 2206.00927, Eq. 3.4 and App. B.1, for noise; Lu et al. 2022, arXiv
/// 2211.01095, Eq. 8 and 9, for data). The formulas hold for steps in either direction.
///
/// With tau > 0 it is the SDE that has the same marginals and tau^2 times the noise of the reverse
/// diffusion (Xue et al. 2023, arXiv 2309.05019, Eq. 6; tau = 1 is that of SDE-DPM-Solver, arXiv
/// 2211.01095, Sec. 5). With q = 1 + tau^2,
///
///     noise space:  weight(n) = -q sigma_t h^(n+1) phi_{n+1}(h)
///                   noise_stddev = tau sigma_t sqrt(e^(2h) - 1)
///     data space:   linear = e^(-tau^2 h) sigma_t / sigma_s
///                   weight(n) = q alpha_t h^(n+1) phi_{n+1}(-q h)
///                   noise_stddev = sigma_t sqrt(1 - e^(-2 tau^2 h))
class ExponentialStep {
 public:
  /// Refuses a noise-space step from alpha = 0 and a data-space step from sigma = 0: the linear
  /// part is infinite there. With tau > 0 refuses a step towards more noise, and one in noise space
  /// to sigma = 0, which would leave noise in clean data.
  ExponentialStep(Space space, const Level& s, const Level& t, double tau = 0.0);

  [[nodiscard]] double linear() const { return linear_; }
  [[nodiscard]] double h() const { return h_; }
  /// Whether h is finite. It is not where the step ends at sigma = 0 or starts at alpha = 0 (in an
  /// inversion: starts at sigma = 0 or ends at alpha = 0). Then only `weight(0)` exists, and the
  /// step is of first order.
  [[nodiscard]] bool finite() const { return std::isfinite(h_); }

  /// The weight of the n-th derivative; n > 0 needs `finite()`.
  [[nodiscard]] double weight(int n) const;

  /// The standard deviation of the fresh noise; 0 for the ODE.
  [[nodiscard]] double noise_stddev() const;

 private:
  // sigma_s in noise space, alpha_s in data space. Only long steps need it.
  [[nodiscard]] double start_part() const { return std::exp(log_start_part_); }

  Space space_;
  double h_;
  double tau_squared_;
  double end_part_;  // sigma_t in noise space, alpha_t in data space
  double log_start_part_;
  double log_sigma_;
  double linear_;
};

#if DPM_DEFINE

DPM_INLINE ExponentialStep::ExponentialStep(Space space, const Level& s, const Level& t, double tau)
    : space_(space),
      h_(t.lambda() - s.lambda()),
      tau_squared_(tau * tau),
      end_part_(space == Space::noise ? t.sigma() : t.alpha()),
      log_start_part_(space == Space::noise ? s.log_sigma : s.log_alpha),
      log_sigma_(t.log_sigma),
      linear_(std::exp(space == Space::noise
                           ? t.log_alpha - s.log_alpha
                           : t.log_sigma - s.log_sigma - (tau > 0.0 ? tau * tau * h_ : 0.0))) {
  detail::require(std::isfinite(linear_), "make_plan: the step from time ", s.time,
                  space == Space::noise ? " starts at alpha = 0, where noise space has no "
                                          "solution; use a method in data space, such as UniPc or "
                                          "DpmSolver, with a model that predicts data, velocity "
                                          "or flow"
                                        : " starts at sigma = 0, where data space has no "
                                          "solution; use noise space, with a model "
                                          "that predicts noise or velocity");
  detail::require(tau == 0.0 || h_ >= 0.0, "make_plan: the step from time ", s.time, " to time ",
                  t.time, " runs towards more noise with tau = ", tau, "; inversion needs tau = 0");
  detail::require(tau == 0.0 || space == Space::data || end_part_ > 0.0,
                  "make_plan: the step from time ", s.time, " to time ", t.time,
                  " ends at sigma = 0 in noise space with tau = ", tau,
                  "; use data space, or end above that time");
}

DPM_INLINE double ExponentialStep::weight(int n) const {
  const double q = 1.0 + tau_squared_;
  // For long steps as a difference, which has the limits at sigma_t = 0 and alpha_t = 0.
  if (n == 0 && space_ == Space::noise) {
    return q * (h_ > 1.0 ? end_part_ - linear_ * start_part() : -end_part_ * std::expm1(h_));
  }
  if (n == 0) {
    return h_ < -1.0 ? end_part_ - linear_ * start_part() : -end_part_ * std::expm1(-q * h_);
  }
  const double power = q * std::pow(h_, n + 1);
  return space_ == Space::noise ? -end_part_ * power * phi(n + 1, h_)
                                : end_part_ * power * phi(n + 1, -q * h_);
}

DPM_INLINE double ExponentialStep::noise_stddev() const {
  if (tau_squared_ == 0.0) return 0.0;
  const double sigma = std::exp(log_sigma_);
  if (sigma == 0.0) return 0.0;
  if (space_ == Space::data) return sigma * std::sqrt(-std::expm1(-2.0 * tau_squared_ * h_));
  // sigma_t e^h as linear sigma_s, which cannot overflow.
  return linear_ * start_part() * std::sqrt(-tau_squared_ * std::expm1(-2.0 * h_));
}

#endif

}  // namespace dpm
