// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The options of UniPC.
#pragma once

#include <cstdint>

#include "dpm/plan/plan.hpp"

namespace dpm {

/// UniPC, a unified predictor-corrector (Zhao et al. 2023, arXiv 2302.04867, Alg. 1 and 2). The
/// predictor is multistep DPM-Solver of the given order; the corrector repeats the step with the
/// model's value at the predicted sample, which the next step needs anyway, and gains one order.
/// One model call a step; the last step is predicted only. The first steps have lower orders.
struct UniPc {
  /// The linear system of the paper (Eq. 5) is solved by the polynomial through the predictions,
  /// whatever B(h) is. B(h) counts only where two predictions are combined and the system is
  /// replaced by the constant 1/2 (Sec. 3.3 there): the second-order predictor and the first-order
  /// corrector.
  enum class Coefficients : std::uint8_t {
    bh1,      ///< B(h) = h
    bh2,      ///< B(h) = e^h - 1
    varying,  ///< no such replacement: every polynomial is integrated exactly (App. C)
  };
  /// Order of the predictor, 1 to 4.
  int order = 2;
  Coefficients coefficients = Coefficients::bh2;
  Space space = Space::data;
  /// false: UniP, the predictor alone.
  bool corrector = true;
  /// The last steps take orders ..., 2, 1: steadier on coarse grids, but at most second order.
  bool lower_order_final = false;
  /// Estimate the error of each predicted step, as `DpmSolver::estimate_error`; with order 4 not a
  /// true one for about ten steps after the start (`Progress::error`).
  bool estimate_error = false;
};

}  // namespace dpm
