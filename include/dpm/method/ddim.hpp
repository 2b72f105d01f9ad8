// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// DDIM: one model call a step, with as much fresh noise as you ask for.
#pragma once

#include "dpm/method/ancestral_step.hpp"
#include "dpm/method/churn.hpp"
#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <cstddef>
#endif

namespace dpm {

/// DDIM (Song, Meng & Ermon 2021, arXiv 2010.02502, Eq. 12). First order, one model call a step.
struct Ddim {
  static constexpr const char* name = "Ddim";
  /// 0: deterministic, the same as DPM-Solver-1. 1: as much fresh noise as DDPM's posterior. Larger
  /// values are allowed while each step has that much noise to replace.
  double eta = 0.0;
  /// The factor on each draw ("s_noise" in other libraries). Only 1 keeps the marginals.
  double noise_scale = 1.0;
  /// How a step shares between solver and draw; `flow` for flows.
  FreshNoise::Rule rule = FreshNoise::Rule::diffusion;
  /// Noise before each step, "s_churn" of k-diffusion's Euler. Not together with eta.
  Churn churn = {};
};

/// Order of convergence; for eta > 0, weak order.
[[nodiscard]] inline int convergence_order(const Ddim& /*method*/) { return 1; }

/// Refuses options out of range, churn together with eta, and what `ancestral_target` refuses.
void write(PlanBuilder& builder, const Ddim& method, const Grid& grid);

#if DPM_DEFINE

DPM_INLINE void write(PlanBuilder& builder, const Ddim& method, const Grid& grid) {
  const FreshNoise noise{method.eta, method.noise_scale, method.rule};
  check_fresh_noise(Ddim::name, noise);
  check_churn(Ddim::name, method.churn);
  detail::require(method.eta == 0.0 || method.churn.amount == 0.0, "Ddim: eta = ", method.eta,
                  " with churn.amount = ", method.churn.amount, "; one of them must be 0");
  const Space space = ancestral_space(builder, grid);
  builder.set_space(space);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level from = churned_level(method.churn, grid, i);
    const AncestralStep step = ancestral_step(space, from, grid[i + 1], noise);
    write_ancestral_step(builder, step, grid[i], from, grid[i + 1], method.churn.scale);
  }
}

#endif

}  // namespace dpm
