// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// iPNDM: its weights on equal and unequal steps.
#include <cstddef>
#include <string>
#include <variant>
#include <vector>

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

TEST_CASE("Ipndm refuses orders out of range") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 8);
  for (const int bad : {-1, 0, 5}) {
    refused([&] { (void)make_plan(Ipndm{.order = bad}, grid); },
            "Ipndm: order = " + std::to_string(bad) + "; it must be 1 to 4");
  }
}

}  // namespace ipndm_test
