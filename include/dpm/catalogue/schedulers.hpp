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
#  include "dpm/catalogue/names.hpp"
#  include "dpm/grid/published_spacing.hpp"
#  include "dpm/grid/sigma_curves.hpp"
#  include "dpm/grid/sigma_scale.hpp"
#  include "dpm/grid/spacing.hpp"
#  include "dpm/grid/table_spacing.hpp"
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
  /// The grid of so many steps of the named program, which ends at sigma = 0.
  Grid (*grid)(const AnySchedule& schedule, int steps);
};

/// All schedulers.
[[nodiscard]] std::span<const Scheduler> schedulers();

/// The scheduler of that name, label or alias; case and punctuation do not count. Refuses others
/// with the three nearest names.
[[nodiscard]] const Scheduler& scheduler_by_name(std::string_view name);

/// The schedule as those programs read it: a table with log(sigma / alpha) linear between its
/// entries (`LogSigmaTable`), any other as it is.
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
       .aliases = {"Uniform", "discrete", "default", "Automatic"},
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
      {.name = "kl_optimal", .label = "KL Optimal", DPM_SCHEDULER(KlOptimal{})},
      {.name = "laplace", DPM_SCHEDULER(Laplace{})},
      {.name = "vp", DPM_SCHEDULER(VpSigma{})},
      {.name = "ays",
       .label = "Align Your Steps",
       .aliases = {"ays_sd1"},
       DPM_SCHEDULER(AlignYourSteps{.list = AlignYourSteps::List::sd1})},
      {.name = "ays_sdxl", DPM_SCHEDULER(AlignYourSteps{.list = AlignYourSteps::List::sdxl})},
      {.name = "ays_svd", DPM_SCHEDULER(AlignYourSteps{.list = AlignYourSteps::List::svd})},
      {.name = "gits", .label = "Align Your Steps GITS", DPM_SCHEDULER(Gits{})},
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

}  // namespace detail

DPM_INLINE std::span<const Scheduler> schedulers() {
  static const std::vector<Scheduler> all = detail::all_schedulers();
  return all;
}

DPM_INLINE const Scheduler& scheduler_by_name(std::string_view name) {
  return detail::row_by_name(schedulers(), "scheduler", name);
}

DPM_INLINE AnySchedule as_other_programs_read(const AnySchedule& schedule) {
  return schedule.size() >= 2 ? AnySchedule(LogSigmaTable(schedule)) : schedule;
}

DPM_INLINE Grid grid_by_name(std::string_view scheduler, const AnySchedule& schedule, int steps) {
  return scheduler_by_name(scheduler).grid(as_other_programs_read(schedule), steps);
}

#endif

}  // namespace dpm
