// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// SEEDS: what it is without noise, its calls, its ends, refusals.
#include <cmath>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/method_runs.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace seeds_test {

using namespace dpm_test;
using dpm::DpmSolver;
using dpm::DpmSolverSde;
using dpm::Seeds;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

constexpr auto singlestep = DpmSolver::Form::singlestep;

}  // namespace

TEST_CASE("SEEDS without noise is singlestep DPM-Solver++") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 9);
  const dpm::Plan two = make_plan(Seeds{.tau = 0.0}, grid);
  REQUIRE(two.draws() == 0);
  REQUIRE(two == make_plan(DpmSolverSde{.fresh = {.eta = 0.0}}, grid));
  for (const double r1 : {0.3, 0.5}) {
    REQUIRE(relative_difference(run(Seeds{.tau = 0.0, .r1 = r1}, grid),
                                run(DpmSolver{.order = 2, .form = singlestep, .r1 = r1}, grid)) <
            1e-13);
    const Seeds three{.stages = 3, .tau = 0.0, .r1 = r1, .r2 = 0.6};
    const DpmSolver solver{.order = 3, .form = singlestep, .r1 = r1, .r2 = 0.6};
    REQUIRE(relative_difference(run(three, grid), run(solver, grid)) < 1e-13);
  }
}

TEST_CASE(
    "SEEDS with r1 = 1 has its second stage at the step's end, and a last draw of no weight") {
  constexpr auto taylor = DpmSolver::Update::taylor;
  const dpm::AnySchedule table = dpm::DiscreteSchedule(dpm::linear_betas(1000));
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, table, 5);
  for (const auto update : {DpmSolver::Update::midpoint, taylor}) {
    const dpm::Plan plan = make_plan(Seeds{.r1 = 1.0, .update = update}, grid);
    REQUIRE(plan.model_calls() == 10);
    REQUIRE(plan.draws() == 10);
    std::vector<double> timesteps;
    State x{0.3};
    State y{0.3};
    const auto end = [&](State& state, double second_draw) {
      dpm::RunOptions<State> options;
      options.noise = [=](State& z, const dpm::NoiseRequest& r) {
        z[0] = r.draw % 2 == 0 ? 0.5 : second_draw;
      };
      const auto model = [&](const State& at, const dpm::Level& level, State& out) {
        timesteps.push_back(level.timestep);
        out[0] = 0.5 * at[0];
      };
      dpm::sample(plan, model, state, options);
    };
    end(x, 1.0);
    for (std::size_t i = 0; i < 5; ++i) {
      REQUIRE(timesteps[2 * i] == grid[i].timestep);
      REQUIRE(timesteps[2 * i + 1] == grid[i + 1].timestep);
    }
    end(y, -70.0);
    REQUIRE(x == y);
  }
  // One step of exponential Heun by hand: D_t at e^-h x + (1 - e^-h) D_s, on alpha = 1.
  const dpm::AnySchedule exploding = dpm::VarianceExploding(0.01, 50.0);
  const dpm::Grid step = dpm::grid_of_times(exploding, std::vector<double>{4.0, 1.0});
  const auto data = [](double x, double sigma) { return 0.3 * x + 0.1 * sigma; };
  State x{2.0};
  dpm::sample(
      make_plan(Seeds{.tau = 0.0, .r1 = 1.0, .update = taylor}, step, dpm::Prediction::data),
      [&](const State& at, const dpm::Level& level, State& out) {
        out[0] = data(at[0], level.sigma());
      },
      x);
  const double h = std::log(4.0);
  const double first = data(2.0, 4.0);
  const double second = data(0.25 * 2.0 + 0.75 * first, 1.0);
  const double b_2 = (0.25 - 1.0 + h) / h;
  REQUIRE_THAT(x[0], WithinRel(0.25 * 2.0 + 0.75 * first + b_2 * (second - first), 1e-14));
}

TEST_CASE("the order of SEEDS follows from its stages and its noise") {
  REQUIRE(convergence_order(Seeds{}) == 2);
  REQUIRE(convergence_order(Seeds{.tau = 0.0}) == 2);
  REQUIRE(convergence_order(Seeds{.stages = 3}) == 2);
  REQUIRE(convergence_order(Seeds{.stages = 3, .tau = 0.0}) == 3);
  REQUIRE(convergence_order(Seeds{.stages = 3, .tau = 0.0, .r2 = 0.6}) == 2);
}

TEST_CASE("SEEDS calls the model and draws once for each stage, and once from pure noise") {
  for (const int stages : {2, 3}) {
    const Seeds method{.stages = stages};
    const dpm::Grid to_zero = make_grid(dpm::UniformTime{.end = 0.0}, schedule, 6);
    REQUIRE(make_plan(method, to_zero).model_calls() == 5 * stages + 1);
    REQUIRE(make_plan(method, to_zero).draws() == 5 * stages);
    const dpm::Grid from_noise = make_grid(dpm::UniformTime{.end = 0.5}, dpm::RectifiedFlow(), 6);
    const dpm::Plan plan = make_plan(method, from_noise, dpm::Prediction::flow);
    REQUIRE(plan.model_calls() == 5 * stages + 1);
    REQUIRE(plan.draws() == 5 * stages + 1);
    REQUIRE(make_plan(method, schedule, 6 * stages).model_calls() == 6 * stages);
  }
}

TEST_CASE("the noise scale of SEEDS is a factor on every draw") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 5);
  const auto noise_of = [&](double scale) {
    const dpm::Plan plan = make_plan(Seeds{.stages = 3, .noise_scale = scale}, grid);
    const auto end = [&](double draw) {
      State x{0.3};
      dpm::RunOptions<State> options;
      options.noise = [&](State& z, const dpm::NoiseRequest& r) { z[0] = draw * (r.draw + 1.0); };
      dpm::sample(
          plan, [](const State& at, double, State& out) { out[0] = 0.5 * at[0]; }, x, options);
      return x[0];
    };
    return end(1.0) - end(0.0);
  };
  REQUIRE_THAT(noise_of(0.5), WithinRel(0.5 * noise_of(1.0), 1e-12));
  REQUIRE_THAT(noise_of(0.0), WithinAbs(0.0, 1e-15));
}

TEST_CASE("Seeds refuses options out of range, numbers of calls and inversion with noise") {
  const dpm::Grid grid = dpm::grid_of_times(schedule, std::vector<double>{0.5, 0.25});
  for (const int bad : {1, 4}) {
    refused([&] { (void)make_plan(Seeds{.stages = bad}, grid); },
            "Seeds: stages = " + std::to_string(bad) + "; it must be 2 or 3");
    refused([&] { (void)make_plan(Seeds{.stages = bad}, schedule, 12); },
            "Seeds: stages = " + std::to_string(bad) + "; it must be 2 or 3");
  }
  for (const auto& row : {std::pair{-1.0, "-1"}, {infinity, "inf"}, {not_a_number, "nan"}}) {
    const double bad = row.first;
    const std::string range = std::string(row.second) + "; it must be finite and at least 0";
    refused([&] { (void)make_plan(Seeds{.tau = bad}, grid); }, "Seeds: tau = " + range);
    refused([&] { (void)make_plan(Seeds{.noise_scale = bad}, grid); },
            "Seeds: noise_scale = " + range);
  }
  for (const auto& row : {std::pair{0.0, "0"}, {1.25, "1.25"}, {not_a_number, "nan"}}) {
    const double bad = row.first;
    refused([&] { (void)make_plan(Seeds{.r1 = bad}, grid); },
            "Seeds: r1 = " + std::string(row.second) + "; it must be above 0 and at most 1");
  }
  for (const auto& row : {std::pair{0.0, "0"}, {1.0, "1"}, {not_a_number, "nan"}}) {
    const double bad = row.first;
    refused([&] { (void)make_plan(Seeds{.stages = 3, .r1 = bad}, grid); },
            "Seeds: r1 = " + std::string(row.second) + "; it must lie between 0 and 1");
  }
  for (const auto& row : {std::pair{0.25, "0.25"}, {1.0, "1"}, {not_a_number, "nan"}}) {
    const double bad = row.first;
    refused([&] { (void)make_plan(Seeds{.stages = 3, .r2 = bad}, grid); },
            "Seeds: r2 = " + std::string(row.second) + "; it must lie between r1 and 1");
  }
  refused([&] { (void)make_plan(Seeds{.stages = 3}, schedule, 10); },
          "make_plan: model_calls = 10 over a grid from time 1 to time 0.001, where 4 steps make "
          "12 calls; ask for a number that whole steps make, unless the method's for_model_calls "
          "has named the wrong number of steps");
  refused([&] { (void)make_plan(Seeds{}, schedule, 1); },
          "make_plan: model_calls = 1 over a grid from time 1 to time 0.001, where 1 steps make 2 "
          "calls; ask for a number that whole steps make, unless the method's for_model_calls has "
          "named the wrong number of steps");
  refused([&] { (void)make_plan(Seeds{}, grid.reversed()); },
          "make_plan: the step from time 0.25 to time 0.5 runs towards more noise with tau = 1; "
          "inversion needs tau = 0");
}

}  // namespace seeds_test
