// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The exact solution of the diffusion ODE over one interval, in either space.
#pragma once

#include <cmath>
#include <span>

#include "dpm/method/phi.hpp"
#include "dpm/plan/builder.hpp"
#include "dpm/plan/plan.hpp"

namespace dpm {

/// The diffusion ODE over one interval from level s to level t, with its linear part solved
/// exactly. With h = lambda_t - lambda_s and m the prediction in the plan's space,
///
///     x_t = linear x_s + sum over n of weight(n) d^n m / d lambda^n (at lambda_s),
///
/// where in noise space linear = alpha_t / alpha_s and weight(n) = -sigma_t h^(n+1) phi_{n+1}(h)
/// (Lu et al. 2022, arXiv 2206.00927, Eq. 3.4 and App. B.1), and in data space linear = sigma_t /
/// sigma_s and weight(n) = alpha_t h^(n+1) phi_{n+1}(-h) (Lu et al. 2022, arXiv 2211.01095, Eq. 8
/// and 9). The formulas hold for steps in either direction.
class ExponentialStep {
 public:
  /// Refuses a noise-space step from alpha = 0 and a data-space step from sigma = 0: the linear
  /// part is infinite there.
  ExponentialStep(Space space, const Level& s, const Level& t)
      : space_(space),
        h_(t.lambda() - s.lambda()),
        alpha_(t.alpha()),
        sigma_(t.sigma()),
        linear_(std::exp(space == Space::noise ? t.log_alpha - s.log_alpha
                                               : t.log_sigma - s.log_sigma)),
        start_part_(space == Space::noise ? s.sigma() : s.alpha()) {
    detail::require(std::isfinite(linear_), "make_plan: the step from time ", s.time,
                    space == Space::noise ? " starts at alpha = 0, where noise space has no "
                                            "solution; use data space, with a model "
                                            "that predicts data or velocity"
                                          : " starts at sigma = 0, where data space has no "
                                            "solution; use noise space, with a model "
                                            "that predicts noise or velocity");
  }

  [[nodiscard]] double linear() const { return linear_; }
  [[nodiscard]] double h() const { return h_; }
  /// False where the step ends at sigma = 0 or starts at alpha = 0 (the other way round when it
  /// inverts): only `weight(0)` exists there, and the step is of first order.
  [[nodiscard]] bool finite() const { return std::isfinite(h_); }

  /// The weight of the n-th derivative; n > 0 needs `finite()`.
  [[nodiscard]] double weight(int n) const {
    // For long steps as a difference, which keeps the limits at sigma_t = 0 and alpha_t = 0.
    if (n == 0 && space_ == Space::noise) {
      return h_ > 1.0 ? sigma_ - linear_ * start_part_ : -sigma_ * std::expm1(h_);
    }
    if (n == 0) return h_ < -1.0 ? alpha_ - linear_ * start_part_ : -alpha_ * std::expm1(-h_);
    const double power = std::pow(h_, n + 1);
    return space_ == Space::noise ? -sigma_ * power * phi(n + 1, h_)
                                  : alpha_ * power * phi(n + 1, -h_);
  }

 private:
  Space space_;
  double h_;
  double alpha_;
  double sigma_;
  double linear_;
  double start_part_;  // sigma_s in noise space, alpha_s in data space
};

/// A prediction that is known at one lambda.
struct Node {
  double lambda = 0.0;
  Register prediction;
};

/// Weights of the value and the first two derivatives at the first node.
struct DerivativeWeights {
  double value = 0.0;
  double first = 0.0;
  double second = 0.0;
  /// Factor on the second divided difference, which is half the second derivative of the parabola.
  double second_difference_factor = 1.0;
};

/// The terms of x_t = linear x + the derivatives of the polynomial through one to three nodes,
/// taken at the first. Nodes at infinity weigh nothing, which is their limit.
///
/// Newton's form: p(l) = m0 + m[01] (l - l0) + m[012] (l - l0)(l - l1), so p'(l0) = m[01] + m[012]
/// (l0 - l1) and p''(l0) = 2 m[012].
inline BoundedVector<Term, 4> polynomial_terms(double linear, const DerivativeWeights& w,
                                               std::span<const Node> nodes) {
  BoundedVector<Term, 4> terms{{sample_register, linear}};
  if (nodes.size() == 1) {
    terms.push_back({nodes[0].prediction, w.value});
    return terms;
  }
  const double d01 = nodes[0].lambda - nodes[1].lambda;
  double m01 = w.first;  // the weight of m[01]; the next, of m[12] = (m1 - m2) / (l1 - l2)
  double m12 = 0.0;
  double d12 = 1.0;
  if (nodes.size() == 3) {
    const double d02 = nodes[0].lambda - nodes[2].lambda;
    d12 = nodes[1].lambda - nodes[2].lambda;
    const double m012 = w.first * d01 + 2.0 * w.second * w.second_difference_factor;
    m01 += m012 / d02;
    m12 = -m012 / d02;
  }
  // At r1 = 1/2 the midpoint update does not use its first value: what is left then is rounding,
  // and to drop it saves a pass over memory.
  const double newest = w.value + m01 / d01;
  const bool rounding_only = std::abs(newest) < 1e-13 * std::abs(w.value);
  terms.push_back({nodes[0].prediction, rounding_only ? 0.0 : newest});
  terms.push_back({nodes[1].prediction, m12 / d12 - m01 / d01});
  if (nodes.size() == 3) terms.push_back({nodes[2].prediction, -m12 / d12});
  return terms;
}

}  // namespace dpm
