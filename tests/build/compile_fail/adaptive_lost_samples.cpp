// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Samples of an adaptive run that are left in a temporary are lost.
// expect: x is a temporary, and the samples would be lost
#include <utility>
#include <vector>

#include <dpm/dpm.hpp>
#include <dpm/run/adaptive.hpp>

void run(const dpm::AnySchedule& schedule, std::vector<float>& x) {
  using State = std::vector<float>;
  const auto model = [](const State& in, double, State& out) { out = in; };
#ifdef DPM_FIXED
  dpm::sample_adaptive(dpm::AdaptiveDpmSolver{}, schedule, model, x);
#else
  dpm::sample_adaptive(dpm::AdaptiveDpmSolver{}, schedule, model, std::move(x));
#endif
}
