// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Samples that are left in a temporary are lost.
// expect: x is a temporary, and the samples would be lost
#include <utility>
#include <vector>

#include <dpm/dpm.hpp>

void run(const dpm::Plan& plan, std::vector<float>& x) {
  using State = std::vector<float>;
  const auto model = [](const State& in, double, State& out) { out = in; };
#ifdef DPM_FIXED
  dpm::sample(plan, model, x);
#else
  dpm::sample(plan, model, std::move(x));
#endif
}
