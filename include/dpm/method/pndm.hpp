// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// PNDM as a plan.
#pragma once

#include <cstdint>

#include "dpm/grid/grid.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/method/budget.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// PNDM, pseudo numerical methods (Liu et al. 2022, arXiv 2202.09778): classical Runge-Kutta and
/// Adams-Bashforth weights for the noise prediction, each followed by a DDIM step ("transfer",
/// Eq. 11). The weights assume steps of equal length in time and ignore how the transfer weighs the
/// prediction within a step, so the order is 2, not the 4 of the classical methods.
///
/// | warm-up     | model calls              | least steps |
/// |-------------|--------------------------|-------------|
/// | runge_kutta | steps + 9                | 3           |
/// | plms        | steps + 1                | 1           |
struct Pndm {
  enum class Warmup : std::uint8_t {
    runge_kutta,  ///< the first three steps by the pseudo Runge-Kutta method, four calls each
    plms,         ///< a first step by Heun's method, then the orders 2 and 3 (as Stable Diffusion)
  };
  Warmup warmup = Warmup::runge_kutta;
};

/// Order of convergence.
[[nodiscard]] inline int convergence_order(const Pndm& /*method*/) { return 2; }

/// The plan of PNDM over `grid`, in noise space. Refuses fewer than 3 steps with the Runge-Kutta
/// warm-up.
[[nodiscard]] Plan make_plan(const Pndm& method, const Grid& grid,
                             Prediction prediction = Prediction::noise,
                             Correction correction = Correction::none);

[[nodiscard]] Budget<Pndm> for_model_calls(const Pndm& method, int model_calls);

[[nodiscard]] inline UniformTime default_spacing(const Pndm& /*method*/) { return {}; }

}  // namespace dpm

#if DPM_DEFINE

#  include <algorithm>
#  include <array>
#  include <cstddef>
#  include <span>
#  include <utility>

#  include "dpm/error.hpp"
#  include "dpm/method/adams_bashforth.hpp"
#  include "dpm/method/transfer.hpp"
#  include "dpm/plan/builder.hpp"

namespace dpm {
namespace detail {

/// One pseudo Runge-Kutta step (arXiv 2202.09778, Eq. 13), with the inner level at half the time.
/// The prediction at its start is left in slot `slot`; the three slots after it are scratch.
inline void write_pseudo_runge_kutta(PlanBuilder& builder, const Grid& grid, std::size_t i,
                                     std::size_t slot) {
  const Level& s = grid[i];
  const Level& t = grid[i + 1];
  const Level middle = grid.schedule().level(0.5 * (s.time + t.time));
  const std::array<Level, 3> stages{middle, middle, t};
  builder.begin_step(s, t);
  BoundedVector<Term, 4> mix{{builder.evaluate(slot, sample_register, s), 1.0 / 6.0}};
  for (std::size_t k = 0; k < stages.size(); ++k) {
    write_transfer(builder, stage_register, s, stages[k], std::array{Term{mix[k].operand, 1.0}});
    const Register m = builder.evaluate(slot + k + 1, stage_register, stages[k]);
    mix.push_back({m, k < 2 ? 1.0 / 3.0 : 1.0 / 6.0});
  }
  write_transfer(builder, sample_register, s, t, mix.span());
}

}  // namespace detail

DPM_INLINE Plan make_plan(const Pndm& method, const Grid& grid, Prediction prediction,
                          Correction correction) {
  const bool runge_kutta = method.warmup == Pndm::Warmup::runge_kutta;
  detail::require(!runge_kutta || grid.steps() >= 3, "Pndm: ", grid.steps(),
                  " steps with the Runge-Kutta warm-up; it takes at least 3 (or use Warmup::plms)");
  detail::require(grid.front().alpha() > 0.0, "Pndm: the grid starts at time ", grid.front().time,
                  ", where alpha is 0; it works in noise space, which has no solution there");
  PlanBuilder builder(Space::noise, prediction, correction);
  const std::size_t warmup_steps = runge_kutta ? 3 : 1;
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    if (i < warmup_steps) {
      if (runge_kutta) {
        detail::write_pseudo_runge_kutta(builder, grid, i, i);
      } else {
        // As Stable Diffusion's sampler starts; of the two predictions only the first is kept.
        detail::write_heun_step(builder, grid[i], grid[i + 1]);
      }
      continue;
    }
    builder.begin_step(grid[i], grid[i + 1]);
    builder.evaluate(i % 4, sample_register, grid[i]);
    const std::span<const double> weights =
        detail::adams_bashforth(std::min<std::size_t>(i + 1, 4));
    BoundedVector<Term, 4> mix;
    for (std::size_t k = 0; k < weights.size(); ++k) {
      mix.push_back({prediction_register((i - k) % 4), weights[k]});
    }
    detail::write_transfer(builder, sample_register, grid[i], grid[i + 1], mix.span());
  }
  return std::move(builder).finish();
}

DPM_INLINE Budget<Pndm> for_model_calls(const Pndm& method, int model_calls) {
  const bool runge_kutta = method.warmup == Pndm::Warmup::runge_kutta;
  detail::require_model_calls(runge_kutta ? "Pndm with the Runge-Kutta warm-up" : "Pndm",
                              model_calls, runge_kutta ? 12 : 2);
  return {method, model_calls - (runge_kutta ? 9 : 1)};
}

}  // namespace dpm

#endif
