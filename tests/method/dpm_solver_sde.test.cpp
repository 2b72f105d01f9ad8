// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// DPM++ SDE: what it is without noise, its calls, its ends, refusals.
#include <cmath>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/method_runs.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace dpm_solver_sde_test {

using namespace dpm_test;
using dpm::DpmSolver;
using dpm::DpmSolverSde;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

constexpr auto singlestep = DpmSolver::Form::singlestep;

}  // namespace

TEST_CASE("DPM++ SDE without noise is DPM-Solver++(2S)") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 9);
  for (const double r1 : {0.3, 0.5, 0.8}) {
    const dpm::Plan plan = make_plan(DpmSolverSde{.fresh = {.eta = 0.0}, .r1 = r1}, grid);
    REQUIRE(plan.draws() == 0);
    const DpmSolver solver{.order = 2, .form = singlestep, .r1 = r1};
    REQUIRE(relative_difference(run(plan), run(solver, grid)) < 1e-13);
  }
  REQUIRE(convergence_order(DpmSolverSde{.fresh = {.eta = 0.0}}) == 2);
  REQUIRE(convergence_order(DpmSolverSde{}) == 1);
}

TEST_CASE("DPM++ SDE calls the model and draws twice a step, and once at an end of the process") {
  const dpm::Grid to_zero = make_grid(dpm::UniformTime{.end = 0.0}, schedule, 6);
  const dpm::Plan plan = make_plan(DpmSolverSde{}, to_zero);
  REQUIRE(plan.model_calls() == 11);
  REQUIRE(plan.draws() == 10);
  const dpm::Grid from_noise = make_grid(dpm::UniformTime{.end = 0.0}, dpm::RectifiedFlow(), 6);
  const dpm::Plan whole = make_plan(DpmSolverSde{}, from_noise, dpm::Prediction::flow);
  REQUIRE(whole.model_calls() == 10);
  REQUIRE(whole.draws() == 9);
  REQUIRE(make_plan(DpmSolverSde{}, schedule, 14).model_calls() == 14);
}

TEST_CASE("DpmSolverSde refuses options out of range, odd numbers of calls and inversion") {
  const dpm::Grid grid = dpm::grid_of_times(schedule, std::vector<double>{0.5, 0.25});
  for (const auto& row : {std::pair{0.0, "0"}, {1.0, "1"}, {not_a_number, "nan"}}) {
    const double bad = row.first;
    refused([&] { (void)make_plan(DpmSolverSde{.r1 = bad}, grid); },
            "DpmSolverSde: r1 = " + std::string(row.second) + "; it must lie between 0 and 1");
  }
  refused([&] { (void)make_plan(DpmSolverSde{.fresh = {.eta = -1.0}}, grid); },
          "DpmSolverSde: eta = -1; it must be finite and at least 0");
  refused(
      [&] { (void)make_plan(DpmSolverSde{.fresh = {.eta = 2.0}}, grid); },
      dpm::detail::sentence(
          "make_plan: eta = 2 over the step from time 0.5 to time 0.25; there it must be at most ",
          1.0 / std::sqrt(-std::expm1(-2.0 * (grid[1].lambda() - grid[0].lambda())))));
  refused([&] { (void)make_plan(DpmSolverSde{}, schedule, 7); },
          "make_plan: model_calls = 7 over a grid from time 1 to time 0.001, where 4 steps make 8 "
          "calls; ask for a number that whole steps make, unless the method's for_model_calls has "
          "named the wrong number of steps");
  refused([&] { (void)make_plan(DpmSolverSde{}, schedule, 1); },
          "make_plan: model_calls = 1 over a grid from time 1 to time 0.001, where 1 steps make 2 "
          "calls; ask for a number that whole steps make, unless the method's for_model_calls has "
          "named the wrong number of steps");
  refused([&] { (void)make_plan(DpmSolverSde{}, grid.reversed()); },
          "make_plan: the step from time 0.25 to time 0.5 runs towards more noise with eta = 1; "
          "inversion needs eta = 0");
}

}  // namespace dpm_solver_sde_test
