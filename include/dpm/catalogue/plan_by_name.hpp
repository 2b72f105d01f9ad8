// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A plan by the names of its sampler and its scheduler.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dpm/catalogue/samplers.hpp"
#include "dpm/catalogue/schedulers.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <cstddef>
#  include <utility>
#  include <vector>

#  include "dpm/catalogue/joined_name.hpp"
#endif

namespace dpm {

/// The plan that a sampler and a scheduler make in ComfyUI, k-diffusion, A1111 or
/// stable-diffusion.cpp, by the names that they have there:
///
///     const dpm::Plan plan = dpm::plan_by_name("dpmpp_2m", "karras", schedule, 20);
///     dpm::sample(plan, network, x);  // x: standard normal noise
///
/// Its levels are those programs' sigmas and timesteps to rounding, and so are its samples, where
/// these programs are right (`SamplerOptions::as_coded` for where they are not). Unlike there x
/// stays the network's own input: start from standard normal noise, with no factor.
///
/// @param scheduler  its name; empty or "Automatic" is the one that the sampler is used with.
/// @param steps  what these programs call steps; a sampler with two calls a step calls the model
///               twice as often (`Plan::model_calls`).
/// @param prediction  what the model's output means; left out it is the noise, or on a flow the
///                    flow.
[[nodiscard]] Plan plan_by_name(std::string_view sampler, std::string_view scheduler,
                                const AnySchedule& schedule, int steps,
                                std::optional<Prediction> prediction = std::nullopt,
                                const SamplerOptions& options = {});

/// The same by one name, "DPM++ 2M Karras", or by the sampler's alone, "Euler a", with the
/// scheduler that A1111 uses it with, on a flow "simple".
[[nodiscard]] Plan plan_by_name(std::string_view name, const AnySchedule& schedule, int steps,
                                std::optional<Prediction> prediction = std::nullopt,
                                const SamplerOptions& options = {});

/// A table of all samplers with what each is here, its order, model calls a step and noise, and of
/// all schedulers, as text.
[[nodiscard]] std::string list_names();

#if DPM_DEFINE

namespace detail {

/// The grid that the sampler runs over.
inline Grid named_grid(const char* caller, const Sampler& sampler, const Scheduler& scheduler,
                       const AnySchedule& schedule, int steps, double denoise) {
  require(denoise > 0.0 && denoise <= 1.0, caller, ": denoise = ", denoise,
          "; it must be above 0 and at most 1");
  require(steps >= 1 && steps / denoise <= 1e6, caller, ": steps = ", steps,
          ", denoise = ", denoise, "; steps / denoise must lie between 1 and 1000000");
  const AnySchedule along = as_other_programs_read(schedule);
  const int all = static_cast<int>(steps / denoise);
  const Grid grid = scheduler.grid(along, sampler.drops_last_but_one ? all + 1 : all);
  std::vector<Level> levels(grid.levels().begin(), grid.levels().end());
  if (sampler.drops_last_but_one && grid.steps() > 1) levels.erase(levels.end() - 2);
  if (denoise < 1.0) {
    const auto kept = static_cast<std::size_t>(steps) + 1;
    if (levels.size() > kept) levels.erase(levels.begin(), levels.end() - std::ptrdiff_t(kept));
  }
  return {along, std::move(levels)};
}

/// The scheduler of that name; A1111's "Automatic" and no name at all mean the sampler's own, which
/// on a flow is "simple".
inline const Scheduler& scheduler_for(const char* caller, const Sampler& sampler,
                                      std::string_view name, bool flow) {
  const std::string plain = plain_name(name);
  if (!plain.empty() && plain != "automatic") return named_scheduler(caller, name);
  return named_scheduler(caller, flow ? "simple" : std::string_view(sampler.scheduler));
}

}  // namespace detail

DPM_INLINE Plan plan_by_name(std::string_view sampler, std::string_view scheduler,
                             const AnySchedule& schedule, int steps,
                             std::optional<Prediction> prediction, const SamplerOptions& options) {
  constexpr const char* caller = "plan_by_name";
  detail::check_length(caller, "sampler", sampler);
  detail::check_length(caller, "scheduler", scheduler);
  detail::refuse_scheduler_alone(sampler);
  detail::refuse_sampler_as_scheduler(scheduler);
  const Sampler& named = detail::named_sampler(caller, sampler);
  const bool flow = detail::is_flow(schedule);
  const Grid grid =
      detail::named_grid(caller, named, detail::scheduler_for(caller, named, scheduler, flow),
                         schedule, steps, options.denoise);
  SamplerOptions others = options;
  others.denoise = 1.0;  // the grid has it
  return make_plan(named, grid, prediction, others);
}

DPM_INLINE Plan plan_by_name(std::string_view name, const AnySchedule& schedule, int steps,
                             std::optional<Prediction> prediction, const SamplerOptions& options) {
  const auto [sampler, rest] = detail::split_name(name);
  return plan_by_name(sampler->name, rest, schedule, steps, prediction, options);
}

DPM_INLINE std::string list_names() {
  const auto cell = [](std::string text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text + "  ";
  };
  std::string text = cell("sampler", 30) + cell("label", 18) + "order  calls  noise  is\n";
  for (const Sampler& s : samplers()) {
    const int order = s.order();
    text += cell(s.name, 30) + cell(s.label, 18) +
            cell(order > 0 ? std::to_string(order) : "-", 5) +
            cell(std::to_string(s.model_calls_a_step()), 5) +
            cell(s.draws_noise() ? "yes" : "no", 5) + s.code + "\n";
  }
  text += "\n" + cell("scheduler", 30) + cell("label", 18) + "is\n";
  for (const Scheduler& s : schedulers()) {
    text += cell(s.name, 30) + cell(s.label, 18) + s.code + "\n";
  }
  return text;
}

#endif

}  // namespace dpm
