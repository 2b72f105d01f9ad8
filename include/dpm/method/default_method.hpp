// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The method for those who have no reason to choose another.
#pragma once

#include "dpm/grid/power_time.hpp"
#include "dpm/method/unipc.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// UniPC through three predictions, in data space. Of all deterministic methods here on all
/// spacings it has, over `default_method_spacing`, the least error on the whole for 5 to 100 model
/// calls (`bench/dpm_accuracy.cpp` measures it).
inline constexpr UniPc default_method{
    .order = 3, .coefficients = UniPc::Coefficients::varying, .lower_order_final = true};

/// Equal steps in the fourth root of time.
inline constexpr PowerTime default_method_spacing{.power = 4.0};

/// The plan of the default method with exactly `model_calls` model calls, from the schedule's last
/// to its first time; over uniform time where that is at sigma = 0 or starts at alpha = 0, as for a
/// flow.
[[nodiscard]] Plan make_plan(const AnySchedule& schedule, int model_calls,
                             Prediction prediction = Prediction::noise,
                             Correction correction = Correction::none);

}  // namespace dpm

#if DPM_DEFINE

#  include "dpm/method/budget.hpp"

namespace dpm {

DPM_INLINE Plan make_plan(const AnySchedule& schedule, int model_calls, Prediction prediction,
                          Correction correction) {
  if (detail::has_singular_end(schedule)) {
    return make_plan(default_method, schedule, model_calls, UniformTime{}, prediction, correction);
  }
  return make_plan(default_method, schedule, model_calls, default_method_spacing, prediction,
                   correction);
}

}  // namespace dpm

#endif
