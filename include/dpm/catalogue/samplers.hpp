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

#include "dpm/catalogue/sampler.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <algorithm>
#  include <cmath>
#  include <functional>
#  include <type_traits>
#  include <utility>

#  include "dpm/catalogue/names.hpp"
#  include "dpm/catalogue/sampler_list.hpp"
#  include "dpm/grid/sigma_scale.hpp"
#  include "dpm/method/flow_as_noise.hpp"
#endif

namespace dpm {

/// What can be set for a sampler in the programs that have it; what is left out is as there.
struct SamplerOptions {
  std::optional<double> eta = std::nullopt;      ///< share of fresh noise; 0: none
  std::optional<double> s_noise = std::nullopt;  ///< factor on each draw, with churn on its draws
  /// ComfyUI's denoise, for image-to-image: the last `steps` of int(steps / denoise) steps. Of
  /// `plan_by_name` alone.
  double denoise = 1.0;
  /// Churn of Euler, Heun, DPM2 and Heun++ (k-diffusion's s_churn, s_tmin, s_tmax).
  Churn churn = {};
  /// `Correction::data` if the run corrects each data prediction, as by `DynamicThresholding`.
  Correction correction = Correction::none;
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
///
/// @param prediction  what the model's output means; left out it is the noise, or on a flow the
///                    flow. Refused if left out where networks predict neither, as EDM's.
[[nodiscard]] Plan make_plan(const Sampler& sampler, const Grid& grid,
                             std::optional<Prediction> prediction = std::nullopt,
                             const SamplerOptions& options = {});

#if DPM_DEFINE

namespace detail {

/// Sets eta and s_noise in whatever form the method has them; false if it has none. One that draws
/// no noise has eta only if `takes_eta`, and then s_noise beside it.
template <class Method>
bool set_noise(Method& method, const SamplerOptions& options, bool takes_eta) {
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
    if (method.fresh.eta == 0.0 && !(takes_eta && options.eta)) return false;
    set(method.fresh.eta, options.eta);
    set(method.fresh.scale, options.s_noise);
    return true;
  } else if constexpr (std::is_same_v<Method, Seeds>) {
    if (method.tau == 0.0) return false;
    if (options.eta) method.tau = std::sqrt(*options.eta);
    set(method.noise_scale, options.s_noise);
    return true;
  } else if constexpr (std::is_same_v<Method, Ddim>) {
    if (method.eta == 0.0 && !(takes_eta && options.eta)) return false;
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

/// Whether the sampler has churn in k-diffusion: of DPM-Solver's forms dpm_2 has it, and of the
/// rows that are `Ddim` euler.
inline bool has_churn(const Sampler& sampler, const NamedMethod& method) {
  if (const auto* solver = std::get_if<DpmSolver>(&method)) {
    return solver->space == Space::noise && !sampler.makes_own_grid && solver->fresh.eta == 0.0;
  }
  if (const auto* ddim = std::get_if<Ddim>(&method)) return ddim->eta == 0.0 && !sampler.takes_eta;
  return std::visit(
      [](const auto& m) {
        return requires { m.churn; };
      },
      method);
}

/// The sampler that does with fresh noise what this one does without; null if there is none.
inline const Sampler* ancestral_of(const Sampler& sampler) {
  constexpr std::string_view cfg_pp = "_cfg_pp";
  const std::string& name = sampler.name;
  const std::size_t end = name.size() - (name.ends_with(cfg_pp) ? cfg_pp.size() : 0);
  for (const char* const added : {"_ancestral", "_sde"}) {
    const Sampler* const row = find_row(samplers(), name.substr(0, end) + added + name.substr(end));
    if (row != nullptr) return row;
  }
  return nullptr;
}

/// The plan with as many model calls as the grid has steps, in equal steps of lambda between its
/// ends; an end at sigma = 0 is left out.
inline Plan plan_in_equal_steps(const std::string& sampler, const DpmSolver& method,
                                const Grid& grid, Prediction prediction, Correction correction) {
  auto budget = for_model_calls(method, static_cast<int>(grid.steps()));
  std::size_t last = grid.steps();
  if (grid[last].sigma() == 0.0) --last;
  const double first = grid[0].lambda();
  const double length = grid[last].lambda() - first;
  require(last > 0 && std::isfinite(length), sampler, ": it is given ", grid.steps(),
          " steps; it needs two levels with 0 < sigma and alpha > 0");
  budget.method.fresh.least = std::exp(-grid[last].lambda());
  std::vector<Level> levels;
  for (int i = 0; i <= budget.steps; ++i) {
    const bool inner = i > 0 && i < budget.steps;
    levels.push_back(inner ? grid.schedule().level_at_lambda(first + length * i / budget.steps)
                           : grid[i == 0 ? 0 : last]);
  }
  return make_plan(budget.method, Grid(grid.schedule(), std::move(levels)), prediction, correction);
}

/// A1111's Restart: from 20 steps on some of them come down again, on a Karras grid of the others.
inline Plan plan_restart(Restart method, const Grid& grid, Prediction prediction,
                         Correction correction) {
  const int steps = static_cast<int>(grid.steps());
  method.times = steps < 20 ? 0 : steps < 36 ? 1 : 2;
  method.steps = steps < 36 ? 9 : steps / 4;
  if (method.times == 0) return make_plan(Heun{}, grid, prediction, correction);
  require(grid.steps() >= 2 && grid.back().sigma() == 0.0 && grid.front().alpha() > 0.0,
          "restart: it is given a grid from time ", grid.front().time, " to time ",
          grid.back().time, "; it must start where alpha > 0 and end at sigma = 0");
  std::vector<Level> levels = levels_down(grid.schedule(), grid.front(), grid[grid.steps() - 1],
                                          steps - method.steps * method.times - 1, method.rho);
  levels.push_back(grid.back());
  return make_plan(method, Grid(grid.schedule(), std::move(levels)), prediction, correction);
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

/// Refuses a name of a sampler that has no row, with what to use in its place. A class of diffusers
/// has none, as its configuration decides which sampler it is.
inline void refuse_without_row(const char* caller, std::string_view name) {
  const std::string plain = plain_name(name);
  const auto is = [&](std::string_view known) {
    for (const std::string_view prefix : {"", "sample", "k"}) {
      if (plain.starts_with(prefix) && plain.substr(prefix.size()).starts_with(known)) return true;
    }
    return false;
  };
  require(!is("dpmadaptive"), caller,
          ": DPM adaptive finds its steps on the way, so it is no plan; give what "
          "adaptive_by_name returns to sample_adaptive or AdaptiveRun");
  require(!is("dpmpp2mv2"), caller,
          ": dpm++2mv2 is not exact even for a constant data prediction; use dpmpp_2m");
  const bool of_solver = is("dpmsolver") || is("unipc") || is("deis") || is("sasolver");
  const bool is_class =
      plain.ends_with("scheduler") || is("flowmatch") ||
      (of_solver && (plain.ends_with("multistep") || plain.ends_with("singlestep")));
  require(!is_class, caller, ": ", name,
          " is a class of diffusers; its scheduler_config.json says its options and timesteps: "
          "read it by dpm::diffusers::Scheduler");
  require(!is("dpmsolver"), caller, ": ", name,
          " is a family of samplers; dpmpp_2m is DPM-Solver++ as most programs have it, and "
          "dpmpp_2m_sde, dpmpp_sde and dpmpp_2s_ancestral draw noise");
}

/// `sampler_by_name` for the function `caller`.
inline const Sampler& named_sampler(const char* caller, std::string_view name) {
  check_length(caller, "sampler", name);
  refuse_without_row(caller, name);
  return row_by_name(caller, samplers(), "sampler", name);
}

}  // namespace detail

DPM_INLINE std::span<const Sampler> samplers() {
  static const std::vector<Sampler> all = [] {
    std::vector<Sampler> rows = detail::all_samplers();
    for (Sampler& row : rows) {
      // Where a line of the list ends the text has a space.
      const std::size_t space = row.code.find("{ ");
      if (space != std::string::npos) row.code.erase(space + 1, 1);
    }
    return rows;
  }();
  return all;
}

DPM_INLINE const Sampler& sampler_by_name(std::string_view name) {
  return detail::named_sampler("sampler_by_name", name);
}

DPM_INLINE NamedMethod method_of(const Sampler& sampler, const SamplerOptions& options) {
  NamedMethod method = options.as_coded && sampler.as_coded ? *sampler.as_coded : sampler.method;
  const bool has_churn = detail::has_churn(sampler, method);
  const bool churns = options.churn.amount != 0.0;
  detail::require(!churns || has_churn, sampler.name, ": churn.amount = ", options.churn.amount,
                  "; this sampler has no churn; euler, heun, heunpp2 and dpm_2 have it");
  // Beside churn s_noise is the factor on its draws, as in k-diffusion.
  SamplerOptions of_steps{.eta = options.eta};
  if (!churns) of_steps.s_noise = options.s_noise;
  const auto takes = [&sampler](NamedMethod& of, const SamplerOptions& these) {
    return (!these.eta && !these.s_noise) ||
           std::visit([&](auto& m) { return detail::set_noise(m, these, sampler.takes_eta); }, of);
  };
  NamedMethod other = method;
  if (!takes(other, {.eta = options.eta})) {
    const Sampler* const ancestral = detail::ancestral_of(sampler);
    detail::refuse({sampler.name, ": eta = ", *options.eta, "; this sampler has none, so leave it ",
                    "out", ancestral != nullptr ? " or take " + ancestral->name : ""});
  }
  detail::require(takes(method, of_steps), sampler.name,
                  ": s_noise = ", options.s_noise.value_or(1.0), "; this sampler ",
                  has_churn           ? "draws noise with churn alone, so set churn.amount or "
                  : sampler.takes_eta ? "draws noise with eta alone, so set eta or "
                                      : "has none, so ",
                  "leave it out");
  detail::require(options.eta.value_or(0.0) >= 0.0, sampler.name,
                  ": eta = ", options.eta.value_or(0.0), "; it must be at least 0");
  if (churns) {
    detail::require(!options.s_noise || options.churn.scale == 1.0, sampler.name,
                    ": s_noise = ", options.s_noise.value_or(1.0),
                    " and churn.scale = ", options.churn.scale,
                    "; both are the factor on the draws of churn, so give one of them");
    Churn churn = options.churn;
    if (options.s_noise) churn.scale = *options.s_noise;
    std::visit(
        [&](auto& m) {
          if constexpr (requires { m.churn; }) m.churn = churn;
        },
        method);
  }
  return method;
}

DPM_INLINE Plan make_plan(const Sampler& sampler, const Grid& grid, std::optional<Prediction> said,
                          const SamplerOptions& options) {
  detail::require(options.denoise == 1.0, "make_plan: denoise = ", options.denoise,
                  " for a grid that is made already; take a part of it by Grid::from, or "
                  "plan_by_name");
  if (options.as_coded && sampler.as_coded_end > 0.0 && grid.back().sigma() == 0.0) {
    std::vector<Level> levels(grid.levels().begin(), grid.levels().end());
    const double ratio = sampler.as_coded_end;
    levels.back() = grid.schedule().level_at_lambda(
        detail::is_flow(grid.schedule()) ? std::log1p(-ratio) - std::log(ratio) : -std::log(ratio));
    return make_plan(sampler, Grid(grid.schedule(), std::move(levels)), said, options);
  }
  NamedMethod method = method_of(sampler, options);
  const bool flow = detail::is_flow(grid.schedule());
  const Prediction prediction = said   ? *said
                                : flow ? Prediction::flow
                                       : detail::prediction_or_noise(said, grid);
  const auto plan_over = [&](const Grid& over, Prediction p) {
    return std::visit(
        [&](const auto& m) {
          if constexpr (std::is_same_v<std::decay_t<decltype(m)>, Restart>) {
            return detail::plan_restart(m, over, p, options.correction);
          } else if constexpr (std::is_same_v<std::decay_t<decltype(m)>, DpmSolver>) {
            if (sampler.makes_own_grid)
              return detail::plan_in_equal_steps(sampler.name, m, over, p, options.correction);
          }
          return make_plan(m, over, p, options.correction);
        },
        method);
  };
  if (auto* sa = std::get_if<SaSolver>(&method)) sa->tau = detail::middle_tau(grid.schedule());
  if (auto* uni = std::get_if<UniPc>(&method)) {
    uni->order = std::clamp(static_cast<int>(grid.steps()) - 1, 1, uni->order);
  }
  if (!flow) return plan_over(grid, prediction);
  detail::require(prediction == Prediction::flow, sampler.name,
                  ": the schedule is a flow's and the prediction is ", name(prediction),
                  "; give Prediction::flow");
  const std::optional<OnFlow> on_flow =
      options.as_coded && sampler.as_coded_on_flow ? sampler.as_coded_on_flow : sampler.on_flow;
  detail::require(on_flow.has_value(), sampler.name,
                  ": this sampler adds noise in a way that has no form for flows; take heun");
  detail::require(options.churn.amount == 0.0 || options.as_coded, sampler.name,
                  ": churn.amount = ", options.churn.amount,
                  " on a flow, where other programs add the noise and leave too much of the data; "
                  "it must be 0, or set as_coded");
  std::visit(
      [&](auto& m) {
        using Method = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<Method, Ddim>) {
          m.rule = FreshNoise::Rule::flow;
        } else if constexpr (std::is_same_v<Method, DpmSolver>) {
          // k-diffusion's dpm_fast knows no flows.
          if (!(options.as_coded && sampler.makes_own_grid)) {
            m.fresh.rule = FreshNoise::Rule::flow;
          }
        } else if constexpr (std::is_same_v<Method, as_coded::DpmSolver2sAncestral>) {
          m.fresh.rule = FreshNoise::Rule::flow;
        } else if constexpr (std::is_same_v<Method, CfgPlusPlus>) {
          if (on_flow == OnFlow::sigma && !options.as_coded) m.fresh.rule = FreshNoise::Rule::flow;
        }
      },
      method);
  if (on_flow == OnFlow::sigma) {
    return detail::with_flow_levels(plan_over(detail::flow_read_as_noise(grid), Prediction::noise),
                                    grid);
  }
  if (on_flow == OnFlow::level || grid.front().alpha() > 0.0) {
    return plan_over(grid, prediction);
  }
  // The level at 0.9999 of the flow's time before its shift, as ComfyUI has it.
  std::vector<Level> levels(grid.levels().begin(), grid.levels().end());
  levels[0] = grid.schedule().level(grid.schedule().last_time() * (1.0 - 1e-4));
  return plan_over(Grid(grid.schedule(), std::move(levels)), prediction);
}

#endif

}  // namespace dpm
