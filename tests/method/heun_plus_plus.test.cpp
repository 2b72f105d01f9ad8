// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Heun++: its calls, the steps near its end, refusals.
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/gaussian_runs.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace heun_plus_plus_test {

using namespace dpm_test;
using dpm::HeunPlusPlus;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

}  // namespace

TEST_CASE("Heun++ makes three calls a step, two in the last but one and one in the last") {
  const auto calls = [](int steps, double end) {
    const dpm::Grid grid = make_grid(dpm::UniformTime{.end = end}, schedule, steps);
    return calls_of_steps(make_plan(HeunPlusPlus{}, grid));
  };
  for (const double end : {0.01, 0.0}) {
    REQUIRE(calls(5, end) == std::vector<int>{3, 3, 3, 2, 1});
    REQUIRE(calls(2, end) == std::vector<int>{2, 1});
    REQUIRE(calls(1, end) == std::vector<int>{1});
  }
}

TEST_CASE("Heun++ makes exactly the number of calls that it is given, or refuses it") {
  for (const int calls : {1, 3, 6, 9, 21}) {
    REQUIRE(make_plan(HeunPlusPlus{}, schedule, calls).model_calls() == calls);
  }
  for (const int calls : {2, 4, 10}) {
    refused([&] { (void)make_plan(HeunPlusPlus{}, schedule, calls); },
            "HeunPlusPlus: model_calls = " + std::to_string(calls) +
                "; its n steps make 3 n - 3 calls, and one step makes one");
  }
  refused([&] { (void)make_plan(HeunPlusPlus{}, schedule, 0); },
          "HeunPlusPlus: model_calls = 0; it needs at least 1");
}

TEST_CASE("Heun++ of one step is Euler's method") {
  const dpm::Grid one = dpm::grid_of_times(schedule, std::vector<double>{0.8, 0.3});
  REQUIRE(make_plan(HeunPlusPlus{}, one).steps[0].instructions ==
          make_plan(dpm::Euler{}, one).steps[0].instructions);
}

TEST_CASE("HeunPlusPlus refuses inversion and a start at pure noise") {
  const dpm::Grid up = dpm::grid_of_times(schedule, std::vector<double>{0.25, 0.5});
  refused([&] { (void)make_plan(HeunPlusPlus{}, up); },
          "HeunPlusPlus: the grid runs from time 0.25 to time 0.5, towards more noise; it must run "
          "towards clean data");
  const dpm::Grid from_noise = make_grid(dpm::UniformTime{}, dpm::RectifiedFlow(), 4);
  refused(
      [&] { (void)make_plan(HeunPlusPlus{}, from_noise, dpm::Prediction::flow); },
      "make_plan: the step from time 1 starts at alpha = 0, where noise space has no solution; "
      "use a method in data space, such as UniPc or DpmSolver, with a model that predicts data, "
      "velocity or flow");
}

}  // namespace heun_plus_plus_test
