// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A plan between two that were calibrated at other scales of guidance.
#pragma once

#include <optional>

#include "dpm/plan/plan.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// The plan for `scale` between two plans that were calibrated at `scale_a` and `scale_b`: each
/// weight of its steps is interpolated linearly in the scale. At `scale_a` it is `a`, and at
/// `scale_b` it is `b`.
///
///     const auto low = dpm::calibrate(candidates, guided_by_2, references_2, {.turns = 0});
///     const auto high = dpm::calibrate(low.plan, guided_by_6, references_6, {.turns = 0});
///     const dpm::Plan plan = dpm::interpolate_plans(low.plan, 2.0, high.plan, 6.0, 3.5);
///
/// Calibrate the second plan from the first and leave out the joint fit, as here. Two calibrations
/// from candidates may end at methods and levels between which there is nothing; and steps that
/// were fitted jointly make up for each other's errors, which those between do not.
///
/// @param schedule  that of the plans, needed if their levels differ; times are interpolated.
///
/// Refuses equal scales, a scale that is not between them, plans with other predictions, spaces,
/// ends or numbers of calls, levels that differ without a schedule or are not of it, and what
/// `multistep_form` refuses.
[[nodiscard]] Plan interpolate_plans(const Plan& a, double scale_a, const Plan& b, double scale_b,
                                     double scale,
                                     const std::optional<AnySchedule>& schedule = std::nullopt);

}  // namespace dpm

#if DPM_DEFINE

#  include <algorithm>
#  include <cmath>
#  include <cstddef>

#  include "dpm/calibration/grid_search.hpp"
#  include "dpm/calibration/multistep_form.hpp"
#  include "dpm/error.hpp"

namespace dpm {
namespace detail {

/// The level between two, which lie on the schedule.
inline Level level_between(const Level& a, const Level& b, double share,
                           const std::optional<AnySchedule>& schedule) {
  if (a == b) return a;
  require(schedule.has_value(), "interpolate_plans: the plans have levels at time ", a.time,
          " and at time ", b.time,
          " in the same place; hand over their schedule, or calibrate the second plan from the "
          "first without CalibrationOptions::schedule");
  for (const Level& level : {a, b}) {
    const bool on_schedule =
        level.time >= 0.0 && level.time <= schedule->max_time() &&
        std::abs(schedule->level(level.time).lambda() - level.lambda()) <= schedule_rounding;
    require(on_schedule, "interpolate_plans: schedule has another lambda at time ", level.time,
            " than the plans, ", level.lambda(), "; it must be the schedule of both");
  }
  return schedule->level(a.time + share * (b.time - a.time));
}

}  // namespace detail

DPM_INLINE Plan interpolate_plans(const Plan& a, double scale_a, const Plan& b, double scale_b,
                                  double scale, const std::optional<AnySchedule>& schedule) {
  const double share = (scale - scale_a) / (scale_b - scale_a);
  detail::require(std::isfinite(scale_a) && std::isfinite(scale_b) && scale_a != scale_b,
                  "interpolate_plans: scale_a = ", scale_a, " and scale_b = ", scale_b,
                  "; they must be finite and differ");
  detail::require(share >= 0.0 && share <= 1.0, "interpolate_plans: scale = ", scale,
                  "; it must be between scale_a = ", scale_a, " and scale_b = ", scale_b);
  MultistepForm form = multistep_form(a);
  const MultistepForm other = multistep_form(b);
  const std::size_t calls = form.steps.size();
  detail::require(form.prediction == other.prediction && form.space == other.space,
                  "interpolate_plans: the plans are of other predictions or spaces; calibrate the "
                  "second from the first");
  detail::require(calls == other.steps.size(), "interpolate_plans: the plans make ", calls, " and ",
                  other.steps.size(), " model calls; they must make as many");
  detail::require(a.start() == b.start() && a.end() == b.end(),
                  "interpolate_plans: the plans lead from time ", a.start().time, " to time ",
                  a.end().time, " and from time ", b.start().time, " to time ", b.end().time,
                  "; both must have the same ends");
  const auto between = [&](double one, double two) { return one + share * (two - one); };
  for (std::size_t j = 0; j < calls; ++j) {
    MultistepForm::Step& step = form.steps[j];
    const MultistepForm::Step& to = other.steps[j];
    step.from = detail::level_between(step.from, to.from, share, schedule);
    step.to = detail::level_between(step.to, to.to, share, schedule);
    step.asked = detail::level_between(step.asked, to.asked, share, schedule);
    step.sample = between(step.sample, to.sample);
    while (step.predictions.size() < to.predictions.size()) step.predictions.push_back(0.0);
    for (std::size_t k = 0; k < step.predictions.size(); ++k) {
      step.predictions[k] =
          between(step.predictions[k], k < to.predictions.size() ? to.predictions[k] : 0.0);
    }
  }
  if (share == 0.0) return a;
  return share == 1.0 ? b : plan_of(form);
}

}  // namespace dpm

#endif
