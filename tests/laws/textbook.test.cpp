// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Law 4: every plan equals the paper's loop.
#include <cstddef>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/test_network.hpp"
#include "support/textbook.hpp"
#include "support/textbook_job.hpp"
#include "support/textbook_loops.hpp"

namespace textbook_test {

using namespace dpm_test;
namespace book = dpm_test::textbook;
using book::Job;
using book::job_on;
using book::run_plan;
using book::Vec;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

}  // namespace

TEST_CASE("law 4: every plan equals the paper's loop") {
  const auto loops = book::textbook_loops();
  for (const NamedMethod& method : every_method()) {
    INFO(method.name);
    REQUIRE(loops.count(method.name) == 1);
    const std::vector<dpm::Grid> grids{
        make_grid(dpm::UniformLambda{}, schedule, 12),
        make_grid(dpm::UniformTime{.end = 0.01}, schedule, 18),
        make_grid(dpm::QuadraticTime{.start = 0.8}, schedule, 9),
        make_grid(dpm::UniformLambda{.start = 0.02, .end = 0.9}, schedule, 12),  // inversion
    };
    for (const dpm::Grid& grid : grids) {
      const bool inverts = grid.back().time > grid.front().time;
      if (inverts && !method.inverts()) continue;
      const Vec expected = loops.at(method.name)(job_on(grid));
      const Vec result = run_plan(method(grid, dpm::Prediction::noise));
      CAPTURE(grid.front().time, grid.steps());
      REQUIRE(relative_difference(result, expected) < 1e-12);
    }
  }
}

TEST_CASE("law 4: DPM-Solver-fast equals the paper's loop for every budget") {
  for (int calls = 3; calls <= 24; ++calls) {
    CAPTURE(calls);
    const std::vector<int> orders = book::dpm_solver_fast_orders(calls);
    const dpm::Grid grid =
        make_grid(dpm::UniformLambda{}, schedule, static_cast<int>(orders.size()));
    const dpm::DpmSolver fast{.order = 3,
                              .form = dpm::DpmSolver::Form::singlestep,
                              .space = dpm::Space::noise,
                              .model_calls = calls};
    const dpm::Plan plan = make_plan(fast, grid);
    REQUIRE(plan.model_calls() == calls);
    const Job job = job_on(grid);
    const Vec expected = book::dpm_solver_fast(job.noise, schedule, job.grid, orders, job.x);
    REQUIRE(relative_difference(run_plan(plan), expected) < 1e-12);
  }
}

}  // namespace textbook_test
