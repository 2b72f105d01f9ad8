// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The plans of the diffusers classes that are linear multistep methods: LMSDiscrete and IPNDM.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "dpm/interop/diffusers/levels.hpp"
#include "dpm/method/pndm.hpp"
#include "dpm/method/polynomial.hpp"
#include "dpm/plan/builder.hpp"

namespace dpm::diffusers::detail {

/// LMSDiscrete: the polynomial in sigma through the last four noise predictions, integrated
/// exactly. The last step, to sigma 0, is as the others.
inline Plan lms_plan(const Options& o, std::span<const Level> levels) {
  constexpr std::size_t order = 4;
  PlanBuilder builder = builder_for(o);
  Nodes history;
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    const double s = levels[i].sigma();
    const double length = levels[i + 1].sigma() - s;
    builder.begin_step(levels[i], levels[i + 1]);
    history =
        with_newest({s, builder.evaluate(i % order, sample_register, levels[i])}, history, order);
    DerivativeWeights weights{length};  // length^(n + 1) / (n + 1)!
    for (std::size_t n = 1; n < history.size(); ++n) {
      weights.push_back(weights[n - 1] * length / static_cast<double>(n + 1));
    }
    builder.combine(sample_register, polynomial_terms(1.0, weights, s, history.span()).span());
  }
  return std::move(builder).finish();
}

/// IPNDM (Zhang & Chen 2022, arXiv 2204.13902, App. H.2): Adams-Bashforth means of noise
/// predictions in DDIM steps. diffusers' first step, from alpha = 0, takes the data for 0 whatever
/// the model says.
inline Plan ipndm_plan(const Options& o, std::span<const Level> levels) {
  constexpr std::size_t order = 4;
  PlanBuilder builder = builder_for(o);
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    const Level& s = levels[i];
    const Level& t = levels[i + 1];
    builder.begin_step(s, t);
    builder.evaluate(i % order, sample_register, s);
    const bool from_noise = s.alpha() == 0.0;
    const double linear = from_noise ? 0.0 : t.alpha() / s.alpha();
    const double slope = t.sigma() - linear * s.sigma();
    UpdateTerms terms{{sample_register, linear}};
    const auto weights = i == 0 ? BoundedVector<double, 4>{1.0}
                                : dpm::detail::adams_bashforth(std::min(i + 1, order));
    for (std::size_t k = 0; k < weights.size(); ++k) {
      terms.push_back({prediction_register((i - k) % order), slope * weights[k]});
    }
    builder.combine(sample_register, terms.span());
  }
  return std::move(builder).finish();
}

}  // namespace dpm::diffusers::detail
