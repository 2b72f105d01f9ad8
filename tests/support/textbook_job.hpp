// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What plans and textbook samplers are both run on: the test network, start and draws.
#pragma once

#include <cstdint>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/test_network.hpp"
#include "support/textbook_base.hpp"

namespace dpm_test::textbook {

/// What a textbook loop is given: a noise network, the grid, the start and the draws.
struct Job {
  Network noise;
  Levels grid;
  Vec x;
  std::vector<Vec> draws;
};

inline Network network_of(const Job& job, Space space) {
  return space == Space::noise ? job.noise : data_network(job.noise);
}

inline Vec run_plan(const dpm::Plan& plan) {
  Vec x = test_start();
  dpm::RunOptions<Vec> options;
  if (plan.draws() > 0) options.noise = &test_draw;
  dpm::sample(plan, test_model(plan.prediction), x, options);
  return x;
}

inline Job job_on(const dpm::Grid& grid) {
  Job job;
  job.noise = [](const Vec& x, const dpm::Level& at) {
    Vec out(x.size());
    test_network(x, at.time, out);
    return out;
  };
  job.grid.assign(grid.levels().begin(), grid.levels().end());
  job.x = test_start();
  for (std::uint32_t k = 0; k < 3 * grid.steps(); ++k) {
    job.draws.emplace_back(job.x.size());
    test_draw(job.draws.back(), {k, {}, {}});
  }
  return job;
}

}  // namespace dpm_test::textbook
