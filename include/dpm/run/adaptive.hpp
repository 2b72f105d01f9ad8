// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Sampling with steps as long as the wanted accuracy allows.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/method/adaptive.hpp"
#include "dpm/model.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/adaptive_steps.hpp"
#include "dpm/run/sample.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/state/check_values.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/error_norm.hpp"

namespace dpm {

/// An adaptive run, for callers that own the loop: like `Stepper`, and a value like it.
///
///     dpm::AdaptiveRun run(dpm::AdaptiveDpmSolver{}, schedule, x);
///     while (auto call = run.next()) network(call->input, call->level.timestep, call->output);
///     use(run.sample());
///
/// It is a sequence of small plans that one stepper runs: a trial leaves the sample alone and its
/// two results in registers of their own, and an accepted one becomes the sample. Each trial writes
/// a short plan; buffers are allocated once. `State` needs `error_norm` besides `combine`.
template <class State>
class AdaptiveRun {
  static_assert(AdaptiveState<State> || PointerToNumbers<State>,
                "dpm: this type is not a state for adaptive steps. Besides what a state needs, a "
                "type of your own needs double error_norm(lower, higher, previous, const "
                "dpm::ErrorTolerance&) in its own namespace.");

 public:
  using Call = typename Stepper<State>::Call;

  /// Arguments, refusals and options as `sample_adaptive`.
  AdaptiveRun(const AdaptiveDpmSolver& method, AnySchedule schedule, State x,
              std::optional<Prediction> prediction = std::nullopt, RunOptions<State> options = {})
      : steps_(method, std::move(schedule), prediction,
               options.correction ? Correction::data : Correction::none),
        run_{first_plan(x, options), std::move(x), std::move(options)} {}

  /// Goes on with these steps in a stepper that runs their plan (see `load_adaptive`).
  AdaptiveRun(detail::AdaptiveSteps steps, Stepper<State> run)
      : steps_(std::move(steps)), run_(std::move(run)) {
    check_needs(sample(), run_.options());
  }

  /// A copy that goes on with callables of its own, as `Stepper::fork`.
  [[nodiscard]] AdaptiveRun fork(RunOptions<State> options) const {
    return {steps_, run_.fork(std::move(options))};
  }
  /// A new run from the start `x`, in the same buffers; refusals as `Stepper::reset`.
  void reset(const State& x) {
    (void)run_.plan();  // which refuses a run that was moved from
    detail::AdaptiveSteps steps = steps_;
    steps.restart();
    run_.replan(steps.plan(), x);
    run_.reset(sample());  // counts from 0
    steps_ = std::move(steps);
  }

  /// Runs up to the next model call and hands it out; nothing once the run is over, or where a stop
  /// was requested. Throws as `Stepper::next` does, and, without having moved, `InvalidArgument`
  /// where the run would need more than `max_model_calls` calls or steps shorter than
  /// `smallest_step`, and `NonFinite` where the error of a trial is not finite. Saved then, it can
  /// be loaded with a higher cap or looser tolerances (see `load_adaptive`).
  [[nodiscard]] std::optional<Call> next() {
    while (!finished()) {
      if (&run_.plan() != steps_.plan().get()) run_.replan(steps_.plan());
      if (auto call = run_.next()) return call;
      if (!run_.finished()) break;  // stopped
      const double error =
          steps_.is_trial() ? error_norm(run_.value(lower_register), run_.value(higher_register),
                                         run_.value(previous_register), steps_.method().tolerance)
                            : 0.0;
      steps_.go_on(error, run_.model_calls());
    }
    return std::nullopt;
  }
  /// The call that is open, as `Stepper::open_call`.
  [[nodiscard]] std::optional<Call> open_call() { return run_.open_call(); }

  /// The start, then what the last accepted step has made of it.
  [[nodiscard]] const State& sample() const { return run_.sample(); }
  /// Where the sample stands.
  [[nodiscard]] const Level& level() const { return run_.level(); }
  [[nodiscard]] bool finished() const { return steps_.is_over(); }
  [[nodiscard]] bool stopped() const { return run_.stopped(); }
  /// Lets a stopped run go on, until `stop` is requested to stop.
  void resume(const StopRequest& stop = {}) { run_.resume(stop); }
  [[nodiscard]] int model_calls() const { return run_.model_calls(); }
  /// What it has done so far.
  [[nodiscard]] AdaptiveReport report() const {
    return steps_.report(run_.model_calls(), run_.stopped());
  }

  /// The stepper that runs its plans, and the steps that it has chosen, to be saved (see `save`).
  [[nodiscard]] const Stepper<State>& stepper() const { return run_; }
  [[nodiscard]] std::vector<double> numbers() const { return steps_.numbers(); }

 private:
  /// The first plan, once the start has been looked at.
  std::shared_ptr<const Plan> first_plan(const State& x, const RunOptions<State>& options) const {
    detail::check_start("sample_adaptive", x, options.check_finite);
    check_needs(x, options);
    return steps_.plan();
  }
  void check_needs(const State& x, const RunOptions<State>& options) const {
    const double eta = steps_.method().fresh.eta;
    detail::require(eta == 0.0 || options.noise, "sample_adaptive: fresh.eta = ", eta,
                    " draws noise; give the run a noise source, such as NormalNoise{seed}");
    if constexpr (DenseState<State>) {
      (void)split_samples("sample_adaptive", dense_view(x),
                          steps_.method().tolerance.elements_per_sample);
    }
  }

  detail::AdaptiveSteps steps_;
  Stepper<State> run_;
};

/// Samples with adaptive steps: runs `method` on `schedule` with `model` from the noise in `x` and
/// leaves the samples in `x`.
///
///     dpm::sample_adaptive(dpm::AdaptiveDpmSolver{}, schedule, model, x);
///
/// @param method  tolerances, first and last time, the cap on model calls.
/// @param model  the network, in any of the forms that `ModelFor` lists; called once at a time.
/// @param x      the start, standard normal times sigma of the first level, of any shape; see
///               `sample`. A type of your own needs `error_norm` besides `combine`.
/// @param prediction  what the model's output means.
/// @param options  correction, observer, preview, stop, checks. The observer is told of each
///                 accepted step, with `steps = 0` while their number is not known; the preview is
///                 shown the calls of rejected trials too. A noise source is needed if `fresh` has
///                 eta > 0, for a draw in each accepted step.
///
/// It always ends: a run that would need more than `max_model_calls` calls or steps shorter than
/// `smallest_step` is refused. Throws `InvalidArgument` then and for options out of range,
/// `NonFinite` for a start, a model output, a correction or a result that is not finite, and
/// whatever the model throws; `x` is untouched in each case.
template <class Model, class X>
AdaptiveReport sample_adaptive(const AdaptiveDpmSolver& method, const AnySchedule& schedule,
                               Model&& model, X&& x,
                               std::optional<Prediction> prediction = std::nullopt,
                               const RunOptions<OwnedState<X>>& options = {}) {
  using State = OwnedState<X>;
  detail::check_sample_argument<X>();
  detail::require_callable("sample_adaptive", "model", model);
  AdaptiveRun<State> run(method, schedule, detail::own(x), prediction, options);
  while (auto call = run.next()) {
    answer<State>(model, *call);
  }
  detail::give_back(run.sample(), x);
  return run.report();
}

}  // namespace dpm
