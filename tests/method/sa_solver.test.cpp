// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// SA-Solver: where it draws noise, refusals.
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace sa_solver_test {

using namespace dpm_test;
using dpm::Level;
using dpm::Plan;
using dpm::SaSolver;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

State run(const Plan& plan) {
  State x = test_start();
  dpm::RunOptions<State> options;
  if (plan.draws() > 0) options.noise = &test_draw;
  dpm::sample(plan, test_model(plan.prediction), x, options);
  return x;
}

template <class Method>
State run(const Method& method, const dpm::Grid& grid) {
  return run(make_plan(method, grid));
}

}  // namespace

TEST_CASE("SA-Solver draws noise in the steps where tau is above 0") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{.end = 0.0}, schedule, 10);
  const SaSolver middle{
      .tau = [](const Level& at) { return at.time > 0.25 && at.time < 0.75 ? 1.0 : 0.0; }};
  const Plan plan = make_plan(middle, grid);
  REQUIRE(plan.draws() == 5);  // from times 0.7, 0.6, 0.5, 0.4, 0.3
  for (const double value : run(plan)) REQUIRE(std::isfinite(value));
}

TEST_CASE("SA-Solver in noise space wants steps that are short in lambda") {
  const dpm::AnySchedule table = dpm::DiscreteSchedule(dpm::linear_betas(1000));
  const auto mean_of = [&](dpm::Space space, int steps) {
    State x{0.0};
    dpm::RunOptions<State> options;
    options.noise = [](State& z, const dpm::NoiseRequest&) { z[0] = 0.0; };
    dpm::sample(SaSolver{.space = space}, table, steps, dpm::Gaussian({3.0}, {0.5}), x,
                dpm::Prediction::noise, options);
    return x[0];
  };
  REQUIRE_THAT(mean_of(dpm::Space::data, 10), WithinAbs(3.0, 0.01));
  REQUIRE_THAT(mean_of(dpm::Space::noise, 10), WithinAbs(39.0, 1.0));  // as its header says
  REQUIRE_THAT(mean_of(dpm::Space::noise, 30), WithinAbs(3.0, 0.01));
}

TEST_CASE("SaSolver refuses orders, a factor on its noise and a tau out of range") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 8);
  for (const int bad : {-1, 0, 5}) {
    refused([&] { (void)make_plan(SaSolver{.predictor_order = bad}, grid); },
            "SaSolver: predictor_order = " + std::to_string(bad) + "; it must be 1 to 4");
  }
  for (const int bad : {-1, 1, 6}) {
    refused([&] { (void)make_plan(SaSolver{.corrector_order = bad}, grid); },
            "SaSolver: corrector_order = " + std::to_string(bad) +
                "; it must be 2 to 5, or 0 for none");
  }
  refused([&] { (void)make_plan(SaSolver{.corrector_order = 0, .evaluates_again = true}, grid); },
          "SaSolver: evaluates_again with corrector_order = 0; without a corrector there is no "
          "corrected "
          "sample to call the model at");
  refused([&] { (void)make_plan(SaSolver{.noise_scale = -1.0}, grid); },
          "SaSolver: noise_scale = -1; it must be finite and at least 0");
  refused([&] { (void)make_plan(SaSolver{.noise_scale = infinity}, grid); },
          "SaSolver: noise_scale = inf; it must be finite and at least 0");
  refused([&] { (void)make_plan(SaSolver{.tau = nullptr}, grid); },
          "SaSolver: tau is empty; it must be a function");
  for (const auto& [bad, text] : {std::pair{-1.0, "-1"}, {not_a_number, "nan"}}) {
    refused(
        [&, tau = bad] {
          (void)make_plan(SaSolver{.tau = [=](const Level&) { return tau; }}, grid);
        },
        std::string("SaSolver: tau is ") + text + " at time 1; it must be finite and at least 0");
  }
}

TEST_CASE("PECE calls the model again at each corrected sample, 2 n - 1 times in n steps") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 7);
  const SaSolver pece{.evaluates_again = true};
  REQUIRE(make_plan(pece, grid).model_calls() == 13);
  REQUIRE(make_plan(pece, grid).draws() == 7);
  REQUIRE(make_plan(pece, schedule, 11).model_calls() == 11);
  refused([&] { (void)make_plan(pece, schedule, 12); },
          "SaSolver: model_calls = 12 with evaluates_again, whose n steps make 2 n - 1; it must be "
          "odd");
  refused([&] { (void)make_plan(SaSolver{.corrector_order = 0, .evaluates_again = true}, grid); },
          "SaSolver: evaluates_again with corrector_order = 0; without a corrector there is no "
          "corrected sample to call the model at");
}

TEST_CASE("tau of the end of a step is asked for there") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{.end = 0.0}, schedule, 10);
  const auto late = [](const Level& at) { return at.time < 0.45 ? 1.0 : 0.0; };
  REQUIRE(make_plan(SaSolver{.tau = late}, grid).draws() == 3);  // from 0.4, 0.3, 0.2
  REQUIRE(make_plan(SaSolver{.tau = late, .tau_of_end = true}, grid).draws() == 4);  // from 0.5
  const auto early = [](const Level& at) { return at.time > 0.55 ? 1.0 : 0.0; };
  REQUIRE(make_plan(SaSolver{.tau = early}, grid).draws() == 5);  // from 1.0 ... 0.6
  REQUIRE(make_plan(SaSolver{.tau = early, .tau_of_end = true}, grid).draws() == 4);
}

TEST_CASE("lower orders at the end matter only where the grid ends at clean data") {
  const SaSolver lower{.lower_order_final = true};
  const dpm::Grid above = make_grid(dpm::UniformTime{}, schedule, 6);
  REQUIRE(make_plan(lower, above) == make_plan(SaSolver{}, above));
  const dpm::Grid to_zero = make_grid(dpm::UniformTime{.end = 0.0}, schedule, 6);
  REQUIRE(make_plan(lower, to_zero) != make_plan(SaSolver{}, to_zero));
}

TEST_CASE("the noise scale of SaSolver is a factor on its draws, and bad ones are refused") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 6);
  REQUIRE(make_plan(SaSolver{.noise_scale = 0.0}, grid).draws() == 0);
  for (const auto& row : {std::pair{-1.0, "-1"}, {infinity, "inf"}, {not_a_number, "nan"}}) {
    const double bad = row.first;
    refused([&] { (void)make_plan(SaSolver{.noise_scale = bad}, grid); },
            "SaSolver: noise_scale = " + std::string(row.second) +
                "; it must be finite and at least 0");
  }
  refused(
      [&] {
        (void)make_plan(SaSolver{.space = dpm::Space::noise, .simple_second_order = true}, grid);
      },
      "SaSolver: simple_second_order in noise space; it is a formula in data space");
}

}  // namespace sa_solver_test
