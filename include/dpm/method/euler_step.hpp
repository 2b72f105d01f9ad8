// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Euler's step in sigma / alpha with a weighted mean of noise predictions, for Heun and PNDM.
#pragma once

#include <span>

#include "dpm/math/bounded_vector.hpp"
#include "dpm/method/exponential_step.hpp"
#include "dpm/plan/builder.hpp"
#include "dpm/plan/plan.hpp"

namespace dpm::detail {

/// target <- the sample after Euler's step from s to t for d(x/alpha) / d(sigma/alpha) = epsilon,
/// with epsilon the sum of the terms of `slope`. This is the DDIM step, and PNDM's "transfer" (Liu
/// et al. 2022, arXiv 2202.09778, Eq. 11).
inline void write_euler_step(PlanBuilder& builder, Register target, const Level& s, const Level& t,
                             std::span<const Term> slope) {
  const ExponentialStep step(Space::noise, s, t);
  BoundedVector<Term, 5> terms{{sample_register, step.linear()}};
  for (const Term& term : slope) terms.push_back({term.operand, step.weight(0) * term.weight});
  builder.combine(target, terms.span());
}

}  // namespace dpm::detail
