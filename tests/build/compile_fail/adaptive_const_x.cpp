// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The samples of an adaptive run are left in x, so it cannot be a view of const values.
// expect: x must not be const
#include <span>
#include <vector>

#include <dpm/dpm.hpp>
#include <dpm/run/adaptive.hpp>

#ifdef DPM_FIXED
using X = std::span<float>;
#else
using X = std::span<const float>;
#endif

void run(const dpm::AnySchedule& schedule, X x) {
  using State = std::vector<float>;
  const auto model = [](const State& in, double, State& out) { out = in; };
  dpm::sample_adaptive(dpm::AdaptiveDpmSolver{}, schedule, model, x);
}
