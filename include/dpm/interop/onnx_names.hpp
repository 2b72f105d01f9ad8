// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The names that exported networks usually give to their inputs and their output.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace dpm::detail {

// The first that a network has counts.
inline constexpr std::array<const char*, 8> usual_samples{
    "sample", "x", "latents", "latent", "latent_model_input", "x_t", "noisy", "input"};
inline constexpr std::array<const char*, 6> usual_timesteps{"timestep", "timesteps", "t",
                                                            "time",     "sigma",     "sigmas"};
inline constexpr std::array<const char*, 6> usual_outputs{"out_sample", "noise_pred", "noise",
                                                          "sample",     "output",     "prediction"};

inline bool is_usual_timestep(std::string_view name) {
  return std::find(usual_timesteps.begin(), usual_timesteps.end(), name) != usual_timesteps.end();
}

}  // namespace dpm::detail
