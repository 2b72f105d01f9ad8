// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Restart: its way back, its calls, refusals.
#include <cmath>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace restart_test {

using namespace dpm_test;
using dpm::Heun;
using dpm::Restart;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

}  // namespace

TEST_CASE("Restart that never goes back is Heun's method") {
  for (const double end : {1e-3, 0.0}) {
    const dpm::Grid grid = make_grid(dpm::UniformTime{.end = end}, schedule, 12);
    REQUIRE(make_plan(Restart{.times = 0}, grid) == make_plan(Heun{}, grid));
  }
  const dpm::Grid all_above = make_grid(dpm::UniformTime{.start = 1.0, .end = 0.9}, schedule, 4);
  REQUIRE(make_plan(Restart{.times = 0}, all_above) == make_plan(Heun{}, all_above));
}

TEST_CASE("Restart goes from its lowest level back to its highest, and comes down again") {
  const dpm::Grid grid = make_grid(dpm::Karras{}, schedule, 12);
  const dpm::Plan plan = make_plan(Restart{.steps = 3, .times = 2}, grid);
  REQUIRE(plan.model_calls() == 24 + 12);
  REQUIRE(plan.draws() == 2);
  const auto nearest = [&](double ratio) {
    const dpm::Level* best = &grid[0];
    for (const dpm::Level& level : grid.levels()) {
      const auto distance = [&](const dpm::Level& l) {
        return std::abs(std::exp(-l.lambda()) - ratio);
      };
      if (distance(level) < distance(*best)) best = &level;
    }
    return *best;
  };
  int ways_down = 0;
  for (std::size_t i = 1; i < plan.steps.size(); ++i) {
    const dpm::Step& step = plan.steps[i];
    REQUIRE(step.from == plan.steps[i - 1].to);
    if (step.instructions.front() !=
        dpm::Instruction(dpm::Draw{dpm::noise_register, static_cast<std::uint32_t>(ways_down)}))
      continue;
    ++ways_down;
    REQUIRE(step.from == nearest(0.1));
    REQUIRE(plan.steps[i + 2].to == nearest(0.1));
  }
  REQUIRE(ways_down == 2);
  REQUIRE(plan.end() == grid.back());
}

TEST_CASE("Restart makes exactly the number of calls that it is given, or refuses it") {
  for (const int calls : {40, 60}) {
    REQUIRE(make_plan(Restart{}, schedule, calls).model_calls() == calls);
  }
  refused([&] { (void)make_plan(Restart{}, schedule, 41); },
          "make_plan: model_calls = 41 over a grid from time 1 to time 0.001, where 12 steps make "
          "42 calls; ask for a number that whole steps make, unless the method's for_model_calls "
          "has named the wrong number of steps");
  refused([&] { (void)make_plan(Restart{}, schedule, 18); },
          "Restart: model_calls = 18; it needs at least 19");
}

TEST_CASE("Restart refuses options out of range and grids that it cannot go back on") {
  const dpm::Grid grid = make_grid(dpm::Karras{}, schedule, 12);
  const std::string between = "; the first must be above 0 and the second above it";
  refused([&] { (void)make_plan(Restart{.least = 0.0}, grid); },
          "Restart: it goes from sigma / alpha = 0 up to 2" + between);
  refused([&] { (void)make_plan(Restart{.least = 2.0}, grid); },
          "Restart: it goes from sigma / alpha = 2 up to 2" + between);
  refused([&] { (void)make_plan(Restart{.most = not_a_number}, grid); },
          "Restart: it goes from sigma / alpha = 0.1 up to nan" + between);
  const std::string counts =
      "; steps must be at least 1, times at least 0, and both together at most 1000000";
  refused([&] { (void)make_plan(Restart{.steps = 0}, grid); },
          "Restart: steps = 0, times = 1" + counts);
  refused([&] { (void)make_plan(Restart{.times = -1}, grid); },
          "Restart: steps = 9, times = -1" + counts);
  refused([&] { (void)make_plan(Restart{.steps = 1000, .times = 1001}, grid); },
          "Restart: steps = 1000, times = 1001" + counts);
  for (const auto& row : {std::pair{0.0, "0"}, {infinity, "inf"}, {not_a_number, "nan"}}) {
    const double bad = row.first;
    refused([&] { (void)make_plan(Restart{.rho = bad}, grid); },
            "Restart: rho = " + std::string(row.second) + "; it must be finite and above 0");
  }
  for (const auto& row : {std::pair{-1.0, "-1"}, {infinity, "inf"}, {not_a_number, "nan"}}) {
    const double bad = row.first;
    refused(
        [&] { (void)make_plan(Restart{.noise_scale = bad}, grid); },
        "Restart: noise_scale = " + std::string(row.second) + "; it must be finite and at least 0");
  }
  const std::string pass =
      "; a run must pass the first before the second, and the second above sigma = 0";
  const dpm::Grid short_grid = dpm::grid_of_times(schedule, std::vector<double>{1.0, 0.9});
  refused([&] { (void)make_plan(Restart{}, short_grid); },
          "Restart: level 1 is the nearest to sigma / alpha = 2 and level 1 to 0.1" + pass);
  refused([&] { (void)make_plan(Restart{}, grid.reversed()); },
          "Restart: level 4 is the nearest to sigma / alpha = 2 and level 1 to 0.1" + pass);
  const dpm::Grid to_zero = dpm::grid_of_times(schedule, std::vector<double>{1.0, 0.3, 0.0});
  refused([&] { (void)make_plan(Restart{}, to_zero); },
          "Restart: level 1 is the nearest to sigma / alpha = 2 and level 2 to 0.1" + pass);
}

}  // namespace restart_test
