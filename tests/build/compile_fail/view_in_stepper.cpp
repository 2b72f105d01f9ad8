// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A stepper owns its buffers, and a view owns nothing.
// expect: this type is not a state\. A state is .* that owns its values
#include <Eigen/Core>

#include <dpm/dpm.hpp>

void run(const dpm::Plan& plan, Eigen::Map<Eigen::ArrayXXf> x) {
#ifdef DPM_FIXED
  dpm::Stepper stepper(plan, Eigen::ArrayXXf(x));
#else
  dpm::Stepper stepper(plan, x);
#endif
  while (const auto call = stepper.next()) call->output = call->input;
}
