// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The DDIM step with a mix of noise predictions, which PNDM, iPNDM and Heun's method share.
#pragma once

#include <cstddef>
#include <span>

#include "dpm/math/bounded_vector.hpp"
#include "dpm/method/exponential_step.hpp"
#include "dpm/plan/builder.hpp"
#include "dpm/plan/plan.hpp"

namespace dpm::detail {

/// target <- the sample, taken from s to t with the noise prediction `sum of mix[k] m_k`: PNDM's
/// transfer (Liu et al. 2022, arXiv 2202.09778, Eq. 11), which is the DDIM step and the Euler step
/// of d(x/alpha)/d(rho) = epsilon in rho = sigma / alpha.
inline void write_transfer(PlanBuilder& builder, Register target, const Level& s, const Level& t,
                           std::span<const Term> mix) {
  const ExponentialStep step(Space::noise, s, t);
  BoundedVector<Term, 5> terms{{sample_register, step.linear()}};
  for (const Term& term : mix) terms.push_back({term.operand, step.weight(0) * term.weight});
  builder.combine(target, terms.span());
}

/// One step of Heun's method in rho: a transfer, a second call at its end, and the transfer again
/// with the mean of both predictions. The first is left in slot 0, the second in slot 1. What the
/// second transfer adds to the first is an estimate of the first's error.
inline void write_heun_step(PlanBuilder& builder, const Level& s, const Level& t,
                            bool estimate_error = false) {
  builder.begin_step(s, t);
  const BoundedVector<Term, 1> first{{builder.evaluate(0, sample_register, s), 1.0}};
  write_transfer(builder, stage_register, s, t, first.span());
  const Register second = builder.evaluate(1, stage_register, t);
  const BoundedVector<Term, 2> mean{{first[0].operand, 0.5}, {second, 0.5}};
  if (estimate_error) {
    const double half = 0.5 * ExponentialStep(Space::noise, s, t).weight(0);
    builder.combine(error_register, {{second, half}, {first[0].operand, -half}});
  }
  write_transfer(builder, sample_register, s, t, mean.span());
}

}  // namespace dpm::detail
