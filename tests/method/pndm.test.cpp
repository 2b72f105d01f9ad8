// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// PNDM's warm-up.
#include <string>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace pndm_test {

using namespace dpm_test;
using dpm::Pndm;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

}  // namespace

TEST_CASE("Pndm refuses too few steps for its warm-up") {
  for (const int steps : {1, 2}) {
    const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, steps);
    refused([&] { (void)make_plan(Pndm{}, grid); },
            "Pndm: " + std::to_string(steps) +
                " steps with the Runge-Kutta warm-up; it takes at least 3 (or use Warmup::plms)");
    REQUIRE(make_plan(Pndm{.warmup = Pndm::Warmup::plms}, grid).model_calls() == steps + 1);
  }
}

}  // namespace pndm_test
