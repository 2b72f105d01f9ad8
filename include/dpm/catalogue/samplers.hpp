// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The samplers of ComfyUI, k-diffusion, A1111 and stable-diffusion.cpp: one row of data each.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dpm/catalogue/as_coded.hpp"
#include "dpm/method/cfg_plus_plus.hpp"
#include "dpm/method/ddim.hpp"
#include "dpm/method/ddpm.hpp"
#include "dpm/method/deis.hpp"
#include "dpm/method/dpm_solver.hpp"
#include "dpm/method/dpm_solver_sde.hpp"
#include "dpm/method/er_sde.hpp"
#include "dpm/method/gradient_estimation.hpp"
#include "dpm/method/heun.hpp"
#include "dpm/method/heun_plus_plus.hpp"
#include "dpm/method/ipndm.hpp"
#include "dpm/method/lcm.hpp"
#include "dpm/method/restart.hpp"
#include "dpm/method/sa_solver.hpp"
#include "dpm/method/seeds.hpp"
#include "dpm/method/tcd.hpp"
#include "dpm/method/unipc.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <algorithm>
#  include <cmath>
#  include <functional>
#  include <type_traits>
#  include <utility>

#  include "dpm/catalogue/flow_as_noise.hpp"
#  include "dpm/catalogue/names.hpp"
#  include "dpm/grid/sigma_scale.hpp"
#endif

namespace dpm {

/// Any method that a name stands for.
using NamedMethod = std::variant<CfgPlusPlus, Ddim, Ddpm, Deis, DpmSolver, DpmSolverSde, ErSde,
                                 GradientEstimation, Heun, HeunPlusPlus, Ipndm, Lcm, Restart,
                                 SaSolver, Seeds, Tcd, UniPc, as_coded::DeisOfEdm, as_coded::IpndmV,
                                 as_coded::LmsToZero, as_coded::ResMultistepAncestral>;

/// How the named program runs a sampler on a flow.
enum class OnFlow : std::uint8_t {
  sigma,   ///< in sigma, the flow prediction taken for the noise of a process with alpha = 1
  level,   ///< on the flow's levels
  lambda,  ///< on the flow's levels in lambda, which is finite: sigma = 1 counts as 0.99997
};

/// One sampler by its names.
struct Sampler {
  /// As ComfyUI and k-diffusion write it, or the program that has it: "dpmpp_2m".
  std::string name;
  /// As A1111 shows it, "DPM++ 2M"; empty if it has none.
  std::string label;
  /// Other names of the same: stable-diffusion.cpp's, diffusers' class, older ones.
  std::vector<std::string> aliases;
  /// What it is here.
  NamedMethod method;
  OnFlow on_flow = OnFlow::sigma;
  /// ComfyUI asks the scheduler for one sigma more and drops the last but one.
  bool drops_last_but_one = false;
  /// Takes the grid's ends and number of steps alone: that many model calls in equal steps of
  /// lambda, none of them to sigma = 0.
  bool makes_own_grid = false;

  /// Where the program's own code is not what was meant, what it does.
  std::optional<NamedMethod> as_coded = std::nullopt;
  /// As coded it ends at this sigma / alpha where the grid ends at sigma = 0.
  double as_coded_end = 0.0;

  /// Order of convergence, for stochastic samplers the weak order; 0 where none is stated.
  [[nodiscard]] int order() const;
  /// Model calls of an inner step.
  [[nodiscard]] int model_calls_a_step() const;
  /// Whether it draws noise in each step.
  [[nodiscard]] bool draws_noise() const;
};

/// What can be set for a sampler in the programs that have it; what is left out is as there.
struct SamplerOptions {
  std::optional<double> eta = std::nullopt;      ///< share of fresh noise; 0: none
  std::optional<double> s_noise = std::nullopt;  ///< factor on each draw
  /// Churn of Euler, Heun, DPM2 and Heun++ (k-diffusion's s_churn, s_tmin, s_tmax).
  Churn churn = {};
  /// Reproduces the program's own numbers where its code is not what was meant.
  bool as_coded = false;
};

/// All samplers.
[[nodiscard]] std::span<const Sampler> samplers();

/// The sampler of that name, label or alias; case and punctuation do not count. Refuses others with
/// the three nearest names.
[[nodiscard]] const Sampler& sampler_by_name(std::string_view name);

/// The method of the sampler with the options set. Refuses options that it does not have.
[[nodiscard]] NamedMethod method_of(const Sampler& sampler, const SamplerOptions& options = {});

/// The sampler's plan over a grid, as the named program runs it: over a flow as `Sampler::on_flow`
/// says, with a model that predicts the flow.
[[nodiscard]] Plan make_plan(const Sampler& sampler, const Grid& grid,
                             Prediction prediction = Prediction::noise,
                             const SamplerOptions& options = {});

#if DPM_DEFINE

namespace detail {

inline std::vector<Sampler> all_samplers() {
  using Form = DpmSolver::Form;
  using Update = DpmSolver::Update;
  using Cfg = CfgPlusPlus::Update;
  constexpr FreshNoise ancestral{.eta = 1.0};
  // ComfyUI's tau: 1 in the middle of the process, where `percent` runs from 0.2 to 0.8.
  return {
      {"euler", "Euler", {"EulerDiscreteScheduler", "FlowMatchEulerDiscreteScheduler"}, Ddim{}},
      {"euler_ancestral",
       "Euler a",
       {"euler_a", "EulerAncestralDiscreteScheduler"},
       Ddim{.eta = 1.0}},
      {"heun", "Heun", {"HeunDiscreteScheduler", "FlowMatchHeunDiscreteScheduler"}, Heun{}},
      {"heunpp2", "", {"Heun++"}, HeunPlusPlus{}},
      {.name = "dpm_2",
       .label = "DPM2",
       .aliases = {"KDPM2DiscreteScheduler"},
       .method = DpmSolver{.form = Form::singlestep, .space = Space::noise},
       .drops_last_but_one = true},
      {.name = "dpm_2_ancestral",
       .label = "DPM2 a",
       .aliases = {"dpm2_a", "KDPM2AncestralDiscreteScheduler"},
       .method = DpmSolver{.form = Form::singlestep, .space = Space::noise, .fresh = ancestral},
       .drops_last_but_one = true},
      {.name = "lms",
       .label = "LMS",
       .aliases = {"LMSDiscreteScheduler"},
       .method = Deis{.order = 4, .variable = Deis::Variable::sigma_over_alpha}},
      {.name = "dpm_fast",
       .label = "DPM fast",
       .aliases = {},
       .method = DpmSolver{.order = 3,
                           .form = Form::singlestep,
                           .space = Space::noise,
                           .lower_order_final = true},
       .makes_own_grid = true},
      {.name = "dpmpp_2s_ancestral",
       .label = "DPM++ 2S a",
       .aliases = {"dpmpp2s_a", "DPM++ 2S Ancestral"},
       .method = DpmSolver{.form = Form::singlestep, .fresh = ancestral},
       .on_flow = OnFlow::level},
      {.name = "dpmpp_sde",
       .label = "DPM++ SDE",
       .aliases = {"dpmpp_sde_gpu", "DPMSolverSDEScheduler"},
       .method = DpmSolverSde{},
       .on_flow = OnFlow::lambda},
      {"dpmpp_2m", "DPM++ 2M", {"DPMSolverMultistepScheduler"}, DpmSolver{}},
      {.name = "dpmpp_2m_sde",
       .label = "DPM++ 2M SDE",
       .aliases = {"dpmpp_2m_sde_gpu", "dpmpp_2m_sde_bt"},
       .method = DpmSolver{.tau = 1.0},
       .on_flow = OnFlow::lambda},
      {.name = "dpmpp_2m_sde_heun",
       .label = "DPM++ 2M SDE Heun",
       .aliases = {"dpmpp_2m_sde_heun_gpu"},
       .method = DpmSolver{.update = Update::taylor, .tau = 1.0},
       .on_flow = OnFlow::lambda},
      {.name = "dpmpp_3m_sde",
       .label = "DPM++ 3M SDE",
       .aliases = {"dpmpp_3m_sde_gpu"},
       .method = DpmSolver{.order = 3,
                           .update = Update::taylor,
                           .start = DpmSolver::Start::lower_order,
                           .halved_second_difference = true,
                           .tau = 1.0},
       .on_flow = OnFlow::lambda},
      {"ddpm", "", {"DDPMScheduler"}, Ddpm{}},
      {.name = "lcm", .label = "LCM", .aliases = {}, .method = Lcm{}, .on_flow = OnFlow::level},
      {"ipndm", "", {"IPNDMScheduler"}, Ipndm{.equal_step_weights = true}},
      {.name = "ipndm_v",
       .label = "",
       .aliases = {},
       .method = Deis{.order = 4, .variable = Deis::Variable::sigma_over_alpha},
       .as_coded = as_coded::IpndmV{}},
      {.name = "deis",
       .label = "DEIS",
       .aliases = {"DEISMultistepScheduler"},
       .method = Deis{.variable = Deis::Variable::time},
       .as_coded = as_coded::DeisOfEdm{}},
      {"res_multistep", "RES multistep", {}, DpmSolver{.update = Update::taylor}},
      {.name = "res_multistep_ancestral",
       .label = "",
       .aliases = {},
       .method = DpmSolver{.update = Update::taylor, .fresh = ancestral},
       .as_coded = as_coded::ResMultistepAncestral{}},
      {.name = "restart",
       .label = "Restart",
       .aliases = {},
       .method = Restart{},
       .makes_own_grid = true},
      {"res_2s", "", {}, DpmSolver{.form = Form::singlestep, .update = Update::taylor}},
      {"gradient_estimation", "", {"euler_ge"}, GradientEstimation{}},
      {.name = "er_sde", .label = "", .aliases = {}, .method = ErSde{}, .on_flow = OnFlow::lambda},
      {.name = "seeds_2", .label = "", .aliases = {}, .method = Seeds{}, .on_flow = OnFlow::lambda},
      {.name = "seeds_3",
       .label = "",
       .aliases = {},
       .method = Seeds{.stages = 3},
       .on_flow = OnFlow::lambda},
      {.name = "sa_solver",
       .label = "",
       .aliases = {"SASolverScheduler"},
       .method = SaSolver{.corrector_order = 4, .tau_of_end = true, .lower_order_final = true},
       .on_flow = OnFlow::lambda},
      {.name = "sa_solver_pece",
       .label = "",
       .aliases = {},
       .method = SaSolver{.corrector_order = 4,
                          .tau_of_end = true,
                          .lower_order_final = true,
                          .evaluates_again = true},
       .on_flow = OnFlow::lambda},
      {.name = "uni_pc",
       .label = "UniPC",
       .aliases = {"UniPCMultistepScheduler"},
       .method =
           UniPc{.order = 3, .coefficients = UniPc::Coefficients::bh1, .lower_order_final = true},
       .drops_last_but_one = true,
       .as_coded_end = 0.001},
      {.name = "uni_pc_bh2",
       .label = "",
       .aliases = {},
       .method =
           UniPc{.order = 3, .coefficients = UniPc::Coefficients::bh2, .lower_order_final = true},
       .drops_last_but_one = true,
       .as_coded_end = 0.001},
      {.name = "euler_cfg_pp",
       .label = "Euler CFG++",
       .aliases = {},
       .method = CfgPlusPlus{},
       .on_flow = OnFlow::level},
      {.name = "euler_ancestral_cfg_pp",
       .label = "Euler a CFG++",
       .aliases = {},
       .method = CfgPlusPlus{.fresh = ancestral},
       .on_flow = OnFlow::level},
      {"dpmpp_2m_cfg_pp", "DPM++ 2M CFG++", {}, CfgPlusPlus{.update = Cfg::multistep}},
      {"gradient_estimation_cfg_pp", "", {}, CfgPlusPlus{.update = Cfg::gradient_estimation}},
      {"res_multistep_cfg_pp", "", {}, CfgPlusPlus{.update = Cfg::exponential}},
      {.name = "res_multistep_ancestral_cfg_pp",
       .label = "",
       .aliases = {},
       .method = CfgPlusPlus{.update = Cfg::exponential, .fresh = ancestral},
       .as_coded = CfgPlusPlus{.update = Cfg::exponential, .fresh = ancestral, .as_coded = true}},
      {.name = "dpmpp_2s_ancestral_cfg_pp",
       .label = "DPM++ 2S a CFG++",
       .aliases = {},
       .method = CfgPlusPlus{.update = Cfg::singlestep, .fresh = ancestral},
       .as_coded = CfgPlusPlus{.update = Cfg::singlestep, .fresh = ancestral, .as_coded = true}},
      {"ddim", "DDIM", {"DDIMScheduler", "ddim_trailing"}, Ddim{}},
      {"tcd", "", {"TCDScheduler"}, Tcd{}},
  };
}

/// Sets eta and s_noise in whatever form the method has them; false if it has none.
template <class Method>
bool set_noise(Method& method, const SamplerOptions& options) {
  const auto set = [](double& member, const std::optional<double>& value) {
    if (value) member = *value;
  };
  if constexpr (requires { method.fresh; }) {
    if constexpr (requires { method.tau; }) {
      if (method.tau > 0.0) {
        if (options.eta) method.tau = std::sqrt(*options.eta);
        set(method.fresh.scale, options.s_noise);
        return true;
      }
    }
    if (method.fresh.eta == 0.0) return false;
    set(method.fresh.eta, options.eta);
    set(method.fresh.scale, options.s_noise);
    return true;
  } else if constexpr (std::is_same_v<Method, Seeds>) {
    if (options.eta) method.tau = std::sqrt(*options.eta);
    set(method.noise_scale, options.s_noise);
    return true;
  } else if constexpr (std::is_same_v<Method, Ddim>) {
    if (method.eta == 0.0 && options.s_noise) return false;
    set(method.eta, options.eta);
    set(method.noise_scale, options.s_noise);
    return true;
  } else if constexpr (std::is_same_v<Method, Tcd>) {
    set(method.eta, options.eta);
    return !options.s_noise;
  } else if constexpr (requires { method.noise_scale; }) {
    set(method.noise_scale, options.s_noise);
    return !options.eta;
  } else {
    return false;
  }
}

/// The plan with as many model calls as the grid has steps, in equal steps of lambda between its
/// ends; an end at sigma = 0 is left out.
template <class Method>
Plan plan_in_equal_steps(const Method& method, const Grid& grid, Prediction prediction) {
  auto budget = for_model_calls(method, static_cast<int>(grid.steps()));
  std::size_t last = grid.steps();
  if (grid[last].sigma() == 0.0) --last;
  const double first = grid[0].lambda();
  const double length = grid[last].lambda() - first;
  require(last > 0 && std::isfinite(length), "plan_by_name: ", Method::name, " over ", grid.steps(),
          " steps; it needs two levels with 0 < sigma and alpha > 0");
  if constexpr (requires { budget.method.fresh; }) {
    budget.method.fresh.least = std::exp(-grid[last].lambda());
  }
  std::vector<Level> levels;
  for (int i = 0; i <= budget.steps; ++i) {
    const bool inner = i > 0 && i < budget.steps;
    levels.push_back(inner ? grid.schedule().level_at_lambda(first + length * i / budget.steps)
                           : grid[i == 0 ? 0 : last]);
  }
  return make_plan(budget.method, Grid(grid.schedule(), std::move(levels)), prediction);
}

/// A1111's Restart: from 20 steps on some of them come down again, on a Karras grid of the others.
inline Plan plan_restart(Restart method, const Grid& grid, Prediction prediction) {
  const int steps = static_cast<int>(grid.steps());
  method.times = steps < 20 ? 0 : steps < 36 ? 1 : 2;
  method.steps = steps < 36 ? 9 : steps / 4;
  if (method.times == 0) return make_plan(Heun{}, grid, prediction);
  require(grid.steps() >= 2 && grid.back().sigma() == 0.0 && grid.front().alpha() > 0.0,
          "plan_by_name: restart from time ", grid.front().time, " to time ", grid.back().time,
          "; it must start where alpha > 0 and end at sigma = 0");
  std::vector<Level> levels = levels_down(grid.schedule(), grid.front(), grid[grid.steps() - 1],
                                          steps - method.steps * method.times - 1, method.rho);
  levels.push_back(grid.back());
  return make_plan(method, Grid(grid.schedule(), std::move(levels)), prediction);
}

/// ComfyUI's tau for SA-Solver: 1 while 0.2 to 0.8 of the model's times have passed, else 0.
inline std::function<double(const Level&)> middle_tau(const AnySchedule& schedule) {
  const double last = schedule.last_time();
  const double n = static_cast<double>(schedule.size());
  const auto lambda_at = [&](double percent) {
    const double time = n > 0.0 ? ((n - 1.0) * (1.0 - percent) + 1.0) / n : last * (1.0 - percent);
    return schedule.level(time).lambda();
  };
  return [first = lambda_at(0.2), end = lambda_at(0.8)](const Level& level) {
    return level.lambda() >= first && level.lambda() <= end ? 1.0 : 0.0;
  };
}

}  // namespace detail

DPM_INLINE int Sampler::order() const {
  return std::visit(
      [](const auto& m) {
        if constexpr (requires { convergence_order(m); }) {
          return convergence_order(m);
        } else {
          return 0;
        }
      },
      method);
}

DPM_INLINE int Sampler::model_calls_a_step() const {
  if (const auto* m = std::get_if<DpmSolver>(&method)) {
    return m->form == DpmSolver::Form::singlestep ? m->order : 1;
  }
  if (const auto* m = std::get_if<Seeds>(&method)) return m->stages;
  if (const auto* m = std::get_if<CfgPlusPlus>(&method)) {
    return m->update == CfgPlusPlus::Update::singlestep ? 2 : 1;
  }
  if (const auto* m = std::get_if<SaSolver>(&method)) return m->evaluates_again ? 2 : 1;
  if (std::holds_alternative<HeunPlusPlus>(method)) return 3;
  const bool two =
      std::holds_alternative<Heun>(method) || std::holds_alternative<DpmSolverSde>(method);
  return two ? 2 : 1;
}

DPM_INLINE bool Sampler::draws_noise() const {
  if (const auto* m = std::get_if<DpmSolver>(&method)) return m->tau > 0.0 || m->fresh.eta > 0.0;
  if (const auto* m = std::get_if<Ddim>(&method)) return m->eta > 0.0;
  if (const auto* m = std::get_if<CfgPlusPlus>(&method)) return m->fresh.eta > 0.0;
  return std::holds_alternative<DpmSolverSde>(method) || std::holds_alternative<Seeds>(method) ||
         std::holds_alternative<ErSde>(method) || std::holds_alternative<SaSolver>(method) ||
         std::holds_alternative<Restart>(method) || std::holds_alternative<Lcm>(method) ||
         std::holds_alternative<Tcd>(method) || std::holds_alternative<Ddpm>(method);
}

DPM_INLINE std::span<const Sampler> samplers() {
  static const std::vector<Sampler> all = detail::all_samplers();
  return all;
}

DPM_INLINE const Sampler& sampler_by_name(std::string_view name) {
  const std::string plain = detail::plain_name(name);
  std::vector<std::string> known;
  for (const Sampler& sampler : samplers()) {
    known.push_back(sampler.name);
    if (!sampler.label.empty()) known.push_back(sampler.label);
    bool found = detail::plain_name(sampler.name) == plain ||
                 (!sampler.label.empty() && detail::plain_name(sampler.label) == plain);
    for (const std::string& alias : sampler.aliases) {
      known.push_back(alias);
      found = found || detail::plain_name(alias) == plain;
    }
    if (found && !plain.empty()) return sampler;
  }
  detail::refuse({"sampler_by_name: \"", name, "\" is no sampler that is known; did you mean ",
                  detail::nearest_names(name, known), "?"});
}

DPM_INLINE NamedMethod method_of(const Sampler& sampler, const SamplerOptions& options) {
  NamedMethod method = options.as_coded && sampler.as_coded ? *sampler.as_coded : sampler.method;
  if (options.eta || options.s_noise) {
    detail::require(std::visit([&](auto& m) { return detail::set_noise(m, options); }, method),
                    "plan_by_name: ", sampler.name, " has no ", options.eta ? "eta" : "s_noise",
                    "; leave it out");
  }
  if (options.eta) {
    detail::require(*options.eta >= 0.0, "plan_by_name: eta = ", *options.eta,
                    "; it must be at least 0");
  }
  if (options.churn.amount != 0.0) {
    const bool set = std::visit(
        [&](auto& m) {
          if constexpr (requires { m.churn; }) {
            m.churn = options.churn;
            return true;
          } else {
            return false;
          }
        },
        method);
    detail::require(set, "plan_by_name: ", sampler.name,
                    " has no churn; euler, heun, heunpp2 and dpm_2 have it");
  }
  return method;
}

DPM_INLINE Plan make_plan(const Sampler& sampler, const Grid& grid, Prediction prediction,
                          const SamplerOptions& options) {
  if (options.as_coded && sampler.as_coded_end > 0.0 && grid.back().sigma() == 0.0) {
    std::vector<Level> levels(grid.levels().begin(), grid.levels().end());
    const double ratio = sampler.as_coded_end;
    levels.back() = grid.schedule().level_at_lambda(
        detail::is_flow(grid.schedule()) ? std::log1p(-ratio) - std::log(ratio) : -std::log(ratio));
    return make_plan(sampler, Grid(grid.schedule(), std::move(levels)), prediction, options);
  }
  NamedMethod method = method_of(sampler, options);
  const bool flow = detail::is_flow(grid.schedule());
  const auto plan_over = [&](const Grid& over, Prediction p) {
    return std::visit(
        [&](const auto& m) {
          if constexpr (std::is_same_v<std::decay_t<decltype(m)>, Restart>) {
            return detail::plan_restart(m, over, p);
          } else if constexpr (std::is_same_v<std::decay_t<decltype(m)>, DpmSolver>) {
            if (sampler.makes_own_grid) return detail::plan_in_equal_steps(m, over, p);
          }
          return make_plan(m, over, p);
        },
        method);
  };
  if (auto* sa = std::get_if<SaSolver>(&method)) sa->tau = detail::middle_tau(grid.schedule());
  if (auto* uni = std::get_if<UniPc>(&method)) {
    uni->order = std::clamp(static_cast<int>(grid.steps()) - 1, 1, uni->order);
  }
  if (!flow) return plan_over(grid, prediction);
  detail::require(prediction == Prediction::flow,
                  "plan_by_name: the schedule is a flow's and the "
                  "prediction is ",
                  name(prediction), "; give Prediction::flow");
  std::visit(
      [](auto& m) {
        if constexpr (std::is_same_v<std::decay_t<decltype(m)>, Ddim>) {
          m.rule = FreshNoise::Rule::flow;
        } else if constexpr (std::is_same_v<std::decay_t<decltype(m)>, DpmSolver>) {
          m.fresh.rule = FreshNoise::Rule::flow;
        }
      },
      method);
  if (sampler.on_flow == OnFlow::sigma) {
    return detail::with_flow_levels(plan_over(detail::flow_read_as_noise(grid), Prediction::noise),
                                    grid);
  }
  if (sampler.on_flow == OnFlow::level || grid.front().alpha() > 0.0) {
    return plan_over(grid, prediction);
  }
  // The level at 0.9999 of the flow's time before its shift, as ComfyUI has it.
  std::vector<Level> levels(grid.levels().begin(), grid.levels().end());
  levels[0] = grid.schedule().level(grid.schedule().last_time() * (1.0 - 1e-4));
  return plan_over(Grid(grid.schedule(), std::move(levels)), prediction);
}

#endif

}  // namespace dpm
