// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The curves in sigma: formulas, ends, limits and refusals.
#include "dpm/grid/sigma_curves.hpp"

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "dpm/grid/sigma_scale.hpp"
#include "dpm/grid/sigma_spacing.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/method/ddim.hpp"
#include "dpm/method/method.hpp"
#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/edm.hpp"
#include "dpm/schedule/log_sigma_table.hpp"
#include "dpm/schedule/rectified_flow.hpp"
#include "dpm/schedule/vp_cosine.hpp"
#include "dpm/schedule/vp_linear.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace sigma_curves_test {

using namespace dpm_test;
using dpm::AnySchedule;
using dpm::FinalSigma;
using dpm::Grid;

namespace {

const AnySchedule table = dpm::DiscreteSchedule(dpm::scaled_linear_betas());
const AnySchedule flow = dpm::RectifiedFlow(3.0);
const AnySchedule edm = dpm::Edm();

/// sigma / alpha.
double ratio(const dpm::Level& level) { return std::exp(-level.lambda()); }

/// Calls `check` with a spacing of each kind that passes through its start and its end.
template <class Check>
void for_each_whole_curve(Check check) {
  check(dpm::KarrasSigma{});
  check(dpm::Polyexponential{});
  check(dpm::Polyexponential{.rho = 2.5});
  check(dpm::KlOptimal{});
  check(dpm::BetaSigma{});
}

/// And with that whose own ends may lie between them.
template <class Check>
void for_each_curve(Check check) {
  for_each_whole_curve(check);
  check(dpm::Laplace{});
  check(dpm::BongTangent{});
}

}  // namespace

TEST_CASE("a flow is a schedule whose alpha and sigma sum to 1") {
  CHECK(dpm::detail::is_flow(dpm::RectifiedFlow()));
  CHECK(dpm::detail::is_flow(dpm::RectifiedFlow(0.2)));
  CHECK(dpm::detail::is_flow(AnySchedule(AnySchedule(dpm::RectifiedFlow(1e3)))));
  for (const AnySchedule& schedule :
       {AnySchedule(dpm::VpLinear()), AnySchedule(dpm::VpCosine()), edm, table,
        AnySchedule(dpm::LogSigmaTable(table)), AnySchedule(dpm::VarianceExploding()),
        AnySchedule(dpm::DiscreteSchedule(std::vector<double>{1e-9}))}) {
    CHECK(!dpm::detail::is_flow(schedule));
  }
}

TEST_CASE("every curve leads from the start over its end to clean data") {
  for_each_whole_curve([](auto spacing) {
    for (const AnySchedule& schedule : {table, flow, edm, AnySchedule(dpm::VpLinear())}) {
      const double first = dpm::detail::is_flow(schedule) ? 0.001 : schedule.first_time();
      for (const int steps : {2, 3, 10, 100}) {
        const auto n = static_cast<std::size_t>(steps);
        CAPTURE(steps, first);
        spacing.final = FinalSigma::zero;
        const Grid zero = make_grid(spacing, schedule, steps);
        REQUIRE(zero.steps() == n);
        REQUIRE(zero.front() == schedule.level(schedule.last_time()));
        REQUIRE(zero[n - 1] == schedule.level(first));
        REQUIRE(zero.back() == schedule.level(0.0));
        spacing.final = FinalSigma::sigma_min;
        const Grid plain = make_grid(spacing, schedule, steps - 1);
        for (std::size_t i = 0; i < n; ++i) REQUIRE(plain[i] == zero[i]);
        spacing.final = FinalSigma::zero_instead;
        const Grid instead = make_grid(spacing, schedule, steps - 1);
        REQUIRE(instead.steps() == n - 1);
        for (std::size_t i = 0; i + 1 < n; ++i) REQUIRE(instead[i] == zero[i]);
        REQUIRE(instead.back() == zero.back());
      }
    }
  });
}

TEST_CASE("curves take a start and an end of one's own") {
  for_each_whole_curve([](auto spacing) {
    spacing.start = 0.5;
    spacing.end = 0.125;
    for (const AnySchedule& schedule : {table, flow}) {
      const Grid grid = make_grid(spacing, schedule, 5);
      CHECK(grid.front() == schedule.level(0.5));
      CHECK(grid[4] == schedule.level(0.125));
    }
  });
}

TEST_CASE("KarrasSigma is Karras except on flows, where it counts in sigma") {
  const Grid grid = make_grid(dpm::KarrasSigma{.rho = 5.0}, edm, 8);
  const Grid karras = make_grid(dpm::Karras{.rho = 5.0, .final = FinalSigma::zero}, edm, 8);
  for (std::size_t i = 0; i < 8; ++i) CHECK_THAT(grid[i].time, WithinRel(karras[i].time, 1e-14));
  const Grid on_flow = make_grid(dpm::KarrasSigma{}, flow, 8);
  const double least = std::pow(flow.level(0.001).sigma(), 1.0 / 7.0);
  for (std::size_t i = 0; i < 8; ++i) {
    const double f = static_cast<double>(i) / 7.0;
    CHECK_THAT(on_flow[i].sigma(), WithinRel(std::pow(1.0 - f + f * least, 7.0), 1e-13));
  }
}

TEST_CASE("Polyexponential of rho 1 is exponential, except on flows") {
  const Grid grid = make_grid(dpm::Polyexponential{}, table, 9);
  const Grid exponential = make_grid(dpm::Exponential{.final = FinalSigma::zero}, table, 9);
  for (std::size_t i = 0; i < 9; ++i) {
    CHECK_THAT(grid[i].lambda(), WithinAbs(exponential[i].lambda(), 1e-13));
  }
  const Grid on_flow = make_grid(dpm::Polyexponential{}, flow, 9);
  for (std::size_t i = 1; i < 8; ++i) {
    CHECK_THAT(on_flow[i].sigma() * on_flow[i].sigma(),
               WithinRel(on_flow[i - 1].sigma() * on_flow[i + 1].sigma(), 1e-13));
  }
}

TEST_CASE("KlOptimal takes equal steps in the arc tangent of sigma") {
  const Grid grid = make_grid(dpm::KlOptimal{}, edm, 12);
  const double step = (std::atan(80.0) - std::atan(0.002)) / 11.0;
  for (std::size_t i = 1; i < 12; ++i) {
    CHECK_THAT(std::atan(grid[i - 1].sigma()) - std::atan(grid[i].sigma()), WithinRel(step, 1e-13));
  }
}

TEST_CASE("Laplace has its median in the middle and quantiles beside it") {
  const Grid grid =
      make_grid(dpm::Laplace{.mu = 0.5, .beta = 0.25, .final = FinalSigma::sigma_min}, edm, 4);
  CHECK_THAT(grid[2].sigma(), WithinRel(std::exp(0.5), 1e-14));
  // A quarter of the distribution lies below mu - beta log 2, a quarter above mu + beta log 2. The
  // 1e-5 in the logarithm moves them by 5e-6.
  CHECK_THAT(grid[1].sigma(), WithinRel(std::exp(0.5) * std::pow(2.0, 0.25), 1e-5));
  CHECK_THAT(grid[3].sigma(), WithinRel(std::exp(0.5) / std::pow(2.0, 0.25), 1e-5));
  // Its ends, where the distribution is cut off: mu +- beta log 1e5.
  CHECK_THAT(grid[0].sigma(), WithinRel(std::exp(0.5) * std::pow(1e5, 0.25), 1e-9));
  CHECK_THAT(grid[4].sigma(), WithinRel(std::exp(0.5) / std::pow(1e5, 0.25), 1e-9));
  CHECK(make_grid(dpm::Laplace{}, table, 1).front() == table.level(1.0));
  // The table's range is narrower, so that it cuts both ends.
  CHECK(make_grid(dpm::Laplace{}, table, 5).front() == table.level(1.0));
  CHECK(make_grid(dpm::Laplace{}, table, 5)[4] == table.level(0.001));
}

TEST_CASE("BetaSigma with a = b = 1 takes equal steps in sigma") {
  const Grid grid = make_grid(dpm::BetaSigma{.a = 1.0, .b = 1.0}, edm, 9);
  for (std::size_t i = 0; i < 9; ++i) {
    const double sigma = 80.0 + (0.002 - 80.0) * static_cast<double>(i) / 8.0;
    CHECK_THAT(grid[i].sigma(), WithinAbs(sigma, 1e-13 * 80.0));
  }
}

TEST_CASE("LinearQuadratic falls on a line and then on a parabola with its slope") {
  const Grid grid = make_grid(dpm::LinearQuadratic{.threshold_noise = 0.1}, flow, 20);
  REQUIRE(grid.steps() == 20);
  REQUIRE(grid.back() == flow.level(0.0));
  for (std::size_t i = 0; i <= 10; ++i) {
    CHECK_THAT(grid[i].sigma(), WithinRel(1.0 - 0.01 * static_cast<double>(i), 1e-13));
  }
  // Second differences are 0 on the line and constant on the parabola, through its last point, 0.
  const auto second = [&](std::size_t i) {
    return grid[i - 1].sigma() - 2.0 * grid[i].sigma() + grid[i + 1].sigma();
  };
  for (std::size_t i = 11; i < 20; ++i) CHECK_THAT(second(i), WithinRel(-0.016, 1e-11));
  // Of a table it is a part of the greatest sigma; and it may start lower.
  const Grid on_table = make_grid(dpm::LinearQuadratic{}, table, 8);
  CHECK_THAT(ratio(on_table[4]), WithinRel(0.975 * ratio(table.level(1.0)), 1e-13));
  const Grid lower = make_grid(dpm::LinearQuadratic{.start = 0.5}, table, 8);
  CHECK(lower.front() == table.level(0.5));
  CHECK_THAT(ratio(lower[4]), WithinRel(0.975 * ratio(table.level(0.5)), 1e-13));
  CHECK(make_grid(dpm::LinearQuadratic{}, table, 1).front() == table.level(1.0));
  // The greatest threshold still falls, for any number of steps.
  for (int steps = 1; steps <= 60; ++steps) {
    CHECK_NOTHROW(make_grid(dpm::LinearQuadratic{.threshold_noise = 0.5}, flow, steps));
  }
}

TEST_CASE("VpSigma takes equal steps in the time of a variance-preserving process") {
  const AnySchedule process = dpm::VpLinear(0.2, 15.0, 0.01);
  const Grid grid = make_grid(dpm::VpSigma{0.2, 15.0, 0.01}, process, 12);
  const Grid uniform = make_grid(dpm::UniformTime{.final = FinalSigma::zero}, process, 12);
  for (std::size_t i = 0; i <= 12; ++i) {
    CHECK_THAT(grid[i].time, WithinAbs(uniform[i].time, 1e-13));
  }
  CHECK(make_grid(dpm::VpSigma{}, dpm::VpLinear(), 1).front() == dpm::VpLinear().level(1.0));
}

TEST_CASE("BongTangent has two arcs that meet at the mean of its ends") {
  const AnySchedule process = dpm::VarianceExploding(0.029, 14.61);
  // Worked out from the formula of its programs.
  const std::vector<double> sigmas{14.61, 13.619, 11.757, 7.3195, 1.958};
  const Grid grid = make_grid(dpm::BongTangent{}, process, 5);
  REQUIRE(grid.steps() == 5);
  for (std::size_t i = 0; i < 5; ++i) CHECK_THAT(grid[i].sigma(), WithinAbs(sigmas[i], 5e-4));
  CHECK_THAT(grid[3].sigma(), WithinRel((14.61 + 0.029) / 2, 1e-14));
  CHECK(grid.back().sigma() == 0.0);
  for (const int steps : {3, 4, 20, 101}) {
    const Grid plain = make_grid(dpm::BongTangent{.final = FinalSigma::sigma_min}, process, steps);
    CHECK(plain.steps() == static_cast<std::size_t>(steps));
    CHECK(plain.front() == process.level(14.61));
    CHECK(plain.back() == process.level(0.029));
  }
  CHECK_THAT(make_grid(dpm::BongTangent{}, process, 1).front().sigma(),
             WithinRel((14.61 + 0.029) / 2, 1e-14));
  CHECK(make_grid(dpm::BongTangent{}, flow, 8).front() == flow.level(1.0));
}

TEST_CASE("one level alone has no place on the curve of KlOptimal") {
  refused([] { (void)make_grid(dpm::KlOptimal{}, table, 1); },
          "KlOptimal: steps = 1 with final = zero is one level alone, which has no place on the "
          "curve; take at least 2 steps, or FinalSigma::zero_instead");
  CHECK(make_grid(dpm::KlOptimal{.final = FinalSigma::zero_instead}, table, 1).front() ==
        table.level(1.0));
}

TEST_CASE("curves refuse ends where sigma is 0 or infinite") {
  const AnySchedule pure_noise =
      dpm::DiscreteSchedule(dpm::rescale_zero_terminal_snr(dpm::scaled_linear_betas()));
  for_each_curve([&](auto spacing) {
    spacing.end = 0.0;
    CHECK_THROWS_AS(make_grid(spacing, table, 5), dpm::InvalidArgument);
    CHECK_THROWS_WITH(make_grid(spacing, table, 5),
                      mentions(": sigma runs from 14.61") &&
                          mentions(" to 0; both must be finite and above 0, so start where alpha > "
                                   "0 and end above time 0"));
    spacing.end = std::nullopt;
    CHECK_THROWS_AS(make_grid(spacing, pure_noise, 5), dpm::InvalidArgument);
    CHECK_THROWS_WITH(make_grid(spacing, pure_noise, 5),
                      mentions(": sigma runs from inf to 0.029"));
  });
  refused([&] { (void)make_grid(dpm::LinearQuadratic{}, pure_noise, 5); },
          "LinearQuadratic: sigma is inf at the start, time 1; it must be finite and above 0, so "
          "start where alpha > 0");
}

TEST_CASE("curves refuse parameters out of range") {
  for (const auto& [value, text] : std::vector<std::pair<double, std::string>>{
           {0.0, "0"}, {-1.0, "-1"}, {infinity, "inf"}, {not_a_number, "nan"}}) {
    const std::string must = " = " + text + "; it must be in (0, inf)";
    refused([v = value] { (void)make_grid(dpm::KarrasSigma{.rho = v}, table, 5); },
            "KarrasSigma: rho" + must);
    refused([v = value] { (void)make_grid(dpm::Polyexponential{.rho = v}, table, 5); },
            "Polyexponential: rho" + must);
    refused([v = value] { (void)make_grid(dpm::Laplace{.beta = v}, table, 5); },
            "Laplace: beta" + must);
  }
  refused([] { (void)make_grid(dpm::Laplace{.mu = infinity}, table, 5); },
          "Laplace: mu = inf; it must be finite");
  refused(
      [] { (void)make_grid(dpm::Laplace{.beta = 5.0}, table, 5); },
      "Laplace: of 5 levels, 0 and 1 are both cut to sigma 14.614641; take fewer steps, or another "
      "mu or beta");
  refused([] { (void)make_grid(dpm::Laplace{.start = 0.1, .end = 0.5}, table, 5); },
          "Laplace: start = 0.1, end = 0.5; the start must be greater than the end");
  refused([] { (void)make_grid(dpm::BongTangent{.start = 0.1, .end = 0.5}, table, 5); },
          "BongTangent: start = 0.1, end = 0.5; the start must be greater than the end");
  refused([] { (void)make_grid(dpm::BetaSigma{.a = 0.0}, table, 1); },
          "beta_quantile: a = 0, b = 0.6; both must be in [0.01, 1000]");
  for (const auto& [value, text] : std::vector<std::pair<double, std::string>>{
           {0.0, "0"}, {-0.1, "-0.1"}, {0.51, "0.51"}, {not_a_number, "nan"}}) {
    refused([v = value] { (void)make_grid(dpm::LinearQuadratic{.threshold_noise = v}, table, 5); },
            "LinearQuadratic: threshold_noise = " + text + "; it must be in (0, 0.5]");
    if (value > 0.5) continue;
    refused([v = value] { (void)make_grid(dpm::VpSigma{.end = v}, dpm::VpLinear(), 5); },
            "VpSigma: end = " + text + "; it must be in (0, 1)");
  }
  refused([] { (void)make_grid(dpm::VpSigma{.beta_0 = 0.0}, dpm::VpLinear(), 5); },
          "VpLinear: beta_0 must be in (0, inf) and is 0");
}

TEST_CASE("VpSigma refuses a schedule that ends below its start") {
  CHECK_THROWS_WITH(make_grid(dpm::VpSigma{}, table, 5),
                    mentions("VpSigma: sigmas[0] = 152.1") &&
                        mentions("the greatest sigma / alpha of the schedule is 14.614641"));
  CHECK_THROWS_WITH(make_grid(dpm::VpSigma{}, flow, 5),
                    mentions("VpSigma: sigmas[0] = 152.1") &&
                        mentions("the greatest sigma of the schedule is 1"));
}

TEST_CASE("curves refuse a start that leaves nothing to do down to an end left out") {
  for_each_curve([](auto spacing) {
    spacing.start = 0.001;
    const std::string sentence =
        " and there is nothing to do; start above it, or give an end to "
        "invert";
    refused([&] { (void)make_grid(spacing, table, 5); },
            "make_grid: start = 0.001 and no end, so sampling ends at the schedule's first time "
            "0.001" +
                sentence);
    refused([&] { (void)make_grid(spacing, flow, 5); },
            "make_grid: start = 0.001 and no end, so sampling ends at time 0.001" + sentence);
  });
}

TEST_CASE("curves refuse fewer than one step and an inversion that goes on to clean data") {
  for_each_curve([](auto spacing) {
    refused([&] { (void)make_grid(spacing, table, 0); },
            "make_grid: steps = 0; it must be at least 1");
    spacing.start = 0.1;
    spacing.end = 0.5;
    CHECK_THROWS_AS(make_grid(spacing, table, 5), dpm::InvalidArgument);
  });
  refused([] { (void)make_grid(dpm::LinearQuadratic{}, table, 0); },
          "make_grid: steps = 0; it must be at least 1");
  refused([] { (void)make_grid(dpm::VpSigma{}, dpm::VpLinear(), -1); },
          "make_grid: steps = -1; it must be at least 1");
  const Grid up =
      make_grid(dpm::KlOptimal{.start = 0.1, .end = 0.5, .final = FinalSigma::sigma_min}, table, 5);
  CHECK(up.front() == table.level(0.1));
  CHECK(up.back() == table.level(0.5));
}

TEST_CASE("the number given to make_plan is the number of calls on every curve") {
  for_each_curve([](const auto& spacing) {
    for (const int calls : {2, 9}) {
      CHECK(make_plan(dpm::Ddim{}, table, calls, spacing).model_calls() == calls);
    }
  });
}

}  // namespace sigma_curves_test
