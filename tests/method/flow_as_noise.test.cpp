// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Sigma-based methods over flows: a flow read as noise of the flow prediction, and back.
#include "dpm/method/flow_as_noise.hpp"

#include <cmath>
#include <cstddef>
#include <variant>
#include <vector>

#include "support/catch.hpp"
#include "support/named_plans.hpp"

namespace flow_as_noise_test {

using namespace dpm_test;
using dpm::Grid;
using dpm::Plan;
using dpm::detail::flow_read_as_noise;
using dpm::detail::with_flow_levels;

namespace {

Grid flow_grid(int steps) { return make_grid(dpm::SimpleTable{}, flow_schedule, steps); }

template <class Method>
Plan over_flow(const Method& method, int steps) {
  const Grid flow = flow_grid(steps);
  return with_flow_levels(make_plan(method, flow_read_as_noise(flow)), flow);
}

}  // namespace

TEST_CASE("A flow read as noise has alpha 1 and its own sigma and timesteps") {
  const Grid flow = flow_grid(8);
  const Grid noise = flow_read_as_noise(flow);
  REQUIRE(noise.steps() == 8);
  for (std::size_t i = 0; i <= 8; ++i) {
    CHECK(noise[i].alpha() == 1.0);
    CHECK(noise[i].log_sigma == flow[i].log_sigma);
    CHECK(noise[i].timestep == flow[i].timestep);
    CHECK(noise[i].time == flow[i].sigma());
  }
}

TEST_CASE("Levels between those of a flow read as noise have the flow's timesteps") {
  const Grid noise = flow_read_as_noise(flow_grid(8));
  for (const double sigma : {0.05, 0.31, 0.72}) {
    const dpm::Level level = noise.schedule().level_at_lambda(-std::log(sigma));
    CHECK_THAT(level.sigma(), WithinRel(sigma, 1e-12));
    CHECK(level.alpha() == 1.0);
    CHECK_THAT(level.timestep, WithinAbs(1000.0 * sigma, 1e-9));
  }
}

TEST_CASE("Euler over a flow read as noise is the Euler step of the flow") {
  // x_t = x_s + (sigma_t - sigma_s) (epsilon - x_0).
  const Grid flow = flow_grid(8);
  const Plan plan = over_flow(dpm::Ddim{}, 8);
  REQUIRE(plan.steps.size() == 8);
  for (std::size_t i = 0; i < 8; ++i) {
    const auto& step = std::get<dpm::Combine>(plan.steps[i].instructions.back());
    REQUIRE(step.operands.size() == 2);
    CHECK_THAT(step.weight(0, 0), WithinAbs(1.0, 1e-12));
    CHECK_THAT(step.weight(0, 1), WithinAbs(flow[i + 1].sigma() - flow[i].sigma(), 1e-12));
  }
}

TEST_CASE("A plan over a flow read as noise has the flow's levels back and asks for the flow") {
  const Grid flow = flow_grid(8);
  const Plan plan =
      over_flow(dpm::DpmSolver{.form = dpm::DpmSolver::Form::singlestep}, 8);  // inner levels
  CHECK(plan.prediction == dpm::Prediction::flow);
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(plan.steps[i].from == flow[i]);
    CHECK(plan.steps[i].to == flow[i + 1]);
    for (const dpm::Instruction& instruction : plan.steps[i].instructions) {
      const auto* evaluate = std::get_if<dpm::Evaluate>(&instruction);
      if (evaluate == nullptr) continue;
      const dpm::Level& level = evaluate->level;
      CHECK_THAT(level.alpha() + level.sigma(), WithinAbs(1.0, 1e-12));
      CHECK_THAT(level.timestep, WithinAbs(1000.0 * level.sigma(), 1e-9));
    }
  }
  check(plan);
}

TEST_CASE("Both spaces over a flow read as noise come to the exact marginal") {
  for (const dpm::Space space : {dpm::Space::noise, dpm::Space::data}) {
    const Plan plan = over_flow(dpm::DpmSolver{.space = space}, 200);
    const Spread end = end_of(plan);
    CHECK_THAT(end.mean, WithinAbs(named_data.mean, 2e-3));
    CHECK_THAT(end.stddev, WithinAbs(named_data.stddev, 2e-3));
  }
}

TEST_CASE("Above sigma 1 the model's timestep goes on in proportion and alpha is 0") {
  const Grid noise = flow_read_as_noise(flow_grid(8));
  const dpm::Level above = noise.schedule().level(1.2);
  CHECK_THAT(above.timestep, WithinAbs(1200.0, 1e-9));
  const Plan churned = over_flow(dpm::Ddim{.churn = {.amount = 2.0}}, 8);
  const auto& first = churned.steps[0].instructions;
  for (const dpm::Instruction& instruction : first) {
    const auto* evaluate = std::get_if<dpm::Evaluate>(&instruction);
    if (evaluate == nullptr) continue;
    CHECK_THAT(evaluate->level.timestep, WithinAbs(1250.0, 1e-9));
    CHECK(evaluate->level.alpha() == 0.0);
  }
  CHECK(churned.draws() == 8);
}

}  // namespace flow_as_noise_test
