// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A smooth nonlinear "network", the same in any language, and its conversions.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "dpm/dpm.hpp"

namespace dpm_test {

/// Samples of four values one after the other:
/// out[i] = 0.8 tanh(x[i]) + 0.3 sin(x[(i+1) mod 4] + 2 tau) + 0.1 tau.
inline void test_network(const std::vector<double>& x, double tau, std::vector<double>& out) {
  constexpr std::size_t d = 4;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t next = i - i % d + (i + 1) % d;
    out[i] = 0.8 * std::tanh(x[i]) + 0.3 * std::sin(x[next] + 2.0 * tau) + 0.1 * tau;
  }
}

/// x_T[i] = sqrt(2) cos(0.9 (i+1) + 0.2 (i+1)^2) for two samples.
inline std::vector<double> test_start() {
  std::vector<double> x(8);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double n = static_cast<double>(i + 1);
    x[i] = std::sqrt(2.0) * std::cos(0.9 * n + 0.2 * n * n);
  }
  return x;
}

/// Draw number k: z[i] = sqrt(2) sin(1.7 (k+1) + 2.3 (i+1) + 0.37 (k+1)(i+1)).
inline void test_draw(std::vector<double>& z, const dpm::NoiseRequest& request) {
  const double k = request.draw + 1.0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const double n = static_cast<double>(i + 1);
    z[i] = std::sqrt(2.0) * std::sin(1.7 * k + 2.3 * n + 0.37 * k * n);
  }
}

/// Turns a noise prediction at x into another prediction of the same thing.
inline void convert_noise_to(dpm::Prediction prediction, const std::vector<double>& x,
                             const dpm::Level& at, std::vector<double>& m) {
  const double alpha = at.alpha();
  const double sigma = at.sigma();
  for (std::size_t i = 0; i < m.size(); ++i) {
    const double noise = m[i];
    const double data = (x[i] - sigma * noise) / alpha;
    if (prediction == dpm::Prediction::data) m[i] = data;
    if (prediction == dpm::Prediction::velocity) m[i] = alpha * noise - sigma * data;
    if (prediction == dpm::Prediction::score) m[i] = -noise / sigma;
  }
}

/// The network as a model that predicts noise, said in the language of `prediction`.
inline auto test_model(dpm::Prediction prediction) {
  return
      [prediction](const std::vector<double>& x, const dpm::Level& at, std::vector<double>& out) {
        test_network(x, at.time, out);
        convert_noise_to(prediction, x, at, out);
      };
}

inline double max_abs(const std::vector<double>& a) {
  double most = 0.0;
  for (const double value : a) most = std::max(most, std::abs(value));
  return most;
}

/// Largest difference, relative to the largest value where that is above 1.
inline double relative_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double most = a.size() == b.size() ? 0.0 : INFINITY;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    const double difference = std::abs(a[i] - b[i]);
    most = difference <= most ? most : difference;  // keeps a NaN
  }
  return most / std::max(1.0, max_abs(b));
}

}  // namespace dpm_test
