// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Strong guidance makes pictures too harsh. Two ways out: rescaling, and a scale that is small
/// until the picture begins to take shape. The pictures have 16 pixels, light and dark by turns or
/// the other way.
#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <vector>

using Batch = Eigen::ArrayXXf;  // each column is one picture

int main() {
  std::vector<double> light_first(16);
  for (std::size_t i = 0; i < 16; ++i) light_first[i] = i % 2 == 0 ? 1.0 : -1.0;
  std::vector<double> dark_first(light_first.rbegin(), light_first.rend());
  const std::vector<double> deviations(16, 0.5);
  // Exact networks: the data predictions of pictures that begin with light, and of all.
  const auto data_of = [](const auto& model) {
    return [model](const Batch& x, const dpm::Level& level, Batch& data) {
      model(x, level, data);  // the noise prediction
      const auto sigma = static_cast<float>(level.sigma());
      data = (x - sigma * data) / static_cast<float>(level.alpha());
    };
  };
  const dpm::Gaussian light(light_first, deviations);
  const auto labelled = data_of(light);
  const auto all =
      data_of(dpm::GaussianMixture({{0.5, light}, {0.5, dpm::Gaussian(dark_first, deviations)}}));

  Batch start(16, 1000);
  dpm::NormalNoise{.seed = 42}.fill(start);
  const auto contrast_of = [&](const char* name, auto&& model) {
    Batch x = start;
    dpm::sample(dpm::VpLinear(), 20, model, x, dpm::Prediction::data);
    const Eigen::ArrayXXf centred = x.rowwise() - x.colwise().mean();
    const double contrast = std::sqrt(static_cast<double>(centred.square().mean()));
    std::printf("%-40s contrast %.3f\n", name, contrast);
    return contrast;
  };

  std::printf("contrast: the deviation of the pixels in a picture\n");
  const double data = contrast_of("without guidance", labelled);
  const double strong = contrast_of("scale 12", dpm::ClassifierFreeGuidance(labelled, all, 12.0));
  const double rescaled =
      contrast_of("scale 12, rescaled with phi = 0.7",
                  dpm::ClassifierFreeGuidance(labelled, all, 12.0, {.phi = 0.7}));
  const auto growing = [](const dpm::Level& at) {
    return 1.0 + 11.0 / (1.0 + std::exp(-2.0 * at.lambda()));
  };
  const double varying = contrast_of("scale growing with lambda from 1 to 12",
                                     dpm::ClassifierFreeGuidance(labelled, all, growing));
  const bool good = strong > 1.2 * data && rescaled < 0.9 * strong && varying < 0.9 * strong;
  return good ? 0 : 1;
}
