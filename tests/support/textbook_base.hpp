// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The vectors, networks and conversions that the textbook samplers are written in.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "dpm/schedule/level.hpp"
#include "dpm/schedule/noise_schedule.hpp"

/// Samplers written loop by loop from their papers, as a second opinion on the library's plans.
/// They share nothing with the library but `Level` (a point) and `AnySchedule` (which places inner
/// points), keep to the letters of the papers, and ask clarity before speed: every line allocates.
namespace dpm_test::textbook {

using Vec = std::vector<double>;
/// In the order they are visited: noisy to clean, or clean to noisy for inversion.
using Levels = std::vector<dpm::Level>;
/// A prediction at `x`, which is at the level `at`: of the noise (eps) or of the data (x0), as each
/// function says.
using Network = std::function<Vec(const Vec& x, const dpm::Level& at)>;

/// What a method interpolates: the predicted noise (DPM-Solver) or data (DPM-Solver++).
enum class Space { noise, data };

/// How a first difference is weighted: with half the weight of the zeroth (the papers' order 2), or
/// with the weight that its Taylor term has. Called 'dpmsolver' and 'taylor' in the official code
/// (solver_type), 'midpoint' and 'heun' in diffusers.
enum class Flavour { midpoint, taylor };

// These are found by lookup from inside the namespace only, which is all they are for.
inline Vec operator+(Vec a, const Vec& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b.at(i);
  return a;
}
inline Vec operator*(double factor, Vec a) {
  for (double& value : a) value *= factor;
  return a;
}
inline Vec operator/(Vec a, double divisor) {
  for (double& value : a) value /= divisor;
  return a;
}
inline Vec operator-(const Vec& a, const Vec& b) { return a + (-1.0 * b); }

/// x0 = (x - sigma eps) / alpha (arXiv 2206.00927, Eq. 2.1 solved for x_0).
inline Vec data_from_noise(const Vec& x, const Vec& eps, const dpm::Level& at) {
  return (x - at.sigma() * eps) / at.alpha();
}
/// eps = (x - alpha x0) / sigma.
inline Vec noise_from_data(const Vec& x, const Vec& x0, const dpm::Level& at) {
  return (x - at.alpha() * x0) / at.sigma();
}
/// v = alpha eps - sigma x0 (Salimans and Ho 2022, arXiv 2202.00512).
inline Vec velocity(const Vec& eps, const Vec& x0, const dpm::Level& at) {
  return at.alpha() * eps - at.sigma() * x0;
}
/// eps = alpha v + sigma x, where alpha^2 + sigma^2 = 1.
inline Vec noise_from_velocity(const Vec& x, const Vec& v, const dpm::Level& at) {
  return at.alpha() * v + at.sigma() * x;
}
/// x0 = alpha x - sigma v, where alpha^2 + sigma^2 = 1.
inline Vec data_from_velocity(const Vec& x, const Vec& v, const dpm::Level& at) {
  return at.alpha() * x - at.sigma() * v;
}
/// score = -eps / sigma (Song et al. 2021, arXiv 2011.13456).
inline Vec score(const Vec& eps, const dpm::Level& at) { return -1.0 / at.sigma() * eps; }
/// eps = -sigma score.
inline Vec noise_from_score(const Vec& score, const dpm::Level& at) { return -at.sigma() * score; }

/// The data-predicting network that a noise-predicting one amounts to.
inline Network data_network(Network noise) {
  return [noise = std::move(noise)](const Vec& x, const dpm::Level& at) {
    return data_from_noise(x, noise(x, at), at);
  };
}
/// The noise-predicting network that a data-predicting one amounts to.
inline Network noise_network(Network data) {
  return [data = std::move(data)](const Vec& x, const dpm::Level& at) {
    return noise_from_data(x, data(x, at), at);
  };
}

}  // namespace dpm_test::textbook
