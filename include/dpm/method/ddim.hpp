// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// DDIM: one model call a step, with as much fresh noise as you ask for.
#pragma once

#include <cstddef>

#include "dpm/method/ancestral_step.hpp"
#include "dpm/method/method.hpp"

namespace dpm {

/// DDIM (Song, Meng & Ermon 2021, arXiv 2010.02502, Eq. 12). First order, one model call a step.
struct Ddim {
  static constexpr const char* name = "Ddim";
  /// 0: deterministic, the same as DPM-Solver-1. 1: as much fresh noise as DDPM's posterior. Larger
  /// values are allowed while each step has that much noise to replace.
  double eta = 0.0;
};

/// Order of convergence; for eta > 0, weak order.
[[nodiscard]] inline int convergence_order(const Ddim& /*method*/) { return 1; }

/// Refuses an eta that is negative or not finite, and what `ancestral_step` refuses.
inline void write(PlanBuilder& builder, const Ddim& method, const Grid& grid) {
  detail::require(method.eta >= 0.0 && method.eta < 1e300, "Ddim: eta = ", method.eta,
                  "; it must be finite and at least 0");
  const Space space = ancestral_space(builder, grid);
  builder.set_space(space);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const AncestralStep step = ancestral_step(space, grid[i], grid[i + 1], method.eta);
    write_ancestral_step(builder, step, grid[i], grid[i + 1]);
  }
}

}  // namespace dpm
