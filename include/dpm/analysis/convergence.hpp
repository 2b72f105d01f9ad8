// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Measures the order at which a sampler converges, on your own model too.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

#include "dpm/analysis/affine_state.hpp"
#include "dpm/analysis/gaussian.hpp"
#include "dpm/error.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/method/dpm_solver.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/sample.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/finite.hpp"

namespace dpm {

/// Errors over a range of step counts, each twice the one before, and how fast they fall.
struct Convergence {
  std::vector<int> steps;
  /// Root mean square over all values of the state, or the error in the moments for weak order.
  std::vector<double> errors;
  /// log2 of the ratio of neighbouring errors: the order seen at each halving of the step.
  std::vector<double> slopes;
  /// The order measured: the least-squares slope of log error against log steps.
  double order = 0.0;
  /// Where the order lies, as far as the slopes tell: between the least and the greatest of them,
  /// and on either side as much more as the last slope differs from the one before. A wide interval
  /// says that the steps are not small enough for any order to show. One slope alone tells nothing,
  /// and the interval is infinite.
  double least_order = -std::numeric_limits<double>::infinity();
  double most_order = std::numeric_limits<double>::infinity();
};

/// Which step counts a measurement runs through: `fewest_steps` * 2^k for k = 0 .. halvings.
struct ConvergenceRange {
  int fewest_steps = 12;
  int halvings = 4;
};

namespace detail {

inline void check_range(const char* function, const ConvergenceRange& range) {
  require(
      range.fewest_steps >= 1 && range.halvings >= 1 && range.halvings <= 20 &&
          range.fewest_steps <= 10'000'000 >> range.halvings,
      function, ": fewest_steps = ", range.fewest_steps, " and halvings = ", range.halvings,
      "; they must be at least 1, halvings at most 20, and the finest run at most 10000000 steps");
}

/// Runs `error_of(steps)` over the range and fits the slope through the errors above `floor`.
template <class ErrorOf>
Convergence measure_slope(const char* function, const ConvergenceRange& range, double floor,
                          ErrorOf error_of) {
  check_range(function, range);
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
  require(n >= 2, function, ": the error at fewest_steps = ", range.fewest_steps,
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
  if (n >= 3) {
    const std::vector<double>& slopes = result.slopes;
    const double change = std::abs(slopes[n - 2] - slopes[n - 3]);
    result.least_order = *std::min_element(slopes.begin(), slopes.end()) - change;
    result.most_order = *std::max_element(slopes.begin(), slopes.end()) + change;
  }
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

/// 100 epsilon of the state's scalar, relative to the reference.
template <DenseState State>
double rounding_floor(const State& reference) {
  return 100.0 * static_cast<double>(std::numeric_limits<ScalarOf<State>>::epsilon()) *
         root_mean_square(reference);
}

template <class PlanOf, class Model, class State>
Convergence measure_order_above(double floor, PlanOf plan_of, Model& model, const State& x,
                                const State& reference, const ConvergenceRange& range) {
  static_assert(RunnableState<State>,
                "dpm: measure_order copies its start for each run, so x must own its values.");
  return measure_slope("measure_order", range, floor, [&](int steps) {
    const Plan plan = plan_of(steps);
    require(plan.draws() == 0, "measure_order: the plan of ", steps, " steps draws noise ",
            plan.draws(), " times; use measure_weak_order for stochastic methods");
    State end = x;
    sample(plan, model, end);
    return root_mean_square(end, &reference);
  });
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
/// left out as rounding. Refuses a range with fewer than two others, a reference of another shape
/// or not finite, and stochastic plans (see `measure_weak_order`).
template <class PlanOf, class Model, DenseState State>
requires std::invocable<PlanOf&, int>
[[nodiscard]] Convergence measure_order(PlanOf plan_of, Model&& model, const State& x,
                                        const State& reference, ConvergenceRange range = {}) {
  const auto is = dense_view(reference);
  const auto should_be = dense_view(x);
  detail::require(is.same_shape(should_be) && all_finite(reference),
                  "measure_order: the reference is ", is.elements, " x ", is.samples,
                  "; it must have the shape of x, ", should_be.elements, " x ", should_be.samples,
                  ", and be finite");
  return detail::measure_order_above(detail::rounding_floor(reference), plan_of, model, x,
                                     reference, range);
}

/// Measures the order of `method` over `spacing` of `schedule` against a reference: third-order
/// singlestep DPM-Solver over eight times as many steps as the finest run, on the same ends.
/// Arguments else as above; `prediction` says what the model's output means. Errors below twice the
/// change of the reference when its steps are halved are left out too: the rounding of a float
/// network grows along the run.
///
///     auto result = dpm::measure_order(dpm::DpmSolver{.order = 2}, dpm::UniformLambda{}, schedule,
///                                      network, x);
///     // result.order is about 2 if the network is smooth enough, and least_order to most_order
///     // is a short interval around it if the steps are small enough
///
/// Cost: 36 model calls for each step of the finest run, beside the measured runs: about 7300 with
/// the default range, 700 with {.fewest_steps = 4, .halvings = 2}.
template <class Method, class Spacing, class Model, DenseState State>
requires(!std::invocable<const Method&, int>) [[nodiscard]] Convergence
    measure_order(const Method& method, const Spacing& spacing, const AnySchedule& schedule,
                  Model&& model, const State& x,
                  std::optional<Prediction> prediction = std::nullopt,
                  ConvergenceRange range = {}) {
  detail::check_range("measure_order", range);
  const Prediction said = detail::prediction_or_noise(prediction, schedule);
  const auto plan_of = [&](int steps) {
    return make_plan(method, make_grid(spacing, schedule, steps), said);
  };
  const Plan first = plan_of(range.fewest_steps);
  detail::require(first.draws() == 0, "measure_order: the method draws noise ", first.draws(),
                  " times in ", range.fewest_steps,
                  " steps; use measure_weak_order for stochastic methods");
  const auto reference_of = [&](int steps) {
    const DpmSolver fine{.order = 3, .form = DpmSolver::Form::singlestep};
    State end = x;
    sample(make_plan(fine, make_grid(spacing, schedule, steps), said), model, end);
    return end;
  };
  const int finest = range.fewest_steps << range.halvings;
  const State reference = reference_of(8 * finest);
  const State coarser = reference_of(4 * finest);
  const double floor = std::max(detail::rounding_floor(reference),
                                2.0 * detail::root_mean_square(reference, &coarser));
  return detail::measure_order_above(floor, plan_of, model, x, reference, range);
}

/// Measures the weak order of a stochastic (or any) sampler on Gaussian data, from the exact mean
/// and standard deviation of its output (`output_moments`), without sampling error.
template <class PlanOf>
requires std::invocable<PlanOf&, int>
[[nodiscard]] Convergence measure_weak_order(PlanOf plan_of, const Gaussian& gaussian,
                                             ConvergenceRange range = {}) {
  return detail::measure_slope("measure_weak_order", range, 1e-13, [&](int steps) {
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
