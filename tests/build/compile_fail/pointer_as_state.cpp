// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A pointer does not say how many values it points to; a span does.
// expect: x is a pointer, .* hand over std::span<float>\(p, n\)
#include <cstddef>
#include <span>

#include <dpm/dpm.hpp>

void run(const dpm::Plan& plan, float* x, std::size_t size) {
  const auto model = [](const auto& in, double, auto& out) { out = in; };
#ifdef DPM_FIXED
  const std::span<float> state(x, size);
  dpm::sample(plan, model, state);
#else
  dpm::sample(plan, model, x);
#endif
}
