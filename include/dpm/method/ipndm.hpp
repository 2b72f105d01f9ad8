// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// iPNDM: Adams-Bashforth means of noise predictions in DDIM steps.
#pragma once

#include <algorithm>
#include <cstddef>

#include "dpm/method/deis.hpp"
#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// iPNDM (Zhang & Chen 2022, arXiv 2204.13902, App. H.2): PNDM's Adams-Bashforth steps without its
/// warm-up. Each step is a DDIM step with the mean of a polynomial p in time, which goes through
/// the last noise predictions:
///
///     mean = (integral of p from s to t) / (t - s).
///
/// Steps of equal length give the weights (3, -1)/2, (23, -16, 5)/12, (55, -59, 37, -9)/24; other
/// lengths are allowed. The order is 2, as for PNDM, because a DDIM step does not weigh the
/// prediction evenly over the step. For the same reason there is no error estimate. One model call
/// a step; the first steps have lower orders.
struct Ipndm {
  static constexpr const char* name = "Ipndm";
  /// How many predictions p goes through, 1 to 4; 1 is DDIM.
  int order = 4;
  /// Use the weights of equal steps on any grid, as other libraries do. Where the length of the
  /// steps does not change smoothly along the grid, the order is then 1.
  bool equal_step_weights = false;
};

[[nodiscard]] inline int convergence_order(const Ipndm& method) {
  return method.order == 1 ? 1 : 2;
}

/// Works in noise space. Refuses an order out of range and a grid that starts at alpha = 0. A step
/// to sigma = 0 is a DDIM step with the newest prediction alone.
void write(PlanBuilder& builder, const Ipndm& method, const Grid& grid);

namespace detail {

/// Adams-Bashforth weights of equal steps for 1, 2, 3 or at least 4 known predictions, newest first
/// (arXiv 2202.09778, Eq. 12, and its lower orders).
BoundedVector<double, 4> adams_bashforth(std::size_t known);

}  // namespace detail

#if DPM_DEFINE

namespace detail {

DPM_INLINE BoundedVector<double, 4> adams_bashforth(std::size_t known) {
  if (known == 1) return {1.0};
  if (known == 2) return {3.0 / 2.0, -1.0 / 2.0};
  if (known == 3) return {23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0};
  return {55.0 / 24.0, -59.0 / 24.0, 37.0 / 24.0, -9.0 / 24.0};
}

inline void write_equal_step_ipndm(PlanBuilder& builder, const Ipndm& method, const Grid& grid) {
  require(method.order >= 1 && method.order <= 4, "Ipndm: order = ", method.order,
          "; it must be 1 to 4");
  const auto slots = static_cast<std::size_t>(method.order);
  builder.set_space(Space::noise);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const ExponentialStep step(Space::noise, grid[i], grid[i + 1]);
    builder.begin_step(grid[i], grid[i + 1]);
    builder.evaluate(i % slots, sample_register, grid[i]);
    const auto weights = adams_bashforth(step.finite() ? std::min(i + 1, slots) : 1);
    BoundedVector<Term, 5> terms{{sample_register, step.linear()}};
    for (std::size_t k = 0; k < weights.size(); ++k) {
      terms.push_back({prediction_register((i - k) % slots), step.weight(0) * weights[k]});
    }
    builder.combine(sample_register, terms.span());
  }
}

}  // namespace detail

DPM_INLINE void write(PlanBuilder& builder, const Ipndm& method, const Grid& grid) {
  if (method.equal_step_weights) return detail::write_equal_step_ipndm(builder, method, grid);
  detail::write_adams(
      builder, method, grid, false, [](const Level& level) { return level.time; },
      [](const Level& s, const Level& t, const ExponentialStep& step, std::size_t count) {
        return detail::mean_weights(step, t.time - s.time, count);
      });
}

#endif

}  // namespace dpm
