// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A number is no state; an array of one is.
// expect: this type is not a state\. A state is an Eigen array or matrix
#include <array>

#include <dpm/dpm.hpp>

#ifdef DPM_FIXED
using State = std::array<double, 1>;
#else
using State = int;
#endif

void run(const dpm::Plan& plan, State& x) {
  dpm::sample(
      plan, [](const State& in, double, State& out) { out = in; }, x);
}
