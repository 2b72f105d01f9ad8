// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Gradient estimation: what it is for some gamma, its end, refusals.
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/method_runs.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace gradient_estimation_test {

using namespace dpm_test;
using dpm::Ddim;
using dpm::GradientEstimation;
using dpm::Ipndm;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

}  // namespace

TEST_CASE("gradient estimation with gamma 1 is DDIM, and with 3/2 iPNDM of equal steps") {
  for (const dpm::Grid& grid :
       {make_grid(dpm::UniformTime{}, schedule, 9), make_grid(dpm::Karras{}, schedule, 7),
        make_grid(dpm::UniformTime{.end = 0.0}, schedule, 5)}) {
    const State ddim = run(Ddim{}, grid);
    REQUIRE(relative_difference(run(GradientEstimation{.gamma = 1.0}, grid), ddim) < 1e-13);
    const State ipndm = run(Ipndm{.order = 2, .equal_step_weights = true}, grid);
    REQUIRE(relative_difference(run(GradientEstimation{.gamma = 1.5}, grid), ipndm) < 1e-13);
    REQUIRE(relative_difference(run(GradientEstimation{}, grid), ddim) > 1e-4);
  }
  REQUIRE(convergence_order(GradientEstimation{}) == 1);
  REQUIRE(convergence_order(GradientEstimation{.gamma = 1.5}) == 2);
}

TEST_CASE("gradient estimation makes one model call a step") {
  REQUIRE(make_plan(GradientEstimation{}, schedule, 11).model_calls() == 11);
  REQUIRE(make_plan(GradientEstimation{}, schedule, 11).steps.size() == 11);
}

TEST_CASE("GradientEstimation refuses a gamma that is not finite, and a start at pure noise") {
  const dpm::Grid grid = dpm::grid_of_times(schedule, std::vector<double>{0.5, 0.25});
  for (const auto& row : {std::pair{infinity, "inf"}, {not_a_number, "nan"}}) {
    const double bad = row.first;
    refused([&] { (void)make_plan(GradientEstimation{.gamma = bad}, grid); },
            "GradientEstimation: gamma = " + std::string(row.second) + "; it must be finite");
  }
  const dpm::Grid from_noise = make_grid(dpm::UniformTime{}, dpm::RectifiedFlow(), 4);
  refused(
      [&] { (void)make_plan(GradientEstimation{}, from_noise, dpm::Prediction::flow); },
      "make_plan: the step from time 1 starts at alpha = 0, where noise space has no solution; "
      "use a method in data space, such as UniPc or DpmSolver, with a model that predicts data, "
      "velocity or flow");
}

}  // namespace gradient_estimation_test
