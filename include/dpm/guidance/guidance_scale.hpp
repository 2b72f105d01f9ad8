// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// How strongly to guide: a number or a function of the level, perhaps limited to an interval.
#pragma once

#include <cmath>
#include <concepts>
#include <functional>
#include <limits>
#include <type_traits>
#include <utility>

#include "dpm/error.hpp"
#include "dpm/model.hpp"
#include "dpm/schedule/level.hpp"

namespace dpm {

/// How strongly to guide. It converts from a number and from a function of the level:
///
///     dpm::GuidanceScale(7.5)
///     dpm::GuidanceScale(4.0).within(0.3, 3.0)
///     [](const dpm::Level& at) { return 1.0 + 3.0 / (1.0 + std::exp(at.lambda())); }
///
/// In [0, inf). No guidance is 1 in `ClassifierFreeGuidance` and 0 in `ClassifierGuidance`.
class GuidanceScale {
 public:
  /// The same scale at every level.
  GuidanceScale(double scale) : constant_(scale) {
    detail::require(allowed(scale), "GuidanceScale: scale = ", scale, "; it must be in [0, inf)");
  }
  /// The scale `function(level)`. What it returns is checked at each call.
  template <class Function>
  requires(
      std::is_invocable_r_v<double, Function&, const Level&>&& std::copy_constructible<Function>)
      GuidanceScale(Function function) {
    detail::require(!detail::is_empty_callable(function),
                    "GuidanceScale: the function is empty; it must return the scale at a level");
    function_ = std::move(function);
  }

  /// The same where sigma / alpha is in (low, high], and no guidance elsewhere (Kynkaanniemi et al.
  /// 2024, arXiv 2404.07724, Sec. 3, where sigma / alpha is called sigma). 0 <= low < high; high
  /// may be infinite, and low = 0 means down to clean data.
  [[nodiscard]] GuidanceScale within(double low, double high) const& {
    return GuidanceScale(*this).within(low, high);
  }
  [[nodiscard]] GuidanceScale within(double low, double high) && {
    detail::require(low >= 0.0 && low < high, "GuidanceScale: low = ", low, " and high = ", high,
                    "; they must be 0 <= low < high");
    log_low_ = std::log(low);
    log_high_ = std::log(high);
    return std::move(*this);
  }

  /// The scale at `level`; `off`, the scale that means no guidance, outside the interval.
  [[nodiscard]] double at(const Level& level, double off) const {
    const double log_ratio = -level.lambda();
    const bool above_low = log_low_ == -infinity || log_ratio > log_low_;
    if (!above_low || log_ratio > log_high_) return off;
    if (!function_) return constant_;
    const double scale = function_(level);
    detail::require(allowed(scale), "GuidanceScale: scale = ", scale, " at time ", level.time,
                    "; it must be in [0, inf)");
    return scale;
  }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  static bool allowed(double scale) { return scale >= 0.0 && scale < infinity; }

  std::function<double(const Level&)> function_;
  double constant_ = 0.0;
  double log_low_ = -infinity;
  double log_high_ = infinity;
};

}  // namespace dpm
