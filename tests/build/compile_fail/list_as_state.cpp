// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A list is no state: its values do not lie side by side.
// expect: this type is not a state\. A state is an Eigen array or matrix
#include <list>
#include <vector>

#include <dpm/dpm.hpp>

#ifdef DPM_FIXED
using State = std::vector<float>;
#else
using State = std::list<float>;
#endif

void run(const dpm::Plan& plan, State& x) {
  dpm::sample(
      plan, [](const State& in, double, State& out) { out = in; }, x);
}
