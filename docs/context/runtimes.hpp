// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A stand-in for a runtime, with an exact network behind it. So the page's fragments compile and
/// run where no runtime is installed.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <dpm/dpm.hpp>
#include <span>
#include <vector>

namespace page {

inline const dpm::DiscreteSchedule<double> schedule(dpm::scaled_linear_betas(1000),
                                                    dpm::TimestepType::discrete);

/// The noise in x for data of mean 0.5 and deviation 0.5.
inline void exact_noise(std::span<const float> x, double timestep, std::span<float> noise) {
  const dpm::Level level = schedule.level((timestep + 1.0) / 1000.0);
  const double variance = std::pow(0.5 * level.alpha(), 2) + std::pow(level.sigma(), 2);
  for (std::size_t i = 0; i < x.size(); ++i) {
    noise[i] = static_cast<float>(level.sigma() * (x[i] - 0.5 * level.alpha()) / variance);
  }
}

/// Any runtime's function that reads one buffer and fills another; 0 if it has worked.
inline int session_run(const float* x, std::size_t size, std::int64_t timestep, float* noise) {
  exact_noise({x, size}, static_cast<double>(timestep), {noise, size});
  return 0;
}

inline constexpr std::size_t batch = 2;
inline constexpr std::size_t per_sample = std::size_t{4} * 8 * 8;

}  // namespace page

using namespace page;  // NOLINT(google-global-names-in-headers): as a page has no namespaces
