// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The score of a Gaussian mixture, by differences of the log density.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace dpm_test {

using Wide = long double;

/// The Gaussian of three values that the tests of both analytic models know.
inline dpm::Gaussian gaussian() { return {{1.0, -0.5, 0.2}, {0.3, 0.8, 2.0}}; }

template <class Model, class X>
X noise_at(const Model& model, const X& x, const dpm::Level& at) {
  X noise = x;
  model(x, at, noise);
  return noise;
}

/// The derivative of f at 0 from six values in steps of h: error h^6 f^(7) / 140.
template <class Number, class Function>
Number derivative(Function f, Number h) {
  return (45 * (f(h) - f(-h)) - 9 * (f(2 * h) - f(-2 * h)) + (f(3 * h) - f(-3 * h))) / (60 * h);
}

/// log of the density of the noisy data at x, up to a constant.
inline Wide log_density(const std::vector<dpm::GaussianMixture::Component>& mixture,
                        const std::vector<Wide>& x, const dpm::Level& at) {
  const Wide alpha = std::exp(static_cast<Wide>(at.log_alpha));
  const Wide sigma = std::exp(static_cast<Wide>(at.log_sigma));
  std::vector<Wide> logs;
  for (const auto& c : mixture) {
    Wide sum = std::log(static_cast<Wide>(c.weight));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Wide stddev = static_cast<Wide>(c.gaussian.stddev()[i]);
      const Wide variance = alpha * alpha * stddev * stddev + sigma * sigma;
      const Wide distance = x[i] - alpha * static_cast<Wide>(c.gaussian.mean()[i]);
      sum -= distance * distance / (2 * variance) + std::log(variance) / 2;
    }
    logs.push_back(sum);
  }
  const Wide largest = *std::max_element(logs.begin(), logs.end());
  Wide total = 0;
  for (const Wide l : logs) total += std::exp(l - largest);
  return largest + std::log(total);
}

/// Requires that the noise prediction at x is -sigma times the gradient of the log density. Steps
/// of 1e-3 are 1/300 of the narrowest marginal here, so h^6 f^(7) / 140 is about 1e-16 f'; rounding
/// is epsilon |log p| / h, which is 5e-12 even where long double is no wider than double.
template <class Model>
void require_score(const Model& model, const std::vector<dpm::GaussianMixture::Component>& mixture,
                   const std::vector<double>& x, const dpm::Level& at) {
  const std::vector<double> noise = noise_at(model, x, at);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto along = [&](Wide step) {
      std::vector<Wide> moved(x.begin(), x.end());
      moved[i] += step;
      return log_density(mixture, moved, at);
    };
    const auto gradient = static_cast<double>(derivative<Wide>(along, 1e-3L));
    CAPTURE(at.time, i);
    REQUIRE_THAT(noise[i], WithinAbs(-at.sigma() * gradient, 1e-11));
  }
}

}  // namespace dpm_test
