// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The whole run in one call.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "dpm/method/default_method.hpp"
#include "dpm/method/method.hpp"
#include "dpm/model.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/state/check_values.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {

/// What a finished run cost.
struct RunReport {
  std::size_t steps = 0;  ///< finished steps: all of the plan's unless the run was stopped
  int model_calls = 0;
  bool stopped = false;  ///< by `RunOptions::stop`; x holds the last finished step
};

namespace detail {

/// Whether values can be written through an `X`.
template <class X>
constexpr bool is_writable() {
  using Plain = std::remove_reference_t<X>;
  if constexpr (DenseState<Plain>) {
    using Pointer = decltype(dense_view(std::declval<Plain&>()).data);
    return !std::is_const_v<std::remove_pointer_t<Pointer>>;
  } else {
    return !std::is_const_v<Plain>;
  }
}

/// What every function asks of an `x` that it reads the start from and leaves the samples in.
template <class X>
constexpr void check_sample_argument() {
  refuse_pointer<OwnedState<X>>();
  static_assert(
      is_writable<X>(),
      "dpm: x must not be const: the start is read from it and the samples are left in it.");
  // A temporary view (a map, a block, a span) leaves the samples where it points.
  static_assert(std::is_lvalue_reference_v<X> ||
                    (DenseState<X> && !std::same_as<std::remove_cv_t<X>, OwnedState<X>>),
                "dpm: x is a temporary, and the samples would be lost with it; name it first.");
}

/// A pointer that does not own the plan, for a run that ends before the plan does.
inline std::shared_ptr<const Plan> borrow(const Plan& plan) {
  return {std::shared_ptr<const Plan>(), &plan};
}

template <class State, class X>
void give_back(const State& sample, X& x) {
  if constexpr (RangeState<X>) {
    std::copy_n(std::begin(sample), std::size(sample), std::begin(x));
  } else {
    x = sample;
  }
}

/// Refuses the sample of a stopped run that is not finite. Steps have looked at dense states
/// already; the others are looked at in what a run returns.
template <class State>
void check_stopped(const char* who, const Stepper<State>& run) {
  if constexpr (!DenseState<State>) {
    if (run.options().check_finite) {
      require_finite(run.sample(), who, ": the run was stopped after step ", run.steps_done(),
                     ", and its sample");
    }
  }
}

/// The loop of every `sample`. The options are handed over, and by reference, because a move of so
/// many callables is code in each file that samples.
template <class Model, class X>
RunReport run_plan(const Plan& plan, Model& model, X& x, RunOptions<OwnedState<X>>& options) {
  using State = OwnedState<X>;
  require_callable("sample", "model", model);
  Stepper<State> stepper(borrow(plan), own(x), std::move(options));
  while (auto call = stepper.next()) {
    answer<State>(model, *call);
  }
  if (stepper.stopped()) check_stopped("sample", stepper);
  give_back(stepper.sample(), x);
  return {stepper.steps_done(), stepper.model_calls(), stepper.stopped()};
}

}  // namespace detail

/// Samples: runs `plan` with `model` from the noise in `x` and leaves the samples in `x`.
///
/// @param plan   from `make_plan`; it says what the model predicts.
/// @param model  the network; see `ModelFor` for the forms it may have. It is called
///               `plan.model_calls()` times.
/// @param x      the start, standard normal times sigma of the plan's first level, of any shape: an
///               Eigen array, matrix or map, a `std::vector`, a `std::span`, or a type of your own
///               with `combine`. Samples of a batch are the columns of an Eigen object.
/// @param options  noise source, correction, observer, checks.
///
/// Throws `InvalidArgument` and `NonFinite` as `Stepper` does, and whatever the model throws; `x`
/// is untouched in each case. A request to stop ends it early and without an exception; x then
/// holds the last finished step, and the report says so. Cost besides the model: a few passes over
/// the state for each step.
template <class Model, class X>
RunReport sample(const Plan& plan, Model&& model, X&& x, RunOptions<OwnedState<X>> options = {}) {
  detail::check_sample_argument<X>();
  return detail::run_plan(plan, model, x, options);
}

/// The same from the method: plans exactly `model_calls` model calls over the method's default
/// spacing of `schedule`, between its last and its first time, then samples.
///
///     dpm::sample(dpm::DpmSolver{}, schedule, 20, model, x);
///
/// @param prediction  what the model's output means; see `make_plan`.
template <class Method, class Model, class X>
RunReport sample(const Method& method, const AnySchedule& schedule, int model_calls, Model&& model,
                 X&& x, std::optional<Prediction> prediction = std::nullopt,
                 RunOptions<OwnedState<X>> options = {}) {
  detail::check_sample_argument<X>();
  const Correction correction = options.correction ? Correction::data : Correction::none;
  const Prediction said = detail::prediction_or_noise(prediction, schedule);
  return detail::run_plan(make_plan(method, schedule, model_calls, said, correction), model, x,
                          options);
}

/// The same with the method that is best on the whole, `default_method`.
///
///     dpm::sample(schedule, 20, model, x);
template <class Model, class X>
RunReport sample(const AnySchedule& schedule, int model_calls, Model&& model, X&& x,
                 std::optional<Prediction> prediction = std::nullopt,
                 RunOptions<OwnedState<X>> options = {}) {
  detail::check_sample_argument<X>();
  const Correction correction = options.correction ? Correction::data : Correction::none;
  return detail::run_plan(make_plan(schedule, model_calls, prediction, correction), model, x,
                          options);
}

}  // namespace dpm
