// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Error estimates held against the exact flow, for every method that has them.
#pragma once

#include <Eigen/Core>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/order_problems.hpp"
#include "support/test_network.hpp"

namespace dpm_test::estimates {

using dpm::DpmSolver;
using dpm::Prediction;
using dpm::Space;
using State = std::vector<double>;

inline const dpm::AnySchedule schedule = dpm::VpLinear();
inline constexpr auto singlestep = DpmSolver::Form::singlestep;
inline constexpr auto midpoint = DpmSolver::Update::midpoint;
inline constexpr auto taylor = DpmSolver::Update::taylor;
using PlanOf = std::function<dpm::Plan(const dpm::Grid&, Prediction)>;

/// One variant of a method that estimates, and the method of the order below.
struct Estimator {
  std::string name;
  int order = 0;
  PlanOf plan;
  PlanOf lower;
  int steps_of_lower = 1;  ///< as many as give it its history
  PlanOf predictor = {};   ///< alone, where a corrector moves the sample before it predicts
};

template <class Method>
PlanOf planned(const Method& method) {
  return [method](const dpm::Grid& grid, Prediction p) { return make_plan(method, grid, p); };
}

template <class Method, class Lower>
Estimator estimator(const std::string& name, int order, Method method, Lower lower,
                    int steps_of_lower = 1) {
  method.estimate_error = true;
  return {name, order, planned(method), planned(lower), steps_of_lower};
}

/// UniPC, its predictor alone, and the predictor of the order below.
inline Estimator unipc(dpm::UniPc method) {
  dpm::UniPc predictor = method;
  predictor.corrector = false;
  dpm::UniPc lower = predictor;
  --lower.order;
  Estimator result = estimator("UniPC", method.order, method, lower, lower.order);
  result.predictor = planned(predictor);
  return result;
}

/// DPM-Solver of order 2 or 3, and the order below with the same first stage.
inline Estimator dpm_solver(const DpmSolver& method) {
  DpmSolver lower = method;
  lower.order = method.order - 1;
  lower.r1 = method.inner_ratio();
  if (method.form == singlestep) return estimator("singlestep", method.order, method, lower);
  return estimator("multistep", method.order, method, lower, lower.order);
}

inline std::vector<Estimator> every_estimator() {
  using enum dpm::UniPc::Coefficients;
  using enum dpm::Deis::Variable;
  std::vector<Estimator> all{estimator("Heun", 2, dpm::Heun{}, dpm::Ddim{})};
  for (const Space space : {Space::noise, Space::data}) {
    for (const auto update : {midpoint, taylor}) {
      for (const int n : {2, 3}) {
        DpmSolver method{.order = n, .space = space, .update = update};
        all.push_back(dpm_solver(method));
        method.form = singlestep;
        all.push_back(dpm_solver(method));
      }
    }
    for (const auto form : {bh1, bh2, varying}) {
      for (const int n : {2, 3, 4}) {
        const dpm::UniPc predictor{n, form, space, false};
        const dpm::UniPc lower{n - 1, form, space, false};
        all.push_back(estimator("UniP", n, predictor, lower, n - 1));
        all.push_back(unipc({n, form, space}));
      }
    }
  }
  for (const auto variable : {time, sigma_over_alpha, lambda}) {
    for (const int n : {2, 3, 4}) {
      const dpm::Deis lower{n - 1, variable};
      all.push_back(estimator("DEIS", n, dpm::Deis{n, variable}, lower, n - 1));
    }
  }
  return all;
}

/// A run over equal steps in lambda, `steps` of them from one time to the other and two beyond. The
/// step looked at is the first one beyond, unless `at` names another.
struct Run {
  bool mixture = true;
  double from = 0.6;
  double to = 0.1;
  int at = -1;
  int steps = 64;
};

/// In closed form, or by 64 steps of classical Runge-Kutta, whose error of about 1e-8 h^5 is far
/// below what is measured.
inline State exact_flow(bool mixture, State x, const dpm::Level& s, const dpm::Level& t) {
  if (!mixture) return order_gaussian().solve_ode(x, s, t);
  const dpm::RungeKutta method{.order = 4, .variable = dpm::RungeKutta::Variable::lambda};
  const dpm::UniformLambda steps{.start = s.time, .end = t.time};
  dpm::sample(make_plan(method, make_grid(steps, schedule, 64)), order_mixture(), x);
  return x;
}

/// An estimate e, and l: the exact flow less the result of the order below, from the same sample
/// and history.
struct Verdict {
  double size = 0.0;        ///< |e|
  double share = 0.0;       ///< what e has of l: e l / l l
  double off = 0.0;         ///< |e - l| / |l|
  double difference = 0.0;  ///< of the sample less e from the result of the order below
};

inline Verdict judge(const Estimator& method, const Run& run) {
  const double start = schedule.level(run.from).lambda();
  const double h = (schedule.level(run.to).lambda() - start) / run.steps;
  std::vector<dpm::Level> levels;
  for (int i = 0; i < run.steps + 3; ++i) levels.push_back(schedule.level_at_lambda(start + h * i));
  const dpm::Grid grid(schedule, levels);
  // The model predicts what the method integrates, so that its predictions can be replayed.
  const Space space = method.plan(grid, Prediction::noise).space;
  const auto prediction = space == Space::noise ? Prediction::noise : Prediction::data;
  const dpm::Plan plan = method.plan(grid, prediction);
  const int number = run.at < 0 ? run.steps : run.at;
  const auto at = static_cast<std::size_t>(number);
  std::map<double, State> said;
  const auto model = [&](const State& x, const dpm::Level& level, State& out) {
    if (run.mixture) order_mixture()(x, level, out);
    if (!run.mixture) order_gaussian()(x, level, out);
    convert_noise_to(prediction, x, level, out);
    said[level.time] = out;
  };
  const auto noise = [](State& z, const dpm::NoiseRequest&) { z.assign(z.size(), 0.7); };
  State before = order_start(run.mixture);
  State x = before;
  State after = x;
  State e(x.size(), 0.0);
  const auto observer = [&](const dpm::Progress<State>& p) {
    if (p.step == at) before = p.sample;
    if (p.step == at + 1) after = p.sample;
    if (p.step == at + 1 && p.error != nullptr) e = *p.error;
  };
  dpm::sample(plan, model, x, {.noise = noise, .observer = observer});
  const auto vector = [](State& v) { return Eigen::Map<Eigen::VectorXd>(v.data(), std::ssize(v)); };
  // What another method's step to `to` adds to the linear part of its result, if it is given the
  // predictions that were made at its levels, which are as many as give it its history.
  const auto linear_to = [&](const dpm::Level& to) {
    return dpm::ExponentialStep(space, grid[at], to).linear();
  };
  const auto added = [&](const PlanOf& plan_of, int steps, const dpm::Level& to) {
    const auto next = levels.begin() + number + 1;
    std::vector<dpm::Level> last(next - steps, next);
    last.push_back(to);
    const auto replay = [&](const State&, const dpm::Level& level) { return said.at(level.time); };
    State moved = before;
    State result = before;
    const auto move = [&](const dpm::Progress<State>& p) {
      if (p.step + 1 == p.steps) moved = p.sample;
    };
    dpm::sample(plan_of(dpm::Grid(schedule, last), prediction), replay, result,
                {.noise = noise, .observer = move});
    vector(result) -= linear_to(to) * vector(moved);
    return result;
  };
  if (method.predictor) {
    // No observer sees what the corrector makes. A run that is the same so far, but whose next step
    // is twice as long, starts that step from it.
    const dpm::Level& to = levels[at + 2];
    std::vector<dpm::Level> others(levels.begin(), levels.begin() + number + 1);
    others.push_back(to);
    State other = order_start(run.mixture);
    dpm::sample(method.plan(dpm::Grid(schedule, others), prediction), model, other);
    State predicted = added(method.predictor, method.order, to);
    vector(before) = (vector(other) - vector(predicted)) / linear_to(to);
  }
  State lower = added(method.lower, method.steps_of_lower, grid[at + 1]);
  vector(lower) += linear_to(grid[at + 1]) * vector(before);
  const State exact = exact_flow(run.mixture, before, grid[at], grid[at + 1]);
  vector(after) -= vector(e);
  State l = exact;
  vector(l) -= vector(lower);
  return {vector(e).norm(), vector(e).dot(vector(l)) / vector(l).squaredNorm(),
          (vector(e) - vector(l)).norm() / vector(l).norm(), relative_difference(after, lower)};
}

inline std::array<Verdict, 3> judge_halvings(const Estimator& method, Run run) {
  std::array<Verdict, 3> verdicts;
  for (Verdict& verdict : verdicts) {
    verdict = judge(method, run);
    run.steps *= 2;
  }
  return verdicts;
}

}  // namespace dpm_test::estimates
