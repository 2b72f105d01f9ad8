// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Classifier-free guidance with two models, with one on a doubled batch, and within an interval of
/// noise levels; classifier guidance. All data is two clusters, and the one at +1 has the label.
#include <Eigen/Core>
#include <cmath>
#include <cstdio>
#include <dpm/dpm.hpp>

using Batch = Eigen::ArrayXXf;  // each column is one sample

int main() {
  // Exact networks: the noise predictions of the labelled data and of all data.
  const dpm::Gaussian labelled({1.0}, {0.5});
  const dpm::GaussianMixture all({{0.5, labelled}, {0.5, dpm::Gaussian({-1.0}, {0.5})}});
  int calls = 0;
  const auto unconditional = [&](const Batch& x, const dpm::Level& level, Batch& noise) {
    ++calls;
    all(x, level, noise);
  };
  const auto doubled = [&](const Batch& x, const dpm::Level& level, Batch& noise) {
    ++calls;
    const Eigen::Index half = x.cols() / 2;  // [conditional | unconditional]
    Batch part = x.leftCols(half);
    labelled(x.leftCols(half).eval(), level, part);
    noise.leftCols(half) = part;
    all(x.rightCols(half).eval(), level, part);
    noise.rightCols(half) = part;
  };
  // log p(label | x) is the logistic function of 2 alpha x / v, v being the variance at the level.
  const auto gradient = [](const Batch& x, const dpm::Level& level) -> Batch {
    const double variance = std::pow(0.5 * level.alpha(), 2) + std::pow(level.sigma(), 2);
    const auto slope = static_cast<float>(2.0 * level.alpha() / variance);
    return slope / (1.0F + (slope * x).exp());
  };

  const dpm::VpLinear schedule;
  Batch start(1, 20000);
  dpm::NormalNoise{.seed = 42}.fill(start);
  const auto run = [&](const char* name, auto&& model) {
    calls = 0;
    Batch x = start;
    dpm::sample(schedule, 20, model, x);
    std::printf("%-34s %5.1f %% above 0, mean %6.3f, %2d unconditional calls\n", name,
                100.0 * static_cast<double>((x > 0.0F).count()) / static_cast<double>(x.size()),
                x.mean(), calls);
    return x;
  };

  run("no guidance", unconditional);
  run("the labelled data alone", labelled);
  dpm::ClassifierFreeGuidance two_models(labelled, unconditional, 3.0);
  const Batch expected = run("classifier-free, scale 3", two_models);
  dpm::BatchedClassifierFreeGuidance one_model(doubled, 3.0);
  const Batch batched = run("the same on a doubled batch", one_model);
  dpm::ClassifierGuidance classifier(unconditional, gradient, 3.0);
  const Batch by_gradient = run("classifier guidance, scale 3", classifier);
  const dpm::GuidanceScale limited = dpm::GuidanceScale(3.0).within(0.3, 3.0);
  run("classifier-free, 0.3 to 3 only",
      dpm::ClassifierFreeGuidance(labelled, unconditional, limited));
  const int limited_calls = calls;

  const bool same = (batched == expected).all();
  const float difference = (by_gradient - expected).abs().maxCoeff();
  const auto above = static_cast<double>((expected > 0.0F).count());
  std::printf("a doubled batch gives the same bits: %s; classifier guidance differs by %.0e\n",
              same ? "yes" : "no", static_cast<double>(difference));
  return same && difference < 1e-4F && above > 0.999 * 20000 && limited_calls < 20 ? 0 : 1;
}
