// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Multistep DPM-Solver and DPM-Solver++ of orders 1 to 3, and UniP-3.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "support/textbook_base.hpp"
#include "support/textbook_singlestep.hpp"

namespace dpm_test::textbook {

/// How much of h^2 m'' third-order multistep takes for D2: all of it, or the half that the common
/// implementations take, which makes the method second order.
enum class SecondDifference { full, halved };

/// A prediction and where it was made.
struct Prediction {
  dpm::Level at;
  Vec value;
};

struct Multistep {
  int order = 2;
  Space space = Space::data;
  /// The weight of the first difference in the steps of order 2.
  Flavour flavour = Flavour::midpoint;
  SecondDifference second_difference = SecondDifference::full;
  /// The last steps have order min(order, steps left).
  bool lower_order_final = false;
  /// Instead of orders 1 and 2, the first step is a singlestep step of order 2 with r1 = 1/2 and
  /// the second a multistep step of order 2 with the taylor weight. Without effect in order 1, and
  /// where `lower_order_final` makes the first step one of order 1.
  bool singlestep_start = false;
  /// The flavour of that singlestep step.
  Flavour start_flavour = Flavour::midpoint;
};

/// One multistep step in noise space from the level of the latest prediction (`history.back()`) to
/// t: the official DPM-Solver code's multistep updates, which carry Algorithm 2 of arXiv 2211.01095
/// over to noise predictions. D2 there is the halved one.
inline Vec multistep_noise_step(const std::vector<Prediction>& history, const dpm::Level& t,
                                const Vec& x, int order, Flavour flavour,
                                SecondDifference second_difference) {
  const auto& [s0, m0] = history.back();
  const double h = t.lambda() - s0.lambda();
  const Vec first = t.alpha() / s0.alpha() * x - t.sigma() * std::expm1(h) * m0;
  if (order == 1) return first;

  const auto& [s1, m1] = history[history.size() - 2];
  const double r0 = (s0.lambda() - s1.lambda()) / h;
  const Vec D1_0 = (m0 - m1) / r0;
  if (order == 2) {
    if (flavour == Flavour::midpoint) return first - 0.5 * t.sigma() * std::expm1(h) * D1_0;
    return first - t.sigma() * (std::expm1(h) / h - 1) * D1_0;
  }

  const auto& [s2, m2] = history[history.size() - 3];
  const double r1 = (s1.lambda() - s2.lambda()) / h;
  const Vec D1_1 = (m1 - m2) / r1;
  const Vec D1 = D1_0 + r0 / (r0 + r1) * (D1_0 - D1_1);
  const double times = second_difference == SecondDifference::full ? 2.0 : 1.0;
  const Vec D2 = times / (r0 + r1) * (D1_0 - D1_1);
  return first - t.sigma() * (std::expm1(h) / h - 1) * D1 -
         t.sigma() * ((std::expm1(h) / h - 1) / h - 0.5) * D2;
}

/// One multistep step in data space: DPM-Solver++(2M), arXiv 2211.01095 Algorithm 2, in order 2
/// midpoint; the official code's updates otherwise. t may have sigma = 0 in order 1.
inline Vec multistep_data_step(const std::vector<Prediction>& history, const dpm::Level& t,
                               const Vec& x, int order, Flavour flavour,
                               SecondDifference second_difference) {
  const auto& [s0, m0] = history.back();
  const double h = t.lambda() - s0.lambda();
  const Vec first = t.sigma() / s0.sigma() * x - t.alpha() * std::expm1(-h) * m0;
  if (order == 1) return first;

  const auto& [s1, m1] = history[history.size() - 2];
  const double r0 = (s0.lambda() - s1.lambda()) / h;
  if (order == 2 && flavour == Flavour::midpoint) {
    const Vec D = (1 + 1 / (2 * r0)) * m0 - 1 / (2 * r0) * m1;
    return t.sigma() / s0.sigma() * x - t.alpha() * std::expm1(-h) * D;
  }
  const Vec D1_0 = (m0 - m1) / r0;
  if (order == 2) return first + t.alpha() * (std::expm1(-h) / h + 1) * D1_0;

  const auto& [s2, m2] = history[history.size() - 3];
  const double r1 = (s1.lambda() - s2.lambda()) / h;
  const Vec D1_1 = (m1 - m2) / r1;
  const Vec D1 = D1_0 + r0 / (r0 + r1) * (D1_0 - D1_1);
  const double times = second_difference == SecondDifference::full ? 2.0 : 1.0;
  const Vec D2 = times / (r0 + r1) * (D1_0 - D1_1);
  return first + t.alpha() * (std::expm1(-h) / h + 1) * D1 -
         t.alpha() * ((std::expm1(-h) / h + 1) / h - 0.5) * D2;
}

/// Multistep DPM-Solver (noise) or DPM-Solver++ (data), whose network predicts what `options.space`
/// says. `start` holds the states at the first levels of the grid: x_T alone, or more to begin with
/// a history. The order rises 1, 2, 3 as far as the history allows.
inline Vec multistep_from(const std::vector<Vec>& start, const Network& network,
                          const dpm::AnySchedule& schedule, const Levels& grid,
                          const Multistep& options) {
  const bool noise = options.space == Space::noise;
  const std::size_t steps = grid.size() - 1;
  std::vector<Prediction> history;
  for (std::size_t i = 0; i + 1 < start.size(); ++i)
    history.push_back({grid[i], network(start[i], grid[i])});

  Vec x = start.back();
  for (std::size_t i = start.size() - 1; i < steps; ++i) {
    history.push_back({grid[i], network(x, grid[i])});
    int order = options.order;
    if (options.lower_order_final) order = std::min(order, static_cast<int>(steps - i));
    if (i == 0 && options.singlestep_start && order > 1) {
      x = noise ? dpm_solver_2_step(network, schedule, grid[0], grid[1], x, 0.5,
                                    options.start_flavour)
                : dpm_solver_pp_2_step(network, schedule, grid[0], grid[1], x, 0.5,
                                       options.start_flavour);
      continue;
    }
    order = std::min(order, static_cast<int>(history.size()));
    const Flavour flavour = i == 1 && options.singlestep_start ? Flavour::taylor : options.flavour;
    x = noise ? multistep_noise_step(history, grid[i + 1], x, order, flavour,
                                     options.second_difference)
              : multistep_data_step(history, grid[i + 1], x, order, flavour,
                                    options.second_difference);
  }
  return x;
}

/// The same from x_T alone.
inline Vec multistep(const Network& network, const dpm::AnySchedule& schedule, const Levels& grid,
                     const Vec& x_T, const Multistep& options) {
  return multistep_from({x_T}, network, schedule, grid, options);
}

/// How UniP combines the differences: with coefficients a_m times B(h) = h (the 'bh1' of the
/// paper's code), or with coefficients that vary with the Taylor term ('vary_coeff').
enum class UniPForm { bh1, varying };

/// Solves [a b; c d] (u, v) = (p, q).
inline std::array<double, 2> solve_2_by_2(double a, double b, double c, double d, double p,
                                          double q) {
  const double determinant = a * d - b * c;
  return {(p * d - b * q) / determinant, (a * q - p * c) / determinant};
}

/// UniP-3: the predictor of UniPC-3 alone (Zhao et al. 2023, arXiv 2302.04867, Algorithm 2; the
/// varying form is UniPC_v of its appendix). `start` holds the states at the first three levels of
/// the grid. In data space h becomes -h and alpha, sigma change places (its appendix on data
/// prediction).
inline Vec unip_3_from(const std::vector<Vec>& start, const Network& network, const Levels& grid,
                       Space space, UniPForm form) {
  std::vector<Prediction> history;
  for (std::size_t i = 0; i < 2; ++i) history.push_back({grid[i], network(start.at(i), grid[i])});

  Vec x = start.at(2);
  for (std::size_t i = 2; i + 1 < grid.size(); ++i) {
    history.push_back({grid[i], network(x, grid[i])});
    const auto& [s, m0] = history[i];
    const dpm::Level& t = grid[i + 1];
    const double h = t.lambda() - s.lambda();
    const double r1 = (grid[i - 1].lambda() - s.lambda()) / h;
    const double r2 = (grid[i - 2].lambda() - s.lambda()) / h;
    const Vec D1_over_r1 = (history[i - 1].value - m0) / r1;
    const Vec D2_over_r2 = (history[i - 2].value - m0) / r2;

    const double hh = space == Space::noise ? h : -h;
    const double h_phi_1 = std::expm1(hh);
    const double h_phi_2 = h_phi_1 / hh - 1;
    const double h_phi_3 = h_phi_2 / hh - 0.5;
    Vec sum;
    if (form == UniPForm::bh1) {
      const double B = hh;
      // Rows of R: r_m^0 and r_m^1. Right side: n! h phi_{n+1}(h) / B(h).
      const auto [a1, a2] = solve_2_by_2(1, 1, r1, r2, h_phi_2 / B, 2 * h_phi_3 / B);
      sum = B * (a1 * D1_over_r1 + a2 * D2_over_r2);
    } else {
      // A = C^-1 with C_{mn} = r_m^(n-1) / n!; row n of A times the differences is h^n m^(n).
      const auto [A11, A21] = solve_2_by_2(1, r1 / 2, 1, r2 / 2, 1, 0);
      const auto [A12, A22] = solve_2_by_2(1, r1 / 2, 1, r2 / 2, 0, 1);
      sum = h_phi_2 * (A11 * D1_over_r1 + A12 * D2_over_r2) +
            h_phi_3 * (A21 * D1_over_r1 + A22 * D2_over_r2);
    }
    x = space == Space::noise
            ? t.alpha() / s.alpha() * x - t.sigma() * h_phi_1 * m0 - t.sigma() * sum
            : t.sigma() / s.sigma() * x - t.alpha() * h_phi_1 * m0 - t.alpha() * sum;
  }
  return x;
}

}  // namespace dpm_test::textbook
