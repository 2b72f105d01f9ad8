// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// How far two results of one step lie apart, measured in tolerances.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>

#include "dpm/method/error_tolerance.hpp"
#include "dpm/state/combine.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {

/// The error of a step in tolerances, at most 1 if it is small enough: the norm of (higher - lower)
/// / max(absolute, relative max(|lower|, |previous|)) (Lu et al. 2022, arXiv 2206.00927, App. C).
/// `lower` and `higher` are results of two orders, `previous` is `lower` of the step before. All
/// have one shape. NaN where a value is.
///
/// For adaptive steps a state type of your own needs such a function beside its `combine`.
template <DenseState State>
[[nodiscard]] double error_norm(const State& lower, const State& higher, const State& previous,
                                const ErrorTolerance& tolerance) {
  const auto low = split_samples("error_norm", dense_view(lower), tolerance.elements_per_sample);
  const auto* const high = dense_view(higher).data;
  const auto* const before = dense_view(previous).data;
  double largest = 0.0;
  double total = 0.0;
  for (std::size_t s = 0; s < low.samples; ++s) {
    double sum = 0.0;
    for (std::size_t e = 0; e < low.elements; ++e) {
      const std::size_t i = s * low.sample_stride + e * low.element_stride;
      const auto value = static_cast<double>(low.data[i]);
      const double size = std::max(std::abs(value), std::abs(static_cast<double>(before[i])));
      const double allowed = std::max(tolerance.absolute, tolerance.relative * size);
      const double error = (static_cast<double>(high[i]) - value) / allowed;
      sum += error * error;
    }
    largest = std::max(largest, sum);
    total += sum;
  }
  // std::max may lose a NaN; the total keeps it.
  if (std::isnan(total)) return std::numeric_limits<double>::quiet_NaN();
  return tolerance.norm == ErrorTolerance::Norm::whole_batch
             ? std::sqrt(total / static_cast<double>(low.size()))
             : std::sqrt(largest / static_cast<double>(low.elements));
}

/// What `sample_adaptive` can work on.
template <class State>
concept AdaptiveState = RunnableState<State> &&
    requires(const State& state, const ErrorTolerance& tolerance) {
  { error_norm(state, state, state, tolerance) } -> std::convertible_to<double>;
};

}  // namespace dpm
