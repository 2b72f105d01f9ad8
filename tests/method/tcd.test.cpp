// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// TCD: what it is at its ends, the levels in between, refusals.
#include <cmath>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/method_runs.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace tcd_test {

using namespace dpm_test;
using dpm::Tcd;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

}  // namespace

TEST_CASE("TCD without noise is DDIM") {
  for (const dpm::Grid& grid : {make_grid(dpm::UniformTime{}, schedule, 7),
                                make_grid(dpm::UniformTime{.end = 0.0}, schedule, 7)}) {
    const dpm::Plan plan = make_plan(Tcd{.eta = 0.0}, grid);
    REQUIRE(plan.draws() == 0);
    REQUIRE(relative_difference(run(plan), run(dpm::Ddim{}, grid)) < 1e-12);
  }
}

TEST_CASE("TCD draws in every step but one to clean data or to the first entry of a table") {
  const dpm::Grid to_zero = make_grid(dpm::UniformTime{.end = 0.0}, schedule, 6);
  REQUIRE(make_plan(Tcd{}, to_zero).draws() == 5);
  const dpm::Grid above = make_grid(dpm::UniformTime{.end = 0.01}, schedule, 6);
  REQUIRE(make_plan(Tcd{}, above).draws() == 6);
  const dpm::DiscreteSchedule table(dpm::scaled_linear_betas());
  const std::vector<double> times{1.0, 0.76, 0.5, 0.26, 0.001};
  const dpm::Grid published = dpm::grid_of_times(table, times);
  REQUIRE(make_plan(Tcd{}, published).draws() == 3);
  REQUIRE(make_plan(Tcd{}, published).model_calls() == 4);
}

TEST_CASE("over a table TCD goes down to whole entries") {
  // From 999 to 759 with eta 0.3: a DDIM step to floor(0.7 * 759) = 531, then noise.
  const dpm::DiscreteSchedule table(dpm::scaled_linear_betas());
  const dpm::AnySchedule schedule_of_table = table;
  const dpm::Grid grid = dpm::grid_of_times(table, std::vector<double>{1.0, 0.76});
  const dpm::Level down = schedule_of_table.level(532.0 / 1000.0);
  const dpm::ExponentialStep step(dpm::Space::data, grid[0], down);
  const double kept = grid[1].alpha() / down.alpha();
  const double added = std::sqrt(std::pow(grid[1].sigma(), 2) - std::pow(kept * down.sigma(), 2));
  State x{0.3};
  dpm::RunOptions<State> options;
  options.noise = [](State& z, const dpm::NoiseRequest&) { z[0] = 0.7; };
  dpm::sample(
      make_plan(Tcd{}, grid, dpm::Prediction::data),
      [](const State&, double, State& out) { out[0] = 0.2; }, x, options);
  REQUIRE_THAT(x[0],
               WithinRel(kept * (step.linear() * 0.3 + step.weight(0) * 0.2) + added * 0.7, 1e-12));
}

TEST_CASE("Tcd refuses an eta out of range and inversion") {
  const dpm::Grid grid = dpm::grid_of_times(schedule, std::vector<double>{0.5, 0.25});
  for (const auto& row : {std::pair{-1.0, "-1"}, {1.5, "1.5"}, {not_a_number, "nan"}}) {
    const double bad = row.first;
    refused([&] { (void)make_plan(Tcd{.eta = bad}, grid); },
            "Tcd: eta = " + std::string(row.second) + "; it must lie between 0 and 1");
  }
  refused([&] { (void)make_plan(Tcd{}, grid.reversed()); },
          "Tcd: the grid runs from time 0.25 to time 0.5, towards more noise; it must run towards "
          "clean data");
}

}  // namespace tcd_test
