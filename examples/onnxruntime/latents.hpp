// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What is drawn in the latent space of Stable Diffusion, whoever runs the network.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <dpm/dpm.hpp>
#include <vector>

namespace example {

// A latent image is 4 x 64 x 64 values, a text 77 tokens of 768.
constexpr std::int64_t channels = 4;
constexpr std::int64_t latent_side = 64;
constexpr std::size_t latent_pixels = latent_side * latent_side;
constexpr std::size_t latent_values = channels * latent_pixels;
constexpr std::array<std::int64_t, 2> text_shape{77, 768};

struct Latents {
  int calls = 12;
  double scale = 5.0;        ///< of guidance
  double strength = 1.0;     ///< 1: from noise alone; less: from an image, which keeps as much less
  std::uint64_t seed = 1;    ///< of the starting noise
  std::uint64_t prompt = 1;  ///< of the text's embedding, made up here
  bool velocity = false;     ///< the network predicts v and not the noise
};

inline dpm::Plan plan_of(const Latents& latents) {
  const dpm::DiscreteSchedule schedule(dpm::scaled_linear_betas(1000), dpm::TimestepType::discrete);
  const auto prediction = latents.velocity ? dpm::Prediction::velocity : dpm::Prediction::noise;
  dpm::PowerTime spacing = dpm::default_method_spacing;
  if (latents.strength < 1.0) spacing.start = latents.strength;
  return dpm::make_plan(dpm::default_method, schedule, latents.calls, spacing, prediction);
}

/// The image that image-to-image starts from: what an encoder would make of a picture, here a disc.
inline std::vector<float> image() {
  std::vector<float> x(latent_values);
  for (std::size_t i = 0; i < latent_values; ++i) {
    const auto row = static_cast<double>(i % latent_pixels / latent_side) - 31.5;
    const auto column = static_cast<double>(i % latent_side) - 31.5;
    x[i] = std::hypot(row, column) < 20.0 ? 1.0F : -1.0F;
  }
  return x;
}

/// Noise, or the image with the noise that the plan's first level has.
inline std::vector<float> start_of(const Latents& latents, const dpm::Plan& plan) {
  const dpm::NormalNoise noise{.seed = latents.seed, .elements_per_sample = latent_values};
  std::vector<float> x(latent_values);
  if (latents.strength < 1.0) {
    x = image();
    dpm::add_noise(x, plan.start(), noise);
  } else {
    noise.fill(x);
  }
  return x;
}

/// For the doubled batch of guidance: the text's embedding and that of no text. A text encoder
/// would make them; here they are random.
inline std::vector<float> embeddings_of(const Latents& latents) {
  constexpr auto values = static_cast<std::size_t>(text_shape[0] * text_shape[1]);
  std::vector<float> text(values);
  std::vector<float> none(values);
  dpm::NormalNoise{.seed = latents.prompt, .elements_per_sample = values}.fill(text);
  dpm::NormalNoise{.seed = 0, .elements_per_sample = values}.fill(none);
  text.insert(text.end(), none.begin(), none.end());
  return text;
}

}  // namespace example
