// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// DPM-Solver and DPM-Solver++ in singlestep form, and the mixed-order DPM-Solver-fast.
#pragma once

#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <vector>

#include "support/textbook_base.hpp"

namespace dpm_test::textbook {

/// The level at lambda_s + r (lambda_t - lambda_s).
inline dpm::Level inner_level(const dpm::AnySchedule& schedule, const dpm::Level& s,
                              const dpm::Level& t, double r) {
  const double lambda = s.lambda() + r * (t.lambda() - s.lambda());
  return schedule.level(schedule.time_of_lambda(lambda));
}

// One step from s to t in noise space: Lu et al. 2022, arXiv 2206.00927. Neither level may be
// singular (alpha = 0 or sigma = 0).

/// DPM-Solver-1 (Eq. 3.7).
inline Vec dpm_solver_1_step(const Network& eps, const dpm::Level& s, const dpm::Level& t,
                             const Vec& x) {
  const double h = t.lambda() - s.lambda();
  return t.alpha() / s.alpha() * x - t.sigma() * std::expm1(h) * eps(x, s);
}

/// DPM-Solver-2 (Algorithm 1, with a general r1).
inline Vec dpm_solver_2_step(const Network& eps, const dpm::AnySchedule& schedule,
                             const dpm::Level& s, const dpm::Level& t, const Vec& x, double r1,
                             Flavour flavour) {
  const double h = t.lambda() - s.lambda();
  const dpm::Level s1 = inner_level(schedule, s, t, r1);
  const Vec eps_s = eps(x, s);
  const Vec u = s1.alpha() / s.alpha() * x - s1.sigma() * std::expm1(r1 * h) * eps_s;
  const Vec D = eps(u, s1) - eps_s;
  const Vec first = t.alpha() / s.alpha() * x - t.sigma() * std::expm1(h) * eps_s;
  if (flavour == Flavour::midpoint) {
    return first - t.sigma() / (2 * r1) * std::expm1(h) * D;
  }
  return first - t.sigma() / r1 * (std::expm1(h) / h - 1) * D;
}

/// DPM-Solver-3 (Algorithm 2, with general r1 and r2); taylor: the official code's second form.
inline Vec dpm_solver_3_step(const Network& eps, const dpm::AnySchedule& schedule,
                             const dpm::Level& s, const dpm::Level& t, const Vec& x, double r1,
                             double r2, Flavour flavour) {
  const double h = t.lambda() - s.lambda();
  const dpm::Level s1 = inner_level(schedule, s, t, r1);
  const dpm::Level s2 = inner_level(schedule, s, t, r2);
  const Vec m0 = eps(x, s);
  const Vec u1 = s1.alpha() / s.alpha() * x - s1.sigma() * std::expm1(r1 * h) * m0;
  const Vec m1 = eps(u1, s1);
  const Vec u2 = s2.alpha() / s.alpha() * x - s2.sigma() * std::expm1(r2 * h) * m0 -
                 s2.sigma() * r2 / r1 * (std::expm1(r2 * h) / (r2 * h) - 1) * (m1 - m0);
  const Vec m2 = eps(u2, s2);
  const Vec first = t.alpha() / s.alpha() * x - t.sigma() * std::expm1(h) * m0;
  if (flavour == Flavour::midpoint) {
    return first - t.sigma() / r2 * (std::expm1(h) / h - 1) * (m2 - m0);
  }
  const Vec D1_0 = (m1 - m0) / r1;
  const Vec D1_1 = (m2 - m0) / r2;
  const Vec D1 = (r2 * D1_0 - r1 * D1_1) / (r2 - r1);
  const Vec D2 = 2.0 * (D1_1 - D1_0) / (r2 - r1);
  return first - t.sigma() * (std::expm1(h) / h - 1) * D1 -
         t.sigma() * ((std::expm1(h) / h - 1) / h - 0.5) * D2;
}

// One step from s to t in data space: Lu et al. 2022, arXiv 2211.01095. t may have sigma = 0 in
// order 1.

/// DPM-Solver++ of order 1 (DDIM, as its section 4 notes).
inline Vec dpm_solver_pp_1_step(const Network& x0, const dpm::Level& s, const dpm::Level& t,
                                const Vec& x) {
  const double h = t.lambda() - s.lambda();
  return t.sigma() / s.sigma() * x - t.alpha() * std::expm1(-h) * x0(x, s);
}

/// DPM-Solver++(2S) (Algorithm 1).
inline Vec dpm_solver_pp_2_step(const Network& x0, const dpm::AnySchedule& schedule,
                                const dpm::Level& s, const dpm::Level& t, const Vec& x, double r1,
                                Flavour flavour) {
  const double h = t.lambda() - s.lambda();
  const dpm::Level s1 = inner_level(schedule, s, t, r1);
  const Vec m0 = x0(x, s);
  const Vec u = s1.sigma() / s.sigma() * x - s1.alpha() * std::expm1(-r1 * h) * m0;
  const Vec m1 = x0(u, s1);
  if (flavour == Flavour::midpoint) {
    const Vec D = (1 - 1 / (2 * r1)) * m0 + 1 / (2 * r1) * m1;
    return t.sigma() / s.sigma() * x - t.alpha() * std::expm1(-h) * D;
  }
  return t.sigma() / s.sigma() * x - t.alpha() * std::expm1(-h) * m0 +
         t.alpha() / r1 * (std::expm1(-h) / h + 1) * (m1 - m0);
}

/// The official code's singlestep DPM-Solver++ of order 3.
inline Vec dpm_solver_pp_3_step(const Network& x0, const dpm::AnySchedule& schedule,
                                const dpm::Level& s, const dpm::Level& t, const Vec& x, double r1,
                                double r2, Flavour flavour) {
  const double h = t.lambda() - s.lambda();
  const dpm::Level s1 = inner_level(schedule, s, t, r1);
  const dpm::Level s2 = inner_level(schedule, s, t, r2);
  const Vec m0 = x0(x, s);
  const Vec u1 = s1.sigma() / s.sigma() * x - s1.alpha() * std::expm1(-r1 * h) * m0;
  const Vec m1 = x0(u1, s1);
  const Vec u2 = s2.sigma() / s.sigma() * x - s2.alpha() * std::expm1(-r2 * h) * m0 +
                 s2.alpha() * r2 / r1 * (std::expm1(-r2 * h) / (r2 * h) + 1) * (m1 - m0);
  const Vec m2 = x0(u2, s2);
  const Vec first = t.sigma() / s.sigma() * x - t.alpha() * std::expm1(-h) * m0;
  if (flavour == Flavour::midpoint) {
    return first + t.alpha() / r2 * (std::expm1(-h) / h + 1) * (m2 - m0);
  }
  const Vec D1_0 = (m1 - m0) / r1;
  const Vec D1_1 = (m2 - m0) / r2;
  const Vec D1 = (r2 * D1_0 - r1 * D1_1) / (r2 - r1);
  const Vec D2 = 2.0 * (D1_1 - D1_0) / (r2 - r1);
  return first + t.alpha() * (std::expm1(-h) / h + 1) * D1 -
         t.alpha() * ((std::expm1(-h) / h + 1) / h - 0.5) * D2;
}

// The steps above, over a grid.

inline Vec dpm_solver_1(const Network& eps, const Levels& grid, Vec x) {
  for (std::size_t i = 1; i < grid.size(); ++i) x = dpm_solver_1_step(eps, grid[i - 1], grid[i], x);
  return x;
}

inline Vec dpm_solver_2(const Network& eps, const dpm::AnySchedule& schedule, const Levels& grid,
                        Vec x, double r1 = 0.5, Flavour flavour = Flavour::midpoint) {
  for (std::size_t i = 1; i < grid.size(); ++i)
    x = dpm_solver_2_step(eps, schedule, grid[i - 1], grid[i], x, r1, flavour);
  return x;
}

inline Vec dpm_solver_3(const Network& eps, const dpm::AnySchedule& schedule, const Levels& grid,
                        Vec x, double r1 = 1.0 / 3, double r2 = 2.0 / 3,
                        Flavour flavour = Flavour::midpoint) {
  for (std::size_t i = 1; i < grid.size(); ++i)
    x = dpm_solver_3_step(eps, schedule, grid[i - 1], grid[i], x, r1, r2, flavour);
  return x;
}

inline Vec dpm_solver_pp_1(const Network& x0, const Levels& grid, Vec x) {
  for (std::size_t i = 1; i < grid.size(); ++i)
    x = dpm_solver_pp_1_step(x0, grid[i - 1], grid[i], x);
  return x;
}

inline Vec dpm_solver_pp_2(const Network& x0, const dpm::AnySchedule& schedule, const Levels& grid,
                           Vec x, double r1 = 0.5, Flavour flavour = Flavour::midpoint) {
  for (std::size_t i = 1; i < grid.size(); ++i)
    x = dpm_solver_pp_2_step(x0, schedule, grid[i - 1], grid[i], x, r1, flavour);
  return x;
}

inline Vec dpm_solver_pp_3(const Network& x0, const dpm::AnySchedule& schedule, const Levels& grid,
                           Vec x, double r1 = 1.0 / 3, double r2 = 2.0 / 3,
                           Flavour flavour = Flavour::midpoint) {
  for (std::size_t i = 1; i < grid.size(); ++i)
    x = dpm_solver_pp_3_step(x0, schedule, grid[i - 1], grid[i], x, r1, r2, flavour);
  return x;
}

/// The orders of DPM-Solver-fast's steps, which add up to `nfe` >= 1 model calls (arXiv 2206.00927,
/// section 3.3): as many steps of order 3 as leave a rest that the last one or two steps use up.
inline std::vector<int> dpm_solver_fast_orders(int nfe) {
  const auto K = static_cast<std::size_t>(nfe / 3 + 1);
  if (nfe % 3 == 0) {
    std::vector<int> orders(K - 2, 3);
    orders.push_back(2);
    orders.push_back(1);
    return orders;
  }
  std::vector<int> orders(K - 1, 3);
  orders.push_back(nfe % 3);
  return orders;
}

/// DPM-Solver-fast over a grid of outer levels: step i has order `orders[i]`, with r1 = 1/2 in
/// order 2 and r1 = 1/3, r2 = 2/3 in order 3. The network predicts noise or data as `space` says.
inline Vec dpm_solver_fast(const Network& network, const dpm::AnySchedule& schedule,
                           const Levels& grid, const std::vector<int>& orders, Vec x,
                           Space space = Space::noise, Flavour flavour = Flavour::midpoint) {
  if (orders.size() + 1 != grid.size()) throw std::logic_error("one order for each step");
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const Levels step = {grid[i], grid[i + 1]};
    const bool noise = space == Space::noise;
    if (orders[i] == 1) {
      x = noise ? dpm_solver_1(network, step, x) : dpm_solver_pp_1(network, step, x);
    } else if (orders[i] == 2) {
      x = noise ? dpm_solver_2(network, schedule, step, x, 0.5, flavour)
                : dpm_solver_pp_2(network, schedule, step, x, 0.5, flavour);
    } else {
      x = noise ? dpm_solver_3(network, schedule, step, x, 1.0 / 3, 2.0 / 3, flavour)
                : dpm_solver_pp_3(network, schedule, step, x, 1.0 / 3, 2.0 / 3, flavour);
    }
  }
  return x;
}

}  // namespace dpm_test::textbook
