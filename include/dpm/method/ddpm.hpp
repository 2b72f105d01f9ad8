// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// DDPM's ancestral sampler.
#pragma once

#include <cstdint>

#include "dpm/method/ancestral_step.hpp"
#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <cmath>
#  include <cstddef>
#endif

namespace dpm {

/// DDPM's ancestral sampler (Ho, Jain & Abbeel 2020, arXiv 2006.11239, Alg. 2) on any grid. First
/// weak order, one model call and one noise draw a step; a step that ends at sigma = 0 draws none.
struct Ddpm {
  static constexpr const char* name = "Ddpm";
  enum class Variance : std::uint8_t {
    /// sigma_t^2 (1 - e^(-2h)), that of q(x_t | x_s, x_0): beta tilde in arXiv 2006.11239, Eq. 7.
    posterior,
    /// sigma_s^2 (1 - e^(-2h)), that of q(x_s | x_t): beta, the larger choice of Sec. 3.2 there.
    beta,
  };
  Variance variance = Variance::posterior;
};

/// Weak order of convergence.
[[nodiscard]] inline int convergence_order(const Ddpm& /*method*/) { return 1; }

/// The mean is that of the posterior (arXiv 2006.11239, Eq. 7), which is the DDIM step with eta
/// = 1. Refuses a grid that runs towards more noise.
void write(PlanBuilder& builder, const Ddpm& method, const Grid& grid);

#if DPM_DEFINE

DPM_INLINE void write(PlanBuilder& builder, const Ddpm& method, const Grid& grid) {
  detail::require(grid.back().time < grid.front().time, "Ddpm: the grid runs from time ",
                  grid.front().time, " to time ", grid.back().time,
                  ", towards more noise; invert with Ddim instead");
  const Space space = ancestral_space(builder, grid);
  builder.set_space(space);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& s = grid[i];
    const Level& t = grid[i + 1];
    AncestralStep step = ancestral_step(space, s, t, {.eta = 1.0});
    if (method.variance == Ddpm::Variance::beta && t.sigma() > 0.0) {
      step.noise_stddev = s.sigma() * std::sqrt(-std::expm1(-2.0 * (t.lambda() - s.lambda())));
    }
    write_ancestral_step(builder, step, s, s, t);
  }
}

#endif

}  // namespace dpm
