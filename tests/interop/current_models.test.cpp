// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The recipes of docs/recipes.md for current models have the timesteps that are published for
/// them, and those that their scheduler_config.json is read to.
#include <cmath>
#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "dpm/catalogue.hpp"
#include "dpm/interop/diffusers.hpp"
#include "support/catch.hpp"

namespace current_models_test {

using namespace dpm_test;
using dpm::Plan;
using dpm::Prediction;
using dpm::diffusers::Mode;
using dpm::diffusers::Run;
using dpm::diffusers::Scheduler;

namespace {

const dpm::DiscreteSchedule<double> sd(dpm::scaled_linear_betas(1000, 0.00085, 0.012),
                                       dpm::TimestepType::discrete);

/// What the model is given, call by call.
std::vector<double> timesteps_of(const Plan& plan) {
  std::vector<double> timesteps;
  for (const dpm::Step& step : plan.steps) {
    for (const dpm::Instruction& instruction : step.instructions) {
      const auto* evaluate = std::get_if<dpm::Evaluate>(&instruction);
      if (evaluate != nullptr) timesteps.push_back(evaluate->level.timestep);
    }
  }
  return timesteps;
}

void require_near(const std::vector<double>& found, const std::vector<double>& expected,
                  double tolerance) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK_THAT(found[i], WithinAbs(expected[i], tolerance));
  }
}

/// The sample of a network that is not linear, from the same start.
std::vector<double> final_sample(const Plan& plan, double factor = 1.0) {
  std::vector<double> x{0.7, -1.3, 0.2};
  for (double& value : x) value *= factor;
  dpm::sample(
      plan,
      [](const std::vector<double>& at, double timestep, std::vector<double>& out) {
        for (std::size_t i = 0; i < at.size(); ++i) {
          out[i] = std::sin(at[i]) + timestep / 2000.0;
        }
      },
      x);
  return x;
}

/// count values from `first`, `step` apart.
std::vector<double> falling(double first, double step, int count) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(first - step * i);
  return values;
}

}  // namespace

TEST_CASE("Stable Diffusion 1.5 runs over leading timesteps with offset 1 to the table's entry 0") {
  const dpm::Leading to_entry_0{.offset = 1, .final = dpm::FinalSigma::sigma_min};
  const Plan plan =
      make_plan(dpm::Pndm{.warmup = dpm::Pndm::Warmup::plms}, make_grid(to_entry_0, sd, 20));
  // PLMS begins with a second call at the second timestep.
  std::vector<double> with_second = falling(951.0, 50.0, 20);
  with_second.insert(with_second.begin() + 1, 901.0);
  CHECK(timesteps_of(plan) == with_second);
  const auto published = Scheduler::from_text(
      R"({"_class_name": "PNDMScheduler", "beta_start": 0.00085, "beta_end": 0.012,
          "beta_schedule": "scaled_linear", "num_train_timesteps": 1000, "steps_offset": 1,
          "set_alpha_to_one": false, "skip_prk_steps": true})");
  CHECK(published.timesteps(20) == with_second);
  require_near(final_sample(plan), final_sample(published.make_plan(20)), 1e-12);
}

TEST_CASE("SDXL runs over leading timesteps with offset 1 to sigma 0") {
  const Plan plan = make_plan(dpm::Ddim{}, sd, 20, dpm::Leading{.offset = 1});
  CHECK(timesteps_of(plan) == falling(951.0, 50.0, 20));
  const auto published = Scheduler::from_text(
      R"({"_class_name": "EulerDiscreteScheduler", "beta_start": 0.00085, "beta_end": 0.012,
          "beta_schedule": "scaled_linear", "num_train_timesteps": 1000, "steps_offset": 1,
          "timestep_spacing": "leading", "prediction_type": "epsilon"})");
  CHECK(published.timesteps(20) == falling(951.0, 50.0, 20));
  // There x is divided by alpha.
  require_near(final_sample(plan),
               final_sample(published.make_plan(20), 1.0 / plan.start().alpha()), 1e-12);
}

TEST_CASE("Stable Diffusion 2.1 predicts velocity over leading timesteps to the table's entry 0") {
  const dpm::Leading to_entry_0{.offset = 1, .final = dpm::FinalSigma::sigma_min};
  const Plan plan = make_plan(dpm::Ddim{}, make_grid(to_entry_0, sd, 50), Prediction::velocity);
  CHECK(timesteps_of(plan) == falling(981.0, 20.0, 50));
  const auto published = Scheduler::from_text(
      R"({"_class_name": "DDIMScheduler", "beta_start": 0.00085, "beta_end": 0.012,
          "beta_schedule": "scaled_linear", "num_train_timesteps": 1000, "steps_offset": 1,
          "set_alpha_to_one": false, "clip_sample": false, "prediction_type": "v_prediction"})");
  CHECK(published.timesteps(50) == falling(981.0, 20.0, 50));
  CHECK(published.prediction() == Prediction::velocity);
  require_near(final_sample(plan), final_sample(published.make_plan(50)), 1e-12);
}

TEST_CASE("SDXL Turbo and Lightning take trailing timesteps") {
  const std::vector<double> four{999.0, 749.0, 499.0, 249.0};
  CHECK(timesteps_of(make_plan(dpm::Ddim{}, sd, 4, dpm::Trailing{})) == four);
  CHECK(timesteps_of(make_plan(dpm::Ddim{.eta = 1.0}, sd, 1, dpm::Trailing{})) ==
        std::vector<double>{999.0});
  const auto turbo = Scheduler::from_text(
      R"({"_class_name": "EulerAncestralDiscreteScheduler", "beta_start": 0.00085,
          "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000,
          "steps_offset": 1, "timestep_spacing": "trailing", "prediction_type": "epsilon"})");
  CHECK(turbo.timesteps(4) == four);
  CHECK(turbo.timesteps(1) == std::vector<double>{999.0});
}

TEST_CASE("LCM takes timesteps of the fifty that it was distilled at") {
  const dpm::Grid grid = dpm::make_grid(dpm::LcmTimestep{}, sd, 4);
  const std::vector<double> four{999.0, 759.0, 499.0, 259.0};
  CHECK(timesteps_of(make_plan(dpm::Lcm{.timestep_scaling = 10.0}, grid)) == four);
  const auto published = Scheduler::from_text(
      R"({"_class_name": "LCMScheduler", "beta_start": 0.00085, "beta_end": 0.012,
          "beta_schedule": "scaled_linear", "num_train_timesteps": 1000, "steps_offset": 1,
          "original_inference_steps": 50, "timestep_scaling": 10.0,
          "set_alpha_to_one": false, "prediction_type": "epsilon"})");
  CHECK(published.timesteps(4) == four);
}

TEST_CASE("Stable Diffusion 3 has shift 3 and by its published timesteps shifts the end twice") {
  const dpm::RectifiedFlow flow(3.0);
  const std::vector<double> twice = timesteps_of(dpm::plan_by_name("euler", "normal", flow, 28));
  const auto published = Scheduler::from_text(
      R"({"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000,
          "shift": 3.0})",
      Mode::compatible);
  require_near(twice, published.timesteps(28), 1e-9);
  CHECK_THAT(twice[0], WithinAbs(1000.0, 1e-9));
  CHECK_THAT(twice[1], WithinAbs(987.2, 0.2));
  CHECK_THAT(twice[27], WithinAbs(8.93, 0.01));
  const std::vector<double> once =
      timesteps_of(make_plan(dpm::Ddim{}, flow, 28, dpm::UniformTime{}, Prediction::flow));
  CHECK_THAT(once[27], WithinAbs(1000.0 * 3.0 / 30.0, 1e-9));
}

TEST_CASE("FLUX dev shifts by the number of tokens and schnell not at all") {
  const double mu = 0.5 + (1.15 - 0.5) * (4096.0 - 256.0) / (4096.0 - 256.0);
  CHECK_THAT(mu, WithinAbs(1.15, 1e-15));
  const std::vector<double> dev =
      timesteps_of(make_plan(dpm::Ddim{}, dpm::RectifiedFlow(std::exp(mu), 1.0), 28,
                             dpm::UniformTime{}, Prediction::flow));
  const auto published = Scheduler::from_text(
      R"({"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000,
          "base_image_seq_len": 256, "base_shift": 0.5, "max_image_seq_len": 4096,
          "max_shift": 1.15, "shift": 3.0, "use_dynamic_shifting": true})");
  std::vector<double> sigmas;  // the pipeline's own
  for (int i = 0; i < 28; ++i) sigmas.push_back(1.0 + (1.0 / 28.0 - 1.0) * i / 27.0);
  const std::vector<double> theirs = published.timesteps(Run{.sigmas = sigmas, .mu = mu});
  require_near(
      dev,
      [&] {
        std::vector<double> as_sigma = theirs;
        for (double& t : as_sigma) t /= 1000.0;
        return as_sigma;
      }(),
      1e-12);
  const std::vector<double> schnell = timesteps_of(make_plan(
      dpm::Ddim{}, dpm::RectifiedFlow(1.0, 1.0), 4, dpm::UniformTime{}, Prediction::flow));
  require_near(schnell, {1.0, 0.75, 0.5, 0.25}, 1e-15);
}

TEST_CASE(
    "A flow's configuration alone spreads sigmas to the end and given ones are shifted once") {
  // FLUX schnell's; its pipeline passes sigmas.
  const auto schnell = Scheduler::from_text(
      R"({"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000,
          "base_image_seq_len": 256, "base_shift": 0.5, "max_image_seq_len": 4096,
          "max_shift": 1.15, "shift": 1.0, "use_dynamic_shifting": false})");
  require_near(schnell.timesteps(4), {1000.0, 667.0, 334.0, 1.0}, 1e-9);
  const Run of_pipeline{.sigmas = {1.0, 0.75, 0.5, 0.25}};
  require_near(schnell.timesteps(of_pipeline), {1000.0, 750.0, 500.0, 250.0}, 1e-9);
  const std::string end =
      "; Stable Diffusion 3 is sampled so, and the pipelines of FLUX and others pass sigmas from 1 "
      "to 1 / steps: give them as sigmas (Run::sigmas)";
  CHECK(schnell.doubts(of_pipeline).empty());
  CHECK(schnell.doubts(Run{.steps = 4}) ==
        std::vector<std::string>{
            "diffusers: FlowMatchEulerDiscreteScheduler is given no sigmas and spreads its own to "
            "the end of the table, so that the last call of 4 is at timestep 1" +
            end});
  // Stable Diffusion 3's; with the table's last sigma, 0.003, given before the shift.
  const auto third = Scheduler::from_text(
      R"({"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000,
          "shift": 3.0})");
  CHECK_THAT(third.timesteps(28).back(), WithinAbs(8.93, 0.01));
  CHECK(third.doubts(Run{.steps = 28})[0].rfind(
            "diffusers: FlowMatchEulerDiscreteScheduler is given no sigmas and shifts the end of "
            "its own twice, so that the last call of 28 is at timestep 8.9",
            0) == 0);
  CHECK(third.doubts(Run{.sigmas = {1.0, 0.5}}).empty());
  const auto without_flow = Scheduler::from_text(R"({"_class_name": "EulerDiscreteScheduler"})");
  CHECK(without_flow.doubts(Run{.steps = 28}).empty());
  CHECK_THAT(third.timesteps(Run{.sigmas = {1.0, 0.5, 0.001}}).back(), WithinAbs(2.994, 0.001));
}

TEST_CASE("Wan runs UniPC over evenly spread times with a shift") {
  const dpm::UniformTime spacing{.end = 0.001, .final = dpm::FinalSigma::zero_instead};
  const std::vector<double> fifty = timesteps_of(
      make_plan(dpm::UniPc{.order = 2}, dpm::RectifiedFlow(5.0), 50, spacing, Prediction::flow));
  const auto published = Scheduler::from_text(
      R"({"_class_name": "UniPCMultistepScheduler", "flow_shift": 5.0, "num_train_timesteps": 1000,
          "prediction_type": "flow_prediction", "solver_order": 2, "solver_type": "bh2",
          "use_flow_sigmas": true, "final_sigmas_type": "zero", "lower_order_final": true,
          "timestep_spacing": "linspace"})");
  // UniPC's class makes timesteps whole, and its first sigma is 1 - 1e-6.
  std::vector<double> theirs = published.timesteps(50);
  REQUIRE(theirs.size() == 50);
  for (std::size_t i = 0; i < 50; ++i) CHECK(std::abs(fifty[i] - theirs[i]) <= 1.0);
  const std::vector<double> forty = timesteps_of(
      make_plan(dpm::UniPc{.order = 2}, dpm::RectifiedFlow(5.0), 40, spacing, Prediction::flow));
  // A run of 40 steps that was recorded with diffusers, at index 37.
  CHECK_THAT(forty[37], WithinAbs(291.1904454, 1e-4));
}

TEST_CASE("Qwen-Image stretches its sigmas to end at 0.02") {
  const int steps = 50;
  const double tokens = (1328 / 16) * (1328 / 16);
  const double mu = 0.5 + (0.9 - 0.5) * (tokens - 256) / (8192 - 256);
  const double shift = std::exp(mu);
  const auto shifted = [&](double u) { return shift * u / (1 + (shift - 1) * u); };
  const double stretch = (1 - 0.02) / (1 - shifted(1.0 / steps));
  std::vector<double> sigmas;
  for (int i = 0; i < steps; ++i) {
    sigmas.push_back(1 - stretch * (1 - shifted(1 - double(i) / steps)));
  }
  CHECK_THAT(sigmas.back(), WithinAbs(0.02, 1e-12));
  sigmas.push_back(0);
  const dpm::Grid grid = dpm::grid_of_times(dpm::RectifiedFlow(1.0), sigmas);
  const auto published = Scheduler::from_text(
      R"({"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000,
          "base_image_seq_len": 256, "base_shift": 0.5, "max_image_seq_len": 8192,
          "max_shift": 0.9, "shift": 1.0, "shift_terminal": 0.02,
          "time_shift_type": "exponential", "use_dynamic_shifting": true})");
  std::vector<double> even;
  for (int i = 0; i < steps; ++i) even.push_back(1.0 - double(i) / steps);
  require_near(timesteps_of(make_plan(dpm::Ddim{}, grid, Prediction::flow)),
               published.timesteps(Run{.sigmas = even, .mu = mu}), 1e-9);
}

TEST_CASE("CogVideoX divides the SNR of its table and rescales it to zero at the end") {
  std::vector<double> table;
  double kept = 1;
  for (const double beta : dpm::scaled_linear_betas(1000)) table.push_back(kept *= 1 - beta);
  table = dpm::shift_snr(table, 3.0);
  const double first = std::sqrt(table.front());
  const double last = std::sqrt(table.back());
  for (double& entry : table) {
    entry = std::pow((std::sqrt(entry) - last) * first / (first - last), 2);
  }
  const auto video =
      dpm::DiscreteSchedule<double>::from_alphas_cumprod(table, dpm::TimestepType::discrete);
  const dpm::Grid grid = dpm::make_grid(dpm::Trailing{}, video, 50);
  const Plan plan = make_plan(dpm::Ddim{}, grid, Prediction::velocity);
  CHECK(timesteps_of(plan) == falling(999.0, 20.0, 50));
  CHECK(plan.start().alpha() == 0.0);
  const auto published = Scheduler::from_text(
      R"({"_class_name": "CogVideoXDDIMScheduler", "beta_start": 0.00085, "beta_end": 0.012,
          "beta_schedule": "scaled_linear", "num_train_timesteps": 1000, "snr_shift_scale": 3.0,
          "prediction_type": "v_prediction", "rescale_betas_zero_snr": true,
          "set_alpha_to_one": true, "steps_offset": 0, "timestep_spacing": "trailing",
          "clip_sample": false})");
  CHECK(published.timesteps(50) == falling(999.0, 20.0, 50));
  const Plan theirs = published.make_plan(50);
  for (std::size_t i = 0; i < 50; ++i) {
    CHECK_THAT(plan.steps[i].from.alpha(), WithinAbs(theirs.steps[i].from.alpha(), 1e-12));
  }
}

}  // namespace current_models_test
