// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The spacing in a power of time.
#include "dpm/grid/spacing.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace power_time_test {

using dpm_test::WithinAbs;
using dpm_test::WithinRel;

namespace {

std::vector<double> times(const dpm::Grid& grid) {
  std::vector<double> result;
  for (const dpm::Level& level : grid.levels()) result.push_back(level.time);
  return result;
}

/// Whether a call is refused with exactly this sentence.
template <class Function>
void refused(Function function, const std::string& sentence) {
  REQUIRE_THROWS_MATCHES(function(), dpm::InvalidArgument, Catch::Matchers::Message(sentence));
}

}  // namespace

TEST_CASE("PowerTime takes equal steps in the root of time") {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  for (const double power : {0.5, 1.0, 3.0, 4.0, 20.0}) {
    for (const int steps : {1, 2, 7, 1000}) {
      CAPTURE(power, steps);
      const dpm::PowerTime spacing{.power = power, .start = 0.9, .end = 0.01};
      const std::vector<double> t = times(make_grid(spacing, schedule, steps));
      REQUIRE(t.size() == static_cast<std::size_t>(steps) + 1);
      REQUIRE(t.front() == 0.9);
      REQUIRE(t.back() == 0.01);
      const auto root = [&](double time) { return std::pow(time, 1.0 / power); };
      const double step = (root(0.01) - root(0.9)) / steps;
      for (std::size_t i = 0; i + 1 < t.size(); ++i) {
        REQUIRE_THAT(root(t[i + 1]) - root(t[i]), WithinAbs(step, 1e-14));
      }
    }
  }
}

TEST_CASE("PowerTime has the other spacings of time as special cases") {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const auto close = [](const dpm::Grid& a, const dpm::Grid& b, double tolerance) {
    for (std::size_t i = 0; i <= a.steps(); ++i) {
      REQUIRE_THAT(a[i].time, WithinRel(b[i].time, tolerance));
    }
  };
  close(make_grid(dpm::PowerTime{.power = 1.0}, schedule, 9),
        make_grid(dpm::UniformTime{}, schedule, 9), 1e-14);
  close(make_grid(dpm::PowerTime{.power = 2.0}, schedule, 9),
        make_grid(dpm::QuadraticTime{}, schedule, 9), 1e-14);
  // Large powers: log time, with an error of log(end)^2 / power.
  const dpm::Grid geometric = make_grid(dpm::PowerTime{.power = 1e6}, schedule, 9);
  for (std::size_t i = 0; i <= 9; ++i) {
    REQUIRE_THAT(geometric[i].time, WithinRel(std::pow(1e-3, double(i) / 9.0), 5e-5));
  }
}

TEST_CASE("PowerTime may end at time 0 and run backwards") {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const std::vector<double> down = times(make_grid(dpm::PowerTime{.end = 0.0}, schedule, 4));
  REQUIRE_THAT(down[1], WithinRel(27.0 / 64.0, 1e-14));
  REQUIRE_THAT(down[3], WithinRel(1.0 / 64.0, 1e-14));
  REQUIRE(down[4] == 0.0);
  const dpm::Grid up = make_grid(dpm::PowerTime{.start = 0.01, .end = 1.0}, schedule, 4);
  REQUIRE(up.front().time == 0.01);
  REQUIRE(up[1].time < up[2].time);
}

TEST_CASE("PowerTime refuses a power that is not positive and finite") {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const auto grid_of = [&](double power) {
    return [&schedule, power] { (void)make_grid(dpm::PowerTime{.power = power}, schedule, 4); };
  };
  refused(grid_of(0.0), "PowerTime: power = 0; it must be in (0, inf)");
  refused(grid_of(-1.0), "PowerTime: power = -1; it must be in (0, inf)");
  refused(grid_of(std::numeric_limits<double>::infinity()),
          "PowerTime: power = inf; it must be in (0, inf)");
  refused(grid_of(std::nan("")), "PowerTime: power = nan; it must be in (0, inf)");
}

}  // namespace power_time_test
