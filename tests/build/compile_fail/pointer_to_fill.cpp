// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Noise for a pointer does not know where to end.
// expect: x is a pointer, .* hand over std::span<float>\(p, n\)
#include <cstddef>
#include <span>

#include <dpm/dpm.hpp>

void fill(const dpm::NormalNoise& noise, float* x, std::size_t size) {
#ifdef DPM_FIXED
  noise.fill(std::span<float>(x, size));
#else
  noise.fill(x);
#endif
}
