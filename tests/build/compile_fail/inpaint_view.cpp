// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Inpaint keeps the known image for as long as a run takes, and a view keeps nothing.
// expect: the known image of Inpaint is a view
#include <Eigen/Core>

#include <dpm/dpm.hpp>
#include <dpm/run/inpaint.hpp>

#ifdef DPM_FIXED
using Image = Eigen::ArrayXXf;
#else
using Image = Eigen::Map<const Eigen::ArrayXXf>;
#endif

void run(const dpm::Grid& grid, const Image& image, const Image& mask, Eigen::ArrayXXf& x) {
  using State = Eigen::ArrayXXf;
  const auto model = [](const State& in, double, State& out) { out = in; };
  const auto noise = [](auto& z, const dpm::NoiseRequest&) { z.setZero(); };
  dpm::sample_with_edits(dpm::Ddim{}, grid, model, x, dpm::Inpaint(image, mask, noise));
}
