// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The programs of the README, with an analytic network in place of the reader's.
#include <Eigen/Core>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

using namespace dpm_test;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

/// Data at 2, so v = alpha epsilon - sigma x_0 with epsilon = (x - 2 alpha) / sigma, as a C
/// function of raw pointers the way a runtime has it.
void infer(const float* x, double label, float* velocity) {
  const dpm::Level level = schedule.level(label);
  for (int i = 0; i < 3; ++i) {
    const double noise = (static_cast<double>(x[i]) - 2.0 * level.alpha()) / level.sigma();
    velocity[i] = static_cast<float>(level.alpha() * noise - level.sigma() * 2.0);
  }
}

}  // namespace

TEST_CASE("README: a runtime that owns the loop") {
  std::vector<float> x{0.3F, -1.0F, 0.8F};
  const dpm::Plan plan =
      dpm::make_plan(dpm::DpmSolver{.order = 3}, schedule, 20, dpm::Prediction::velocity);
  dpm::Stepper stepper(plan, x);
  while (const auto call = stepper.next()) {
    infer(call->input.data(), call->level.label, call->output.data());
  }
  const std::vector<float>& samples = stepper.sample();
  REQUIRE(stepper.model_calls() == 20);
  for (const float sample : samples) REQUIRE_THAT(sample, WithinAbs(2.0, 0.03));
}

TEST_CASE("README: the order of a method on your network") {
  const dpm::Gaussian network({0.5, -1.0}, {0.4, 0.8});
  const Eigen::ArrayXXd x = Eigen::ArrayXXd::Random(2, 5);
  const auto result =
      dpm::measure_order(dpm::DpmSolver{.order = 2}, dpm::UniformLambda{}, schedule, network, x);
  REQUIRE_THAT(result.order, WithinAbs(2.0, 0.15));
}

TEST_CASE("README: a start in the middle, and a stochastic method") {
  const dpm::Gaussian network({0.5, -1.0}, {0.4, 0.8});
  Eigen::ArrayXXf x(2, 1000);
  dpm::NormalNoise{.seed = 1}.fill(x);
  const dpm::Plan plan = dpm::make_plan(dpm::Ddpm{}, schedule, 50, dpm::UniformTime{.start = 0.6});
  REQUIRE_THAT(plan.start().time, WithinAbs(0.6, 0.0));
  dpm::sample(plan, network, x, {.noise = dpm::NormalNoise{.seed = 42}});
  // From pure noise at t = 0.6 instead of noisy data, the mean is pulled most of the way.
  REQUIRE_THAT(x.row(0).mean(), WithinAbs(0.5, 0.15));
}
