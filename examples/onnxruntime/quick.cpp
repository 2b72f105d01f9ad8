// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Draws the digits 0 to 9 with a network in ONNX Runtime: onnxruntime_quick UNET.onnx
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <dpm/interop/onnxruntime.hpp>
#include <numeric>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: onnxruntime_quick UNET.onnx\n");
    return 2;
  }
  const Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "dpm");
  Ort::Session unet(env, argv[1], Ort::SessionOptions{});

  // Its inputs are sample [batch, 1, 28, 28], timestep [batch] and label [batch]. Guidance doubles
  // the batch: first the ten digits, then as often 10, which is "any digit".
  std::vector<std::int64_t> labels(20, 10);
  std::iota(labels.begin(), labels.begin() + 10, 0);
  const dpm::OrtModel network(unet, {{"label", labels}});

  constexpr std::size_t pixels = 784;
  std::vector<float> x(10 * pixels);
  dpm::NormalNoise{.seed = 42, .elements_per_sample = pixels}.fill(x);
  const dpm::DiscreteSchedule schedule(dpm::linear_betas(1000));
  dpm::sample(schedule, 20, dpm::BatchedClassifierFreeGuidance(network, 3.0), x);

  // Half a character high, from -1 (paper) to 1 (ink), without the margins.
  int paper = 0;
  for (std::size_t line = 0; line < 28; ++line) {
    for (std::size_t column = 0; column < 100; ++column) {
      const std::size_t digit = 5 * (line / 14) + column / 20;
      const float* const pixel = &x[digit * pixels + line % 14 * 56 + column % 20 + 4];
      const float value = 0.5F * (pixel[0] + pixel[28]);
      std::putchar(value > 0.3F ? '#' : value > -0.3F ? '+' : value > -0.8F ? '.' : ' ');
      if (value < -0.8F) ++paper;
    }
    std::putchar('\n');
  }
  return paper > 840 && paper < 2520 ? 0 : 1;
}
