// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What each method declares: its model calls, draws and registers, and its order.
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"

namespace declared_test {

using namespace dpm_test;
using dpm::Ddim;
using dpm::Ddpm;
using dpm::DpmSolver;
using dpm::Plan;
using dpm::Pndm;
using dpm::Prediction;
using dpm::Space;

namespace {

constexpr auto singlestep = DpmSolver::Form::singlestep;
constexpr auto multistep = DpmSolver::Form::multistep;
constexpr auto taylor = DpmSolver::Update::taylor;
constexpr auto midpoint = DpmSolver::Update::midpoint;
constexpr auto on_grid = DpmSolver::Stages::on_grid;
const dpm::AnySchedule schedule = dpm::VpLinear();

const std::vector<Prediction> predictions{Prediction::noise, Prediction::data, Prediction::velocity,
                                          Prediction::score};

}  // namespace

TEST_CASE("each method has its count of calls, draws and predictions on a grid of 12 steps") {
  struct Cost {
    std::string name;
    int model_calls;
    int draws;
    std::size_t predictions;
    bool uses_stage;
  };
  std::vector<Cost> costs;
  for (const std::string solver : {"DPM-Solver", "DPM-Solver++"}) {
    const std::vector<Cost> both{
        {"-1 singlestep", 12, 0, 1, false},
        {"-2 singlestep", 24, 0, 2, true},
        {"-3 singlestep", 36, 0, 3, true},
        {"-1 multistep", 12, 0, 1, false},
        {"-2 multistep", 12, 0, 2, false},
        {"-3 multistep", 13, 0, 3, true},  // one more call for its singlestep start
        {"-2 singlestep, Taylor", 24, 0, 2, true},
        {"-3 singlestep, Taylor", 36, 0, 3, true},
        {"-2 multistep, Taylor", 12, 0, 2, false},
        {"-3 multistep, Taylor", 13, 0, 3, true},
        {"-2 singlestep, r1 = 0.3", 24, 0, 2, true},
        {"-3 singlestep, r2 = 0.5", 36, 0, 3, true},
        {"-3 singlestep, stages on the grid", 12, 0, 3, true},
        {"-3 singlestep, lower order at the end", 33, 0, 3, true},  // 10 * 3 + 2 + 1
        {"-3 multistep, halved difference", 13, 0, 3, true},
        {"-3 multistep, lower-order start", 12, 0, 3, false},
        {"-3 multistep, lower order at the end", 13, 0, 3, true},
    };
    for (Cost cost : both) {
      cost.name = solver + cost.name;
      costs.push_back(cost);
    }
  }
  for (const std::string solver : {"SDE-DPM-Solver-", "SDE-DPM-Solver++-"}) {
    for (const std::string suffix : {"", ", tau = 0.5"}) {
      costs.push_back({solver + "1" + suffix, 12, 12, 1, false});
      costs.push_back({solver + "2" + suffix, 12, 12, 2, false});
      costs.push_back({solver + "3" + suffix, 12, 12, 3, false});
    }
    costs.push_back({solver + "2, Taylor", 12, 12, 2, false});
  }
  for (const std::string suffix : {"", ", noise"}) {
    for (const std::string form : {" bh1", " bh2", " varying"}) {
      // One prediction more than the predictor's, for the corrector.
      costs.push_back({"UniPC-1" + form + suffix, 12, 0, 2, false});
      costs.push_back({"UniPC-2" + form + suffix, 12, 0, 3, false});
      costs.push_back({"UniPC-3" + form + suffix, 12, 0, 4, false});
    }
    costs.push_back({"UniPC-4 bh2" + suffix, 12, 0, 5, false});
    costs.push_back({"UniP-2 bh1" + suffix, 12, 0, 2, false});
    costs.push_back({"UniP-3 bh1" + suffix, 12, 0, 3, false});
    costs.push_back({"UniPC-3 bh2, lower order at the end" + suffix, 12, 0, 4, false});
    costs.push_back({"SA-Solver" + suffix, 12, 12, 4, false});
    costs.push_back({"SA-Solver, tau = 0.5" + suffix, 12, 12, 4, false});
    costs.push_back({"SA-Solver, predictor alone" + suffix, 12, 12, 3, false});
  }
  costs.push_back({"SA-Solver, predictor 4, corrector 2", 12, 12, 5, false});
  // Half of the steps lie between times 0.1 and 0.9, where tau is not 0.
  costs.push_back({"SA-Solver, tau within", 12, 6, 4, false});
  for (const std::size_t order : {2U, 3U, 4U}) {
    const std::string n = std::to_string(order);
    costs.push_back({"tAB-DEIS-" + n, 12, 0, order, false});
    costs.push_back({"rhoAB-DEIS-" + n, 12, 0, order, false});
    if (order > 2) costs.push_back({"DEIS-" + n + " in log rho", 12, 0, order, false});
    costs.push_back({"iPNDM-" + n, 12, 0, order, false});
  }
  for (const std::string suffix : {"", ", eta = 0.5"}) {
    costs.push_back({"DPM2 a" + suffix, 24, 12, 2, true});
    costs.push_back({"DPM++ 2S a" + suffix, 24, 12, 2, true});
    costs.push_back({"DPM++ 3S a" + suffix, 36, 12, 3, true});
    costs.push_back({"RES multistep a" + suffix, 12, 12, 2, false});
    costs.push_back({"DPM++ SDE" + suffix, 24, 24, 2, true});
    costs.push_back({"Euler a, rule of flows" + suffix, 12, 12, 1, false});
  }
  costs.push_back({"DPM++ SDE, eta = 0", 24, 0, 2, true});
  costs.push_back({"DPM++ SDE, r1 = 0.3", 24, 24, 2, true});
  // As many draws as levels of its spacing have sigma / alpha from 0.1 to 50.
  costs.push_back({"Euler with churn", 12, 10, 1, false});
  costs.push_back({"Heun with churn", 24, 8, 2, true});
  costs.push_back({"DPM2 with churn", 24, 8, 2, true});
  for (const int stages : {2, 3}) {
    const std::string name = "SEEDS-" + std::to_string(stages);
    const auto slots = static_cast<std::size_t>(stages);
    costs.push_back({name, 12 * stages, 12 * stages, slots, true});
    costs.push_back({name + ", tau = 0.5", 12 * stages, 12 * stages, slots, true});
  }
  costs.push_back({"SEEDS-2, r1 = 1, Taylor", 24, 24, 2, true});
  costs.push_back({"SEEDS-2, r1 = 1, Taylor, tau = 0", 24, 0, 2, true});
  costs.push_back({"SEEDS-2, r1 = 0.3, Taylor", 24, 24, 2, true});
  costs.push_back({"SEEDS-3, tau = 0", 36, 0, 3, true});
  costs.push_back({"SEEDS-3, r2 = 0.5, tau = 0", 36, 0, 3, true});
  for (const std::size_t order : {1U, 2U, 3U}) {
    const std::string name = "ER-SDE-" + std::to_string(order);
    costs.push_back({name, 12, 12, order, false});
    if (order > 1) costs.push_back({name + ", sums of 4", 12, 12, order, false});
  }
  costs.push_back({"Gradient estimation", 12, 0, 2, false});
  costs.push_back({"Heun++", 33, 0, 3, true});  // 10 * 3 + 2 + 1
  for (const std::size_t order : {2U, 3U, 4U}) {
    costs.push_back(
        {"iPNDM-" + std::to_string(order) + ", equal-step weights", 12, 0, order, false});
  }
  costs.push_back({"SA-Solver, PECE", 23, 12, 4, false});
  costs.push_back({"SA-Solver, simple second order", 12, 12, 3, false});
  costs.push_back({"Restart", 40, 2, 2, true});  // 2 * 12 and twice 2 * 4
  costs.push_back({"LCM", 12, 12, 1, false});
  costs.push_back({"TCD", 12, 12, 1, false});
  costs.push_back({"DPM-Solver++-2 multistep, first order at the end", 12, 0, 2, false});
  costs.push_back({"Heun", 24, 0, 2, true});
  for (const std::string variable : {" in time", " in lambda"}) {
    costs.push_back({"Runge-Kutta-2" + variable, 24, 0, 2, true});
    costs.push_back({"Runge-Kutta-4" + variable, 48, 0, 4, true});
  }
  costs.push_back({"DDIM", 12, 0, 1, false});
  costs.push_back({"DDIM, eta = 0.5", 12, 12, 1, false});
  costs.push_back({"DDIM, eta = 1", 12, 12, 1, false});
  costs.push_back({"DDPM, posterior variance", 12, 12, 1, false});
  costs.push_back({"DDPM, beta variance", 12, 12, 1, false});
  costs.push_back({"PNDM", 21, 0, 6, true});  // 9 more in its warm-up
  costs.push_back({"PNDM, PLMS only", 13, 0, 4, true});

  const std::vector<NamedMethod> methods = every_method();
  REQUIRE(methods.size() == costs.size());
  for (const NamedMethod& method : methods) {
    const auto cost = std::find_if(costs.begin(), costs.end(),
                                   [&](const Cost& c) { return c.name == method.name; });
    INFO(method.name);
    REQUIRE(cost != costs.end());
    for (const Prediction prediction : predictions) {
      const Plan plan = method(method.grid(schedule, 1.0, 1e-3, 12), prediction);
      REQUIRE(plan.model_calls() == cost->model_calls);
      REQUIRE(plan.draws() == cost->draws);
      REQUIRE(plan.corrections() == 0);
      REQUIRE(plan.predictions() == cost->predictions);
      REQUIRE(plan.uses_stage() == cost->uses_stage);
      REQUIRE(plan.prediction == prediction);
    }
  }
}

TEST_CASE("the declared order follows from the options") {
  const auto order = [](const DpmSolver& solver) { return convergence_order(solver); };
  for (const auto space : {Space::noise, Space::data}) {
    for (const auto update : {midpoint, taylor}) {
      for (int p = 1; p <= 3; ++p) {
        REQUIRE(order({.order = p, .form = singlestep, .space = space, .update = update}) == p);
        REQUIRE(order({.order = p, .form = multistep, .space = space, .update = update}) == p);
      }
    }
  }
  // Third order is lost by each of these, second and first by none.
  const auto loses_third = [&](DpmSolver solver) {
    solver.order = 3;
    REQUIRE(order(solver) == 2);
    solver.order = 2;
    REQUIRE(order(solver) == 2);
    solver.order = 1;
    REQUIRE(order(solver) == 1);
  };
  loses_third({.form = singlestep, .r2 = 0.6});
  loses_third({.form = singlestep, .r2 = 0.6666});
  loses_third({.form = singlestep, .model_calls = 20});
  loses_third({.form = singlestep, .lower_order_final = true});
  loses_third({.form = multistep, .lower_order_final = true});
  loses_third({.form = multistep, .start = DpmSolver::Start::lower_order});
  loses_third({.form = multistep, .halved_second_difference = true});
  // These do not matter to the form that does not have them, nor to the limit.
  REQUIRE(order({.order = 3, .form = singlestep, .r1 = 0.2}) == 3);
  REQUIRE(order({.order = 3, .form = singlestep, .start = DpmSolver::Start::lower_order}) == 3);
  REQUIRE(order({.order = 3, .form = singlestep, .halved_second_difference = true}) == 3);
  REQUIRE(order({.order = 3, .form = singlestep, .r2 = 0.6, .stages = on_grid}) == 3);
  REQUIRE(order({.order = 3, .form = multistep, .r2 = 0.6}) == 3);
  REQUIRE(convergence_order(Ddim{}) == 1);
  REQUIRE(convergence_order(Ddim{.eta = 1.0}) == 1);
  REQUIRE(convergence_order(Ddpm{}) == 1);
  REQUIRE(convergence_order(Pndm{}) == 2);
  REQUIRE(convergence_order(dpm::Heun{}) == 2);
  for (const int p : {2, 4}) REQUIRE(convergence_order(dpm::RungeKutta{.order = p}) == p);
}

TEST_CASE("the declared order of multistep methods is limited by their start and their noise") {
  for (int p = 1; p <= 4; ++p) {
    const int at_most_2 = std::min(p, 2);
    REQUIRE(convergence_order(dpm::Deis{.order = p}) == at_most_2);
    REQUIRE(convergence_order(dpm::Ipndm{.order = p}) == at_most_2);
    REQUIRE(convergence_order(dpm::UniPc{.order = p}) == std::min(p + 1, 3));
    REQUIRE(convergence_order(dpm::UniPc{.order = p, .lower_order_final = true}) == 2);
    const dpm::UniPc predictor{.order = p, .corrector = false};
    REQUIRE(convergence_order(predictor) == at_most_2);
    REQUIRE(convergence_order(dpm::SaSolver{.predictor_order = p}) == 2);
    const dpm::SaSolver predictor_alone{.predictor_order = p, .corrector_order = 0};
    REQUIRE(convergence_order(predictor_alone) == at_most_2);
    if (p <= 3) REQUIRE(convergence_order(DpmSolver{.order = p, .tau = 1.0}) == at_most_2);
  }
}

}  // namespace declared_test
