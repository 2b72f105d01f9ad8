// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// TCD: sampling with a trajectory consistency model.
#pragma once

#include <cmath>
#include <cstddef>

#include "dpm/method/churn.hpp"
#include "dpm/method/exponential_step.hpp"
#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// Strategic stochastic sampling of trajectory consistency distillation (Zheng et al. 2024, arXiv
/// 2402.19159, Alg. 4): from s a DDIM step to the level at (1 - eta) times the time of the next
/// level t, then fresh noise up to t. One model call a step, and one draw for eta > 0 but in the
/// last step, which stays at that level. Over the entries of a table (1 - eta) times the timestep
/// is rounded down to an entry.
///
/// eta = 0 is DDIM, eta = 1 multistep consistency sampling. Only for models distilled for it.
struct Tcd {
  static constexpr const char* name = "Tcd";
  /// "gamma" in the paper, 0 to 1.
  double eta = 0.3;
};

/// Works in data space. Refuses an eta out of range and a grid that runs towards more noise.
void write(PlanBuilder& builder, const Tcd& method, const Grid& grid);

#if DPM_DEFINE

DPM_INLINE void write(PlanBuilder& builder, const Tcd& method, const Grid& grid) {
  detail::require(method.eta >= 0.0 && method.eta <= 1.0, "Tcd: eta = ", method.eta,
                  "; it must lie between 0 and 1");
  detail::require(grid.back().time < grid.front().time, "Tcd: the grid runs from time ",
                  grid.front().time, " to time ", grid.back().time,
                  ", towards more noise; it must run towards clean data");
  builder.set_space(Space::data);
  const AnySchedule& schedule = grid.schedule();
  const auto entries = static_cast<double>(schedule.size());
  const auto below = [&](const Level& t) {
    if (t.sigma() == 0.0 || method.eta == 0.0) return t;
    if (entries == 0.0) return schedule.level((1.0 - method.eta) * t.time);
    const double timestep = std::floor((1.0 - method.eta) * std::round(t.time * entries - 1.0));
    return schedule.level((timestep + 1.0) / entries);
  };
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& s = grid[i];
    const Level& t = grid[i + 1];
    const Level down = below(t);
    const ExponentialStep step(Space::data, s, down);
    builder.begin_step(s, t);
    const Register m = builder.evaluate(0, sample_register, s);
    builder.combine(sample_register, {{sample_register, step.linear()}, {m, step.weight(0)}});
    if (i + 1 < grid.steps()) write_noise_up(builder, down, t);
  }
}

#endif

}  // namespace dpm
