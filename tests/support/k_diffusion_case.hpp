// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs one case of the recorded results of k-diffusion, ComfyUI and A1111.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/catalogue/samplers.hpp"
#include "dpm/dpm.hpp"
#include "support/dpm_adaptive_case.hpp"
#include "support/recorded_sigmas.hpp"
#include "support/reference_case.hpp"
#include "support/test_network.hpp"

namespace dpm_test {

/// The published lists of sigmas, and the spacing that has each: a case for every list.
inline std::vector<std::pair<std::string, CaseResult>> run_sigma_tables(
    const nlohmann::json& tables) {
  using List = std::vector<double>;
  std::vector<std::pair<std::string, CaseResult>> results;
  const auto compare = [&](const std::string& id, const auto& spacing, bool flow,
                           const List& published) {
    CaseResult result;
    const dpm::AnySchedule& schedule = flow ? recorded_sigmas::flow : recorded_sigmas::table;
    const dpm::Grid grid = make_grid(spacing, schedule, static_cast<int>(published.size()) - 1);
    result.compare("sigmas", recorded_sigmas::sigmas_of(grid, flow), published);
    results.emplace_back(id, result);
  };
  constexpr auto whole = dpm::FinalSigma::sigma_min;
  using Ays = dpm::AlignYourSteps::List;
  for (const auto& [name, list] :
       {std::pair{"SD1", Ays::sd1}, std::pair{"SDXL", Ays::sdxl}, std::pair{"SVD", Ays::svd}}) {
    compare(std::string("align_your_steps/") + name,
            dpm::AlignYourSteps{.list = list, .final = whole}, false,
            tables.at("align_your_steps").at(name).get<List>());
  }
  using Optimal = dpm::OptimalSteps::List;
  for (const auto& [name, list] : {std::pair{"FLUX", Optimal::flux}, std::pair{"Wan", Optimal::wan},
                                   std::pair{"Chroma", Optimal::chroma}}) {
    compare(std::string("optimal_steps/") + name, dpm::OptimalSteps{.list = list, .final = whole},
            true, tables.at("optimal_steps").at(name).get<List>());
  }
  for (const auto& [coefficient, lists] : tables.at("gits").items()) {
    for (const auto& list : lists) {
      compare("gits/" + coefficient + "/" + std::to_string(list.size() - 1),
              dpm::Gits{.coefficient = std::stod(coefficient), .final = whole}, false,
              list.get<List>());
    }
  }
  return results;
}

/// The grid through a case's sigmas, on the table of Stable Diffusion or on a flow of shift 3.
inline dpm::Grid k_diffusion_grid(const std::vector<double>& sigmas, bool flow) {
  const dpm::AnySchedule schedule =
      flow
          ? dpm::AnySchedule(dpm::RectifiedFlow(3.0))
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
    if (key == "eta") {
      set.eta = value;
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

/// Why a case is left out; empty: it is run.
inline std::string left_out(const nlohmann::json& c) {
  const std::string sampler = c.at("sampler").is_null() ? "" : c["sampler"].get<std::string>();
  const bool makes_own_steps = sampler == "dpm_fast" || sampler == "dpm_adaptive";
  if (makes_own_steps && c.at("n") == 1) return "its one step has no length";
  if (sampler.rfind("sa_solver", 0) == 0 && c.at("sigmas").back() != 0.0) {
    return "the program returns the sample before its last step";
  }
  for (const auto& sigma : c.at("sigmas")) {
    if (sigma.is_null()) return "its sigmas are NaN";
  }
  return {};
}

inline CaseResult run_k_diffusion_case(const nlohmann::json& c) {
  using State = std::vector<double>;
  CaseResult result;
  const recorded_sigmas::Recorded list = recorded_sigmas::recorded_list(c);
  const dpm::Grid made = recorded_sigmas::makers().at(list.scheduler)(list);
  result.compare("sigmas", recorded_sigmas::sigmas_of(made, list.on_flow), list.sigmas);
  if (c.at("sampler").is_null()) return result;
  if (c["sampler"] == "dpm_adaptive") {
    run_dpm_adaptive_case(c, result);
    return result;
  }
  const bool flow = c.at("model") == "flow";
  dpm::SamplerOptions set;
  const dpm::Sampler sampler = k_diffusion_sampler(c, set);
  const auto sigmas = c.at("sigmas").get<State>();
  const dpm::Grid grid = k_diffusion_grid(sigmas, flow);
  const dpm::Plan plan =
      make_plan(sampler, grid, flow ? dpm::Prediction::flow : dpm::Prediction::noise, set);
  result.expect_equal("nfe", plan.model_calls(), c.at("nfe"));
  // What the programs draw and multiply with 0 counts there.
  const bool wastes = sampler.name == "dpm_fast" || sampler.name == "heunpp2" ||
                      sampler.name == "res_multistep" || sampler.name == "res_multistep_cfg_pp";
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
    result.compare("x after step " + std::to_string(progress.step), theirs, recorded->get<State>());
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
