// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Whole programs as the documentation has them, whose samples are checked against known data.
#include <Eigen/Core>
#include <string>
#include <vector>

#include "dpm/analysis/convergence.hpp"
#include "dpm/dpm.hpp"
#include "dpm/interop/diffusers.hpp"
#include "support/catch.hpp"

namespace whole_programs_test {

using namespace dpm_test;

namespace {

using State = Eigen::ArrayXXd;

const dpm::AnySchedule schedule = dpm::VpLinear();

/// Data at 2, so v = alpha epsilon - sigma x_0 with epsilon = (x - 2 alpha) / sigma, as a C
/// function of raw pointers the way a runtime has it.
void infer(const float* x, double timestep, float* velocity) {
  const dpm::Level level = schedule.level(timestep);
  for (int i = 0; i < 3; ++i) {
    const double noise = (static_cast<double>(x[i]) - 2.0 * level.alpha()) / level.sigma();
    velocity[i] = static_cast<float>(level.alpha() * noise - level.sigma() * 2.0);
  }
}

}  // namespace

TEST_CASE("A runtime that owns the loop and predicts velocity arrives at its data") {
  std::vector<float> x{0.3F, -1.0F, 0.8F};
  const dpm::Plan plan =
      dpm::make_plan(dpm::DpmSolver{.order = 3}, schedule, 20, dpm::Prediction::velocity);
  dpm::Stepper stepper(plan, x);
  while (const auto call = stepper.next()) {
    infer(call->input.data(), call->level.timestep, call->output.data());
  }
  const std::vector<float>& samples = stepper.sample();
  REQUIRE(stepper.model_calls() == 20);
  for (const float sample : samples) REQUIRE_THAT(sample, WithinAbs(2.0, 0.03));
}

TEST_CASE("The order of a method is measured on a network") {
  const dpm::Gaussian network({0.5, -1.0}, {0.4, 0.8});
  const Eigen::ArrayXXd x = Eigen::ArrayXXd::Random(2, 5);
  const auto result =
      dpm::measure_order(dpm::DpmSolver{.order = 2}, dpm::UniformLambda{}, schedule, network, x);
  REQUIRE_THAT(result.order, WithinAbs(2.0, 0.15));
}

TEST_CASE("Image-to-image with a stochastic method keeps some of the image") {
  const dpm::Gaussian network({0.5, -1.0}, {0.4, 0.8});
  const dpm::Plan plan = dpm::make_plan(dpm::Ddpm{}, schedule, 100, dpm::UniformTime{.start = 0.6});
  REQUIRE(plan.start().time == 0.6);
  Eigen::ArrayXXf noise(2, 2000);
  dpm::NormalNoise{.seed = 1}.fill(noise);
  const Eigen::ArrayXXf image = Eigen::ArrayXXf::Constant(2, 2000, 0.5F);
  Eigen::ArrayXXf x = static_cast<float>(plan.start().alpha()) * image +
                      static_cast<float>(plan.start().sigma()) * noise;
  dpm::sample(plan, network, x, {.noise = dpm::NormalNoise{42}});
  // At t = 0.6 the second row's data (mean -1) and the image (0.5) are both still felt.
  REQUIRE_THAT(x.row(0).mean(), WithinAbs(0.5, 0.05));
  REQUIRE_THAT(x.row(1).mean(), WithinAbs(-1.0, 0.3));
}

TEST_CASE("A sampler from the configuration of diffusers draws the data") {
  const std::string text_of_scheduler_config_json =
      R"({"_class_name": "DDPMScheduler", "beta_schedule": "squaredcos_cap_v2",
          "clip_sample_range": 5.0, "lambda_min_clipped": -Infinity})";
  const dpm::Gaussian network({0.5, -1.0}, {0.4, 0.8});
  State x(2, 2000);
  dpm::NormalNoise{.seed = 7}.fill(x);

  const auto scheduler = dpm::diffusers::Scheduler::from_text(text_of_scheduler_config_json);
  const dpm::Plan plan = scheduler.make_plan(100);
  dpm::RunOptions<State> options;
  options.noise = dpm::NormalNoise{.seed = 42};
  if (scheduler.corrects()) options.correction = scheduler.correction();
  dpm::sample(plan, network, x, options);

  REQUIRE(scheduler.timesteps(100)[0] == 990.0);
  REQUIRE_THAT(x.row(0).mean(), WithinAbs(0.5, 0.05));
  REQUIRE_THAT(x.row(1).mean(), WithinAbs(-1.0, 0.1));
}

TEST_CASE("EDM and flow networks draw the data") {
  const dpm::Gaussian data({0.5, -1.0}, {0.4, 0.8});
  // Exact networks of both kinds, made of the exact noise prediction.
  const auto edm_network = [&](const State& input, const dpm::Level& at, State& out) {
    State noise(2, input.cols());
    const State x = input / at.input_scale();
    data(x, at, noise);
    const dpm::Conversion c = dpm::to_data(dpm::Prediction::edm, at);
    out = (x - at.sigma() * noise - c.input * x) / c.output;
  };
  const auto flow_network = [&](const State& x, const dpm::Level& at, State& out) {
    State noise(2, x.cols());
    if (at.alpha() == 0.0) {
      out = x - State{{0.5}, {-1.0}}.replicate(1, x.cols());
    } else {
      data(x, at, noise);
      out = noise - (x - at.sigma() * noise) / at.alpha();
    }
  };
  const dpm::Plan plan = dpm::make_plan(dpm::Heun{}, dpm::Edm(), 36, dpm::Prediction::edm);
  REQUIRE_THAT(plan.start().sigma(), WithinRel(80.0, 1e-15));
  State x(2, 2000);
  dpm::NormalNoise{.seed = 3}.fill(x);
  x *= plan.start().sigma();
  dpm::sample(plan, edm_network, x);
  REQUIRE_THAT(x.row(1).mean(), WithinAbs(-1.0, 0.05));

  dpm::NormalNoise{.seed = 3}.fill(x);
  dpm::sample(dpm::RectifiedFlow(3.0), 20, flow_network, x, dpm::Prediction::flow);
  REQUIRE_THAT(x.row(1).mean(), WithinAbs(-1.0, 0.05));
}

}  // namespace whole_programs_test
