// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Plans by the number of model calls, the way most users think of cost.
#pragma once

#include "dpm/grid/grid.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// A method and the number of grid steps with which it makes a wanted number of model calls.
template <class Method>
struct Budget {
  Method method;
  int steps = 0;
};

namespace detail {

/// Whether the schedule's usual ends are at sigma = 0 or alpha = 0, where lambda is infinite.
bool has_singular_end(const AnySchedule& schedule);

/// Refuses a number of calls that no plan of the method can have.
void require_model_calls(const char* method, int model_calls, int least);

/// Refuses a plan whose number of calls is not the wanted one.
void require_planned(const Plan& plan, int model_calls, int steps);

}  // namespace detail

/// The plan that makes exactly `model_calls` model calls (NFE) over a grid of the given spacing.
/// Each method says through its `for_model_calls` how many steps that is. Refuses counts the method
/// cannot meet.
template <class Method, class Spacing>
[[nodiscard]] Plan make_plan(const Method& method, const AnySchedule& schedule, int model_calls,
                             const Spacing& spacing, Prediction prediction = Prediction::noise,
                             Correction correction = Correction::none) {
  const Budget<Method> budget = for_model_calls(method, model_calls);
  const auto plan_of = [&](int steps) {
    return make_plan(budget.method, make_grid(spacing, schedule, steps), prediction, correction);
  };
  Plan plan = plan_of(budget.steps);
  if (const int left = model_calls - plan.model_calls(); left > 0) {
    // Steps at a singular end are of first order; the calls that they save may make more steps.
    Plan longer = plan_of(budget.steps + left);
    if (longer.model_calls() == model_calls) return longer;
  }
  detail::require_planned(plan, model_calls, budget.steps);
  return plan;
}

/// The same over the spacing that suits the method best (its `default_spacing`), or uniform in time
/// where the schedule ends at sigma = 0 or starts at alpha = 0, as a flow does: spacings in lambda
/// have no such ends.
template <class Method>
[[nodiscard]] Plan make_plan(const Method& method, const AnySchedule& schedule, int model_calls,
                             Prediction prediction = Prediction::noise,
                             Correction correction = Correction::none) {
  if (detail::has_singular_end(schedule)) {
    return make_plan(method, schedule, model_calls, UniformTime{}, prediction, correction);
  }
  return make_plan(method, schedule, model_calls, default_spacing(method), prediction, correction);
}

}  // namespace dpm

#if DPM_DEFINE

#  include <cmath>

#  include "dpm/error.hpp"

namespace dpm::detail {

DPM_INLINE bool has_singular_end(const AnySchedule& schedule) {
  return !std::isfinite(schedule.level(schedule.last_time()).lambda()) ||
         !std::isfinite(schedule.level(schedule.first_time()).lambda());
}

DPM_INLINE void require_model_calls(const char* method, int model_calls, int least) {
  require(model_calls >= least, method, ": model_calls = ", model_calls, "; it needs at least ",
          least);
  require(model_calls <= 1'000'000, method, ": model_calls = ", model_calls,
          "; it makes at most 1000000");
}

DPM_INLINE void require_planned(const Plan& plan, int model_calls, int steps) {
  require(plan.model_calls() == model_calls, "make_plan: model_calls = ", model_calls,
          " over a grid from time ", plan.start().time, " to time ", plan.end().time, ", where ",
          steps, " steps make ", plan.model_calls(),
          " calls, because steps that touch sigma = 0 or alpha = 0 are of first order; make "
          "the grid yourself with the number of steps you want");
}

}  // namespace dpm::detail

#endif
