// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Image-to-image: start at any level with the right noise added. The more noise, the more of the
/// network's own data the result shows, and the less of the image.
#include <Eigen/Core>
#include <cmath>
#include <cstdio>

#include "dpm/dpm.hpp"

using Batch = Eigen::ArrayXXf;  // each column is one sample

int main() {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const dpm::Gaussian network({-1.0, 0.5}, {0.5, 0.5});  // the data have these means
  std::printf("image (1, 1); the network's data: mean (-1, 0.5)\nstart    result\n");
  float before = 2.0F;
  bool moves_away = true;
  for (const double strength : {0.1, 0.3, 0.5, 0.7, 1.0}) {
    const auto spacing = dpm::UniformTime{.start = strength};
    const dpm::Plan plan = dpm::make_plan(dpm::default_method, schedule, 20, spacing);
    Batch x = Batch::Constant(2, 4000, 1.0F);
    dpm::add_noise(x, plan.start(), dpm::NormalNoise{.seed = 7});
    dpm::sample(plan, network, x);
    std::printf("t = %.1f  (%6.3f, %6.3f)\n", strength, static_cast<double>(x.row(0).mean()),
                static_cast<double>(x.row(1).mean()));
    moves_away = moves_away && x.row(0).mean() < before;
    before = x.row(0).mean();
  }
  return moves_away && std::abs(before + 1.0F) < 0.05F ? 0 : 1;
}
