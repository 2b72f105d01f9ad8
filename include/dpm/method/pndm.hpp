// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// PNDM: Runge-Kutta and Adams-Bashforth means of noise predictions in DDIM steps.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "dpm/math/bounded_vector.hpp"
#include "dpm/method/heun.hpp"
#include "dpm/method/ipndm.hpp"
#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// PNDM, pseudo numerical methods (Liu et al. 2022, arXiv 2202.09778): the noise predictions are
/// averaged with the weights of a classical Runge-Kutta or Adams-Bashforth method, and the mean
/// takes a DDIM step (the paper's "transfer", Eq. 11). The order is 2, not the 4 of the classical
/// methods: the weights assume steps of equal length in time, and a DDIM step does not weigh the
/// prediction evenly over the step.
///
/// | warm-up     | model calls | least steps |
/// |-------------|-------------|-------------|
/// | runge_kutta | steps + 9   | 3           |
/// | plms        | steps + 1   | 1           |
struct Pndm {
  static constexpr const char* name = "Pndm";
  enum class Warmup : std::uint8_t {
    runge_kutta,  ///< the first three steps by the pseudo Runge-Kutta method, four calls each
    plms,         ///< a first step by Heun's method, then orders 2 and 3, as in Stable Diffusion
  };
  Warmup warmup = Warmup::runge_kutta;
};

[[nodiscard]] inline int convergence_order(const Pndm& /*method*/) { return 2; }

/// Works in noise space. Refuses a grid that starts at alpha = 0, and fewer than 3 steps with the
/// Runge-Kutta warm-up.
void write(PlanBuilder& builder, const Pndm& method, const Grid& grid);

/// One call a step, and those of the warm-up.
[[nodiscard]] inline Budget<Pndm> for_model_calls(const Pndm& method, int model_calls) {
  const bool runge_kutta = method.warmup == Pndm::Warmup::runge_kutta;
  detail::require_model_calls(runge_kutta ? "Pndm with the Runge-Kutta warm-up" : "Pndm",
                              model_calls, runge_kutta ? 12 : 2);
  return {method, model_calls - (runge_kutta ? 9 : 1)};
}

#if DPM_DEFINE

namespace detail {

/// One pseudo Runge-Kutta step (arXiv 2202.09778, Eq. 13), with the inner level at half the time.
/// The prediction at its start stays in slot `slot`; the next three slots are scratch.
inline void write_pseudo_runge_kutta(PlanBuilder& builder, const Grid& grid, std::size_t i,
                                     std::size_t slot) {
  const Level& s = grid[i];
  const Level& t = grid[i + 1];
  const Level middle = grid.schedule().level(0.5 * (s.time + t.time));
  const std::array<Level, 3> stages{middle, middle, t};
  builder.begin_step(s, t);
  BoundedVector<Term, 4> mean{{builder.evaluate(slot, sample_register, s), 1.0 / 6.0}};
  for (std::size_t k = 0; k < stages.size(); ++k) {
    write_euler_step(builder, stage_register, s, stages[k], std::array{Term{mean[k].operand, 1.0}});
    const Register m = builder.evaluate(slot + k + 1, stage_register, stages[k]);
    mean.push_back({m, k < 2 ? 1.0 / 3.0 : 1.0 / 6.0});
  }
  write_euler_step(builder, sample_register, s, t, mean.span());
}

}  // namespace detail

DPM_INLINE void write(PlanBuilder& builder, const Pndm& method, const Grid& grid) {
  const bool runge_kutta = method.warmup == Pndm::Warmup::runge_kutta;
  detail::require(!runge_kutta || grid.steps() >= 3, "Pndm: ", grid.steps(),
                  " steps with the Runge-Kutta warm-up; it takes at least 3 (or use Warmup::plms)");
  detail::require(grid.front().alpha() > 0.0, "Pndm: the grid starts at time ", grid.front().time,
                  ", where alpha is 0; it works in noise space, which has no solution there");
  builder.set_space(Space::noise);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    if (runge_kutta && i < 3) {
      detail::write_pseudo_runge_kutta(builder, grid, i, i);
    } else if (i == 0) {
      // Stable Diffusion's start. The next steps use the first of its two predictions.
      builder.begin_step(grid[0], grid[1]);
      detail::write_heun_step(builder, grid[0], grid[1]);
    } else {
      builder.begin_step(grid[i], grid[i + 1]);
      builder.evaluate(i % 4, sample_register, grid[i]);
      const auto weights = detail::adams_bashforth(std::min<std::size_t>(i + 1, 4));
      BoundedVector<Term, 4> mean;
      for (std::size_t k = 0; k < weights.size(); ++k) {
        mean.push_back({prediction_register((i - k) % 4), weights[k]});
      }
      detail::write_euler_step(builder, sample_register, grid[i], grid[i + 1], mean.span());
    }
  }
}

#endif

}  // namespace dpm
