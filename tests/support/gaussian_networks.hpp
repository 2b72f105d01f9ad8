// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The exact networks of Gaussian data for EDM and for flows, and the exact ends of their runs.
#pragma once

#include <Eigen/Core>
#include <cmath>

#include "dpm/analysis/convergence.hpp"
#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace dpm_test {

using Batch = Eigen::ArrayXXd;

// Data N(mean, stddev^2) in each dimension, and its exact networks, which are told no more than
// real ones are: the input and the timestep.
inline constexpr double mean = 0.3;
inline constexpr double stddev = 0.8;
inline constexpr double sigma_data = 0.5;

/// The expected data at x = alpha x0 + sigma epsilon.
inline Batch denoised(const Batch& x, double alpha, double sigma) {
  const double gain = alpha * stddev * stddev / (alpha * alpha * stddev * stddev + sigma * sigma);
  return mean + gain * (x - alpha * mean);
}

/// F of Karras et al. 2022 (arXiv 2206.00364), Eq. 7, at u = c_in x and timestep = log(sigma) / 4.
inline Batch edm_network(const Batch& u, double timestep) {
  const double sigma = std::exp(4.0 * timestep);
  const double norm = std::sqrt(sigma * sigma + sigma_data * sigma_data);
  const Batch x = u * norm;
  const double c_skip = sigma_data * sigma_data / (norm * norm);
  return (denoised(x, 1.0, sigma) - c_skip * x) * norm / (sigma * sigma_data);
}

/// E[epsilon - x0 | x] on the straight path, at timestep = 1000 sigma.
inline Batch flow_network(const Batch& x, double timestep) {
  const double sigma = timestep / 1000.0;
  const double alpha = 1.0 - sigma;
  const double variance = alpha * alpha * stddev * stddev + sigma * sigma;
  return sigma * (x - alpha * mean) / variance - denoised(x, alpha, sigma);
}

/// Where the diffusion ODE takes x between two levels.
inline Batch exact_end(const Batch& x, const dpm::Level& from, const dpm::Level& to) {
  const double growth =
      std::hypot(to.alpha() * stddev, to.sigma()) / std::hypot(from.alpha() * stddev, from.sigma());
  return to.alpha() * mean + growth * (x - from.alpha() * mean);
}

inline Batch start_at(const dpm::Level& from) {
  Batch x(2, 2);
  x << 0.4, -1.3, 2.1, -0.2;
  return from.sigma() * x;
}

/// Requires four slopes, none of them more than 0.15 below `order`.
inline void check_order(const dpm::Convergence& measured, double order) {
  REQUIRE(measured.slopes.size() == 4);
  for (const double slope : measured.slopes) {
    CAPTURE(order, slope);
    CHECK(slope > order - 0.15);
  }
}

}  // namespace dpm_test
