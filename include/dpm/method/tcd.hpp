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
/// level t, then fresh noise up to t. On a schedule with a table t counts as the entry nearest to
/// it, and (1 - eta) times that entry's number, the first being 0, is rounded down to an entry. One
/// model call a step, and one draw for eta > 0 unless t is clean data or counts as the first entry.
///
/// eta = 0 is DDIM. eta = 1 is multistep consistency sampling (`Lcm`) where the least time is clean
/// data; on a table the solver goes to the first entry, and keeps the noise of that. Only for
/// models distilled for it, so no order is stated.
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
    const double timestep = std::round(t.time * entries - 1.0);
    const double down = std::floor((1.0 - method.eta) * timestep);
    return down < timestep ? schedule.level((down + 1.0) / entries) : t;
  };
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& s = grid[i];
    const Level& t = grid[i + 1];
    const Level down = below(t);
    const ExponentialStep step(Space::data, s, down);
    const NoiseUp up = noise_up(down, t);
    builder.begin_step(s, t);
    if (up.added > 0.0) builder.draw();
    const Register m = builder.evaluate(0, sample_register, s);
    builder.combine(sample_register, {{sample_register, up.kept * step.linear()},
                                      {m, up.kept * step.weight(0)},
                                      {noise_register, up.added}});
  }
}

#endif

}  // namespace dpm
