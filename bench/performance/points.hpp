// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The weights of steps as the papers have them, in double, or in float as engines compute them.
#pragma once

#include <array>
#include <cmath>

namespace dpm_bench {

/// A level, as engines keep it.
template <class Real>
struct Point {
  Real alpha = 0;
  Real sigma = 0;
  Real lambda = 0;
};

template <class Real>
using WeightsOf = std::array<Real, 8>;

/// The integrals of 1, u and u^2 / 2 that a step from `s` to `t` in data space weighs derivatives
/// with (arXiv 2211.01095, Eq. 9).
template <class Real>
std::array<Real, 3> data_integrals(const Point<Real>& s, const Point<Real>& t) {
  const Real h = t.lambda - s.lambda;
  const Real zeroth = -t.alpha * std::expm1(-h);
  const Real first = t.alpha * h - zeroth;
  return {zeroth, first, t.alpha * h * h / 2 - first};
}

/// The weights of the values at `s`, `a` and `b` in a step from `s` to `t`, from the parabola
/// through them.
template <class Real>
std::array<Real, 3> parabola_weights(const Point<Real>& s, const Point<Real>& t,
                                     const Point<Real>& a, const Point<Real>& b) {
  const auto integrals = data_integrals(s, t);
  const Real u = a.lambda - s.lambda;
  const Real v = b.lambda - s.lambda;
  const Real second = (2 * integrals[2] - u * integrals[1]) / (v - u);
  const Real of_b = second / v;
  const Real of_a = (integrals[1] - second) / u;
  return {integrals[0] - of_a - of_b, of_a, of_b};
}

/// The weights of the newest data prediction and of the one before (arXiv 2211.01095, Alg. 2).
template <class Real>
std::array<Real, 2> midpoint_weights(const Point<Real>& before, const Point<Real>& s,
                                     const Point<Real>& t) {
  const Real h = t.lambda - s.lambda;
  const Real weight = -t.alpha * std::expm1(-h);
  const Real slope = weight * h / (2 * (s.lambda - before.lambda));
  return {weight + slope, -slope};
}

/// Weights of the sample and of the noise in a step of DDIM (arXiv 2010.02502, Eq. 12).
template <class Real>
std::array<Real, 2> ddim_weights(const Point<Real>& s, const Point<Real>& t) {
  const Real linear = t.alpha / s.alpha;
  return {linear, t.sigma - linear * s.sigma};
}

}  // namespace dpm_bench
