// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs one case of the recorded results of k-diffusion, ComfyUI and A1111.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "dpm/catalogue/samplers.hpp"
#include "dpm/dpm.hpp"
#include "support/reference_case.hpp"
#include "support/test_network.hpp"

namespace dpm_test {

/// The grid through a case's sigmas, on the table of Stable Diffusion or on a flow of shift 3.
inline dpm::Grid k_diffusion_grid(const std::vector<double>& sigmas, bool flow) {
  const dpm::AnySchedule schedule =
      flow ? dpm::AnySchedule(dpm::RectifiedFlow(3.0))
           : dpm::AnySchedule(dpm::LogSigmaTable(dpm::DiscreteSchedule(dpm::scaled_linear_betas())));
  std::vector<dpm::Level> levels;
  for (const double sigma : sigmas) {
    const double ratio = flow ? sigma / (1.0 - sigma) : sigma;
    dpm::Level level = schedule.level_at_lambda(-std::log(ratio));
    if (flow && sigma > 0.0) {
      level.log_sigma = std::log(sigma);
      level.log_alpha = std::log1p(-sigma);
      level.timestep = 1000.0 * sigma;
    }
    levels.push_back(level);
  }
  return {schedule, std::move(levels)};
}

/// The sampler of the case with its options. Refuses options that are not known here.
inline dpm::Sampler k_diffusion_sampler(const nlohmann::json& c, dpm::SamplerOptions& set) {
  dpm::Sampler sampler = dpm::sampler_by_name(c.at("sampler").get<std::string>());
  // k-diffusion's own lms is not ComfyUI's.
  const bool own_lms = sampler.name == "lms" && c["source"] == "k-diffusion 4601bf08";
  if (own_lms) sampler.as_coded = dpm::as_coded::LmsToZero{};
  set.as_coded = true;
  dpm::NamedMethod& method = sampler.as_coded ? *sampler.as_coded : sampler.method;
  for (const auto& option : c.at("options").items()) {
    const std::string& key = option.key();
    const auto& value = option.value();
    // The list of sigmas has the first, the model the second.
    if (key == "deis_mode") {
      method = dpm::Deis{.variable = dpm::Deis::Variable::sigma_over_alpha};
    }
    if (key == "deis_mode" || key == "discard_penultimate" || key == "uncond_scale") continue;
    if (key == "eta" && c["sampler"] == "dpm_fast") {
      std::get<dpm::DpmSolver>(method).fresh.eta = value;
    } else if (key == "eta") {
      set.eta = value;
    } else if (key == "s_noise" && c["options"].contains("s_churn")) {
      set.churn.scale = value;
    } else if (key == "s_noise") {
      set.s_noise = value;
    } else if (key == "s_churn") {
      set.churn.amount = value;
    } else if (key == "s_tmin") {
      set.churn.least = value;
    } else if (key == "s_tmax") {
      set.churn.most = value;
    } else if (key == "solver_type") {
      std::get<dpm::DpmSolver>(method).update = dpm::DpmSolver::Update::taylor;
    } else if (key == "ge_gamma") {
      std::get<dpm::GradientEstimation>(method).gamma = value;
    } else if (key == "max_stage") {
      std::get<dpm::ErSde>(method).order = value;
    } else if (key == "r" && std::holds_alternative<dpm::Seeds>(method)) {
      std::get<dpm::Seeds>(method).r1 = value.get<double>();
    } else if (key == "r") {
      std::get<dpm::DpmSolverSde>(method).r1 = value;
    } else if (key == "predictor_order") {
      std::get<dpm::SaSolver>(method).predictor_order = value;
    } else if (key == "corrector_order") {
      std::get<dpm::SaSolver>(method).corrector_order = value;
    } else if (key == "simple_order_2") {
      std::get<dpm::SaSolver>(method).simple_second_order = value;
    } else if (key == "max_order" || key == "order") {
      std::visit(
          [&](auto& m) {
            if constexpr (requires { m.order; }) m.order = value;
          },
          method);
    } else {
      dpm::detail::require(false, "the option ", key, " is not known");
    }
  }
  return sampler;
}

inline CaseResult run_k_diffusion_case(const nlohmann::json& c) {
  using State = std::vector<double>;
  CaseResult result;
  const bool flow = c.at("model") == "flow";
  dpm::SamplerOptions set;
  const dpm::Sampler sampler = k_diffusion_sampler(c, set);
  const auto sigmas = c.at("sigmas").get<State>();
  const dpm::Grid grid = k_diffusion_grid(sigmas, flow);
  const dpm::Plan plan = make_plan(
      sampler, grid, flow ? dpm::Prediction::flow : dpm::Prediction::noise, set);
  result.expect_equal("nfe", plan.model_calls(), c.at("nfe"));
  // What the programs draw and multiply with 0 counts there.
  const bool wastes = sampler.name == "dpm_fast" || sampler.name == "heunpp2" || sampler.name == "res_multistep" ||
                      sampler.name == "res_multistep_cfg_pp";
  if (!wastes && c["source"] != "k-diffusion 4601bf08") {
    result.expect_equal("noise_draws", plan.draws(), c.at("noise_draws"));
  }
  dpm::RunOptions<State> options;
  options.noise = [](State& z, const dpm::NoiseRequest& request) { test_draw(z, request); };
  State x = test_start();
  // Theirs is x / alpha, and starts from noise times sigma; ours from x.
  const double start = flow ? 1.0 : grid.front().sigma();
  for (double& value : x) value *= start;
  std::size_t compared = 0;
  options.observer = [&](const dpm::Progress<State>& progress) {
    const auto recorded = c.at("x_after").find(std::to_string(progress.step - 1));
    if (recorded == c.at("x_after").end()) return;
    ++compared;
    // UniPC's are corrected already.
    if (sampler.name.rfind("uni_pc", 0) == 0 && progress.step != progress.steps) return;
    State theirs = progress.sample;
    for (double& value : theirs) value /= flow ? 1.0 : progress.level.alpha();
    result.compare("x after step " + std::to_string(progress.step), theirs,
                   recorded->get<State>());
  };
  const double scale = c["options"].value("uncond_scale", 1.0);
  const auto network = [&](const State& at, double timestep, State& out) {
    test_network(at, timestep / 1000.0, out);
  };
  const auto both = [&](const State& at, double timestep, State& out, State& unconditional) {
    network(at, timestep, out);
    for (std::size_t i = 0; i < out.size(); ++i) unconditional[i] = scale * out[i];
  };
  if (sampler.name.ends_with("_cfg_pp")) {
    dpm::sample(plan, both, x, options);
  } else {
    dpm::sample(plan, network, x, options);
  }
  result.expect_equal("recorded states reached", static_cast<int>(compared),
                      static_cast<int>(c.at("x_after").size()));
  return result;
}

}  // namespace dpm_test
