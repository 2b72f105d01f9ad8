// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs one case of diffusers' recorded results.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "dpm/interop/diffusers.hpp"
#include "support/reference_case.hpp"
#include "support/test_network.hpp"

namespace dpm_test {

inline dpm::diffusers::Run diffusers_run(const nlohmann::json& c) {
  dpm::diffusers::Run run;
  if (c.contains("custom_timesteps")) {
    run.timesteps = c["custom_timesteps"].get<std::vector<double>>();
  } else {
    run.steps = c.at("num_inference_steps");
  }
  const nlohmann::json options = c.value("step_options", nlohmann::json::object());
  for (const auto& option : options.items()) {
    if (option.key() == "eta") {
      run.eta = option.value();
    } else if (option.key() == "use_clipped_model_output") {
      run.use_clipped_model_output = option.value();
    } else {
      dpm::detail::require(false, "the step option ", option.key(), " is not known");
    }
  }
  return run;
}

/// The arguments of `set_timesteps` and `step` in the form of diffusers_more.json.
inline dpm::diffusers::Run diffusers_run_of(const nlohmann::json& c) {
  dpm::diffusers::Run run;
  for (const auto& option : c.at("options").at("set_timesteps").items()) {
    if (option.key() == "sigmas") {
      run.sigmas = option.value().get<std::vector<double>>();
    } else if (option.key() == "timesteps") {
      run.timesteps = option.value().get<std::vector<double>>();
    } else if (option.key() == "mu") {
      run.mu = option.value();
    } else if (option.key() == "strength") {
      run.strength = option.value();
    } else if (option.key() == "original_inference_steps") {
      run.original_inference_steps = option.value();
    } else {
      dpm::detail::require(false, "the option ", option.key(), " of set_timesteps is not known");
    }
  }
  for (const auto& option : c["options"].at("step").items()) {
    if (option.key() == "eta") {
      run.eta = option.value();
    } else if (option.key() == "s_churn") {
      run.s_churn = option.value();
    } else if (option.key() == "s_tmin") {
      run.s_tmin = option.value();
    } else if (option.key() == "s_tmax") {
      run.s_tmax = option.value();
    } else if (option.key() == "s_noise") {
      run.s_noise = option.value();
    } else {
      dpm::detail::require(false, "the option ", option.key(), " of step is not known");
    }
  }
  if (run.sigmas.empty() && run.timesteps.empty()) run.steps = c.at("n");
  return run;
}

/// A sampler in the mode that reproduces diffusers, against the recorded timesteps, sigmas, model
/// calls, draws and states.
///
/// @param first_step  the number that the case gives its first step.
/// @param tau_scale  what the model's timestep is multiplied with for the test network.
inline CaseResult run_scheduler_case(const nlohmann::json& c,
                                     const dpm::diffusers::Scheduler& scheduler,
                                     const dpm::diffusers::Run& run, std::vector<double> x,
                                     int first_step, double tau_scale) {
  using State = std::vector<double>;
  CaseResult result;
  const dpm::Plan plan = scheduler.make_plan(run);
  result.expect_equal("nfe", plan.model_calls(), c.at("nfe"));
  result.expect_equal("noise_draws", plan.draws(), c.value("noise_draws", 0));
  result.compare("timesteps", scheduler.timesteps(run), c.at("timesteps").get<State>());
  if (c.contains("sigmas") && !c["sigmas"].is_null()) {
    result.compare("sigmas", scheduler.sigmas(run), c["sigmas"].get<State>());
  }
  dpm::RunOptions<State> options;
  options.noise = [](State& z, const dpm::NoiseRequest& request) { test_draw(z, request); };
  if (scheduler.corrects()) options.correction = scheduler.correction(4);
  if (c.at("x_after").empty()) result.complain("the case has no recorded states");
  std::size_t compared = 0;
  options.observer = [&](const dpm::Progress<State>& progress) {
    const auto recorded =
        c.at("x_after").find(std::to_string(static_cast<int>(progress.step) - 1 + first_step));
    if (recorded == c.at("x_after").end()) return;
    ++compared;
    result.compare("x after step " + std::to_string(progress.step), progress.sample,
                   recorded->get<State>());
  };
  dpm::sample(
      plan,
      [tau_scale](const State& at, double timestep, State& out) {
        test_network(at, tau_scale * timestep, out);
      },
      x, options);
  result.expect_equal("recorded states reached", static_cast<int>(compared),
                      static_cast<int>(c.at("x_after").size()));
  return result;
}

/// A case of diffusers.json: the whole configuration in `config`, and x from the start as it is.
inline CaseResult run_diffusers_case(const nlohmann::json& c) {
  const auto scheduler =
      dpm::diffusers::Scheduler::from_json(c.at("config"), dpm::diffusers::Mode::compatible);
  return run_scheduler_case(c, scheduler, diffusers_run(c), test_start(), 1, 1.0 / 1000.0);
}

/// A case of diffusers_more.json: the class in `sampler`, the configuration and the arguments in
/// `options`, and x from the start times init_noise_sigma; of image-to-image from the start as it
/// is.
inline CaseResult run_diffusers_sampler_case(const nlohmann::json& c) {
  nlohmann::json config = c.at("options").at("config");
  config["_class_name"] = c.at("sampler");
  const auto scheduler =
      dpm::diffusers::Scheduler::from_json(config, dpm::diffusers::Mode::compatible);
  const dpm::diffusers::Run run = diffusers_run_of(c);
  const double factor = run.strength < 1.0 ? 1.0 : scheduler.init_noise_sigma(run);
  std::vector<double> x = test_start();
  for (double& value : x) value *= factor;
  const bool by_timestep = c["options"].at("tau") == "timestep";
  CaseResult result =
      run_scheduler_case(c, scheduler, run, std::move(x), 0, by_timestep ? 1.0 : 1.0 / 1000.0);
  result.compare("init_noise_sigma", {factor}, {c.at("init_noise_sigma").get<double>()});
  return result;
}

}  // namespace dpm_test
