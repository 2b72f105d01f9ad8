// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The method and the spacing of a plan for which none is named.
#pragma once

#include <optional>

#include "dpm/method/method.hpp"
#include "dpm/method/unipc.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// Third-order UniPC in data space. Over `default_method_spacing` it has the least error on the
/// whole for 5 to 100 model calls, of all deterministic methods and spacings of the library
/// (`bench/dpm_accuracy.cpp` measures it).
inline constexpr UniPc default_method{
    .order = 3, .coefficients = UniPc::Coefficients::varying, .lower_order_final = true};

/// Equal steps in the fourth root of time.
inline constexpr PowerTime default_method_spacing{.power = 4.0};

/// The plan of the default method with exactly `model_calls` model calls, from the schedule's last
/// to its first time. A schedule that ends at sigma = 0 or starts at alpha = 0, as a flow does,
/// gets uniform time.
[[nodiscard]] Plan make_plan(const AnySchedule& schedule, int model_calls,
                             std::optional<Prediction> prediction = std::nullopt,
                             Correction correction = Correction::none);

#if DPM_DEFINE

DPM_INLINE Plan make_plan(const AnySchedule& schedule, int model_calls,
                          std::optional<Prediction> prediction, Correction correction) {
  const auto over = [&](const auto& spacing) {
    return make_plan(default_method, schedule, model_calls, spacing, prediction, correction);
  };
  return detail::has_singular_end(schedule) ? over(UniformTime{}) : over(default_method_spacing);
}

#endif

}  // namespace dpm
