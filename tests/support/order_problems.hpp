// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The problems on which orders of convergence are measured.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dpm/analysis/convergence.hpp"
#include "dpm/dpm.hpp"
#include "support/every_method.hpp"

namespace dpm_test {

/// A range of times of the VP linear schedule; runs start at `start` and end at `end`.
struct OrderProblem {
  std::string name;
  double start = 1.0;
  double end = 1e-3;
  bool mixture = false;
};

/// Gaussian data is kind to some methods, and at lambda = -5 the data prediction hardly moves,
/// which hides a poor start; so a mixture is asked too, and a run that starts in the middle.
inline std::vector<OrderProblem> order_problems() {
  return {{"Gaussian from t = 1 to 0.001", 1.0, 1e-3, false},
          {"mixture from t = 1 to 0.001", 1.0, 1e-3, true},
          {"mixture from t = 0.6 to 0.01", 0.6, 0.01, true}};
}

inline dpm::Gaussian order_gaussian() { return {{1.0, -1.0, 0.5}, {0.3, 0.5, 1.2}}; }

inline dpm::GaussianMixture order_mixture() {
  using Component = dpm::GaussianMixture::Component;
  return dpm::GaussianMixture(
      std::vector<Component>{{1.0, dpm::Gaussian({1.0, 0.0}, {0.4, 0.5})},
                             {2.0, dpm::Gaussian({-1.0, 0.5}, {0.5, 0.4})},
                             {1.0, dpm::Gaussian({0.3, -1.2}, {0.6, 0.6})}});
}

inline std::vector<double> order_start(bool mixture) {
  if (mixture) return {0.3, -1.2, 1.5, 0.4, -0.9, -0.8, -0.2, 0.9};
  return {0.3, -1.2, 2.0, -0.7, 0.4, 1.1};
}

/// Where the mixture's ODE ends, by 32000 steps of a third-order method (error about 1e-13).
inline const std::vector<double>& mixture_reference(const OrderProblem& problem) {
  static std::map<std::string, std::vector<double>> known;
  const auto [it, is_new] = known.try_emplace(problem.name, order_start(true));
  if (is_new) {
    const dpm::DpmSolver fine{.order = 3, .form = dpm::DpmSolver::Form::singlestep};
    const dpm::UniformLambda spacing{.start = problem.start, .end = problem.end};
    dpm::sample(make_plan(fine, make_grid(spacing, dpm::VpLinear(), 32000)), order_mixture(),
                it->second);
  }
  return it->second;
}

/// Measures one method on one problem over four halvings: the order of its error, or for a
/// stochastic method, on the Gaussian, its weak order.
inline dpm::Convergence measure(const NamedMethod& method, const OrderProblem& problem) {
  const dpm::ConvergenceRange range{method.asymptotic_steps, 4};
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const auto plan_of = [&](int steps) {
    return method(method.grid(schedule, problem.start, problem.end, steps), dpm::Prediction::noise);
  };
  if (method.stochastic) return dpm::measure_weak_order(plan_of, order_gaussian(), range);
  const std::vector<double> x = order_start(problem.mixture);
  if (problem.mixture) {
    return dpm::measure_order(plan_of, order_mixture(), x, mixture_reference(problem), range);
  }
  const dpm::Level from = schedule.level(problem.start);
  const dpm::Level to = schedule.level(problem.end);
  return dpm::measure_order(plan_of, order_gaussian(), x, order_gaussian().solve_ode(x, from, to),
                            range);
}

/// One method's orders on every problem it can be asked about, and whether they keep law 2: on no
/// problem and at no halving more than 0.15 below the declared order, and on one within 0.3 of it.
struct OrderVerdict {
  std::vector<std::pair<OrderProblem, dpm::Convergence>> results;
  bool never_below = true;
  bool near_once = false;
};

inline OrderVerdict judge_order(const NamedMethod& method) {
  OrderVerdict verdict;
  for (const OrderProblem& problem : order_problems()) {
    if (method.stochastic && problem.mixture) continue;
    dpm::Convergence c = measure(method, problem);
    const auto below = [&](double order) { return !(order >= method.order - 0.15); };
    if (below(c.order) || c.slopes.size() < 4) verdict.never_below = false;
    for (const double slope : c.slopes) {
      if (below(slope)) verdict.never_below = false;
    }
    if (std::abs(c.order - method.order) <= 0.3) verdict.near_once = true;
    verdict.results.emplace_back(problem, std::move(c));
  }
  return verdict;
}

}  // namespace dpm_test
