// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Inversion of deterministic samplers: from data to the noise that it comes from, and back. The
/// data come back at the order of the method, for DDIM 1 and for second-order DPM-Solver++ 2.
#include <cmath>
#include <cstdio>
#include <vector>

#include "dpm/dpm.hpp"

using State = std::vector<double>;

namespace {

/// How far data are from themselves after inversion and sampling in `steps` steps each.
template <class Method>
double round_trip_error(const Method& method, const dpm::GaussianMixture& network, int steps) {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{.end = 0.01}, dpm::VpLinear(), steps);
  const State data{0.9, -0.4, -1.2, 0.6};  // two samples of two values
  State x = data;
  dpm::sample(make_plan(method, grid.reversed()), network, x);
  dpm::sample(make_plan(method, grid), network, x);
  double worst = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(x[i] - data[i]));
  return worst;
}

template <class Method>
double print_row(const char* name, const Method& method, const dpm::GaussianMixture& network) {
  std::printf("%-24s", name);
  double before = 0.0;
  double order = 0.0;
  for (const int steps : {50, 100, 200, 400}) {
    const double error = round_trip_error(method, network, steps);
    order = std::log2(before / error);
    before = error;
    std::printf("%12.2e", error);
  }
  std::printf("   order %.2f\n", order);
  return order;
}

}  // namespace

int main() {
  const dpm::GaussianMixture network(std::vector<dpm::GaussianMixture::Component>{
      {1.0, dpm::Gaussian({1.0, 0.0}, {0.4, 0.5})}, {2.0, dpm::Gaussian({-1.0, 0.5}, {0.5, 0.4})}});
  std::printf("%-24s%12d%12d%12d%12d   steps each way\n", "error after both ways", 50, 100, 200,
              400);
  const double ddim = print_row("DDIM", dpm::Ddim{}, network);
  const double second = print_row("DPM-Solver++ 2 multistep", dpm::DpmSolver{.order = 2}, network);
  return ddim > 0.85 && second > 1.85 ? 0 : 1;
}
