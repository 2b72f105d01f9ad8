// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Adaptive runs of each kind, and where tests interrupt them.
#pragma once

#include <algorithm>
#include <vector>

#include "dpm/method/adaptive.hpp"

namespace dpm_test {

/// Both orders, both spaces, first trials that are rejected, an end at sigma = 0, and k-diffusion's
/// controller.
inline std::vector<dpm::AdaptiveDpmSolver> adaptive_methods(double tolerance) {
  const dpm::ErrorTolerance tight{.absolute = tolerance, .relative = tolerance};
  return {{.order = 2, .tolerance = tight},
          {.order = 3, .tolerance = tight},
          {.order = 3, .space = dpm::Space::noise, .tolerance = tight, .first_step = 2.0},
          {.order = 2, .tolerance = tight, .first_step = 3.0, .denoise_to_zero = true},
          {.order = 3,
           .space = dpm::Space::noise,
           .tolerance = tight,
           .first_step = 2.0,
           .pid = dpm::PidController{.proportional = 0.3, .integral = 0.7, .derivative = 0.1},
           .divides_by_alpha = true}};
}

/// Each of the first calls, then fewer, and the last.
inline int next_stop(int stop, int last) {
  return stop == last ? stop + 1 : std::min(last, stop + 1 + stop / 8);
}

}  // namespace dpm_test
