// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A state of a fixed number of samples cannot be doubled.
// expect: guidance on a doubled batch needs a state that can hold twice the samples
#include <Eigen/Core>

#include <dpm/dpm.hpp>
#include <dpm/guidance/classifier_free_guidance.hpp>

#ifdef DPM_FIXED
using State = Eigen::ArrayXXf;
#else
using State = Eigen::Array<float, 4, 2>;
#endif

void run(const dpm::Plan& plan, State& x) {
  const auto network = [](const State& in, double timestep) -> State {
    return in * static_cast<float>(timestep);
  };
  dpm::BatchedClassifierFreeGuidance guided(network, 7.5);
  dpm::sample(plan, guided, x);
}
