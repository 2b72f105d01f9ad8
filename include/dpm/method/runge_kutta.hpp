// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Black-box Runge-Kutta solvers of the diffusion ODE, a baseline.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "dpm/math/bounded_vector.hpp"
#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// Explicit Runge-Kutta methods for the whole diffusion ODE, the linear part included: the baseline
/// of the DPM-Solver paper (Lu et al. 2022, arXiv 2206.00927, Sec. 3.1 and Table 1).
///
///     dx/dt = (d log alpha/dt) x - sigma (d lambda/dt) epsilon        (Eq. 2.7, in these terms)
///
/// or the same with lambda as the variable. `order` model calls a step, no history. Needs a
/// schedule with `rate`, as all schedules of the library have, and a grid that avoids sigma = 0 and
/// alpha = 0.
struct RungeKutta {
  static constexpr const char* name = "RungeKutta";
  enum class Variable : std::uint8_t { time, lambda };
  /// 2: the explicit midpoint method; 4: the classical method.
  int order = 4;
  Variable variable = Variable::lambda;
};

[[nodiscard]] inline int convergence_order(const RungeKutta& method) { return method.order; }

/// Works in noise space. Refuses an order other than 2 and 4, a grid that touches sigma = 0 or
/// alpha = 0, and a schedule without `rate`.
void write(PlanBuilder& builder, const RungeKutta& method, const Grid& grid);

/// `order` calls a step; refuses a number that is no multiple of it.
[[nodiscard]] Budget<RungeKutta> for_model_calls(const RungeKutta& method, int model_calls);

[[nodiscard]] inline UniformLambda default_spacing(const RungeKutta& /*method*/) { return {}; }

#if DPM_DEFINE

namespace detail {

/// A linear combination of the sample and the step's predictions.
struct StageSum {
  double sample = 0.0;
  std::array<double, 4> noise{};

  void add(double factor, const StageSum& other) {
    sample += factor * other.sample;
    for (std::size_t k = 0; k < noise.size(); ++k) noise[k] += factor * other.noise[k];
  }
};

inline void write_stage_sum(PlanBuilder& builder, Register target, const StageSum& sum,
                            std::size_t stages) {
  BoundedVector<Term, 5> terms{{sample_register, sum.sample}};
  for (std::size_t k = 0; k < stages; ++k) terms.push_back({prediction_register(k), sum.noise[k]});
  builder.combine(target, terms.span());
}

/// One step of an explicit method whose stages each use the previous stage only (Hairer, Norsett &
/// Wanner 1993, Solving Ordinary Differential Equations I, Sec. II.1).
inline void write_runge_kutta_step(PlanBuilder& builder, const RungeKutta& method,
                                   const AnySchedule& schedule, const Level& s, const Level& t) {
  const bool in_time = method.variable == RungeKutta::Variable::time;
  const double start = in_time ? s.time : s.lambda();
  const double h = (in_time ? t.time : t.lambda()) - start;
  using Row = BoundedVector<double, 4>;
  const bool midpoint = method.order == 2;
  // c_i, also the weight of the previous stage, and b_i.
  const Row nodes = midpoint ? Row{0.0, 0.5} : Row{0.0, 0.5, 0.5, 1.0};
  const Row weights = midpoint ? Row{0.0, 1.0} : Row{1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0};
  builder.begin_step(s, t);
  StageSum end{.sample = 1.0};
  StageSum slope;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const double c = nodes[i];
    Level at = c == 0.0 ? s : t;
    if (c > 0.0 && c < 1.0) {
      at = in_time ? schedule.level(start + c * h) : schedule.level_at_lambda(start + c * h);
    }
    StageSum stage{.sample = 1.0};
    if (i > 0) {
      stage.add(c * h, slope);
      write_stage_sum(builder, stage_register, stage, i);
    }
    builder.evaluate(i, i == 0 ? sample_register : stage_register, at);
    // The right-hand side at this level, in terms of x and epsilon.
    const LevelRate rate = schedule.rate(at.time);
    const double lambda_rate = rate.d_log_alpha - rate.d_log_sigma;
    slope = {};
    slope.add(in_time ? rate.d_log_alpha : rate.d_log_alpha / lambda_rate, stage);
    slope.noise[i] -= in_time ? at.sigma() * lambda_rate : at.sigma();
    end.add(weights[i] * h, slope);
  }
  write_stage_sum(builder, sample_register, end, nodes.size());
}

}  // namespace detail

DPM_INLINE void write(PlanBuilder& builder, const RungeKutta& method, const Grid& grid) {
  detail::require(method.order == 2 || method.order == 4, "RungeKutta: order = ", method.order,
                  "; it must be 2 or 4");
  detail::require(std::isfinite(grid.front().lambda()) && std::isfinite(grid.back().lambda()),
                  "RungeKutta: lambda runs from ", grid.front().lambda(), " to ",
                  grid.back().lambda(),
                  "; both must be finite, because the ODE's right-hand side is not where alpha or "
                  "sigma is 0");
  builder.set_space(Space::noise);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    detail::write_runge_kutta_step(builder, method, grid.schedule(), grid[i], grid[i + 1]);
  }
}

DPM_INLINE Budget<RungeKutta> for_model_calls(const RungeKutta& method, int model_calls) {
  detail::require(method.order == 2 || method.order == 4, "RungeKutta: order = ", method.order,
                  "; it must be 2 or 4");
  detail::require_model_calls("RungeKutta", model_calls, method.order);
  detail::require(model_calls % method.order == 0, "RungeKutta: model_calls = ", model_calls,
                  "; it must be a multiple of ", method.order);
  return {method, model_calls / method.order};
}

#endif

}  // namespace dpm
