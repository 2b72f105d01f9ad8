// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Spacings in sigma / alpha: Karras, exponential, beta, and a user's own sigmas.
#include "dpm/grid/sigma_spacing.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "dpm/grid/grid.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/math/beta_quantile.hpp"
#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/edm.hpp"
#include "dpm/schedule/log_sigma_table.hpp"
#include "dpm/schedule/rectified_flow.hpp"
#include "dpm/schedule/vp_linear.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace sigma_spacing_test {

using namespace dpm_test;
using dpm::AnySchedule;
using dpm::beta_quantile;
using dpm::Grid;
using dpm::Karras;

TEST_CASE("beta spacing with a = b = 1 is uniform in time") {
  const auto check = [](const dpm::AnySchedule& schedule, double start, double end) {
    const Grid grid = make_grid(dpm::Beta{1.0, 1.0, start, end}, schedule, 30);
    const Grid uniform = make_grid(dpm::UniformTime{start, end}, schedule, 30);
    for (std::size_t i = 0; i <= 30; ++i) {
      CAPTURE(start, end, i);
      CHECK_THAT(grid[i].time, WithinAbs(uniform[i].time, 1e-14 * std::max(start, end)));
    }
  };
  check(dpm::VpLinear(), 1.0, 1e-3);
  check(dpm::VpLinear(), 0.02, 0.7);
  check(dpm::Edm(), 80.0, 0.002);
  check(dpm::RectifiedFlow(3.0), 1.0, 0.0);
}

TEST_CASE("beta spacing stands at quantiles, counted from the start") {
  // beta(2, 1) has the square root for its quantiles, beta(1/2, 1/2) a squared sine.
  const Grid roots = make_grid(dpm::Beta{.a = 2.0, .b = 1.0}, dpm::VpLinear(0.1, 20.0, 0.25), 4);
  const Grid sines = make_grid(dpm::Beta{0.5, 0.5, 0.8, 0.2}, dpm::RectifiedFlow(), 6);
  for (std::size_t i = 0; i <= 4; ++i) {
    const double left = 1 - static_cast<double>(i) / 4;
    CHECK_THAT(roots[i].time, WithinRel(0.25 + 0.75 * std::sqrt(left), 2e-14));
  }
  for (std::size_t i = 0; i <= 6; ++i) {
    const double sine = std::sin(std::numbers::pi / 2 * (1 - static_cast<double>(i) / 6));
    CHECK_THAT(sines[i].time, WithinRel(0.2 + 0.6 * sine * sine, 2e-14));
  }
  CHECK(roots.front().time == 1.0);
  CHECK(roots.back().time == 0.25);
}

TEST_CASE("beta spacing runs with any shape and any number of steps") {
  for (const double shape : {0.1, 0.2, 0.6, 2.0, 30.0}) {
    for (int steps = 1; steps <= 40; ++steps) {
      CAPTURE(shape, steps);
      const Grid grid = make_grid(dpm::Beta{.a = shape, .b = shape}, dpm::VpLinear(), steps);
      // A symmetric distribution makes symmetric times.
      for (std::size_t i = 0; i <= grid.steps(); ++i) {
        REQUIRE_THAT(grid[i].time + grid[grid.steps() - i].time, WithinRel(1.001, 1e-14));
      }
    }
  }
}

TEST_CASE("ten sigmas at beta quantiles have the timesteps that are in circulation") {
  const dpm::DiscreteSchedule schedule(dpm::scaled_linear_betas());
  const double most = std::exp(-schedule.level(1.0).lambda());
  const double least = std::exp(-schedule.level(0.001).lambda());
  std::vector<double> sigmas;
  for (int i = 0; i < 10; ++i) {
    sigmas.push_back(least + (most - least) * beta_quantile(1 - i / 9.0, 0.6, 0.6));
  }
  std::vector<int> timesteps;
  const Grid grid = grid_of_sigmas(schedule, sigmas);
  for (const dpm::Level& level : grid.levels()) {
    timesteps.push_back(
        static_cast<int>(level.timestep + 1e-9));  // both ends are whole but for rounding
  }
  CHECK(timesteps == std::vector<int>{999, 991, 972, 943, 902, 841, 746, 583, 257, 0});
}

TEST_CASE("beta spacing refuses what it does not allow, in one step as in five") {
  const auto grid = [](const dpm::Beta& spacing, int steps) {
    return [=] { (void)make_grid(spacing, dpm::Edm(), steps); };
  };
  for (const int steps : {1, 5}) {
    CHECK_THROWS_WITH(grid({.a = 0.0}, steps)(),
                      "beta_quantile: a = 0, b = 0.6; both must be in [0.01, 1000]");
    CHECK_THROWS_WITH(grid({.b = 1001.0}, steps)(),
                      "beta_quantile: a = 0.6, b = 1001; both must be in [0.01, 1000]");
    CHECK_THROWS_WITH(grid({.start = 0.5, .end = 0.5}, steps)(),
                      "make_grid: start and end are both 0.5; they must differ");
    CHECK_THROWS_WITH(grid({.start = 81.0}, steps)(),
                      "Edm: time, which is sigma, must be in [0, 80] and is 81");
  }
  CHECK_THROWS_AS(grid({}, 0)(), dpm::InvalidArgument);
  CHECK_THROWS_WITH(grid({}, 0)(), "make_grid: steps = 0; it must be at least 1");
}

namespace {

/// sigma / alpha, which the spacings are about.
double ratio(const dpm::Level& level) { return std::exp(-level.lambda()); }

/// Schedules of every kind, with a start and an end where the ratio is neither 0 nor infinite.
struct Named {
  std::string name;
  AnySchedule schedule;
  double start;
  double end;
};

std::vector<Named> schedules() {
  return {{"Edm", dpm::Edm(), 80.0, 0.002},
          {"VpLinear", dpm::VpLinear(), 1.0, 1e-3},
          {"scaled linear", dpm::DiscreteSchedule(dpm::scaled_linear_betas()), 1.0, 1e-3},
          {"RectifiedFlow", dpm::RectifiedFlow(3.0), 0.99, 0.01},
          {"VpLinear, inverting", dpm::VpLinear(), 0.02, 0.7}};
}

/// The integer timesteps of ten levels: nine steps over the table that Stable Diffusion was trained
/// on.
template <class Spacing, class Rounding>
std::vector<int> ten_timesteps_of(const Spacing& spacing, Rounding rounding) {
  const Grid grid = make_grid(spacing, dpm::DiscreteSchedule(dpm::scaled_linear_betas()), 9);
  std::vector<int> timesteps;
  for (const dpm::Level& level : grid.levels()) {
    timesteps.push_back(static_cast<int>(rounding(level.timestep)));
  }
  return timesteps;
}

}  // namespace

TEST_CASE("Karras spacing follows Eq. 5 of its paper for any rho") {
  for (const auto& [name, schedule, start, end] : schedules()) {
    const double from = ratio(schedule.level(start));
    const double to = ratio(schedule.level(end));
    for (const double rho : {0.5, 1.0, 3.0, 7.0, 20.0}) {
      for (const int steps : {1, 2, 18, 100}) {
        CAPTURE(name, rho, steps);
        const Grid grid =
            make_grid(Karras{.rho = rho, .start = start, .end = end}, schedule, steps);
        REQUIRE(grid.steps() == static_cast<std::size_t>(steps));
        REQUIRE(grid.front() == schedule.level(start));
        REQUIRE(grid.back() == schedule.level(end));
        for (int i = 1; i < steps; ++i) {
          const double root = std::pow(from, 1 / rho) +
                              i / double(steps) * (std::pow(to, 1 / rho) - std::pow(from, 1 / rho));
          // rho powers of rounding in the root, and the schedule's inverse.
          REQUIRE_THAT(ratio(grid[static_cast<std::size_t>(i)]),
                       WithinRel(std::pow(root, rho), 1e-14 * rho + 2e-13));
        }
      }
    }
  }
}

TEST_CASE("Karras with rho = 1 is uniform in sigma / alpha") {
  const Grid grid = make_grid(Karras{.rho = 1.0}, dpm::Edm(), 25);
  const Grid uniform = make_grid(dpm::UniformTime{}, dpm::Edm(), 25);
  for (std::size_t i = 0; i <= 25; ++i) {
    CHECK_THAT(grid[i].sigma(), WithinRel(uniform[i].sigma(), 1e-13));
  }
}

TEST_CASE("the limit of Karras for large rho is uniform in lambda") {
  // At fraction f of a range D of lambda, Karras lies f (1 - f) D^2 / (2 rho) + O(D^3 / rho^2)
  // below.
  const double rho = 1e6;
  for (const auto& [name, schedule, start, end] : schedules()) {
    const Grid grid = make_grid(Karras{.rho = rho, .start = start, .end = end}, schedule, 10);
    const Grid uniform = make_grid(dpm::UniformLambda{start, end}, schedule, 10);
    const double range = grid.back().lambda() - grid.front().lambda();
    for (std::size_t i = 1; i < 10; ++i) {
      CAPTURE(name, i);
      const double f = static_cast<double>(i) / 10;
      const double below = f * (1 - f) * range * range / (2 * rho);
      // The next term is at most 1e3 / rho^2; rounding is rho 2^-53.
      CHECK_THAT(uniform[i].lambda() - grid[i].lambda(), WithinAbs(below, 2e-9));
    }
  }
}

TEST_CASE("rounded sigmas just above the schedule's greatest are its last level") {
  const AnySchedule table = dpm::DiscreteSchedule(dpm::scaled_linear_betas());
  // Published for it; the table ends at 14.61464.
  const Grid grid = grid_of_sigmas(table, std::vector<double>{14.615, 3.861, 0.029});
  CHECK(grid.front() == table.level(1.0));
  CHECK_THAT(ratio(grid.back()), WithinRel(0.029, 2e-13));
  CHECK(grid_of_sigmas(table, std::vector<double>{14.629, 1.0}).front() == table.level(1.0));
  refused(
      [&] {
        (void)grid_of_sigmas(table, std::vector<double>{14.63, 1.0});
      },
      "grid_of_sigmas: sigmas[0] = 14.63; the greatest sigma / alpha of the schedule is "
      "14.614641");
  // A schedule that goes on beyond its last time takes them as they are.
  const Grid longer =
      grid_of_sigmas(dpm::LogSigmaTable(table), std::vector<double>{700.0, 14.615, 1.0});
  CHECK_THAT(ratio(longer[0]), WithinRel(700.0, 1e-14));
  CHECK_THAT(ratio(longer[1]), WithinRel(14.615, 1e-14));
}

TEST_CASE("Karras may end at clean data, and takes the schedule's ends if it is given none") {
  const Grid grid = make_grid(Karras{.end = 0.0}, dpm::Edm(), 8);
  REQUIRE(grid.back().sigma() == 0.0);
  for (std::size_t i = 1; i < 8; ++i) {
    const double left = 1 - static_cast<double>(i) / 8;
    CHECK_THAT(grid[i].sigma(), WithinRel(80.0 * std::pow(left, 7), 1e-13));
  }
  const Grid plain = make_grid(Karras{}, dpm::Edm(), 8);
  CHECK(plain.front().time == 80.0);
  CHECK(plain.back().time == 0.002);
}

TEST_CASE("ten Karras and exponential timesteps are those that are in circulation") {
  const auto nearest = [](double timestep) { return std::round(timestep); };
  const auto below = [](double timestep) { return std::floor(timestep); };
  CHECK(ten_timesteps_of(Karras{}, nearest) ==
        std::vector<int>{999, 916, 815, 687, 523, 327, 146, 41, 7, 0});
  CHECK(ten_timesteps_of(dpm::Exponential{}, nearest) ==
        std::vector<int>{999, 875, 724, 538, 330, 153, 52, 14, 3, 0});
  CHECK(ten_timesteps_of(dpm::Exponential{}, below) ==
        std::vector<int>{999, 874, 723, 538, 329, 152, 52, 14, 2, 0});
}

TEST_CASE("exponential spacing is a geometric progression of sigma / alpha") {
  for (const auto& [name, schedule, start, end] : schedules()) {
    CAPTURE(name);
    const Grid grid = make_grid(dpm::Exponential{start, end}, schedule, 12);
    const double factor = std::pow(ratio(grid.back()) / ratio(grid.front()), 1.0 / 12);
    for (std::size_t i = 1; i <= 12; ++i) {
      CHECK_THAT(ratio(grid[i]) / ratio(grid[i - 1]), WithinRel(factor, 1e-12));
    }
  }
}

TEST_CASE("a grid goes through the user's sigmas") {
  const std::vector<double> sigmas{14.6, 7.0, 1.5, 0.03, 0.0};
  for (const AnySchedule& schedule :
       {AnySchedule(dpm::Edm()), AnySchedule(dpm::VarianceExploding(0.01, 20.0)),
        AnySchedule(dpm::DiscreteSchedule(dpm::scaled_linear_betas())),
        AnySchedule(dpm::VpLinear()), AnySchedule(dpm::RectifiedFlow(3.0))}) {
    const Grid grid = grid_of_sigmas(schedule, sigmas);
    REQUIRE(grid.levels().size() == 5);
    for (std::size_t i = 0; i < 4; ++i) CHECK_THAT(ratio(grid[i]), WithinRel(sigmas[i], 2e-13));
    CHECK(grid.back() == schedule.level(0.0));
    const Grid inverting =
        grid_of_sigmas(schedule, std::vector<double>(sigmas.rbegin(), sigmas.rend()));
    CHECK(inverting.front() == grid.back());
  }
  // Of a flow, sigma / (1 - sigma); an infinite one is pure noise.
  const Grid flow = grid_of_sigmas(dpm::RectifiedFlow(), std::vector<double>{infinity, 3.0, 0.25});
  CHECK(flow[0].alpha() == 0.0);
  CHECK_THAT(flow[1].time, WithinRel(0.75, 1e-15));
  CHECK_THAT(flow[2].time, WithinRel(0.2, 1e-15));
}

TEST_CASE("spacings of sigma refuse what they do not allow") {
  const AnySchedule edm = dpm::Edm();
  for (const auto& [rho, text] : std::vector<std::pair<double, std::string>>{
           {0.0, "0"}, {-7.0, "-7"}, {infinity, "inf"}, {not_a_number, "nan"}}) {
    refused([&, r = rho] { (void)make_grid(Karras{.rho = r}, edm, 5); },
            "Karras: rho = " + text + "; it must be in (0, inf)");
  }
  refused([] { (void)make_grid(Karras{}, dpm::RectifiedFlow(), 5); },
          "Karras: sigma / alpha is infinite at time 1; start and end where alpha > 0");
  refused([] { (void)make_grid(Karras{.start = 0.5, .end = 1.0}, dpm::RectifiedFlow(), 5); },
          "Karras: sigma / alpha is infinite at time 1; start and end where alpha > 0");
  refused([&] { (void)make_grid(Karras{.start = 81.0}, edm, 5); },
          "Edm: time, which is sigma, must be in [0, 80] and is 81");
  refused([&] { (void)make_grid(Karras{}, edm, 0); },
          "make_grid: steps = 0; it must be at least 1");
}

TEST_CASE("the user's sigmas are checked") {
  const AnySchedule edm = dpm::Edm();
  const auto grid = [&](const std::vector<double>& sigmas) {
    return [=] { (void)grid_of_sigmas(edm, sigmas); };
  };
  refused(grid({1.0, -0.5}), "grid_of_sigmas: sigmas[1] = -0.5; it must be at least 0");
  refused(grid({not_a_number, 0.5}), "grid_of_sigmas: sigmas[0] = nan; it must be at least 0");
  refused(grid({1.0}), "Grid: it was given 1 levels; it must have at least 2");
  REQUIRE_THROWS_WITH(grid({1.0, 1.0})(), mentions("Grid: level 1"));
  REQUIRE_THROWS_WITH(grid({1.0, 0.0, 0.0})(), mentions("Grid: level 2"));
  refused(grid({81.0, 1.0}),
          "grid_of_sigmas: sigmas[0] = 81; the greatest sigma / alpha of the schedule is 80");
}

TEST_CASE("Karras and Beta refuse a start that leaves nothing to do, unless an end is given") {
  const std::string sentence =
      "make_grid: start = 0.001 and no end, so sampling ends at the schedule's first time 0.002 "
      "and "
      "there is nothing to do; start above it, or give an end to invert";
  refused([] { (void)make_grid(Karras{.start = 0.001}, dpm::Edm(), 5); }, sentence);
  refused([] { (void)make_grid(dpm::Beta{.start = 0.001}, dpm::Edm(), 5); }, sentence);
  REQUIRE(make_grid(Karras{.start = 0.001, .end = 80.0}, dpm::Edm(), 5).back().time == 80.0);
  refused([] { (void)make_grid(Karras{}, dpm::Edm(), 20'000'000); },
          "make_grid: steps = 20000000; it may be at most 10000000");
}

}  // namespace sigma_spacing_test
