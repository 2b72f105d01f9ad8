// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Draws the digits 0 to 9 with a TorchScript network: libtorch UNET.pt
#include <cstdio>
#include <dpm/dpm.hpp>
#include <dpm/interop/libtorch.hpp>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: libtorch UNET.pt\n");
    return 2;
  }
  // forward(x [B, 1, 28, 28], t [B], label [B]) is the noise in x; label 10 is "any digit".
  torch::jit::Module unet = torch::jit::load(argv[1]);
  unet.to(torch::kFloat);  // the file has half types
  const torch::Tensor digits = torch::arange(10);
  const torch::Tensor any = torch::full_like(digits, 10);
  const dpm::TorchModel network(unet, {torch::cat({digits, any})});

  torch::Tensor x = torch::empty({10, 1, 28, 28});
  dpm::TensorNoise{.seed = 42}.fill(x);
  const dpm::DiscreteSchedule schedule(dpm::linear_betas(1000));
  dpm::sample(schedule, 20, dpm::TorchClassifierFreeGuidance(network, 3.0), x);

  // Half a character high, from -1 (paper) to 1 (ink), without the margins.
  x = torch::avg_pool2d(x, {2, 1}).narrow(3, 4, 20).squeeze(1).contiguous();
  const auto ink = x.accessor<float, 3>();
  for (int line = 0; line < 28; ++line) {
    for (int column = 0; column < 100; ++column) {
      const float value = ink[5 * (line / 14) + column / 20][line % 14][column % 20];
      std::putchar(value > 0.3F ? '#' : value > -0.3F ? '+' : value > -0.8F ? '.' : ' ');
    }
    std::putchar('\n');
  }
  const double paper = (x < -0.8).to(torch::kFloat).mean().item<double>();
  return paper > 0.3 && paper < 0.9 ? 0 : 1;
}
