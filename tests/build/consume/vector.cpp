// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A program without Eigen: its samples are a std::vector.
#include <cmath>
#include <dpm/dpm.hpp>
#include <vector>

int main() {
  // Data that is always 3: every sampler ends at 3 alpha + sigma epsilon.
  const auto network = [](const std::vector<float>& x, const dpm::Level& at,
                          std::vector<float>& noise) {
    const auto data = static_cast<float>(3.0 * at.alpha());
    for (std::size_t i = 0; i < x.size(); ++i) {
      noise[i] = (x[i] - data) / static_cast<float>(at.sigma());
    }
  };
  std::vector<float> x(100);
  dpm::NormalNoise{.seed = 1}.fill(x);
  const int calls = dpm::sample(dpm::VpLinear(), 10, network, x).model_calls;
  for (const float value : x) {
    if (!(std::abs(value - 3.0F) < 0.1F)) return 1;
  }
  return calls == 10 ? 0 : 1;
}
