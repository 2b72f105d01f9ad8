// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// UniPC: one model call and one pass over memory a step.
#include <algorithm>
#include <cstddef>
#include <string>
#include <variant>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace unipc_test {

using namespace dpm_test;
using dpm::Deis;
using dpm::Ipndm;
using dpm::Plan;
using dpm::SaSolver;
using dpm::UniPc;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

}  // namespace

TEST_CASE("the predictor-corrector methods call the model once a step") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 12);
  for (int order = 1; order <= 4; ++order) {
    for (const bool corrector : {false, true}) {
      const Plan plan = make_plan(UniPc{.order = order, .corrector = corrector}, grid);
      REQUIRE(plan.model_calls() == 12);
      REQUIRE(plan.predictions() == static_cast<std::size_t>(corrector ? order + 1 : order));
      REQUIRE(!plan.uses_stage());
    }
    const Plan plan = make_plan(SaSolver{.predictor_order = order}, grid);
    REQUIRE(plan.model_calls() == 12);
    REQUIRE(plan.draws() == 12);
  }
  REQUIRE(dpm::make_plan(UniPc{}, schedule, 10).model_calls() == 10);
  REQUIRE(dpm::make_plan(SaSolver{}, schedule, 10).model_calls() == 10);
  REQUIRE(dpm::make_plan(Deis{}, schedule, 10).model_calls() == 10);
  REQUIRE(dpm::make_plan(Ipndm{}, schedule, 10).model_calls() == 10);
}

TEST_CASE("a step of a predictor-corrector method is one pass over memory") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 12);
  const auto most_combinations = [](const Plan& plan) {
    std::ptrdiff_t most = 0;
    for (const dpm::Step& step : plan.steps) {
      most = std::max(most, std::count_if(step.instructions.begin(), step.instructions.end(),
                                          [](const dpm::Instruction& i) {
                                            return std::holds_alternative<dpm::Combine>(i);
                                          }));
    }
    return most;
  };
  REQUIRE(most_combinations(make_plan(UniPc{.order = 3}, grid)) == 1);
  REQUIRE(most_combinations(make_plan(SaSolver{}, grid)) == 1);
}

TEST_CASE("UniPc refuses orders out of range") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 8);
  for (const int bad : {-1, 0, 5}) {
    refused([&] { (void)make_plan(UniPc{.order = bad}, grid); },
            "UniPc: order = " + std::to_string(bad) + "; it must be 1 to 4");
  }
}

}  // namespace unipc_test
