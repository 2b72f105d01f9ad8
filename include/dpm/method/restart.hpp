// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Restart sampling: Heun's method that goes back up to more noise and comes down again.
#pragma once

#include <cstddef>

#include "dpm/method/heun.hpp"
#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <array>
#  include <cmath>
#  include <utility>
#  include <vector>
#endif

namespace dpm {

/// Restart (Xu et al. 2023, arXiv 2306.14878, Alg. 1): Heun's method over the grid; where it
/// reaches the level nearest to sigma / alpha = `least`, a draw takes the sample back up to the
/// level nearest to `most`, and Heun's method comes down again in `steps` steps, `times` times. Two
/// model calls a step, one in a step to sigma = 0, and one draw each time.
struct Restart {
  static constexpr const char* name = "Restart";
  double least = 0.1;
  double most = 2.0;
  int steps = 9;
  int times = 1;
  /// Rho of the Karras spacing on the way down again.
  double rho = 7.0;
  /// The factor on each draw.
  double noise_scale = 1.0;
};

/// Order of convergence if `steps` grows with the grid.
[[nodiscard]] inline int convergence_order(const Restart& /*method*/) { return 2; }

/// Works in noise space. Refuses options out of range, a grid that starts at alpha = 0, and one
/// whose levels nearest to `most` and `least` are one.
void write(PlanBuilder& builder, const Restart& method, const Grid& grid);

/// Two calls a step, those on the way down again included, and one in a step to sigma = 0.
[[nodiscard]] Budget<Restart> for_model_calls(const Restart& method, int model_calls);

[[nodiscard]] inline Karras default_spacing(const Restart& /*method*/) { return {}; }

#if DPM_DEFINE

namespace detail {

/// The number of the grid's level nearest to a value of sigma / alpha.
inline std::size_t nearest_level(const Grid& grid, double ratio) {
  std::size_t nearest = 0;
  for (std::size_t i = 1; i <= grid.steps(); ++i) {
    const auto distance = [&](std::size_t k) {
      return std::abs(std::exp(-grid[k].lambda()) - ratio);
    };
    if (distance(i) < distance(nearest)) nearest = i;
  }
  return nearest;
}

/// The levels from `top` down to `bottom` in `steps` steps of the Karras spacing.
inline std::vector<Level> levels_down(const AnySchedule& schedule, const Level& top,
                                      const Level& bottom, int steps, double rho) {
  const Grid down =
      make_grid(Karras{.rho = rho, .start = top.time, .end = bottom.time}, schedule, steps);
  std::vector<Level> levels(down.levels().begin(), down.levels().end());
  levels.front() = top;
  levels.back() = bottom;
  return levels;
}

inline void check_options(const Restart& method) {
  require(method.least > 0.0 && method.most > method.least && method.most < 1e300,
          "Restart: it goes from sigma / alpha = ", method.least, " up to ", method.most,
          "; the first must be above 0 and the second above it");
  require(method.steps >= 1 && method.times >= 0 && method.times <= 1'000'000 / method.steps,
          "Restart: steps = ", method.steps, ", times = ", method.times,
          "; steps must be at least 1, times at least 0, and both together at most 1000000");
  require(method.rho > 0.0 && method.rho < 1e300, "Restart: rho = ", method.rho,
          "; it must be finite and above 0");
  require(method.noise_scale >= 0.0 && method.noise_scale < 1e300,
          "Restart: noise_scale = ", method.noise_scale, "; it must be finite and at least 0");
}

}  // namespace detail

DPM_INLINE void write(PlanBuilder& builder, const Restart& method, const Grid& grid) {
  detail::check_options(method);
  const std::size_t bottom = detail::nearest_level(grid, method.least);
  const std::size_t top = detail::nearest_level(grid, method.most);
  const bool passes = top < bottom && grid[bottom].sigma() > 0.0;
  detail::require(passes || method.times == 0, "Restart: level ", top,
                  " is the nearest to sigma / alpha = ", method.most, " and level ", bottom, " to ",
                  method.least,
                  "; a run must pass the first before the second, and the second above sigma = 0");
  builder.set_space(Space::noise);
  const auto step_down = [&](const Level& from, const Level& s, const Level& t) {
    builder.begin_step(from, t);
    write_noise_up(builder, from, s, method.noise_scale);
    if (t.sigma() > 0.0) {
      detail::write_heun_step(builder, s, t);
    } else {
      const Register m = builder.evaluate(0, sample_register, s);
      detail::write_euler_step(builder, sample_register, s, t, std::array{Term{m, 1.0}});
    }
  };
  std::vector<Level> again;
  if (method.times > 0) {
    again = detail::levels_down(grid.schedule(), grid[top], grid[bottom], method.steps, method.rho);
  }
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    step_down(grid[i], grid[i], grid[i + 1]);
    for (int time = 0; i + 1 == bottom && time < method.times; ++time) {
      for (std::size_t k = 0; k + 1 < again.size(); ++k) {
        step_down(k == 0 ? grid[bottom] : again[k], again[k], again[k + 1]);
      }
    }
  }
}

DPM_INLINE Budget<Restart> for_model_calls(const Restart& method, int model_calls) {
  detail::check_options(method);
  const int again = 2 * method.steps * method.times;
  detail::require_model_calls(Restart::name, model_calls, again + 1);
  return {method, detail::steps_for(model_calls - again, 2)};
}

#endif

}  // namespace dpm
