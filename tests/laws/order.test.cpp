// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Laws 2 and 8: the order of convergence of every method, one way and there and back.
#include <cmath>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/order_problems.hpp"
#include "support/test_network.hpp"

namespace order_test {

using namespace dpm_test;

namespace {

/// Some leading errors hide on every problem: those of the lower-order first steps of UniPC-3 are
/// tiny where predictions hardly move, and those of a first-order SDE step in noise space add up to
/// zero on Gaussian data over equal steps in lambda. From t = 0.3, where predictions change
/// fastest, they show.
void judge_late_start(const NamedMethod& method, OrderVerdict& verdict) {
  const OrderProblem late{"from t = 0.3 to 0.01", 0.3, 0.01, true};
  dpm::Convergence c = measure(method, late);
  verdict.near_once = std::abs(c.order - method.order) <= 0.3;
  if (c.slopes.size() < 4) verdict.never_below = false;
  for (const double slope : c.slopes) {
    if (!(slope >= method.order - 0.15)) verdict.never_below = false;
  }
  verdict.results.emplace_back(late, std::move(c));
}

void require_declared_order(const NamedMethod& method) {
  OrderVerdict verdict = judge_order(method);
  if (!verdict.near_once) judge_late_start(method, verdict);
  for (const auto& [problem, result] : verdict.results) {
    UNSCOPED_INFO(method.name << " on " << problem.name << ": " << result.order << ", declared "
                              << method.order);
  }
  REQUIRE(verdict.never_below);
  REQUIRE(verdict.near_once);
}

dpm::Space space_of(const NamedMethod& method) {
  const dpm::Grid grid = method.grid(dpm::VpLinear(), 1.0, 0.01, 12);
  return method(grid, dpm::Prediction::noise).space;
}

/// How far from its start a sample ends that is inverted from t = 0.01 to 0.6 and sampled back.
double there_and_back(const NamedMethod& method, int steps_each_way) {
  const dpm::Grid grid = method.grid(dpm::VpLinear(), 0.6, 0.01, steps_each_way);
  const std::vector<double> start = order_start(true);
  const dpm::GaussianMixture mixture = order_mixture();
  std::vector<double> x = start;
  dpm::sample(method(grid.reversed(), dpm::Prediction::noise), mixture, x);
  REQUIRE(relative_difference(x, start) > 0.1);
  dpm::sample(method(grid, dpm::Prediction::noise), mixture, x);
  return relative_difference(x, start);
}

}  // namespace

TEST_CASE("law 2: the measured order is the declared one, in noise space") {
  for (const NamedMethod& method : every_method()) {
    if (!method.stochastic && space_of(method) == dpm::Space::noise) require_declared_order(method);
  }
}

TEST_CASE("law 2: the measured order is the declared one, in data space") {
  for (const NamedMethod& method : every_method()) {
    if (!method.stochastic && space_of(method) == dpm::Space::data) require_declared_order(method);
  }
}

TEST_CASE("law 2: the measured weak order is the declared one, for stochastic methods") {
  for (const NamedMethod& method : every_method()) {
    if (method.stochastic && method.order > 0) require_declared_order(method);
  }
}

TEST_CASE("law 8: sampling after inversion returns to the start at the method's order") {
  for (const NamedMethod& method : every_method()) {
    if (!method.inverts()) continue;
    // There and back the first and the other steps' errors partly cancel at first, so what counts
    // is the last halving above rounding.
    double slope = 0.0;
    double coarse = there_and_back(method, method.asymptotic_steps);
    for (int doubled = 1; doubled <= 4; ++doubled) {
      const double fine = there_and_back(method, method.asymptotic_steps << doubled);
      if (!(fine > 1e-12)) break;
      slope = std::log2(coarse / fine);
      coarse = fine;
    }
    CAPTURE(method.name, coarse, slope);
    REQUIRE(slope > method.order - 0.15);
  }
}

}  // namespace order_test
