// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// DPM adaptive, the one sampler of other programs that finds its steps on the way.
#pragma once

#include <optional>
#include <string_view>

#include "dpm/catalogue/plan_by_name.hpp"
#include "dpm/method/adaptive.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <cstddef>
#  include <string>

#  include "dpm/catalogue/names.hpp"
#  include "dpm/error.hpp"
#  include "dpm/grid/grid.hpp"
#  include "dpm/grid/sigma_scale.hpp"
#  include "dpm/method/method.hpp"
#endif

namespace dpm {

/// What an adaptive run is given.
struct NamedAdaptive {
  AdaptiveDpmSolver method;
  AnySchedule schedule;  ///< as other programs read it
  Prediction prediction;
};

/// DPM adaptive as k-diffusion has it (`sample_dpm_adaptive`), alone or joined with a scheduler:
/// "dpm_adaptive", "DPM adaptive Karras". Its steps are chosen by `PidController` from a tolerance
/// of x / alpha over the whole batch, atol 0.0078 and rtol 0.05, which may be changed in what is
/// returned:
///
///     dpm::NamedAdaptive dpm3 = dpm::adaptive_by_name("DPM adaptive", schedule, 20);
///     dpm3.method.tolerance.relative = 0.01;
///     dpm::sample_adaptive(dpm3.method, dpm3.schedule, network, x, dpm3.prediction);
///
/// As with `plan_by_name` x is standard normal noise. The run ends at the scheduler's last sigma
/// above 0, and leaves that noise in the picture.
///
/// @param steps    of the scheduler, of which the run takes the first level and the last above
///                 sigma = 0: at least 2.
/// @param options  eta at most 1 and s_noise, for which the run needs a noise source; denoise; on a
///                 flow `as_coded`, for its fresh noise. Refuses others.
///
/// Refuses names of other samplers, and the rest as `plan_by_name`.
[[nodiscard]] NamedAdaptive adaptive_by_name(std::string_view name, const AnySchedule& schedule,
                                             int steps,
                                             std::optional<Prediction> prediction = std::nullopt,
                                             const SamplerOptions& options = {});

#if DPM_DEFINE

DPM_INLINE NamedAdaptive adaptive_by_name(std::string_view name, const AnySchedule& schedule,
                                          int steps, std::optional<Prediction> prediction,
                                          const SamplerOptions& options) {
  constexpr const char* caller = "adaptive_by_name";
  constexpr std::string_view sampler = "dpmadaptive";
  detail::check_length(caller, "sampler and a scheduler", name);
  const std::string plain = detail::plain_name(name);
  const std::size_t begins = plain.find(sampler);
  const std::string before = plain.substr(0, begins);
  detail::require(
      begins == 0 || before == "sample" || before == "k", "adaptive_by_name: \"", name,
      "\" is no adaptive sampler; only dpm_adaptive is, and plan_by_name has all others");
  detail::require(options.churn.amount == 0.0 && options.correction == Correction::none,
                  "adaptive_by_name: dpm_adaptive has no ",
                  options.churn.amount != 0.0 ? "churn; leave it out"
                                              : "correction of its own; give it to the run alone");
  const bool flow = detail::is_flow(schedule);
  const Sampler row{};
  const std::string scheduler = plain.substr(begins + sampler.size());
  const Grid grid =
      detail::named_grid(caller, row, detail::scheduler_for(caller, row, scheduler, flow), schedule,
                         steps, options.denoise);
  const std::size_t last = grid.steps() - (grid.back().sigma() == 0.0 ? 1 : 0);
  detail::require(last > 0, "adaptive_by_name: steps = ", steps,
                  ", of which the scheduler makes one level above sigma = 0; take more, as the run "
                  "leads from the first to the last of them");
  const bool fresh_on_flow = flow && !options.as_coded;
  return {.method = {.space = flow ? Space::flow : Space::noise,
                     .tolerance = {.norm = ErrorTolerance::Norm::whole_batch},
                     .start = grid.front().time,
                     .end = grid[last].time,
                     .fresh = {.eta = options.eta.value_or(0.0),
                               .scale = options.s_noise.value_or(1.0),
                               .rule = fresh_on_flow ? FreshNoise::Rule::flow
                                                     : FreshNoise::Rule::diffusion},
                     .pid = PidController{},
                     .divides_by_alpha = true},
          .schedule = grid.schedule(),
          .prediction = flow && !prediction ? Prediction::flow
                                            : detail::prediction_or_noise(prediction, schedule)};
}

#endif

}  // namespace dpm
