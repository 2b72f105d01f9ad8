// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Twenty steps with a network like Stable Diffusion's: the program of the README.
#include <cmath>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <vector>

constexpr int size = 4 * 64 * 64;  // values in a latent image

// Your network goes here: it reads a noisy latent, a timestep from 0 to 999 and a prompt, and
// writes the noise that it sees. ONNX Runtime, TensorRT, ggml, libtorch: all take such pointers.
// This one stands in for it. It knows one latent for each prompt, that of equal values prompt[0].
void unet(const float* latent, int timestep, const float* prompt, float* noise) {
  static const dpm::DiscreteSchedule trained_on(dpm::scaled_linear_betas(1000));
  const dpm::Level level = trained_on.level((timestep + 1) / 1000.0);
  const auto alpha = static_cast<float>(level.alpha());
  const auto sigma = static_cast<float>(level.sigma());
  for (int i = 0; i < size; ++i) noise[i] = (latent[i] - alpha * prompt[0]) / sigma;
}

// The network with its prompt, in the form that dpm calls.
auto with_prompt(const float* prompt) {
  return [prompt](const std::vector<float>& x, double timestep, std::vector<float>& noise) {
    unet(x.data(), static_cast<int>(timestep), prompt, noise.data());
  };
}

int main() {
  // The noise that the network was trained with: Stable Diffusion's, for whole timesteps.
  const dpm::DiscreteSchedule schedule(dpm::scaled_linear_betas(1000, 0.00085, 0.012),
                                       dpm::TimestepType::discrete);

  // DPM++ 2M Karras: 19 steps between Karras' noise levels, and one to clean data, sigma = 0.
  const dpm::Grid grid = dpm::make_grid(dpm::Karras{}, schedule, 19).then(0.0);
  const dpm::Plan plan = dpm::make_plan(dpm::DpmSolver{.order = 2}, grid, dpm::Prediction::noise);

  // Classifier-free guidance of scale 7.5.
  const float prompt[] = {0.4F};
  const float no_prompt[] = {0.0F};
  dpm::ClassifierFreeGuidance network(with_prompt(prompt), with_prompt(no_prompt), 7.5);

  std::vector<float> x(size);
  dpm::NormalNoise{.seed = 42}.fill(x);
  dpm::sample(plan, network, x);  // x was noise and is the latent now: decode it

  // With guidance, this network's latent has equal values of 7.5 times the prompt's.
  std::printf("%d steps; the latent begins with %g\n", plan.model_calls(), x[0]);
  return std::abs(x[0] - 3.0F) < 1e-4F ? 0 : 1;
}
