// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A stepper that starts from a pointer does not know how many values to copy.
// expect: x is a pointer, .* hand over std::vector<float>\(p, p \+ n\)
#include <cstddef>
#include <vector>

#include <dpm/dpm.hpp>

void run(const dpm::Plan& plan, float* x, std::size_t size) {
#ifdef DPM_FIXED
  dpm::Stepper stepper(plan, std::vector<float>(x, x + size));
#else
  dpm::Stepper stepper(plan, x);
#endif
  while (const auto call = stepper.next()) call->output = call->input;
}
