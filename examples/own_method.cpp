// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Your own method: two-step Adams-Bashforth in lambda for the data prediction (DPM-Solver++(2M),
/// Lu et al. 2022, arXiv 2211.01095, Alg. 2), in your own namespace. Second order.
#include <cmath>
#include <cstdio>
#include <vector>

#include "dpm/analysis/convergence.hpp"
#include "dpm/dpm.hpp"

namespace mine {

struct AdamsBashforth {
  static constexpr const char* name = "AdamsBashforth";  // for error messages
  double extrapolation = 1.0;                            // 1: second order; 0: DDIM
};

void write(dpm::PlanBuilder& builder, const AdamsBashforth& method, const dpm::Grid& grid) {
  builder.set_space(dpm::Space::data);  // evaluate() leaves the data prediction
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const dpm::ExponentialStep step(dpm::Space::data, grid[i], grid[i + 1]);
    builder.begin_step(grid[i], grid[i + 1]);
    const dpm::Register now = builder.evaluate(i % 2, dpm::sample_register, grid[i]);
    const dpm::Register before = dpm::prediction_register((i + 1) % 2);
    double slope = 0.0;  // the first step is DDIM's
    if (i > 0) {
      const double h_before = grid[i].lambda() - grid[i - 1].lambda();
      slope = method.extrapolation * 0.5 * step.h() / h_before;
    }
    // x = linear x + w (now + slope (now - before))
    builder.combine(dpm::sample_register, {{dpm::sample_register, step.linear()},
                                           {now, step.weight(0) * (1.0 + slope)},
                                           {before, -step.weight(0) * slope}});
  }
}

}  // namespace mine

int main() {
  const dpm::VpLinear schedule;
  const dpm::Gaussian network({3.0, -1.0}, {0.5, 0.2});  // a model that is exact for such data
  std::vector<double> x{0.8, -0.3};
  const auto measured =
      dpm::measure_order(mine::AdamsBashforth{}, dpm::UniformLambda{}, schedule, network, x,
                         dpm::Prediction::noise, {.fewest_steps = 40});
  dpm::sample(mine::AdamsBashforth{}, schedule, 20, network, x);
  std::printf("order %.2f; the sample is %.3f, %.3f\n", measured.order, x[0], x[1]);
  return std::abs(measured.order - 2.0) < 0.1 ? 0 : 1;
}
