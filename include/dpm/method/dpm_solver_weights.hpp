// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// How singlestep and multistep DPM-Solver weigh the derivatives of the prediction.
#pragma once

#include <cstddef>

#include "dpm/method/dpm_solver_options.hpp"
#include "dpm/method/exponential_step.hpp"
#include "dpm/method/polynomial.hpp"

namespace dpm::detail {

/// The weights of derivatives 0 to order - 1 over one whole step: exact integrals, or for a
/// midpoint update of order 2 (w, h w / 2) with w the weight of the value.
inline DerivativeWeights dpm_solver_weights(const ExponentialStep& step, int order,
                                            DpmSolver::Update update) {
  if (order == 2 && update == DpmSolver::Update::midpoint) {
    const double w = step.weight(0);
    return {w, 0.5 * step.h() * w};
  }
  return exact_weights(step, static_cast<std::size_t>(order));
}

}  // namespace dpm::detail
