// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Scheduler configurations as they stand in model repositories: each is read, plans, shows its
/// grid and its method, and is written back.
#include <string>
#include <vector>

#include "dpm/interop/diffusers.hpp"
#include "support/catch.hpp"

namespace diffusers_hub_test {

using namespace dpm_test;
using dpm::diffusers::Mode;
using dpm::diffusers::Run;
using dpm::diffusers::Scheduler;

namespace {

struct HubConfig {
  std::string model;
  std::string text;
  double first_timestep;
  double last_timestep;
};

const std::vector<HubConfig>& hub_configs() {
  static const std::vector<HubConfig> configs{
      {"Stable Diffusion 1.5",
       R"({"_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_end": 0.012,
           "beta_schedule": "scaled_linear", "beta_start": 0.00085, "num_train_timesteps": 1000,
           "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1,
           "trained_betas": null, "clip_sample": false})",
       951.0, 1.0},
      {"Stable Diffusion 2.1",
       R"({"_class_name": "DDIMScheduler", "_diffusers_version": "0.8.0", "beta_end": 0.012,
           "beta_schedule": "scaled_linear", "beta_start": 0.00085, "clip_sample": false,
           "num_train_timesteps": 1000, "prediction_type": "v_prediction",
           "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1,
           "trained_betas": null})",
       951.0, 1.0},
      {"SDXL",
       R"({"_class_name": "EulerDiscreteScheduler", "_diffusers_version": "0.19.0.dev0",
           "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
           "clip_sample": false, "interpolation_type": "linear", "num_train_timesteps": 1000,
           "prediction_type": "epsilon", "sample_max_value": 1.0, "set_alpha_to_one": false,
           "skip_prk_steps": true, "steps_offset": 1, "timestep_spacing": "leading",
           "trained_betas": null, "use_karras_sigmas": false})",
       951.0, 1.0},
      {"Stable Video Diffusion",
       R"({"_class_name": "EulerDiscreteScheduler", "_diffusers_version": "0.24.0.dev0",
           "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
           "clip_sample": false, "interpolation_type": "linear", "num_train_timesteps": 1000,
           "prediction_type": "v_prediction", "set_alpha_to_one": false, "sigma_max": 700.0,
           "sigma_min": 0.002, "skip_prk_steps": true, "steps_offset": 1,
           "timestep_spacing": "leading", "timestep_type": "continuous", "trained_betas": null,
           "use_karras_sigmas": true})",
       1.6377, -1.5537},
      {"Stable Diffusion 3",
       R"({"_class_name": "FlowMatchEulerDiscreteScheduler", "_diffusers_version": "0.29.0.dev0",
           "num_train_timesteps": 1000, "shift": 3.0})",
       1000.0, 8.9285},
      {"a DPM-Solver++ file with Python's infinity",
       R"({"_class_name": "DPMSolverMultistepScheduler", "_diffusers_version": "0.22.0",
           "algorithm_type": "dpmsolver++", "beta_end": 0.012, "beta_schedule": "scaled_linear",
           "beta_start": 0.00085, "dynamic_thresholding_ratio": 0.995, "euler_at_final": false,
           "lambda_min_clipped": -Infinity, "lower_order_final": true,
           "num_train_timesteps": 1000, "prediction_type": "epsilon", "sample_max_value": 1.0,
           "solver_order": 2, "solver_type": "midpoint", "steps_offset": 1,
           "thresholding": false, "timestep_spacing": "leading", "trained_betas": null,
           "use_karras_sigmas": false, "use_lu_lambdas": false, "variance_type": null})",
       941.0, 48.0},
      {"Wan 2.1",
       R"({"_class_name": "UniPCMultistepScheduler", "_diffusers_version": "0.33.0.dev0",
           "beta_end": 0.02, "beta_schedule": "linear", "beta_start": 0.0001,
           "disable_corrector": [], "dynamic_thresholding_ratio": 0.995,
           "final_sigmas_type": "zero", "flow_shift": 3.0, "lower_order_final": true,
           "num_train_timesteps": 1000, "predict_x0": true, "prediction_type": "flow_prediction",
           "rescale_betas_zero_snr": false, "sample_max_value": 1.0, "solver_order": 2,
           "solver_p": null, "solver_type": "bh2", "steps_offset": 0, "thresholding": false,
           "timestep_spacing": "linspace", "trained_betas": null, "use_beta_sigmas": false,
           "use_exponential_sigmas": false, "use_flow_sigmas": true,
           "use_karras_sigmas": false})",
       999.0, 138.0},
      {"Playground 2.5",
       R"({"_class_name": "EDMDPMSolverMultistepScheduler", "_diffusers_version": "0.27.0.dev0",
           "algorithm_type": "dpmsolver++", "dynamic_thresholding_ratio": 0.995,
           "euler_at_final": false, "final_sigmas_type": "zero", "lower_order_final": true,
           "num_train_timesteps": 1000, "prediction_type": "epsilon", "rho": 7.0,
           "sample_max_value": 1.0, "sigma_data": 0.5, "sigma_max": 80.0, "sigma_min": 0.002,
           "solver_order": 2, "solver_type": "midpoint", "thresholding": false})",
       1.0955, -1.5537},
      {"SDXL Turbo",
       R"({"_class_name": "EulerAncestralDiscreteScheduler", "_diffusers_version": "0.24.0.dev0",
           "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
           "clip_sample": false, "interpolation_type": "linear", "num_train_timesteps": 1000,
           "prediction_type": "epsilon", "sample_max_value": 1.0, "set_alpha_to_one": false,
           "skip_prk_steps": true, "steps_offset": 1, "timestep_spacing": "trailing",
           "trained_betas": null, "use_karras_sigmas": false})",
       999.0, 49.0},
      {"CogVideoX 2B",
       R"({"_class_name": "CogVideoXDDIMScheduler", "_diffusers_version": "0.30.0.dev0",
           "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
           "clip_sample": false, "clip_sample_range": 1.0, "num_train_timesteps": 1000,
           "prediction_type": "v_prediction", "rescale_betas_zero_snr": true,
           "sample_max_value": 1.0, "set_alpha_to_one": true, "snr_shift_scale": 3.0,
           "steps_offset": 0, "timestep_spacing": "trailing", "trained_betas": null})",
       999.0, 49.0},
      {"CogVideoX 5B",
       R"({"_class_name": "CogVideoXDPMScheduler", "_diffusers_version": "0.31.0.dev0",
           "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
           "clip_sample": false, "clip_sample_range": 1.0, "num_train_timesteps": 1000,
           "prediction_type": "v_prediction", "rescale_betas_zero_snr": true,
           "sample_max_value": 1.0, "set_alpha_to_one": true, "snr_shift_scale": 1.0,
           "steps_offset": 0, "timestep_spacing": "trailing", "trained_betas": null})",
       999.0, 49.0},
      {"Stable Audio Open",
       R"({"_class_name": "CosineDPMSolverMultistepScheduler", "_diffusers_version": "0.30.0.dev0",
           "euler_at_final": false, "final_sigmas_type": "zero", "lower_order_final": true,
           "num_train_timesteps": 1000, "prediction_type": "v_prediction", "rho": 7.0,
           "sigma_data": 1.0, "sigma_max": 500, "sigma_min": 0.3,
           "sigma_schedule": "exponential", "solver_order": 2, "solver_type": "midpoint"})",
       0.99873, 0.18555}};
  return configs;
}

}  // namespace

TEST_CASE("configurations of well-known models are read, planned, shown and written back") {
  for (const HubConfig& config : hub_configs()) {
    CAPTURE(config.model);
    const auto scheduler = Scheduler::from_text(config.text);
    const dpm::Plan plan = scheduler.make_plan(20);
    const std::vector<double> timesteps = scheduler.timesteps(20);
    REQUIRE(timesteps.size() == plan.steps.size());
    REQUIRE_THAT(timesteps.front(), WithinRel(config.first_timestep, 1e-4));
    REQUIRE_THAT(timesteps.back(), WithinRel(config.last_timestep, 1e-4));
    REQUIRE(Scheduler::from_json(scheduler.to_json()).make_plan(20) == plan);
    const dpm::Plan own =
        dpm::diffusers::make_plan(scheduler.method(20), scheduler.grid(20), scheduler.prediction());
    REQUIRE(own.model_calls() == plan.model_calls());
  }
}

TEST_CASE("distilled models take the timesteps that they were distilled with") {
  const auto lcm = Scheduler::from_text(
      R"({"_class_name": "LCMScheduler", "_diffusers_version": "0.22.0.dev0", "beta_end": 0.012,
          "beta_schedule": "scaled_linear", "beta_start": 0.00085, "clip_sample": false,
          "clip_sample_range": 1.0, "dynamic_thresholding_ratio": 0.995,
          "num_train_timesteps": 1000, "original_inference_steps": 50,
          "prediction_type": "epsilon", "rescale_betas_zero_snr": false,
          "sample_max_value": 1.0, "set_alpha_to_one": true, "steps_offset": 0,
          "thresholding": false, "timestep_scaling": 10.0, "timestep_spacing": "leading",
          "trained_betas": null})");
  REQUIRE(lcm.timesteps(4) == std::vector<double>{999.0, 759.0, 499.0, 259.0});
  REQUIRE(lcm.make_plan(4).draws() == 3);
  REQUIRE(lcm.make_plan(4).end().sigma() == 0.0);
  REQUIRE(Scheduler::from_json(lcm.to_json()).make_plan(4) == lcm.make_plan(4));
}

TEST_CASE("Qwen-Image stretches its shifted sigmas to their end") {
  const auto scheduler = Scheduler::from_text(
      R"({"_class_name": "FlowMatchEulerDiscreteScheduler", "_diffusers_version": "0.34.0.dev0",
          "base_image_seq_len": 256, "base_shift": 0.5, "invert_sigmas": false,
          "max_image_seq_len": 8192, "max_shift": 0.9, "num_train_timesteps": 1000, "shift": 1.0,
          "shift_terminal": 0.02, "stochastic_sampling": false, "time_shift_type": "exponential",
          "use_beta_sigmas": false, "use_dynamic_shifting": true,
          "use_exponential_sigmas": false, "use_karras_sigmas": false})");
  const Run run{.sigmas = {1.0, 0.75, 0.5, 0.25}, .mu = 0.7};
  REQUIRE_THAT(scheduler.sigmas(run)[3], WithinRel(0.02, 1e-12));
  REQUIRE(scheduler.make_plan(run).model_calls() == 4);
}

TEST_CASE("FLUX takes its dynamic shift from the run") {
  const auto scheduler = Scheduler::from_text(
      R"({"_class_name": "FlowMatchEulerDiscreteScheduler", "_diffusers_version": "0.30.0.dev0",
          "base_image_seq_len": 256, "base_shift": 0.5, "max_image_seq_len": 4096,
          "max_shift": 1.15, "num_train_timesteps": 1000, "shift": 3.0,
          "use_dynamic_shifting": true})");
  const Run run{.sigmas = {1.0, 0.75, 0.5, 0.25}, .mu = 1.15};
  REQUIRE(scheduler.make_plan(run).model_calls() == 4);
  REQUIRE(scheduler.grid(run).steps() == 4);
  for (const double mu : {14.0, -1e9}) {
    const Run wrong{.sigmas = {1.0, 0.5}, .mu = mu};
    REQUIRE_THROWS_WITH(scheduler.make_plan(wrong), mentions("mu is"));
  }
}

TEST_CASE("a run of Euler over sigmas of one's own ends with the last of them") {
  const auto scheduler = Scheduler::from_text(
      R"({"_class_name": "EulerDiscreteScheduler", "beta_schedule": "scaled_linear",
          "beta_start": 0.00085, "beta_end": 0.012})");
  const std::vector<double> sigmas{14.615, 6.475, 3.861, 2.697, 1.886, 1.396,
                                   0.963,  0.652, 0.399, 0.152, 0.0};
  const dpm::Plan plan = scheduler.make_plan(Run{.sigmas = sigmas});
  REQUIRE(plan.model_calls() == 10);
  REQUIRE(plan.end().sigma() == 0.0);
  REQUIRE(scheduler.sigmas(Run{.sigmas = sigmas}) == sigmas);
  REQUIRE(scheduler.grid(Run{.sigmas = sigmas}).steps() == 10);
  REQUIRE_THROWS_WITH(scheduler.make_plan(Run{.sigmas = {1.0, 2.0, 0.0}}),
                      mentions("has sigma 2 after 1; sigmas must fall"));
}

TEST_CASE("grid() leaves out a last step that leads nowhere") {
  for (const std::string text :
       {R"({"_class_name": "PNDMScheduler"})", R"({"_class_name": "PNDMScheduler",
          "timestep_spacing": "linspace", "skip_prk_steps": true})",
        R"({"_class_name": "SASolverScheduler", "use_karras_sigmas": true})",
        R"({"_class_name": "DPMSolverMultistepInverseScheduler", "use_karras_sigmas": true})",
        R"({"_class_name": "UniPCMultistepScheduler", "use_karras_sigmas": true,
          "final_sigmas_type": "sigma_min"})"}) {
    CAPTURE(text);
    REQUIRE(Scheduler::from_text(text).grid(12).steps() == 11);
  }
  REQUIRE(Scheduler::from_text(R"({"_class_name": "DDIMScheduler", "timestep_spacing": "linspace",
                                   "set_alpha_to_one": true})")
              .grid(12)
              .steps() == 12);
}

}  // namespace diffusers_hub_test
