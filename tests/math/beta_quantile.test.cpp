// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Quantiles of the beta distribution, and the spacing that stands at them.
#include "dpm/math/beta_quantile.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "dpm/grid/sigma_spacing.hpp"
#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/edm.hpp"
#include "dpm/schedule/rectified_flow.hpp"
#include "dpm/schedule/vp_linear.hpp"
#include "support/catch.hpp"

using namespace dpm_test;
using dpm::beta_quantile;
using dpm::Grid;

namespace {

const std::vector<double> probabilities{1e-12, 1e-6, 0.01, 0.1,  0.25,       0.4999,
                                        0.5,   0.75, 0.9,  0.99, 1 - 0x1p-20};

/// Requires the error that the function promises, 1e-14, relative to x. Two things add to it: x
/// comes from its logarithm, and the complete beta function from lgamma, each good to units in its
/// last place; lgamma(a + b) is at most 12 for shapes up to 7 and 13000 for the largest.
void require_quantile(double p, double a, double b, double expected) {
  CAPTURE(p, a, b);
  const double promised = 1e-14 + 1e-15 * std::abs(std::log(expected));
  REQUIRE_THAT(beta_quantile(p, a, b),
               WithinRel(expected, promised + 2e-16 * std::max(0.0, std::lgamma(a + b) - 12)));
}

}  // namespace

TEST_CASE("beta(1, 1) is uniform") {
  for (const double p : probabilities) require_quantile(p, 1.0, 1.0, p);
}

TEST_CASE("beta(1/2, 1/2) is the arcsine law") {
  for (const double p : probabilities) {
    const double root = std::sin(std::numbers::pi / 2 * p);
    require_quantile(p, 0.5, 0.5, root * root);
  }
}

TEST_CASE("beta(a, 1) is a power, beta(1, b) its mirror image") {
  for (const double p : probabilities) {
    for (const double shape : {0.05, 0.6, 2.0, 7.0}) {
      require_quantile(p, shape, 1.0, std::exp(std::log(p) / shape));
      require_quantile(p, 1.0, shape, -std::expm1(std::log1p(-p) / shape));
    }
  }
  for (const double p : {0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99}) {
    require_quantile(p, 1000.0, 1.0, std::exp(std::log(p) / 1000));
    require_quantile(p, 1.0, 1000.0, -std::expm1(std::log1p(-p) / 1000));
  }
}

TEST_CASE("beta(2, 2) has a cubic for its distribution") {
  for (const double p : probabilities) {
    const double x = beta_quantile(p, 2.0, 2.0);
    CAPTURE(p);
    REQUIRE_THAT(x * x * (3 - 2 * x), WithinRel(p, 4e-14));  // p is at most x^2
  }
}

TEST_CASE("beta quantiles agree with known digits") {
  // Computed with 60 decimal digits by bisection of the regularised incomplete beta function.
  require_quantile(1e-12, 0.6, 0.6, 1.8558824624914105009e-20);
  require_quantile(0.1, 0.6, 0.6, 0.039584405588780851714);
  require_quantile(0.25, 0.6, 0.6, 0.1756803786526950145);
  require_quantile(0.9, 0.6, 0.6, 0.96041559441121916641);
  require_quantile(1e-6, 2.5, 0.7, 0.0050112985071793474683);
  require_quantile(0.3, 2.5, 0.7, 0.70977589121488045238);
  require_quantile(0.3, 0.01, 0.02, 2.0289416312650608153e-35);
  require_quantile(0.7, 50.0, 3.0, 0.96316347292897444399);
  require_quantile(0.001, 300.0, 1000.0, 0.19589310430470684025);
  require_quantile(0.75, 1000.0, 1000.0, 0.50754153835055238331);
}

TEST_CASE("the median of a symmetric beta distribution is 1/2") {
  for (int hundredths = 1; hundredths <= 1000; ++hundredths) {
    require_quantile(0.5, hundredths / 100.0, hundredths / 100.0, 0.5);
  }
}

TEST_CASE("exchanging a and b mirrors the distribution") {
  // Probabilities whose mirror image is exact in binary.
  for (const double p : {0x1p-30, 0.125, 0.25, 0.5, 0.625, 0.875, 1 - 0x1p-30}) {
    for (const auto& [a, b] : std::vector<std::pair<double, double>>{
             {0.6, 0.6}, {0.05, 3.0}, {2.0, 0.3}, {20.0, 50.0}, {1000.0, 0.5}}) {
      CAPTURE(p, a, b);
      REQUIRE_THAT(beta_quantile(p, a, b) + beta_quantile(1 - p, b, a), WithinAbs(1.0, 1e-14));
    }
  }
}

TEST_CASE("the distribution function takes a quantile back to its probability") {
  for (const double p : {1e-9, 0.001, 0.2, 0.5, 0.8, 0.999}) {
    for (const double a : {0.2, 0.6, 1.5, 10.0, 400.0}) {
      for (const double b : {0.2, 0.6, 1.5, 10.0, 400.0}) {
        const double x = beta_quantile(p, a, b);
        CAPTURE(p, a, b, x);
        // An error of x moves p by the density times as much; for the rest see require_quantile.
        const double density = std::exp((a - 1) * std::log(x) + (b - 1) * std::log1p(-x) -
                                        (std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b)));
        const double error = 1e-14 + 1e-15 * std::abs(std::log(x));
        const double of_x = error * std::min(x, 1 - x) + 2e-16;
        const double of_beta = 4e-16 * (1 + std::abs(std::lgamma(a + b)));
        REQUIRE_THAT(dpm::detail::beta_distribution(x, a, b),
                     WithinAbs(p, of_x * density + of_beta));
      }
    }
  }
}

TEST_CASE("quantiles rise with the probability, between 0 and 1") {
  for (const auto& [a, b] : std::vector<std::pair<double, double>>{
           {0.6, 0.6}, {0.05, 0.05}, {0.01, 1000.0}, {1000.0, 0.01}, {3.0, 700.0}}) {
    double before = beta_quantile(0.0, a, b);
    REQUIRE(before == 0.0);
    for (int i = 1; i < 1000; ++i) {
      const double x = beta_quantile(i / 1000.0, a, b);
      CAPTURE(a, b, i);
      REQUIRE(x >= before);
      REQUIRE(x <= 1.0);
      before = x;
    }
    REQUIRE(beta_quantile(1.0, a, b) == 1.0);
  }
}

TEST_CASE("beta quantiles refuse what is no probability and shapes out of range") {
  const auto sentence = [](double p, double a, double b) -> std::string {
    try {
      (void)beta_quantile(p, a, b);
    } catch (const dpm::InvalidArgument& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
  CHECK(sentence(-0.25, 1, 1) == "beta_quantile: p = -0.25; it must be in [0, 1]");
  CHECK(sentence(1.25, 1, 1) == "beta_quantile: p = 1.25; it must be in [0, 1]");
  CHECK(sentence(not_a_number, 1, 1) == "beta_quantile: p = nan; it must be in [0, 1]");
  const std::string must = "; both must be in [0.01, 1000]";
  CHECK(sentence(0.5, 0, 1) == "beta_quantile: a = 0, b = 1" + must);
  CHECK(sentence(0.5, 1, -2) == "beta_quantile: a = 1, b = -2" + must);
  CHECK(sentence(0.0, 1001, 1) == "beta_quantile: a = 1001, b = 1" + must);
  CHECK(sentence(0.5, 1, not_a_number) == "beta_quantile: a = 1, b = nan" + must);
}

// The spacing -------------------------------------------------------------------

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
