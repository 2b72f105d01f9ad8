// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Grids: reversed, longer, copied, and what they refuse.
#include "dpm/grid/grid.hpp"

#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "dpm/grid/spacing.hpp"
#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/variance_preserving.hpp"
#include "dpm/schedule/vp_cosine.hpp"
#include "dpm/schedule/vp_linear.hpp"
#include "support/catch.hpp"
#include "support/grid_schedules.hpp"
#include "support/refused.hpp"

namespace grid_test {

using namespace dpm_test;

TEST_CASE("a reversed grid is the grid of the inversion") {
  for (const auto& [name, schedule] : schedules()) {
    CAPTURE(name);
    const dpm::Grid down = make_grid(dpm::UniformTime{.start = 0.75, .end = 0.25}, schedule, 8);
    const dpm::Grid up = down.reversed();
    require_consistent(up, schedule, 8);
    for (std::size_t i = 0; i <= 8; ++i) REQUIRE(up[i] == down[8 - i]);
    // The same through start < end: in binary these times are exact.
    const dpm::Grid asked = make_grid(dpm::UniformTime{.start = 0.25, .end = 0.75}, schedule, 8);
    for (std::size_t i = 0; i <= 8; ++i) REQUIRE(up[i] == asked[i]);
    const dpm::Grid again = up.reversed();
    for (std::size_t i = 0; i <= 8; ++i) REQUIRE(again[i] == down[i]);
  }
}

TEST_CASE("then(0) ends at clean data and leaves the grid itself alone") {
  for (const auto& [name, schedule] : schedules()) {
    CAPTURE(name);
    const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 5);
    const dpm::Grid longer = grid.then(0.0);
    REQUIRE(grid.steps() == 5);
    require_consistent(longer, schedule, 6);
    for (std::size_t i = 0; i <= 5; ++i) REQUIRE(longer[i] == grid[i]);
    REQUIRE(longer.back().alpha() == 1.0);
    REQUIRE(longer.back().sigma() == 0.0);
    REQUIRE(longer.back().lambda() == infinity);
    REQUIRE(longer.reversed().front() == longer.back());
  }
}

TEST_CASE("then goes on in the direction of the grid") {
  const dpm::Grid up = make_grid(dpm::UniformTime{.start = 0.25, .end = 0.5}, dpm::VpLinear(), 2);
  REQUIRE(up.then(1.0).back().time == 1.0);
  const dpm::Grid down = make_grid(dpm::UniformTime{.end = 0.25}, dpm::VpLinear(), 2);
  REQUIRE(down.then(0.2).then(0.1).then(0.0).steps() == 5);
}

TEST_CASE("grids may start at pure noise") {
  const dpm::AnySchedule table =
      dpm::DiscreteSchedule(dpm::rescale_zero_terminal_snr(dpm::linear_betas(1000)));
  for (const dpm::Grid& grid :
       {make_grid(dpm::UniformTime{}, table, 4), make_grid(dpm::QuadraticTime{}, table, 4)}) {
    require_consistent(grid, table, 4);
    REQUIRE(grid.front().alpha() == 0.0);
    REQUIRE(grid.front().lambda() == -infinity);
    REQUIRE(std::isfinite(grid[1].lambda()));
  }
}

TEST_CASE("copies of a grid are independent of it") {
  std::optional<dpm::Grid> grid = make_grid(dpm::UniformTime{}, dpm::VpLinear(), 3);
  const dpm::Grid copy = *grid;
  grid.reset();
  REQUIRE(copy.steps() == 3);
  REQUIRE(copy.schedule().level(0.5) == dpm::VpLinear().level(0.5));
}

TEST_CASE("a grid refuses fewer than two levels") {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const std::string must = " levels; it must have at least 2";
  refused([&] { (void)dpm::Grid(schedule, {}); }, "Grid: it was given 0" + must);
  refused([&] { (void)grid_of_times(schedule, {}); }, "Grid: it was given 0" + must);
  refused([&] { (void)grid_of_times(schedule, std::vector<double>{0.5}); },
          "Grid: it was given 1" + must);
  refused([&] { (void)grid_of_lambdas(schedule, std::vector<double>{0.5}); },
          "Grid: it was given 1" + must);
}

TEST_CASE("a grid refuses levels that do not run one way") {
  const dpm::AnySchedule schedule = InverseTime();  // lambda = -log t, so 0 at 1
  const std::string must = "; times must be strictly monotone and lambda must run against them";
  // Back again, at a place that the sentence names; and staying where one is.
  refused(
      [&] {
        (void)grid_of_times(schedule, std::vector<double>{4.0, 2.0, 1.0, 1.0});
      },
      "Grid: level 3 has time 1 and lambda 0 after time 1 and lambda 0" + must);
  for (const std::vector<double>& times :
       std::vector<std::vector<double>>{{2.0, 2.0}, {2.0, 1.0, 3.0}, {1.0, 2.0, 1.5}}) {
    REQUIRE_THROWS_AS(grid_of_times(schedule, times), dpm::InvalidArgument);
    REQUIRE_THROWS_WITH(grid_of_times(schedule, times), mentions("Grid: level ") && mentions(must));
  }
  // NaN times, with a schedule that lets them pass, in each place.
  for (const std::vector<double>& times : std::vector<std::vector<double>>{
           {not_a_number, 1.0, 0.5}, {1.0, not_a_number, 0.5}, {1.0, 0.5, not_a_number}}) {
    REQUIRE_THROWS_AS(grid_of_times(schedule, times), dpm::InvalidArgument);
  }
  // Clean data twice: lambda is infinite at both, and so is their difference undefined.
  refused(
      [&] {
        (void)grid_of_times(schedule, std::vector<double>{1.0, 0.0, 0.0});
      },
      "Grid: level 2 has time 0 and lambda inf after time 0 and lambda inf" + must);
  REQUIRE_THROWS_AS(grid_of_times(schedule, std::vector<double>{1.0, 0.0}).then(0.0),
                    dpm::InvalidArgument);
  // Times that fall while lambda falls too, as a broken schedule would have it.
  std::vector<dpm::Level> levels{schedule.level(2.0), schedule.level(1.0), schedule.level(0.5)};
  levels[2].log_alpha = -5.0;
  REQUIRE_THROWS_AS(dpm::Grid(schedule, levels), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(dpm::Grid(schedule, levels), mentions("Grid: level 2 has time 0.5"));
  // One time with two lambdas.
  levels = {schedule.level(1.0), schedule.level(2.0)};
  levels[1].time = 1.0;
  REQUIRE_THROWS_AS(dpm::Grid(schedule, levels), dpm::InvalidArgument);
}

}  // namespace grid_test
