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

/// Third-order UniPC in data space. It has the least error on the whole for 5 to 100 model calls,
/// of all deterministic methods of the library to a schedule's first time
/// (`bench/dpm_accuracy.cpp`).
inline constexpr UniPc default_method{
    .order = 3, .coefficients = UniPc::Coefficients::varying, .lower_order_final = true};

/// Equal steps in the square root of time, the last one to sigma = 0 in place of the schedule's
/// first time. On a trained network, over 5 to 25 calls and guidance scales 0 to 7, no other power
/// is as near to the converged sample in the geometric mean (docs/choosing.md has the figures).
inline constexpr PowerTime default_method_spacing{.power = 2.0, .final = FinalSigma::zero_instead};

/// The plan of the default method with exactly `model_calls` model calls, from the schedule's last
/// time to clean data, sigma = 0. Its levels are those of `default_method_spacing`, with two
/// exceptions. Where alpha is 1 throughout and sigma at the schedule's first time is above 0
/// (`Edm`, `VarianceExploding`), they are equally far apart in lambda, because time is sigma there.
/// (A first time at sigma = 0 has no finite lambda.) On the path of a flow they are equally far
/// apart in time. The model is called above the schedule's first time only.
[[nodiscard]] Plan make_plan(const AnySchedule& schedule, int model_calls,
                             std::optional<Prediction> prediction = std::nullopt,
                             Correction correction = Correction::none);

#if DPM_DEFINE

DPM_INLINE Plan make_plan(const AnySchedule& schedule, int model_calls,
                          std::optional<Prediction> prediction, Correction correction) {
  const auto over = [&](const auto& spacing) {
    return make_plan(default_method, schedule, model_calls, spacing, prediction, correction);
  };
  const double first = schedule.first_time();
  const double last = schedule.last_time();
  const Level middle = schedule.level(0.5 * (first + last));
  if (detail::is_on_flow(middle)) return over(UniformTime{.final = FinalSigma::zero_instead});
  const bool exploding = schedule.level(last).log_alpha == 0.0 && middle.log_alpha == 0.0;
  if (exploding && !detail::has_singular_end(schedule)) {
    return over(UniformLambda{.final = FinalSigma::zero_instead});
  }
  return over(default_method_spacing);
}

#endif

}  // namespace dpm
