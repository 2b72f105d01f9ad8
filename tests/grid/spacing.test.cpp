// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Spacings in time and in lambda, and grids of a user's own times.
#include "dpm/grid/spacing.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "dpm/grid/grid.hpp"
#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/variance_preserving.hpp"
#include "dpm/schedule/vp_cosine.hpp"
#include "dpm/schedule/vp_linear.hpp"
#include "support/catch.hpp"
#include "support/grid_schedules.hpp"
#include "support/refused.hpp"

namespace spacing_test {

using namespace dpm_test;

namespace {

/// Start and end as a user may give them: sampling, sampling from the middle, inversion.
struct Range {
  std::optional<double> start;
  std::optional<double> end;
};

const std::vector<Range> ranges{{}, {0.6, {}}, {{}, 0.05}, {0.45, 0.2}, {0.02, 0.7}};

void require_ends(const dpm::Grid& grid, const dpm::AnySchedule& schedule, const Range& range) {
  REQUIRE(grid.front() == schedule.level(range.start.value_or(schedule.last_time())));
  REQUIRE(grid.back() == schedule.level(range.end.value_or(schedule.first_time())));
}

/// `at(level)` takes equal steps: each value is where it should be to `tolerance` of the range.
template <class At>
void require_equal_steps(const dpm::Grid& grid, double tolerance, At at) {
  const double first = at(grid.front());
  const double range = at(grid.back()) - first;
  for (std::size_t i = 0; i <= grid.steps(); ++i) {
    const double fraction = static_cast<double>(i) / static_cast<double>(grid.steps());
    CAPTURE(i);
    REQUIRE_THAT((at(grid[i]) - first) / range, WithinAbs(fraction, tolerance));
  }
}

}  // namespace

TEST_CASE("uniform time takes equal steps in time") {
  for (const auto& [name, schedule] : schedules()) {
    for (const Range& range : ranges) {
      for (const int steps : {1, 2, 7, 1000}) {
        CAPTURE(name, range.start.value_or(-1), range.end.value_or(-1), steps);
        const dpm::Grid grid =
            make_grid(dpm::UniformTime{.start = range.start, .end = range.end}, schedule, steps);
        require_ends(grid, schedule, range);
        require_consistent(grid, schedule, static_cast<std::size_t>(steps));
        require_equal_steps(grid, 1e-14, [](const dpm::Level& at) { return at.time; });
      }
    }
  }
}

TEST_CASE("quadratic time takes equal steps in the square root of time") {
  for (const auto& [name, schedule] : schedules()) {
    for (const Range& range : ranges) {
      for (const int steps : {1, 2, 7, 1000}) {
        CAPTURE(name, range.start.value_or(-1), range.end.value_or(-1), steps);
        const dpm::Grid grid =
            make_grid(dpm::QuadraticTime{.start = range.start, .end = range.end}, schedule, steps);
        require_ends(grid, schedule, range);
        require_consistent(grid, schedule, static_cast<std::size_t>(steps));
        require_equal_steps(grid, 1e-14, [](const dpm::Level& at) { return std::sqrt(at.time); });
      }
    }
  }
}

TEST_CASE("uniform lambda takes equal steps in lambda") {
  for (const auto& [name, schedule] : schedules()) {
    for (const Range& range : ranges) {
      for (const int steps : {1, 2, 7, 1000}) {
        CAPTURE(name, range.start.value_or(-1), range.end.value_or(-1), steps);
        const dpm::Grid grid =
            make_grid(dpm::UniformLambda{.start = range.start, .end = range.end}, schedule, steps);
        require_ends(grid, schedule, range);
        require_consistent(grid, schedule, static_cast<std::size_t>(steps));
        require_equal_steps(grid, 1e-12, [](const dpm::Level& at) { return at.lambda(); });
      }
    }
  }
}

TEST_CASE("each spacing has the levels that are worked out by hand") {
  const dpm::AnySchedule schedule = InverseTime();
  const auto times = [](const dpm::Grid& grid) {
    std::vector<double> t;
    for (const dpm::Level& level : grid.levels()) t.push_back(level.time);
    return t;
  };
  // Powers of two, so that every operation is exact.
  REQUIRE(times(make_grid(dpm::UniformTime{.start = 64.0, .end = 0.0}, schedule, 4)) ==
          std::vector<double>{64.0, 48.0, 32.0, 16.0, 0.0});
  REQUIRE(times(make_grid(dpm::QuadraticTime{.start = 64.0, .end = 0.0}, schedule, 4)) ==
          std::vector<double>{64.0, 36.0, 16.0, 4.0, 0.0});
  const std::vector<double> geometric =
      times(make_grid(dpm::UniformLambda{.start = 64.0, .end = 0.25}, schedule, 4));
  REQUIRE(geometric.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    REQUIRE_THAT(geometric[i], WithinRel(std::exp2(6.0 - 2.0 * static_cast<double>(i)), 1e-14));
  }
}

TEST_CASE("left out, start and end are the schedule's last and first time") {
  const dpm::AnySchedule late = dpm::VpLinear(0.1, 20.0, 0.25);
  REQUIRE(make_grid(dpm::UniformTime{}, late, 3).front().time == 1.0);
  REQUIRE(make_grid(dpm::UniformTime{}, late, 3).back().time == 0.25);
  REQUIRE(make_grid(dpm::QuadraticTime{}, dpm::VpCosine(), 3).front().time == 0.9946);
  REQUIRE(make_grid(dpm::UniformLambda{}, dpm::DiscreteSchedule(dpm::linear_betas(500)), 3)
              .back()
              .time == 0.002);
}

TEST_CASE("uniform time over a table of betas meets its times") {
  // 999 steps from entry 999 to entry 0: the timesteps are the whole numbers.
  const dpm::Grid grid =
      make_grid(dpm::UniformTime{}, dpm::DiscreteSchedule(dpm::linear_betas(1000)), 999);
  for (std::size_t i = 0; i <= 999; ++i) {
    REQUIRE_THAT(grid[i].timestep, WithinAbs(999.0 - static_cast<double>(i), 1e-10));
  }
}

TEST_CASE("the user's own times and lambdas are taken as they are") {
  const std::vector<double> times{0.9, 0.5, 0.45, 0.1, 0.0};
  const std::vector<double> inverting(times.rbegin(), times.rend());
  const std::vector<double> lambdas{-3.5, -1.25, 0.0, 0.5, 3.0};
  for (const auto& [name, schedule] : schedules()) {
    CAPTURE(name);
    for (const auto& list : {times, inverting}) {
      const dpm::Grid grid = grid_of_times(schedule, list);
      require_consistent(grid, schedule, 4);
      for (std::size_t i = 0; i < list.size(); ++i) REQUIRE(grid[i] == schedule.level(list[i]));
    }
    for (const auto& list : {lambdas, std::vector<double>(lambdas.rbegin(), lambdas.rend())}) {
      const dpm::Grid grid = grid_of_lambdas(schedule, list);
      require_consistent(grid, schedule, 4);
      for (std::size_t i = 0; i < list.size(); ++i) {
        REQUIRE_THAT(grid[i].lambda(), WithinAbs(list[i], 1e-12));
      }
    }
  }
}

TEST_CASE("a lambda of infinity is clean data") {
  const dpm::Grid grid = grid_of_lambdas(dpm::VpLinear(), std::vector<double>{-1.0, infinity});
  REQUIRE(grid.back() == dpm::VpLinear().level(0.0));
  REQUIRE(grid.back().sigma() == 0.0);
}

TEST_CASE("make_grid refuses fewer than one step") {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  for (const int steps : {0, -1, -3, std::numeric_limits<int>::min()}) {
    const std::string sentence =
        "make_grid: steps = " + std::to_string(steps) + "; it must be at least 1";
    refused([&] { (void)make_grid(dpm::UniformTime{}, schedule, steps); }, sentence);
    refused([&] { (void)make_grid(dpm::QuadraticTime{}, schedule, steps); }, sentence);
    refused([&] { (void)make_grid(dpm::UniformLambda{}, schedule, steps); }, sentence);
  }
}

TEST_CASE("make_grid refuses more steps than any run has") {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  for (const int steps : {10'000'001, std::numeric_limits<int>::max()}) {
    const std::string sentence =
        "make_grid: steps = " + std::to_string(steps) + "; it may be at most 10000000";
    refused([&] { (void)make_grid(dpm::UniformTime{}, schedule, steps); }, sentence);
    refused([&] { (void)make_grid(dpm::QuadraticTime{}, schedule, steps); }, sentence);
    refused([&] { (void)make_grid(dpm::PowerTime{}, schedule, steps); }, sentence);
    refused([&] { (void)make_grid(dpm::UniformLambda{}, schedule, steps); }, sentence);
  }
}

TEST_CASE("make_grid refuses a start that leaves nothing to do, unless an end is given") {
  const auto refused_by_all = [](const dpm::AnySchedule& schedule, double start,
                                 const std::string& start_text, const std::string& end_text) {
    const std::string sentence = "make_grid: start = " + start_text +
                                 " and no end, so sampling ends at the schedule's first time " +
                                 end_text +
                                 " and there is nothing to do; start above it, or give "
                                 "an end to invert";
    refused([&] { (void)make_grid(dpm::UniformTime{.start = start}, schedule, 4); }, sentence);
    refused([&] { (void)make_grid(dpm::QuadraticTime{.start = start}, schedule, 4); }, sentence);
    refused([&] { (void)make_grid(dpm::PowerTime{.start = start}, schedule, 4); }, sentence);
    refused([&] { (void)make_grid(dpm::UniformLambda{.start = start}, schedule, 4); }, sentence);
  };
  const dpm::AnySchedule schedule = dpm::VpLinear();
  refused_by_all(schedule, 1e-9, "1e-09", "0.001");
  refused_by_all(schedule, 0.0, "0", "0.001");
  refused_by_all(schedule, 1e-3, "0.001", "0.001");
  refused_by_all(dpm::DiscreteSchedule(dpm::linear_betas(500)), 0.001, "0.001", "0.002");
  REQUIRE(make_grid(dpm::UniformTime{.start = 0.0011}, schedule, 1).back().time == 1e-3);
  // With an end it is an inversion, or a sampling run below the first time.
  REQUIRE(make_grid(dpm::UniformTime{.start = 1e-9, .end = 1e-3}, schedule, 4).back().time == 1e-3);
  REQUIRE(make_grid(dpm::UniformTime{.start = 1e-3, .end = 0.0}, schedule, 4).back().time == 0.0);
  // A time that the schedule does not have is named as that.
  refused([&] { (void)make_grid(dpm::UniformTime{.start = -0.25}, schedule, 4); },
          "VpLinear: time must be in [0, 1] and is -0.25");
}

TEST_CASE("make_grid refuses an end equal to the start") {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const std::string sentence = "make_grid: start and end are both 0.5; they must differ";
  refused([&] { (void)make_grid(dpm::UniformTime{0.5, 0.5}, schedule, 4); }, sentence);
  refused([&] { (void)make_grid(dpm::QuadraticTime{0.5, 0.5}, schedule, 4); }, sentence);
  refused([&] { (void)make_grid(dpm::UniformLambda{0.5, 0.5}, schedule, 4); }, sentence);
  refused([&] { (void)make_grid(dpm::UniformTime{.end = 1.0}, schedule, 4); },
          "make_grid: start and end are both 1; they must differ");
}

TEST_CASE("spacings refuse times outside the schedule") {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const auto refused_by_all = [&](double start, double end, const std::string& value) {
    const std::string sentence = "VpLinear: time must be in [0, 1] and is " + value;
    // In one step, so that the end is the first time after the start.
    refused([&] { (void)make_grid(dpm::UniformTime{start, end}, schedule, 1); }, sentence);
    refused([&] { (void)make_grid(dpm::QuadraticTime{start, end}, schedule, 1); }, sentence);
    refused([&] { (void)make_grid(dpm::UniformLambda{start, end}, schedule, 1); }, sentence);
    REQUIRE_THROWS_AS(make_grid(dpm::UniformTime{start, end}, schedule, 4), dpm::InvalidArgument);
    REQUIRE_THROWS_AS(make_grid(dpm::QuadraticTime{start, end}, schedule, 4), dpm::InvalidArgument);
    refused([&] { (void)make_grid(dpm::UniformLambda{start, end}, schedule, 4); }, sentence);
  };
  refused_by_all(1.5, 0.1, "1.5");
  refused_by_all(0.5, -0.25, "-0.25");
  refused_by_all(-0.25, 0.5, "-0.25");
  refused_by_all(not_a_number, 0.5, "nan");
  refused_by_all(0.5, not_a_number, "nan");
  refused_by_all(infinity, 0.5, "inf");
  refused(
      [&] {
        (void)grid_of_times(schedule, std::vector<double>{0.5, 0.25, -0.25});
      },
      "VpLinear: time must be in [0, 1] and is -0.25");
  refused(
      [&] {
        (void)grid_of_times(schedule, std::vector<double>{0.5, not_a_number});
      },
      "VpLinear: time must be in [0, 1] and is nan");
  refused([&] { (void)make_grid(dpm::UniformTime{.end = 0.5}, schedule, 2).then(-0.5); },
          "VpLinear: time must be in [0, 1] and is -0.5");
  REQUIRE_THROWS_WITH(grid_of_lambdas(schedule, std::vector<double>{-6.0, 0.0}),
                      mentions("VpLinear: lambda must be in [") && mentions(", inf] and is -6"));
  REQUIRE_THROWS_AS(grid_of_lambdas(schedule, std::vector<double>{0.0, not_a_number}),
                    dpm::InvalidArgument);
}

TEST_CASE("uniform lambda refuses ends where lambda is infinite") {
  const std::string advice =
      "; uniform lambda needs both to be finite, so end above time 0 and start where alpha > 0";
  refused([] { (void)make_grid(dpm::UniformLambda{.start = 1.0, .end = 0.0}, InverseTime(), 4); },
          "make_grid: lambda runs from 0 to inf" + advice);
  refused([] { (void)make_grid(dpm::UniformLambda{.start = 0.0, .end = 1.0}, InverseTime(), 4); },
          "make_grid: lambda runs from inf to 0" + advice);
  const dpm::AnySchedule table =
      dpm::DiscreteSchedule(dpm::rescale_zero_terminal_snr(dpm::linear_betas(1000)));
  REQUIRE_THROWS_AS(make_grid(dpm::UniformLambda{}, table, 4), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(make_grid(dpm::UniformLambda{}, table, 4),
                      mentions("make_grid: lambda runs from -inf to ") && mentions(advice));
}

}  // namespace spacing_test
