// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The options of DEIS.
#include <string>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace deis_test {

using namespace dpm_test;
using dpm::Deis;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

}  // namespace

TEST_CASE("Deis refuses orders out of range") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 8);
  for (const int bad : {-1, 0, 5}) {
    refused([&] { (void)make_plan(Deis{.order = bad}, grid); },
            "Deis: order = " + std::to_string(bad) + "; it must be 1 to 4");
  }
}

}  // namespace deis_test
