// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs one case of diffusers' recorded results.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
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

/// The sampler that the case's `config` describes, in the mode that reproduces diffusers, against
/// the recorded timesteps, sigmas, model calls, draws and states.
inline CaseResult run_diffusers_case(const nlohmann::json& c) {
  using State = std::vector<double>;
  CaseResult result;
  const auto scheduler =
      dpm::diffusers::Scheduler::from_json(c.at("config"), dpm::diffusers::Mode::compatible);
  const dpm::diffusers::Run run = diffusers_run(c);
  const dpm::Plan plan = scheduler.make_plan(run);
  result.expect_equal("nfe", plan.model_calls(), c.at("nfe"));
  result.expect_equal("noise_draws", plan.draws(), c.value("noise_draws", 0));
  result.compare("timesteps", scheduler.timesteps(run), c.at("timesteps").get<State>());
  if (c.contains("sigmas")) {
    result.compare("sigmas", scheduler.sigmas(run), c["sigmas"].get<State>());
  }
  dpm::RunOptions<State> options;
  options.noise = [](State& z, const dpm::NoiseRequest& request) { test_draw(z, request); };
  if (scheduler.corrects()) options.correction = scheduler.correction(4);
  if (c.at("x_after").empty()) result.complain("the case has no recorded states");
  std::size_t compared = 0;
  options.observer = [&](const dpm::Progress<State>& progress) {
    const auto recorded = c.at("x_after").find(std::to_string(progress.step));
    if (recorded == c.at("x_after").end()) return;
    ++compared;
    result.compare("x after step " + std::to_string(progress.step), progress.sample,
                   recorded->get<State>());
  };
  State x = test_start();
  dpm::sample(
      plan,
      [](const State& at, double timestep, State& out) {
        test_network(at, timestep / 1000.0, out);
      },
      x, options);
  result.expect_equal("recorded states reached", static_cast<int>(compared),
                      static_cast<int>(c.at("x_after").size()));
  return result;
}

}  // namespace dpm_test
