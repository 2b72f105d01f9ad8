// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What the fragments of the documentation use: exact networks for normally distributed data, in
/// the forms that trained networks have.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <dpm/dpm.hpp>

namespace page {

using Batch = Eigen::ArrayXXf;  // each column is one sample

/// The schedule of Stable Diffusion: 1000 scaled linear betas, whole timesteps.
inline const dpm::DiscreteSchedule<double> schedule(dpm::scaled_linear_betas(1000),
                                                    dpm::TimestepType::discrete);

inline constexpr float data_mean = 0.5F;
inline constexpr float data_stddev = 0.5F;

/// The noise in x at a level, for data of that mean and standard deviation.
inline void exact_noise(const Batch& x, const dpm::Level& level, Batch& noise) {
  const auto alpha = static_cast<float>(level.alpha());
  const auto sigma = static_cast<float>(level.sigma());
  const float variance = alpha * alpha * data_stddev * data_stddev + sigma * sigma;
  noise = sigma * (x - alpha * data_mean) / variance;
}

/// A network that is given a timestep from 0 to 999 and predicts noise.
inline void network(const Batch& x, double timestep, Batch& noise) {
  exact_noise(x, schedule.level((timestep + 1.0) / 1000.0), noise);
}

/// The same without its prompt: other data.
inline void without_prompt(const Batch& x, double timestep, Batch& noise) {
  const dpm::Level level = schedule.level((timestep + 1.0) / 1000.0);
  const auto alpha = static_cast<float>(level.alpha());
  const auto sigma = static_cast<float>(level.sigma());
  noise = sigma * x / (alpha * alpha + sigma * sigma);
}

/// A network that predicts velocity.
inline void velocity_network(const Batch& x, const dpm::Level& level, Batch& velocity) {
  exact_noise(x, level, velocity);
  const auto alpha = static_cast<float>(level.alpha());
  const auto sigma = static_cast<float>(level.sigma());
  // v = alpha epsilon - sigma x_0, written so that it holds at alpha = 0 too.
  const float variance = alpha * alpha * data_stddev * data_stddev + sigma * sigma;
  const Batch data =
      data_mean + alpha * data_stddev * data_stddev * (x - alpha * data_mean) / variance;
  velocity = alpha * velocity - sigma * data;
}

/// A flow network that is given 1000 sigma and predicts noise minus data.
inline void flow_network(const Batch& x, double timestep, Batch& flow) {
  const auto sigma = static_cast<float>(timestep / 1000.0);
  const float alpha = 1.0F - sigma;
  const float variance = alpha * alpha * data_stddev * data_stddev + sigma * sigma;
  const Batch place = (x - alpha * data_mean) / variance;
  flow = sigma * place - data_mean - alpha * data_stddev * data_stddev * place;
}

/// The raw network F of EDM, for data of mean 0.5 and standard deviation sigma_data = 0.5: it is
/// given c_in x and log(sigma) / 4.
inline void edm_network(const Batch& x, double c_noise, Batch& raw) {
  const double sigma = std::exp(4.0 * c_noise);
  raw = Batch::Constant(x.rows(), x.cols(),
                        static_cast<float>(sigma / std::hypot(0.5, sigma)) * data_mean / 0.5F);
}

inline Batch standard_noise(int columns = 16, std::uint64_t number = 0) {
  Batch z(64, columns);
  dpm::NormalNoise{.seed = 42, .first_sample = number}.fill(z);
  return z;
}

inline Batch x = standard_noise();
inline const Batch image = Batch::Constant(64, 16, 0.25F);
/// 1 where the image is known, 0 where it is to be drawn.
inline const Batch mask = [] {
  Batch known = Batch::Zero(64, 16);
  known.topRows(32) = 1.0F;
  return known;
}();

}  // namespace page

using namespace page;  // NOLINT(google-global-names-in-headers): as a page has no namespaces
