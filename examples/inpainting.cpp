// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Inpainting by mask: of pairs of values that belong together the first is given. With RePaint's
/// resampling (Lugmayr et al. 2022, arXiv 2201.09865, Sec. 4.2) each step is repeated from noise
/// added again, so that the unknown value has time to fit the known one.
#include <Eigen/Core>
#include <cmath>
#include <cstdio>
#include <limits>

#include "dpm/dpm.hpp"

using Batch = Eigen::ArrayXXd;  // each column is a pair (v, w): w = v in all data, v normal

/// The exact noise prediction for such pairs.
void network(const Batch& x, const dpm::Level& at, Batch& noise) {
  const double factor = at.alpha() / (2.0 * std::pow(at.alpha(), 2) + std::pow(at.sigma(), 2));
  const Batch pair = (factor * (x.row(0) + x.row(1))).replicate(2, 1);
  noise = (x - at.alpha() * pair) / at.sigma();
}

/// x from level `low` back up to level `high`, as the forward process goes (Eq. 1 there).
void add_noise_again(Batch& x, const dpm::Level& low, const dpm::Level& high, std::uint32_t draw) {
  Batch z = x;
  dpm::NormalNoise{.seed = 5}(z, {draw, low, high});
  const double kept = high.alpha() / low.alpha();
  const double fresh = std::pow(high.sigma(), 2) - std::pow(kept * low.sigma(), 2);
  x = kept * x + std::sqrt(fresh) * z;
}

/// Root mean square of w - v after `repeats` passes over each of 50 steps.
double misfit(int repeats) {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, dpm::VpLinear(), 50);
  Batch known = Batch::Constant(2, 500, std::numeric_limits<double>::quiet_NaN());
  known.row(0) = 1.5;
  Batch mask = Batch::Zero(2, 500);
  mask.row(0) = 1.0;
  std::uint32_t draw = 0;
  const dpm::Inpaint<Batch> inpaint(known, mask, [&draw](Batch& z, const dpm::NoiseRequest& r) {
    dpm::NormalNoise{.seed = 6}(z, {draw, r.from, r.to});  // fresh in each pass
  });
  Batch x(2, 500);
  dpm::NormalNoise{.seed = 4}.fill(x);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const dpm::Grid step(grid.schedule(), {grid[i], grid[i + 1]});
    for (int repeat = 0; repeat < repeats; ++repeat) {
      if (repeat > 0) add_noise_again(x, grid[i + 1], grid[i], draw);
      dpm::RunOptions<Batch> options;
      options.noise = [draw](Batch& z, const dpm::NoiseRequest& request) {
        dpm::NormalNoise{.seed = 8}(z, {draw, request.from, request.to});
      };
      dpm::sample_with_edits(dpm::Ddpm{}, step, network, x, inpaint, dpm::Prediction::noise,
                             options);
      ++draw;
    }
  }
  return std::sqrt((x.row(1) - x.row(0)).square().mean());
}

int main() {
  const double once = misfit(1);
  const double often = misfit(10);
  std::printf("v given, w = v sampled: misfit %.3f in one pass, %.3f with ten (RePaint)\n", once,
              often);
  return often < 0.5 * once && often < 0.2 ? 0 : 1;
}
