// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs of plans on Gaussian data, up to both singular ends.
#pragma once

#include <cmath>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

namespace dpm_test {

/// A table of 1000 betas that ends in pure noise, alpha = 0.
inline dpm::AnySchedule zero_terminal() {
  return dpm::DiscreteSchedule(dpm::rescale_zero_terminal_snr(dpm::linear_betas(1000)));
}

/// How often each step calls the model.
inline std::vector<int> calls_of_steps(const dpm::Plan& plan) {
  std::vector<int> calls;
  for (const dpm::Step& step : plan.steps) {
    calls.push_back(0);
    for (const dpm::Instruction& i : step.instructions) {
      calls.back() += std::holds_alternative<dpm::Evaluate>(i) ? 1 : 0;
    }
  }
  return calls;
}

inline void require_finite(const std::vector<double>& x) {
  for (const double value : x) REQUIRE(std::isfinite(value));
}

inline void require_finite_weights(const dpm::Plan& plan) {
  for (const dpm::Step& step : plan.steps) {
    for (const dpm::Instruction& i : step.instructions) {
      if (const auto* c = std::get_if<dpm::Combine>(&i)) {
        for (const double weight : c->weights) REQUIRE(std::isfinite(weight));
      }
    }
  }
}

/// Data N(0.4, 0.6^2) in every dimension, in any prediction, written so that it exists at both
/// singular ends too.
inline constexpr double mean = 0.4;
inline constexpr double stddev = 0.6;

inline double gaussian_output(dpm::Prediction prediction, double x, const dpm::Level& at) {
  const double alpha = at.alpha();
  const double sigma = at.sigma();
  const double score = -(x - alpha * mean) / (alpha * alpha * stddev * stddev + sigma * sigma);
  const double data = mean - alpha * stddev * stddev * score;
  if (prediction == dpm::Prediction::noise) return -sigma * score;
  if (prediction == dpm::Prediction::data) return data;
  if (prediction == dpm::Prediction::velocity) return -alpha * sigma * score - sigma * data;
  return score;
}

inline auto gaussian_model(dpm::Prediction prediction) {
  return
      [prediction](const std::vector<double>& x, const dpm::Level& at, std::vector<double>& out) {
        for (std::size_t i = 0; i < x.size(); ++i) out[i] = gaussian_output(prediction, x[i], at);
      };
}

/// Where the sample stands after each step; the last is the result.
inline std::vector<std::vector<double>> states_of(const dpm::Plan& plan) {
  std::vector<std::vector<double>> states;
  dpm::RunOptions<std::vector<double>> options;
  if (plan.draws() > 0) options.noise = &test_draw;
  options.observer = [&](const dpm::Progress<std::vector<double>>& p) {
    states.push_back(p.sample);
  };
  std::vector<double> x = test_start();
  dpm::sample(plan, gaussian_model(plan.prediction), x, options);
  REQUIRE(states.back() == x);
  return states;
}

/// The last step starts afresh at `from`: a step of first order to sigma = 0 is the data
/// prediction.
inline void require_data_prediction(const std::vector<double>& result,
                                    const std::vector<double>& before, const dpm::Level& from) {
  for (std::size_t i = 0; i < result.size(); ++i) {
    REQUIRE_THAT(result[i],
                 WithinAbs(gaussian_output(dpm::Prediction::data, before[i], from), 1e-12));
  }
}

}  // namespace dpm_test
