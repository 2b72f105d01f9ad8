// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Solvers of the diffusion SDE: SDE-DPM-Solver, SDE-DPM-Solver++ and SA-Solver.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <vector>

#include "support/textbook_base.hpp"
#include "support/textbook_multistep.hpp"
#include "support/textbook_quadrature.hpp"

namespace dpm_test::textbook {

struct SdeOptions {
  int order = 2;
  Space space = Space::data;
  Flavour flavour = Flavour::midpoint;
  /// 1: the reverse diffusion of arXiv 2211.01095; in general tau^2 times its noise (Xue et al.
  /// 2023, arXiv 2309.05019, Eq. 6), which puts q = 1 + tau^2 where the former has 2.
  double tau = 1;
};

/// SDE-DPM-Solver-1, SDE-DPM-Solver++-1 and the multistep methods of order 2 (Lu et al. 2022, arXiv
/// 2211.01095, Sec. 5 and App. B), and of order 3 with the same integrals of one Taylor term more.
/// The order rises to `order`. `draws` holds one standard normal vector for each step.
inline Vec sde_multistep(const Network& network, const Levels& grid, Vec x,
                         const std::vector<Vec>& draws, const SdeOptions& options) {
  const double q = 1 + options.tau * options.tau;
  std::vector<Prediction> history;
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const dpm::Level& s = grid[i];
    const dpm::Level& t = grid[i + 1];
    history.push_back({s, network(x, s)});
    const int order = std::min(options.order, static_cast<int>(i) + 1);
    const double h = t.lambda() - s.lambda();
    // h m' and h^2 m'' of the polynomial through the latest predictions.
    Vec first(x.size(), 0.0);
    Vec second(x.size(), 0.0);
    if (order >= 2) {
      const double r0 = (s.lambda() - history[i - 1].at.lambda()) / h;
      first = (history[i].value - history[i - 1].value) / r0;
      if (order == 3) {
        const double r1 = (history[i - 1].at.lambda() - history[i - 2].at.lambda()) / h;
        const Vec before = (history[i - 1].value - history[i - 2].value) / r1;
        second = 2 / (r0 + r1) * (first - before);
        first = first + r0 / (r0 + r1) * (first - before);
      }
    }
    const bool half = order == 2 && options.flavour == Flavour::midpoint;
    if (options.space == Space::data) {
      const double u = q * h;
      const double zeroth = 1 - std::exp(-u);
      x = t.sigma() / s.sigma() * std::exp(h - u) * x + t.alpha() * zeroth * history[i].value +
          t.alpha() * (half ? zeroth / 2 : 1 - zeroth / u) * first +
          t.alpha() * ((zeroth - u) / (u * u) + 0.5) * second +
          t.sigma() * std::sqrt(1 - std::exp(2 * (h - u))) * draws.at(i);
    } else {
      const double zeroth = std::exp(h) - 1;
      x = t.alpha() / s.alpha() * x - q * t.sigma() * zeroth * history[i].value -
          q * t.sigma() * (half ? zeroth / 2 : zeroth / h - 1) * first -
          q * t.sigma() * ((zeroth - h) / (h * h) - 0.5) * second +
          options.tau * t.sigma() * std::sqrt(std::exp(2 * h) - 1) * draws.at(i);
    }
  }
  return x;
}

struct SaSolverOptions {
  std::size_t predictor = 3;
  /// How many predictions the corrector's polynomial goes through; 0: no corrector.
  std::size_t corrector = 3;
  Space space = Space::data;
  std::function<double(const dpm::Level&)> tau = [](const dpm::Level&) { return 1.0; };
  /// PECE: the network is called again at the corrected sample.
  bool evaluates_again = false;
  /// Two-step weights of the paper's App. D, for data predictions.
  bool simple = false;
};

/// The slope's part of a step with two predictions in App. D: alpha_t (1 + tau^2) h^2 / 2 in place
/// of its integral.
inline Vec simple_sa_step(const std::vector<Prediction>& known, const dpm::Level& s,
                          const dpm::Level& t, const Vec& x, double tau, const Vec& draw) {
  const double h = t.lambda() - s.lambda();
  const double q = 1 + tau * tau;
  const Prediction& of_s = known[0].at == s ? known[0] : known[1];
  const Vec slope =
      (known[1].value - known[0].value) / (known[1].at.lambda() - known[0].at.lambda());
  return t.sigma() / s.sigma() * std::exp(-tau * tau * h) * x -
         t.alpha() * std::expm1(-q * h) * of_s.value + t.alpha() * q * h * h / 2 * slope +
         t.sigma() * std::sqrt(-std::expm1(-2 * tau * tau * h)) * draw;
}

/// One Adams step from s to t through the predictions `known`, with the weights b of arXiv
/// 2309.05019, Sec. 5 (for noise predictions, of its appendix), integrated numerically; tau is
/// constant over the step.
inline Vec sa_step(const std::vector<Prediction>& known, const dpm::Level& s, const dpm::Level& t,
                   const Vec& x, double tau, const Vec& draw, Space space) {
  const bool noise = space == Space::noise;
  const double tau2 = tau * tau;
  const double h = t.lambda() - s.lambda();
  std::vector<double> nodes;
  for (const Prediction& p : known) nodes.push_back(p.at.lambda());
  Vec result = noise ? t.alpha() / s.alpha() * x : t.sigma() / s.sigma() * std::exp(-tau2 * h) * x;
  for (std::size_t j = 0; j < known.size(); ++j) {
    const double b = integral(s.lambda(), t.lambda(), [&](double lambda) {
      const double weight =
          noise ? -t.alpha() * std::exp(-lambda)
                : t.sigma() * std::exp(-tau2 * (t.lambda() - lambda)) * std::exp(lambda);
      return (1 + tau2) * weight * lagrange(nodes, j, lambda);
    });
    result = result + b * known[j].value;
  }
  if (tau == 0) return result;
  const double deviation =
      noise ? tau * t.alpha() * std::sqrt(std::exp(-2 * s.lambda()) - std::exp(-2 * t.lambda()))
            : t.sigma() * std::sqrt(1 - std::exp(-2 * tau2 * h));
  return result + deviation * draw;
}

/// SA-Solver (arXiv 2309.05019, Alg. 1), predictor and corrector with the same draw, the last step
/// predicted only. `draws` holds a standard normal vector for each step with tau > 0.
inline Vec sa_solver(const Network& network, const Levels& grid, const Vec& x_T,
                     const std::vector<Vec>& draws, const SaSolverOptions& options) {
  const auto latest = [](const std::vector<Prediction>& all, std::size_t most) {
    const std::size_t count = std::min(most, all.size());
    return std::vector<Prediction>(all.end() - static_cast<std::ptrdiff_t>(count), all.end());
  };
  const auto step = [&](const std::vector<Prediction>& from, const dpm::Level& s,
                        const dpm::Level& t, const Vec& x, double tau, const Vec& draw) {
    return options.simple && from.size() == 2 ? simple_sa_step(from, s, t, x, tau, draw)
                                              : sa_step(from, s, t, x, tau, draw, options.space);
  };
  std::size_t drawn = 0;
  Vec x = x_T;
  std::vector<Prediction> known{{grid[0], network(x, grid[0])}};
  for (std::size_t i = 0;; ++i) {
    const dpm::Level& s = grid[i];
    const dpm::Level& t = grid[i + 1];
    const double tau = options.tau(s);
    const Vec draw = tau > 0 ? draws.at(drawn++) : Vec{};
    const Vec predicted = step(latest(known, options.predictor), s, t, x, tau, draw);
    if (i + 2 == grid.size()) return predicted;
    known.push_back({t, network(predicted, t)});
    x = options.corrector == 0 ? predicted
                               : step(latest(known, options.corrector), s, t, x, tau, draw);
    if (options.evaluates_again) known.back().value = network(x, t);
  }
}

}  // namespace dpm_test::textbook
