// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What docs/getting-started.md takes for given: Stable Diffusion's schedule and a small network.
#pragma once

#include <cstddef>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <span>
#include <vector>

inline const dpm::DiscreteSchedule schedule(dpm::scaled_linear_betas(1000),
                                            dpm::TimestepType::discrete);

/// Stands in for a network.
inline void unet(const float* x, double /*timestep*/, float* noise) {
  for (int i = 0; i < 16; ++i) noise[i] = 0.5F * x[i];
}

inline const auto network = [](const std::vector<float>& x, double timestep,
                               std::vector<float>& noise) {
  unet(x.data(), timestep, noise.data());
};

inline std::vector<float> x(16, 0.5F);
