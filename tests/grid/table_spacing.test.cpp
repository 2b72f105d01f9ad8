// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Grids through the integer timesteps of a table: leading, linspace, trailing, the user's own.
#include "dpm/grid/table_spacing.hpp"

#include <functional>
#include <string>
#include <vector>

#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/edm.hpp"
#include "dpm/schedule/rectified_flow.hpp"
#include "dpm/schedule/vp_linear.hpp"
#include "support/catch.hpp"

using namespace dpm_test;
using dpm::FinalSigma;
using dpm::leading_timesteps;
using dpm::linspace_timesteps;
using dpm::trailing_timesteps;
using Timesteps = std::vector<int>;

namespace {

const dpm::AnySchedule table = dpm::DiscreteSchedule(dpm::scaled_linear_betas());

void refused(const std::function<void()>& call, const std::string& sentence) {
  REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(call(), sentence);
}

}  // namespace

TEST_CASE("a grid of timesteps visits the table's own levels and ends as it is told") {
  const Timesteps timesteps{999, 500, 3};
  for (const dpm::AnySchedule& schedule : {table, dpm::AnySchedule(dpm::VpLinear())}) {
    const dpm::Grid to_zero = grid_of_timesteps(schedule, 1000, timesteps);
    const dpm::Grid to_least = grid_of_timesteps(schedule, 1000, timesteps, FinalSigma::sigma_min);
    REQUIRE(to_zero.levels().size() == 4);
    REQUIRE(to_least.levels().size() == 4);
    for (std::size_t i = 0; i < 3; ++i) {
      REQUIRE(to_zero[i] == schedule.level((timesteps[i] + 1) / 1000.0));
      REQUIRE(to_least[i] == to_zero[i]);
    }
    REQUIRE(to_zero.back() == schedule.level(0.0));
    REQUIRE(to_least.back() == schedule.level(0.001));
  }
}

TEST_CASE("leading, linspace and trailing grids hand the model whole timesteps") {
  for (const int steps : {1, 7, 61, 250}) {
    CAPTURE(steps);
    const auto require_labels = [&](const dpm::Grid& grid, const Timesteps& timesteps) {
      REQUIRE(grid.steps() == static_cast<std::size_t>(steps));
      for (std::size_t i = 0; i < grid.steps(); ++i) REQUIRE(grid[i].timestep == timesteps[i]);
    };
    const dpm::Grid leading = make_grid(dpm::Leading{.offset = 1}, table, steps);
    require_labels(leading, leading_timesteps(1000, steps, 1));
    REQUIRE(leading.back().sigma() == 0.0);
    const FinalSigma least = FinalSigma::sigma_min;
    require_labels(make_grid(dpm::Linspace{}, table, steps), linspace_timesteps(999, steps + 1));
    const dpm::Grid linspace = make_grid(dpm::Linspace{.final = least}, table, steps);
    REQUIRE(linspace.back() == table.level(0.001));
    require_labels(make_grid(dpm::Trailing{.final = least}, table, steps),
                   trailing_timesteps(1000, steps));
    REQUIRE(make_grid(dpm::Trailing{}, table, steps).back().sigma() == 0.0);
  }
}

TEST_CASE("tables of other sizes count their own entries") {
  const dpm::AnySchedule four =
      dpm::DiscreteSchedule(std::vector<double>{0.1, 0.2, 0.3, 0.4}, dpm::TimestepType::discrete);
  const dpm::Grid grid = make_grid(dpm::Trailing{.train_timesteps = 4}, four, 2);
  REQUIRE(grid[0].timestep == 3.0);
  REQUIRE(grid[1].timestep == 1.0);
}

TEST_CASE("grids that a table does not have are refused") {
  refused([] { (void)grid_of_timesteps(table, 0, Timesteps{1}); },
          "grid_of_timesteps: train_timesteps = 0; it must be at least 1");
  refused(
      [] {
        (void)grid_of_timesteps(table, 1000, Timesteps{999, 1000});
      },
      "grid_of_timesteps: timesteps[1] = 1000; it must lie between 0 and 999");
  refused([] { (void)grid_of_timesteps(table, 1000, Timesteps{-1}); },
          "grid_of_timesteps: timesteps[0] = -1; it must lie between 0 and 999");
  refused([] { (void)grid_of_timesteps(table, 1000, Timesteps{}); },
          "Grid: it was given 1 levels; it must have at least 2");
  REQUIRE_THROWS_WITH(grid_of_timesteps(table, 1000, Timesteps{500, 500}),
                      mentions("Grid: level 1"));
  // Timestep 0 is sigma_min already.
  REQUIRE_THROWS_WITH(make_grid(dpm::Leading{.final = FinalSigma::sigma_min}, table, 10),
                      mentions("Grid: level 10 has time 0.001") && mentions("after time 0.001"));
  refused([] { (void)make_grid(dpm::Linspace{}, table, 1000); },
          "Linspace: steps = 1000; it must lie between 1 and train_timesteps - 1 = 999");
  refused([] { (void)make_grid(dpm::Linspace{}, table, 0); },
          "Linspace: steps = 0; it must lie between 1 and train_timesteps - 1 = 999");
  refused([] { (void)make_grid(dpm::Leading{}, table, 0); },
          "leading_timesteps: steps = 0; it must lie between 1 and train_timesteps = 1000");
  refused([] { (void)make_grid(dpm::Trailing{}, table, 1001); },
          "trailing_timesteps: steps = 1001; it must lie between 1 and train_timesteps = 1000");
}

TEST_CASE("integer spacings want the schedule whose table they count") {
  const auto refuses = [](const auto& spacing, const dpm::AnySchedule& schedule,
                          const std::string& sentence) {
    REQUIRE_THROWS_AS(make_grid(spacing, schedule, 10), dpm::InvalidArgument);
    REQUIRE_THROWS_WITH(make_grid(spacing, schedule, 10), sentence);
  };
  const std::string must =
      "; it must be the number of entries of the schedule's table, from time 1 / train_timesteps "
      "to 1";
  const dpm::DiscreteSchedule longer(dpm::linear_betas(4000));
  refuses(dpm::Leading{}, longer,
          "Leading: train_timesteps = 1000 on a schedule from time 0.00025 to 1" + must);
  refuses(dpm::Trailing{}, dpm::Edm(),
          "Trailing: train_timesteps = 1000 on a schedule from time 0.002 to 80" + must);
  refuses(dpm::Linspace{}, dpm::RectifiedFlow(),
          "Linspace: train_timesteps = 1000 on a schedule from time 0 to 1" + must);
  REQUIRE_NOTHROW(make_grid(dpm::Leading{.train_timesteps = 4000}, longer, 10));
}
