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

#  include "dpm/catalogue/flow_as_noise.hpp"
#  include "dpm/catalogue/names.hpp"
#  include "dpm/catalogue/sampler_list.hpp"
#  include "dpm/grid/sigma_scale.hpp"
#endif

namespace dpm {

/// What can be set for a sampler in the programs that have it; what is left out is as there.
struct SamplerOptions {
  std::optional<double> eta = std::nullopt;      ///< share of fresh noise; 0: none
  std::optional<double> s_noise = std::nullopt;  ///< factor on each draw
  /// ComfyUI's denoise, for image-to-image: the last `steps` of steps / denoise steps.
  double denoise = 1.0;
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

DPM_INLINE std::span<const Sampler> samplers() {
  static const std::vector<Sampler> all = detail::all_samplers();
  return all;
}

DPM_INLINE const Sampler& sampler_by_name(std::string_view name) {
  const std::string plain = detail::plain_name(name);
  detail::require(!plain.starts_with("dpmadaptive"),
                  "plan_by_name: DPM adaptive finds its steps on the way, so it is no plan; use "
                  "sample_adaptive or AdaptiveRun");
  detail::require(!plain.starts_with("dpmpp2mv2"),
                  "plan_by_name: dpm++2mv2 is not exact even for a constant data prediction; use "
                  "dpmpp_2m");
  return detail::row_by_name(samplers(), "sampler", name);
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
                  "plan_by_name: the schedule is a flow's and the prediction is ", name(prediction),
                  "; give Prediction::flow");
  std::visit(
      [](auto& m) {
        using Method = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<Method, Ddim>) {
          m.rule = FreshNoise::Rule::flow;
        } else if constexpr (std::is_same_v<Method, DpmSolver> ||
                             std::is_same_v<Method, as_coded::DpmSolver2sAncestral>) {
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
