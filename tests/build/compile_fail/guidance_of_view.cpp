// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Guidance that is called by hand works on states that own their values, as runs do.
// expect: guidance works on states that own their values
#include <span>
#include <vector>

#include <dpm/dpm.hpp>
#include <dpm/guidance/classifier_free_guidance.hpp>

#ifdef DPM_FIXED
using State = std::vector<float>;
#else
using State = std::span<float>;
#endif

void run(const dpm::Level& level, State x, State out) {
  const auto network = [](const State& in, double, State& to) { to = in; };
  dpm::ClassifierFreeGuidance guided(network, network, 7.5);
  guided(x, level, out);
}
