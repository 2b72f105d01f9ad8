// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// iPNDM: Adams-Bashforth means of noise predictions in DDIM steps.
#pragma once

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
};

[[nodiscard]] inline int convergence_order(const Ipndm& method) {
  return method.order == 1 ? 1 : 2;
}

/// Works in noise space. Refuses an order out of range and a grid that starts at alpha = 0. A step
/// to sigma = 0 is a DDIM step with the newest prediction alone.
void write(PlanBuilder& builder, const Ipndm& method, const Grid& grid);

#if DPM_DEFINE

DPM_INLINE void write(PlanBuilder& builder, const Ipndm& method, const Grid& grid) {
  detail::write_adams(
      builder, method, grid, false, [](const Level& level) { return level.time; },
      [](const Level& s, const Level& t, const ExponentialStep& step, std::size_t count) {
        return detail::mean_weights(step, t.time - s.time, count);
      });
}

#endif

}  // namespace dpm
