// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Samples that are left in a temporary are lost, in the shorter forms of sample too.
// expect: x is a temporary, and the samples would be lost
#include <utility>
#include <vector>

#include <dpm/dpm.hpp>

void run(const dpm::AnySchedule& schedule, std::vector<float>& x) {
  using State = std::vector<float>;
  const auto model = [](const State& in, double, State& out) { out = in; };
#ifdef DPM_FIXED
  dpm::sample(dpm::Ddim{}, schedule, 20, model, x);
#else
  dpm::sample(dpm::Ddim{}, schedule, 20, model, std::move(x));
#endif
}
