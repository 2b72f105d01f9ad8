// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Converts what a network predicts to the data or noise prediction: a linear map at each level.
#pragma once

#include <cmath>

#include "dpm/error.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// A prediction as a linear function of the model's input and output: `input * x + output * m`.
struct Conversion {
  double input = 0.0;
  double output = 1.0;
};

/// Whether the data prediction can be computed at `at`. It can except where alpha = 0 and the model
/// predicts noise or score.
inline bool says_data(Prediction prediction, const Level& at) {
  return at.alpha() > 0.0 || (prediction != Prediction::noise && prediction != Prediction::score);
}

/// Converts the model's output to the data prediction at `at`. With x = alpha x_0 + sigma epsilon:
/// x_0 = (x - sigma epsilon) / alpha = (x - sigma flow) / (alpha + sigma); from v and F by the
/// inverse of what `Prediction` says. Refused where alpha = 0 if the model predicts noise or score.
Conversion to_data(Prediction prediction, const Level& at);

/// Converts the model's output to the noise prediction at `at`: epsilon = (x - alpha x_0) / sigma =
/// (x + alpha flow) / (alpha + sigma) = -sigma score (arXiv 2011.13456, Sec. 3), and from v and F
/// as above. Refused where sigma = 0 if the model predicts data.
Conversion to_noise(Prediction prediction, const Level& at);

#if DPM_DEFINE

namespace detail {

/// x_0 or epsilon from v = alpha epsilon - sigma x_0: x_0 = (alpha x - sigma v) / (alpha^2 +
/// sigma^2) and epsilon = (sigma x + alpha v) / (alpha^2 + sigma^2) (arXiv 2202.00512, App. D). For
/// a model with scaled inputs, alpha and sigma are those after scaling x by c_in and x_0 by 1 /
/// data_stddev, so that alpha^2 + sigma^2 = 1.
inline Conversion from_velocity(const Level& at, Space to) {
  const double alpha = at.alpha();
  const double sigma = at.sigma();
  if (at.data_stddev == 0.0) {
    const double norm = alpha * alpha + sigma * sigma;
    return to == Space::data ? Conversion{alpha / norm, -sigma / norm}
                             : Conversion{sigma / norm, alpha / norm};
  }
  const double d = at.data_stddev;
  const double c = at.input_scale();
  return to == Space::data ? Conversion{d * d * c * c * alpha, -d * c * sigma}
                           : Conversion{c * c * sigma, d * c * alpha};
}

/// The same from F instead of v. F is -v on data of unit variance: with alpha = 1 that gives c_skip
/// and c_out of arXiv 2206.00364, Table 1. Refused where the level does not scale inputs.
inline Conversion from_edm(const Level& at, Space to) {
  require(
      at.data_stddev > 0.0, "make_plan: Prediction::edm at time ", at.time,
      ", where data_stddev is 0; it needs a schedule that scales the model's input, such as Edm");
  const Conversion velocity = from_velocity(at, to);
  return {velocity.input, -velocity.output};
}

}  // namespace detail

DPM_INLINE Conversion to_data(Prediction prediction, const Level& at) {
  if (prediction == Prediction::data) return {};
  if (prediction == Prediction::velocity) return detail::from_velocity(at, Space::data);
  if (prediction == Prediction::edm) return detail::from_edm(at, Space::data);
  const double alpha = at.alpha();
  if (prediction == Prediction::flow) {
    const double sum = alpha + at.sigma();
    return {1.0 / sum, -at.sigma() / sum};
  }
  detail::require(alpha > 0.0, "make_plan: at time ", at.time,
                  " alpha is 0, where a prediction of the noise or the score says nothing about "
                  "the data; use a data, velocity or flow prediction, or start below that time");
  const double noise_weight = -std::exp(-at.lambda());
  return {1.0 / alpha, prediction == Prediction::noise ? noise_weight : -noise_weight * at.sigma()};
}

DPM_INLINE Conversion to_noise(Prediction prediction, const Level& at) {
  if (prediction == Prediction::noise) return {};
  if (prediction == Prediction::velocity) return detail::from_velocity(at, Space::noise);
  if (prediction == Prediction::edm) return detail::from_edm(at, Space::noise);
  const double sigma = at.sigma();
  if (prediction == Prediction::score) return {0.0, -sigma};
  if (prediction == Prediction::flow) {
    const double sum = at.alpha() + sigma;
    return {1.0 / sum, at.alpha() / sum};
  }
  detail::require(sigma > 0.0, "make_plan: at time ", at.time,
                  " sigma is 0, where a prediction of the data says nothing about the noise; use a "
                  "noise or velocity prediction, or leave that time out");
  return {1.0 / sigma, -std::exp(at.lambda())};
}

#endif

}  // namespace dpm
