// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Noise that is added before a deterministic step, as EDM's stochastic sampler adds it.
#pragma once

#include <cstddef>
#include <limits>

#include "dpm/grid/grid.hpp"
#include "dpm/plan/builder.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <algorithm>
#  include <cmath>

#  include "dpm/error.hpp"
#endif

namespace dpm {

/// "Churn" (Karras et al. 2022, arXiv 2206.00364, Alg. 2): before a step from sigma / alpha = s, a
/// draw takes the sample up to s (1 + g) with g = min(amount / steps, sqrt(2) - 1), where s lies
/// between `least` and `most`; the step starts there. It costs no model call.
struct Churn {
  /// S_churn; 0: no noise.
  double amount = 0.0;
  /// S_tmin and S_tmax, in sigma / alpha. The noise must stay within the schedule, so a grid from
  /// its last time needs a `most` below the noise there.
  double least = 0.0;
  double most = std::numeric_limits<double>::infinity();
  /// S_noise, the factor on each draw.
  double scale = 1.0;
};

/// Refuses numbers that are negative or not numbers, and an amount that is infinite.
void check_churn(const char* method, const Churn& churn);

/// The level where step i of the grid starts: grid[i], or the churned level above it. Refuses churn
/// at alpha = 0 and above the last level of the schedule.
Level churned_level(const Churn& churn, const Grid& grid, std::size_t i);

/// How the forward process goes from level s up to a noisier one: x <- kept x + added z.
struct NoiseUp {
  double kept = 1.0;
  double added = 0.0;
};
NoiseUp noise_up(const Level& s, const Level& raised);

/// Takes the step that has begun from s up to the noise of `raised` by a draw.
void write_noise_up(PlanBuilder& builder, const Level& s, const Level& raised, double scale = 1.0);

#if DPM_DEFINE

DPM_INLINE void check_churn(const char* method, const Churn& churn) {
  detail::require(churn.amount >= 0.0 && churn.amount < 1e300, method,
                  ": churn.amount = ", churn.amount, "; it must be finite and at least 0");
  detail::require(churn.scale >= 0.0 && churn.scale < 1e300, method,
                  ": churn.scale = ", churn.scale, "; it must be finite and at least 0");
  detail::require(churn.least >= 0.0 && churn.most >= churn.least, method, ": churn from ",
                  churn.least, " to ", churn.most,
                  "; its range must start at 0 or above and not end before");
}

DPM_INLINE Level churned_level(const Churn& churn, const Grid& grid, std::size_t i) {
  const Level& s = grid[i];
  if (churn.amount == 0.0) return s;
  const double ratio = std::exp(-s.lambda());
  if (ratio < churn.least || ratio > churn.most) return s;
  detail::require(s.alpha() > 0.0, "make_plan: churn at time ", s.time,
                  ", where alpha is 0 and no noise can be added; let churn.most be finite");
  const AnySchedule& schedule = grid.schedule();
  const double g = std::min(churn.amount / static_cast<double>(grid.steps()), std::sqrt(2.0) - 1.0);
  const double lambda = s.lambda() - std::log1p(g);
  const double last = schedule.level(schedule.last_time()).lambda();
  detail::require(lambda >= last || schedule.max_time() > schedule.last_time(),
                  "make_plan: churn at time ", s.time,
                  " goes up to sigma / alpha = ", std::exp(-lambda), ", and the schedule ends at ",
                  std::exp(-last), "; let churn.most be at most ", std::exp(-last) / (1.0 + g));
  return schedule.level_at_lambda(lambda);
}

DPM_INLINE NoiseUp noise_up(const Level& s, const Level& raised) {
  if (raised == s) return {};
  return {std::exp(raised.log_alpha - s.log_alpha),
          raised.sigma() * std::sqrt(-std::expm1(2.0 * (raised.lambda() - s.lambda())))};
}

DPM_INLINE void write_noise_up(PlanBuilder& builder, const Level& s, const Level& raised,
                               double scale) {
  const NoiseUp up = noise_up(s, raised);
  if (up.added == 0.0) return;
  const Register z = builder.draw();
  builder.replace_sample({{sample_register, up.kept}, {z, scale * up.added}});
}

#endif

}  // namespace dpm
