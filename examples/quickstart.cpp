// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The shortest whole program: 5000 samples in 20 model calls.
#include <Eigen/Core>
#include <cmath>
#include <cstdio>
#include <dpm/dpm.hpp>

using Batch = Eigen::ArrayXXf;  // each column is one sample

int main() {
  // The noise schedule that the network was trained with: DDPM's 1000 linear betas.
  const dpm::DiscreteSchedule schedule(dpm::linear_betas(1000));

  // Your network goes here: a noisy batch in, the predicted noise out. It may take level.timestep,
  // the time it was trained on (0 ... 999), as a plain double instead. This one is exact for data
  // from the normal distribution with mean 3 and standard deviation 0.5.
  const auto network = [](const Batch& x, const dpm::Level& level, Batch& noise) {
    const auto alpha = static_cast<float>(level.alpha());
    const auto sigma = static_cast<float>(level.sigma());
    noise = sigma * (x - alpha * 3.0F) / (alpha * alpha * 0.25F + sigma * sigma);
  };

  Batch x(4, 5000);
  dpm::NormalNoise{.seed = 42}.fill(x);
  dpm::sample(schedule, 20, network, x);

  const float mean = x.mean();
  const float deviation = std::sqrt((x - mean).square().mean());
  std::printf("mean %.3f (data 3), standard deviation %.3f (data 0.5)\n", mean, deviation);
  return std::abs(mean - 3.0F) < 0.02F && std::abs(deviation - 0.5F) < 0.02F ? 0 : 1;
}
