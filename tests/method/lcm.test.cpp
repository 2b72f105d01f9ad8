// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// LCM: its steps, the boundary condition, refusals.
#include <cmath>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/method_runs.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace lcm_test {

using namespace dpm_test;
using dpm::Lcm;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

const auto lcm_grid = [](int steps) {
  return make_grid(dpm::LcmTimestep{}, dpm::DiscreteSchedule(dpm::scaled_linear_betas()), steps);
};

}  // namespace

TEST_CASE("LCM takes the data prediction and draws the noise of the next level") {
  const dpm::Grid grid = dpm::grid_of_times(schedule, std::vector<double>{0.9, 0.5, 0.0});
  const dpm::Plan plan = make_plan(Lcm{.noise_scale = 0.5}, grid, dpm::Prediction::data);
  REQUIRE(plan.model_calls() == 2);
  REQUIRE(plan.draws() == 1);
  State x{0.3};
  dpm::RunOptions<State> options;
  options.noise = [](State& z, const dpm::NoiseRequest&) { z[0] = 0.7; };
  std::vector<double> inputs;
  dpm::sample(
      plan,
      [&](const State& at, double, State& out) {
        inputs.push_back(at[0]);
        out[0] = 0.2 + 0.1 * at[0];
      },
      x, options);
  const double second = grid[1].alpha() * (0.2 + 0.03) + 0.5 * grid[1].sigma() * 0.7;
  REQUIRE(inputs[0] == 0.3);
  REQUIRE_THAT(inputs[1], WithinRel(second, 1e-14));
  REQUIRE_THAT(x[0], WithinRel(0.2 + 0.1 * second, 1e-14));
}

TEST_CASE("LCM's boundary condition gives back the sample at timestep 0 and the data above") {
  // c_skip = d^2 / (u^2 + d^2) and c_out = u / sqrt(u^2 + d^2), u = 10 timestep.
  const dpm::Grid grid = lcm_grid(4);
  const dpm::Plan plan =
      make_plan(Lcm{.timestep_scaling = 10.0}, grid.from(grid.steps() - 1), dpm::Prediction::data);
  const double timestep = plan.start().timestep;
  const auto end_of = [&](double start, double data) {
    State x{start};
    dpm::RunOptions<State> options;
    options.noise = [](State& z, const dpm::NoiseRequest&) { z[0] = 0.0; };
    dpm::sample(
        plan, [&](const State&, double, State& out) { out[0] = data; }, x, options);
    return x[0] / plan.end().alpha();
  };
  const double u = 10.0 * timestep;
  REQUIRE(u > 100.0);
  REQUIRE_THAT(end_of(1.0, 0.0), WithinRel(0.25 / (u * u + 0.25), 1e-12));
  REQUIRE_THAT(end_of(0.0, 1.0), WithinRel(u / std::sqrt(u * u + 0.25), 1e-12));
  REQUIRE(
      make_plan(Lcm{}, grid, dpm::Prediction::data).steps[0].instructions !=
      make_plan(Lcm{.timestep_scaling = 10.0}, grid, dpm::Prediction::data).steps[0].instructions);
}

TEST_CASE("LCM is TCD with eta 1 where the levels are the same") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{.end = 0.0}, schedule, 6);
  REQUIRE(relative_difference(run(Lcm{}, grid), run(dpm::Tcd{.eta = 1.0}, grid)) < 1e-13);
}

TEST_CASE("LCM starts a flow at pure noise") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{.end = 0.0}, dpm::RectifiedFlow(3.0), 4);
  State x = test_start();
  dpm::sample(make_plan(Lcm{}, grid, dpm::Prediction::data),
              [](const State&, double, State& out) { out.assign(out.size(), 0.2); }, x,
              {.noise = &test_draw});
  REQUIRE(x == State(x.size(), 0.2));
}

TEST_CASE("Lcm refuses options out of range and inversion") {
  const dpm::Grid grid = dpm::grid_of_times(schedule, std::vector<double>{0.5, 0.25});
  for (const auto& row : {std::pair{0.0, "0"}, {infinity, "inf"}, {not_a_number, "nan"}}) {
    const double bad = row.first;
    const std::string range = std::string(row.second) + "; it must be finite and above 0";
    refused([&] { (void)make_plan(Lcm{.timestep_scaling = bad}, grid); },
            "Lcm: timestep_scaling = " + range);
    refused([&] { (void)make_plan(Lcm{.data_stddev = bad}, grid); }, "Lcm: data_stddev = " + range);
  }
  for (const auto& row : {std::pair{-1.0, "-1"}, {infinity, "inf"}, {not_a_number, "nan"}}) {
    const double bad = row.first;
    refused([&] { (void)make_plan(Lcm{.noise_scale = bad}, grid); },
            "Lcm: noise_scale = " + std::string(row.second) + "; it must be finite and at least 0");
  }
  refused([&] { (void)make_plan(Lcm{}, grid.reversed()); },
          "Lcm: the grid runs from time 0.25 to time 0.5, towards more noise; it must run towards "
          "clean data");
}

}  // namespace lcm_test
