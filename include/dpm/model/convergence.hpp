// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A ruler for samplers: the order at which a method converges, on your own model too.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/method/dpm_solver.hpp"
#include "dpm/model/affine.hpp"
#include "dpm/model/gaussian.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/sample.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {

/// Errors over a range of step counts, each twice the one before, and the slope that they fall
/// with.
struct Convergence {
  std::vector<int> steps;
  /// Root mean square over all values of the state, or the error in the moments for weak order.
  std::vector<double> errors;
  /// log2 of the ratio of neighbouring errors: the order seen at each halving of the step.
  std::vector<double> slopes;
  /// The order measured: the least-squares slope of log error against log steps.
  double order = 0.0;
};

/// Which step counts a measurement runs through: `fewest_steps` * 2^k for k = 0 .. halvings.
struct ConvergenceRange {
  int fewest_steps = 12;
  int halvings = 4;
};

namespace detail {

/// Runs `error_of(steps)` over the range and fits the slope through the errors above `floor`.
template <class ErrorOf>
Convergence measure_slope(const ConvergenceRange& range, double floor, ErrorOf error_of) {
  require(range.fewest_steps >= 1 && range.halvings >= 1 && range.halvings <= 20,
          "measure_order: fewest_steps = ", range.fewest_steps, " and halvings = ", range.halvings,
          "; they must be at least 1 and between 1 and 20");
  Convergence result;
  for (int k = 0; k <= range.halvings; ++k) {
    const int steps = range.fewest_steps << k;
    const double error = error_of(steps);
    if (!(error > floor)) break;  // what follows is rounding
    if (!result.errors.empty()) result.slopes.push_back(std::log2(result.errors.back() / error));
    result.steps.push_back(steps);
    result.errors.push_back(error);
  }
  const std::size_t n = result.errors.size();
  require(n >= 2, "measure_order: the error at fewest_steps = ", range.fewest_steps,
          " or at twice as many is at the level of rounding, ", floor, "; start from fewer steps");
  // With equally spaced log2(steps), k = 0 .. n - 1, the slope is a weighted sum of the errors.
  double slope = 0.0;
  double norm = 0.0;
  for (std::size_t k = 0; k < n; ++k) {
    const double offset = static_cast<double>(k) - 0.5 * static_cast<double>(n - 1);
    slope += offset * std::log2(result.errors[k]);
    norm += offset * offset;
  }
  result.order = -slope / norm;
  return result;
}

template <DenseState State>
double root_mean_square(const State& a, const State* b = nullptr) {
  const auto x = dense_view(a);
  double sum = 0.0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double minus = b != nullptr ? static_cast<double>(dense_view(*b).data[k]) : 0.0;
    const double value = static_cast<double>(x.data[k]) - minus;
    sum += value * value;
  }
  return std::sqrt(sum / static_cast<double>(x.size()));
}

}  // namespace detail

/// Measures the order of convergence of any sampler on any model.
///
/// @param plan_of    makes the plan for a number of steps: `Plan(int steps)`.
/// @param model      your network, or an analytic model; see `ModelFor`.
/// @param x          the start of every run, shaped as your model wants it.
/// @param reference  the exact end, from the same start.
/// @param range      the step counts; choose them so that errors fall steadily.
///
/// Counts whose error is below 100 epsilon of the state's scalar, relative to the reference, are
/// left out: rounding has no order. Refuses a range with fewer than two counts above that. Only
/// deterministic plans; see `measure_weak_order` for the others.
template <class PlanOf, class Model, DenseState State>
requires std::invocable<PlanOf&, int>
[[nodiscard]] Convergence measure_order(PlanOf plan_of, Model&& model, const State& x,
                                        const State& reference, ConvergenceRange range = {}) {
  using Scalar = std::remove_cv_t<std::remove_pointer_t<decltype(dense_view(x).data)>>;
  const double floor = 100.0 * static_cast<double>(std::numeric_limits<Scalar>::epsilon()) *
                       detail::root_mean_square(reference);
  return detail::measure_slope(range, floor, [&](int steps) {
    State end = x;
    sample(plan_of(steps), model, end);
    return detail::root_mean_square(end, &reference);
  });
}

/// "Run the convergence test on my model" in one call: measures `method` over `spacing` of
/// `schedule` against a reference computed with third-order singlestep DPM-Solver over eight times
/// as many steps as the finest run, on the same ends. Arguments else as above; `prediction` says
/// what the model's output means.
///
///     auto result = dpm::measure_order(dpm::DpmSolver{.order = 2}, dpm::UniformLambda{}, schedule,
///                                      network, x);
///     // result.order is about 2 if the network is smooth enough for the steps taken
template <class Method, class Spacing, class Model, DenseState State>
requires(!std::invocable<const Method&, int>) [[nodiscard]] Convergence
    measure_order(const Method& method, const Spacing& spacing, const AnySchedule& schedule,
                  Model&& model, const State& x, Prediction prediction = Prediction::noise,
                  ConvergenceRange range = {}) {
  const DpmSolver fine{.order = 3, .form = DpmSolver::Form::singlestep};
  const int fine_steps = 8 * (range.fewest_steps << range.halvings);
  State reference = x;
  sample(make_plan(fine, make_grid(spacing, schedule, fine_steps), prediction), model, reference);
  return measure_order(
      [&](int steps) { return make_plan(method, make_grid(spacing, schedule, steps), prediction); },
      model, x, reference, range);
}

/// Measures the weak order of a stochastic (or any) sampler on Gaussian data: the errors are those
/// of the output's exact mean and standard deviation (`output_moments`), so no sampling error
/// enters.
template <class PlanOf>
requires std::invocable<PlanOf&, int>
[[nodiscard]] Convergence measure_weak_order(PlanOf plan_of, const Gaussian& gaussian,
                                             ConvergenceRange range = {}) {
  return detail::measure_slope(range, 1e-13, [&](int steps) {
    const Plan plan = plan_of(steps);
    const Level& end = plan.end();
    const Moments moments = output_moments(plan, gaussian);
    double sum = 0.0;
    for (std::size_t i = 0; i < gaussian.dimensions(); ++i) {
      const double mean_error = moments.mean[i] - end.alpha() * gaussian.mean()[i];
      const double stddev_error = moments.stddev[i] - gaussian.marginal_stddev(i, end);
      sum += mean_error * mean_error + stddev_error * stddev_error;
    }
    return std::sqrt(sum / static_cast<double>(gaussian.dimensions()));
  });
}

}  // namespace dpm
