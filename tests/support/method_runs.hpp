// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The ends of runs of the test network from its start, with its draws.
#pragma once

#include <vector>

#include "dpm/dpm.hpp"
#include "support/test_network.hpp"

namespace dpm_test {

inline std::vector<double> run(const dpm::Plan& plan) {
  std::vector<double> x = test_start();
  dpm::RunOptions<std::vector<double>> options;
  if (plan.draws() > 0) options.noise = &test_draw;
  dpm::sample(plan, test_model(plan.prediction), x, options);
  return x;
}

template <class Method>
std::vector<double> run(const Method& method, const dpm::Grid& grid) {
  return run(make_plan(method, grid));
}

}  // namespace dpm_test
