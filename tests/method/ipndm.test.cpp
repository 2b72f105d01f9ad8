// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// iPNDM: its weights on equal and unequal steps.
#include <cmath>
#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "dpm/analysis/gaussian.hpp"
#include "dpm/dpm.hpp"
#include "dpm/plan/fuse.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace ipndm_test {

using namespace dpm_test;
using dpm::Ipndm;
using dpm::Plan;
using dpm::Space;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

}  // namespace

TEST_CASE("iPNDM has the classical weights on equal steps and others elsewhere") {
  // Once it has its history, iPNDM of order 4 mixes as PNDM does after its warm-up.
  const auto mix = [](const dpm::Grid& grid) {
    const Plan plan = make_plan(Ipndm{}, grid);
    const dpm::ExponentialStep step(Space::noise, grid[6], grid[7]);
    std::vector<double> weights;
    for (const dpm::Instruction& i : plan.steps[6].instructions) {
      if (const auto* c = std::get_if<dpm::Combine>(&i)) {
        for (std::size_t k = 0; k < 4; ++k) {
          const dpm::Register m = dpm::prediction_register((6 - k) % 4);
          weights.push_back(dpm::detail::weight_of(*c, 0, m) / step.weight(0));
        }
      }
    }
    return weights;
  };
  const std::vector<double> classical{55.0 / 24.0, -59.0 / 24.0, 37.0 / 24.0, -9.0 / 24.0};
  REQUIRE(relative_difference(mix(make_grid(dpm::UniformTime{}, schedule, 12)), classical) < 1e-12);
  const std::vector<double> unequal = mix(make_grid(dpm::QuadraticTime{}, schedule, 12));
  REQUIRE(relative_difference(unequal, classical) > 0.05);
  REQUIRE_THAT(unequal[0] + unequal[1] + unequal[2] + unequal[3], WithinAbs(1.0, 1e-12));
}

TEST_CASE("iPNDM with the weights of equal steps is iPNDM on equal steps") {
  const auto run = [](const Ipndm& method, const dpm::Grid& grid) {
    std::vector<double> x = test_start();
    dpm::sample(make_plan(method, grid), test_model(dpm::Prediction::noise), x);
    return x;
  };
  const dpm::Grid equal = make_grid(dpm::UniformTime{}, schedule, 9);
  const dpm::Grid unequal = make_grid(dpm::QuadraticTime{}, schedule, 9);
  for (int order = 1; order <= 4; ++order) {
    const Ipndm own{.order = order};
    const Ipndm of_equal{.order = order, .equal_step_weights = true};
    REQUIRE(relative_difference(run(of_equal, equal), run(own, equal)) < 1e-12);
    const double apart = relative_difference(run(of_equal, unequal), run(own, unequal));
    REQUIRE((apart > 1e-6) == (order > 1));
  }
}

TEST_CASE("over steps of changing length the weights of equal steps are of first order") {
  // Every other step is twice as long: smooth means of the same polynomial keep second order.
  const dpm::Gaussian gaussian({0.4}, {0.6});
  const auto error_of = [&](const Ipndm& method, int pairs) {
    std::vector<double> times{0.9};
    for (int i = 0; i < pairs; ++i) {
      const double start = 0.9 - 0.8 * i / pairs;
      times.push_back(start - 0.8 / (3.0 * pairs));
      times.push_back(0.9 - 0.8 * (i + 1) / pairs);
    }
    const dpm::Grid grid = dpm::grid_of_times(schedule, times);
    std::vector<double> x{1.3};
    const std::vector<double> exact = gaussian.solve_ode(x, grid.front(), grid.back());
    dpm::sample(make_plan(method, grid), gaussian, x);
    return std::abs(x[0] - exact[0]);
  };
  const auto order_of = [&](const Ipndm& method) {
    return std::log2(error_of(method, 400) / error_of(method, 800));
  };
  REQUIRE_THAT(order_of({.order = 2, .equal_step_weights = true}), WithinAbs(1.0, 0.15));
  REQUIRE_THAT(order_of({.order = 2}), WithinAbs(2.0, 0.15));
}

TEST_CASE("Ipndm refuses orders out of range") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 8);
  for (const int bad : {-1, 0, 5}) {
    refused([&] { (void)make_plan(Ipndm{.order = bad}, grid); },
            "Ipndm: order = " + std::to_string(bad) + "; it must be 1 to 4");
    refused([&] { (void)make_plan(Ipndm{.order = bad, .equal_step_weights = true}, grid); },
            "Ipndm: order = " + std::to_string(bad) + "; it must be 1 to 4");
  }
}

}  // namespace ipndm_test
