// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Guidance keeps states from call to call, so a const object of it is no model.
// expect: the model is const, but calling it changes it
#include <vector>

#include <dpm/dpm.hpp>
#include <dpm/guidance/classifier_free_guidance.hpp>

void run(const dpm::Plan& plan, std::vector<float>& x) {
  using State = std::vector<float>;
  const auto network = [](const State& in, double, State& out) { out = in; };
#ifdef DPM_FIXED
  dpm::ClassifierFreeGuidance guided(network, network, 7.5);
#else
  const dpm::ClassifierFreeGuidance guided(network, network, 7.5);
#endif
  dpm::sample(plan, guided, x);
}
