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

/// Refuses a scheduler's name where a sampler's belongs.
inline void refuse_scheduler_alone(std::string_view name) {
  refuse_absent_scheduler("plan_by_name", name);
  const std::string plain = plain_name(name);
  require(find_row(samplers(), plain) != nullptr || !is_scheduler(plain), "plan_by_name: \"", name,
          "\" is the name of a scheduler; write a sampler before it, as \"euler ", name, "\"");
}

/// Refuses a sampler's name where a scheduler's belongs.
inline void refuse_sampler_as_scheduler(std::string_view name) {
  const std::string plain = plain_name(name);
  require(
      find_row(samplers(), plain) == nullptr || is_scheduler(plain), "plan_by_name: \"", name,
      "\" is the name of a sampler and was given as the scheduler; the sampler comes first, and "
      "then a scheduler, as \"karras\"");
}

/// Where in `name` a word begins with which the plain name's last letters `rest` are written; npos
/// if they begin within a word, as after "Euler A" in "Euler Align".
inline std::size_t where_written(std::string_view name, std::string_view rest) {
  const auto is_letter = [&](std::size_t i) { return !plain_name(name.substr(i, 1)).empty(); };
  for (std::size_t begin = 1; begin < name.size(); ++begin) {
    const bool begins_word = is_letter(begin) && !is_letter(begin - 1);
    if (begins_word && plain_name(name.substr(begin)) == rest) return begin;
  }
  return std::string_view::npos;
}

/// A joined name: a sampler's, and what is left of it for the scheduler. "Euler a" is one sampler,
/// "Euler AYS" begins with another. A scheduler's name without a space, as "ddim_uniform", is that
/// alone; "DDIM Uniform" is two. Of a name that is not both, refuses the part that is wrong.
inline std::pair<const Sampler*, std::string> split_name(std::string_view name) {
  check_length("plan_by_name", "sampler and a scheduler", name);
  refuse_without_row("plan_by_name", name);
  if (name.find(' ') == std::string_view::npos) refuse_scheduler_alone(name);
  const std::string plain = plain_name(name);
  std::pair<const Sampler*, std::string> nearest{nullptr, {}};
  bool ends_a_word = false;
  for (std::size_t length = plain.size(); length > 0; --length) {
    const Sampler* const sampler = find_row(samplers(), plain.substr(0, length));
    if (sampler == nullptr) continue;
    const std::string rest = plain.substr(length);
    if (rest.empty() || is_scheduler(rest)) return {sampler, rest};
    const std::size_t begin = where_written(name, rest);
    const bool is_word = begin != std::string_view::npos;
    if (nearest.first == nullptr || (is_word && !ends_a_word)) {
      nearest = {sampler, is_word ? std::string(name.substr(begin)) : rest};
      ends_a_word = is_word;
    }
  }
  refuse_scheduler_alone(name);
  for (std::size_t begin = 1; begin < plain.size(); ++begin) {
    const std::string rest = plain.substr(begin);
    if (!is_scheduler(rest)) continue;
    const std::size_t end = where_written(name, rest);
    const bool is_word = end != std::string_view::npos;
    std::string_view wrong =
        is_word ? name.substr(0, end) : std::string_view(plain).substr(0, begin);
    wrong = wrong.substr(0, wrong.find_last_not_of(" -_,/") + 1);
    (void)named_sampler("plan_by_name", wrong);
  }
  if (nearest.first != nullptr) {
    const auto distance = [](const std::string& part, const auto& rows) {
      return name_distance(plain_name(part), plain_name(nearest_name(part, names_of(rows))));
    };
    const bool sampler_is_nearer =
        distance(plain, samplers()) <= distance(nearest.second, schedulers());
    if (!sampler_is_nearer) return nearest;  // whose scheduler is refused
  }
  return {&named_sampler("plan_by_name", name), {}};  // which refuses it
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
