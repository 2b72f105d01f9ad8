// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Plans as values: equality and copies.
#include "dpm/plan/plan.hpp"

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/plans.hpp"

namespace plan_test {

using namespace dpm_test;
using dpm::Combine;
using dpm::Correct;
using dpm::Draw;
using dpm::Evaluate;
using dpm::Plan;
using dpm::Prediction;
using dpm::stage_register;

TEST_CASE("plans compare equal exactly when they are the same") {
  const Plan plan = good_plan();
  REQUIRE(plan == good_plan());
  const auto differs = [&](const std::function<void(Plan&)>& change) {
    Plan other = plan;
    REQUIRE(other == plan);
    change(other);
    REQUIRE(other != plan);
  };
  differs([](Plan& p) { p.prediction = Prediction::velocity; });
  differs([](Plan& p) { p.space = dpm::Space::noise; });
  differs([](Plan& p) { p.steps.pop_back(); });
  differs([](Plan& p) { p.steps[1].to.timestep += 1.0; });
  differs([](Plan& p) { p.steps[0].instructions.pop_back(); });
  differs([](Plan& p) { std::swap(p.steps[0].instructions[0], p.steps[0].instructions[1]); });
  differs([](Plan& p) { instruction<Combine>(p, 0, 4).weights[0] *= 1.0 + 1e-15; });
  differs([](Plan& p) { instruction<Combine>(p, 0, 4).operands[0] = stage_register; });
  differs([](Plan& p) { instruction<Combine>(p, 0, 4).targets[0] = stage_register; });
  differs([](Plan& p) { instruction<Combine>(p, 0, 4).weights.push_back(0.0); });
  differs([](Plan& p) { instruction<Evaluate>(p, 0, 1).level.time = 0.8; });
  differs([](Plan& p) { instruction<Evaluate>(p, 0, 1).output = m(1); });
  differs([](Plan& p) { instruction<Correct>(p, 0, 3).level.log_alpha = -2.0; });
  differs([](Plan& p) { instruction<Draw>(p, 0, 0).draw = 7; });
}

TEST_CASE("plans made twice are equal, and those of other methods are not") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, dpm::VpLinear(), 6);
  const std::vector<NamedMethod> methods = every_method();
  std::vector<Plan> plans;
  for (const NamedMethod& method : methods) {
    plans.push_back(method(grid, Prediction::noise));
    REQUIRE(plans.back() == method(grid, Prediction::noise));
  }
  for (std::size_t i = 0; i < plans.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      // The same program under several names: without history, stages and noise there is one
      // first-order step in each space, and DDPM's posterior is DDIM's with eta = 1.
      const bool first_order = methods[i].order == 1 && methods[j].order == 1 &&
                               plans[i].predictions() == 1 && plans[j].predictions() == 1;
      const bool deterministic = !methods[i].stochastic && !methods[j].stochastic;
      const bool posterior =
          methods[i].name == "DDPM, posterior variance" && methods[j].name == "DDIM, eta = 1";
      const bool same =
          posterior || (first_order && deterministic && plans[i].space == plans[j].space);
      CAPTURE(methods[i].name, methods[j].name);
      REQUIRE((plans[i] == plans[j]) == same);
    }
  }
}

TEST_CASE("a copy of a plan is a plan of its own") {
  Plan plan = good_plan();
  const Plan copy = plan;
  plan.steps.clear();
  REQUIRE(copy == good_plan());
  REQUIRE(copy.model_calls() == 2);
  REQUIRE(copy.draws() == 2);
  REQUIRE(copy.corrections() == 2);
  REQUIRE(copy.predictions() == 1);
  REQUIRE(!copy.uses_stage());
}

}  // namespace plan_test
