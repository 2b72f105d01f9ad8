// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The schedulers (spacings) of ComfyUI, k-diffusion, A1111 and stable-diffusion.cpp by their
/// names.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dpm/grid/grid.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <cmath>

#  include "dpm/catalogue/names.hpp"
#  include "dpm/grid/comfyui_spacing.hpp"
#  include "dpm/grid/published_spacing.hpp"
#  include "dpm/grid/sigma_curves.hpp"
#  include "dpm/grid/sigma_scale.hpp"
#  include "dpm/grid/spacing.hpp"
#  include "dpm/schedule/log_sigma_table.hpp"
#endif

namespace dpm {

/// One scheduler by its names.
struct Scheduler {
  /// As ComfyUI and k-diffusion write it, or the program that has it: "sgm_uniform".
  std::string name;
  /// As A1111 shows it, "SGM Uniform"; empty if it has none.
  std::string label = {};
  std::vector<std::string> aliases = {};
  /// What it is here, as C++ in namespace `dpm`.
  std::string code;
  /// The grid of so many steps of the named program. It ends at sigma = 0, but for A1111's
  /// "KL Optimal".
  Grid (*grid)(const AnySchedule& schedule, int steps);
};

/// All schedulers.
[[nodiscard]] std::span<const Scheduler> schedulers();

/// The scheduler of that name, label or alias; case and punctuation do not count. Refuses others
/// with the three nearest names, or with what to write instead.
[[nodiscard]] const Scheduler& scheduler_by_name(std::string_view name);

/// The schedule as those programs read it: a table with log(sigma / alpha) linear between its
/// entries (`LogSigmaTable`), with whole timesteps if its own are, any other as it is.
[[nodiscard]] AnySchedule as_other_programs_read(const AnySchedule& schedule);

/// The grid of a scheduler over a schedule, read as those programs do.
[[nodiscard]] Grid grid_by_name(std::string_view scheduler, const AnySchedule& schedule, int steps);

#if DPM_DEFINE

namespace detail {

// The spacing and the text of it that users may write.
#  define DPM_SCHEDULER(...)                                                    \
    .code = #__VA_ARGS__, .grid = +[](const AnySchedule& schedule, int steps) { \
      return make_grid(__VA_ARGS__, schedule, steps);                           \
    }

inline std::vector<Scheduler> all_schedulers() {
  return {
      {.name = "normal",
       .label = "Normal",
       .aliases = {"Uniform", "discrete", "default"},
       DPM_SCHEDULER(UniformTimestep{})},
      {.name = "karras", .label = "Karras", DPM_SCHEDULER(KarrasSigma{})},
      {.name = "exponential", .label = "Exponential", DPM_SCHEDULER(Polyexponential{})},
      {.name = "polyexponential",
       .label = "Polyexponential",
       DPM_SCHEDULER(Polyexponential{.rho = 1.0})},
      {.name = "sgm_uniform", .label = "SGM Uniform", DPM_SCHEDULER(SgmUniform{})},
      {.name = "simple", .label = "Simple", DPM_SCHEDULER(SimpleTable{})},
      {.name = "ddim_uniform", .label = "DDIM", DPM_SCHEDULER(DdimUniform{})},
      {.name = "beta", DPM_SCHEDULER(BetaTimestep{})},
      {.name = "beta_a1111", .label = "Beta (A1111)", DPM_SCHEDULER(BetaSigma{})},
      {.name = "linear_quadratic", DPM_SCHEDULER(LinearQuadratic{})},
      {.name = "kl_optimal", DPM_SCHEDULER(KlOptimal{})},
      {.name = "kl_optimal_a1111",
       .label = "KL Optimal (A1111)",
       DPM_SCHEDULER(KlOptimal{.final = FinalSigma::sigma_min})},
      {.name = "laplace", DPM_SCHEDULER(Laplace{})},
      {.name = "vp", DPM_SCHEDULER(VpSigma{})},
      {.name = "ays",
       .aliases = {"ays_sd1"},
       DPM_SCHEDULER(AlignYourSteps{.list = AlignYourSteps::List::sd1})},
      {.name = "ays_sdxl", DPM_SCHEDULER(AlignYourSteps{.list = AlignYourSteps::List::sdxl})},
      {.name = "ays_svd", DPM_SCHEDULER(AlignYourSteps{.list = AlignYourSteps::List::svd})},
      {.name = "ays_a1111",
       .label = "Align Your Steps",
       DPM_SCHEDULER(
           AlignYourSteps{.list = AlignYourSteps::List::sd1_rounded, .final = FinalSigma::zero})},
      {.name = "ays_sdxl_a1111",
       .label = "Align Your Steps (SDXL)",
       DPM_SCHEDULER(
           AlignYourSteps{.list = AlignYourSteps::List::sdxl_rounded, .final = FinalSigma::zero})},
      {.name = "gits", DPM_SCHEDULER(Gits{})},
      {.name = "optimal_steps_flux",
       .aliases = {"optimal_steps"},
       DPM_SCHEDULER(OptimalSteps{.list = OptimalSteps::List::flux})},
      {.name = "optimal_steps_wan", DPM_SCHEDULER(OptimalSteps{.list = OptimalSteps::List::wan})},
      {.name = "optimal_steps_chroma",
       DPM_SCHEDULER(OptimalSteps{.list = OptimalSteps::List::chroma})},
      {.name = "smoothstep", DPM_SCHEDULER(SmoothstepTimestep{})},
      {.name = "bong_tangent", DPM_SCHEDULER(BongTangent{})},
      {.name = "lcm", DPM_SCHEDULER(LcmTimestep{})},
  };
}

#  undef DPM_SCHEDULER

/// What a scheduler of another program is that has no row, by its plain name, and what to write;
/// empty for other names.
inline std::string_view instead_of_scheduler(std::string_view plain) {
  if (plain == "flux" || plain == "flux2") {
    return "sets the flow's shift e^mu by the size of the picture; write "
           "make_plan(sampler_by_name(\"euler\"), "
           "make_grid(UniformTime{}, RectifiedFlow(std::exp(mu)), steps))";
  }
  if (plain == "ltx2") {
    return "sets the flow's shift by the size of the video and ends its sigmas at 0.1; write "
           "make_plan(sampler_by_name(\"euler\"), grid_of_times(RectifiedFlow(1.0), sigmas))";
  }
  if (plain == "logitnormal") {
    return "sets its sigmas by the size of the picture; write "
           "make_plan(sampler_by_name(\"euler\"), grid_of_times(RectifiedFlow(1.0), sigmas))";
  }
  if (plain == "turbo") {
    return "has the timesteps of Trailing; write "
           "make_plan(sampler_by_name(\"euler\"), make_grid(Trailing{}, schedule, steps))";
  }
  if (plain == "beta57") {
    return "is beta with other exponents; write make_plan(sampler_by_name(\"euler\"), "
           "make_grid(BetaTimestep{.a = 0.5, .b = 0.7}, as_other_programs_read(schedule), steps))";
  }
  if (plain == "alignyourstepsgits") {
    return "is a list of Forge's own; take gits, which has other numbers, or write "
           "make_plan(sampler_by_name(\"euler\"), grid_of_sigmas(schedule, sigmas))";
  }
  return {};
}

/// Refuses a scheduler that has no row for a reason.
inline void refuse_absent_scheduler(const char* caller, std::string_view name) {
  const std::string_view instead = instead_of_scheduler(plain_name(name));
  require(instead.empty(), caller, ": the scheduler \"", name, "\" ", instead);
}

/// Whether a plain name is that of a scheduler, one that has a row or one that is refused.
inline bool is_scheduler(const std::string& plain) {
  return plain == "automatic" || find_row(schedulers(), plain) != nullptr ||
         !instead_of_scheduler(plain).empty();
}

/// `scheduler_by_name` for the function `caller`.
inline const Scheduler& named_scheduler(const char* caller, std::string_view name) {
  check_length(caller, "scheduler", name);
  refuse_absent_scheduler(caller, name);
  return row_by_name(caller, schedulers(), "scheduler", name);
}

}  // namespace detail

DPM_INLINE std::span<const Scheduler> schedulers() {
  static const std::vector<Scheduler> all = detail::all_schedulers();
  return all;
}

DPM_INLINE const Scheduler& scheduler_by_name(std::string_view name) {
  return detail::named_scheduler("scheduler_by_name", name);
}

DPM_INLINE AnySchedule as_other_programs_read(const AnySchedule& schedule) {
  if (schedule.size() < 2) return schedule;
  const double between = schedule.level(1.3141592 / static_cast<double>(schedule.size())).timestep;
  return LogSigmaTable(
      schedule, between == std::round(between) ? TimestepType::discrete : TimestepType::continuous);
}

DPM_INLINE Grid grid_by_name(std::string_view scheduler, const AnySchedule& schedule, int steps) {
  return detail::named_scheduler("grid_by_name", scheduler)
      .grid(as_other_programs_read(schedule), steps);
}

#endif

}  // namespace dpm
