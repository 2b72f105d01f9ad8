// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Adaptive steps need an error norm, which a device's memory does not have.
// expect: is not a state for adaptive steps
#include <dpm/dpm.hpp>
#include <dpm/interop/cuda.hpp>
#include <dpm/run/adaptive.hpp>

void run(const dpm::AnySchedule& schedule, dpm::CudaView& x) {
  const auto network = [](const dpm::CudaState& in, double, dpm::CudaState& out) { out = in; };
#ifdef DPM_FIXED
  dpm::sample(schedule, 20, network, x);
#else
  dpm::sample_adaptive(dpm::AdaptiveDpmSolver{}, schedule, network, x);
#endif
}
