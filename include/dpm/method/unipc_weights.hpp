// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// UniPC's weights.
#pragma once

#include <cstddef>

#include "dpm/method/polynomial.hpp"
#include "dpm/method/predictor_corrector.hpp"
#include "dpm/method/unipc_options.hpp"

namespace dpm::detail {

/// UniPC's weights for a polynomial through `nodes` predictions.
inline DerivativeWeights unipc_weights(const UniPc& method, const MultistepInterval& interval,
                                       std::size_t nodes) {
  DerivativeWeights weights = interval.exact;
  if (nodes != 2 || method.coefficients == UniPc::Coefficients::varying) return weights;
  const double h = interval.step.h();
  const double of_b = method.coefficients == UniPc::Coefficients::bh2 ? weights[0]
                      : method.space == Space::data                   ? interval.to.alpha() * h
                                                                      : -interval.to.sigma() * h;
  weights[1] = 0.5 * h * of_b;
  return weights;
}

}  // namespace dpm::detail
