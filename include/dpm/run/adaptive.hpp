// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Sampling with steps as long as the wanted accuracy allows.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/method/adaptive.hpp"
#include "dpm/model.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/sample.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/check_values.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/error_norm.hpp"

namespace dpm {

/// One step that was tried.
struct AdaptiveTrial {
  Level from;
  Level to;
  /// In tolerances: 1 is just small enough.
  double error = 0.0;
  bool accepted = false;

  /// Its length in lambda.
  [[nodiscard]] double step() const { return to.lambda() - from.lambda(); }
};

/// What an adaptive run did.
struct AdaptiveReport {
  std::vector<AdaptiveTrial> trials;  ///< all of them, in order
  std::size_t accepted = 0;
  std::size_t rejected = 0;
  int model_calls = 0;
  /// False if the cap on model calls forced a step with an error above the tolerance.
  bool within_tolerance = true;
  bool stopped = false;  ///< by `RunOptions::stop`; the sample is that of the last accepted step
};

namespace detail {

/// Chooses the steps of an adaptive run and writes their plans: all of a run but its states, which
/// belong to a stepper.
class AdaptiveSteps {
 public:
  /// Refuses options out of range and ends between which no run exists.
  AdaptiveSteps(const AdaptiveDpmSolver& method, AnySchedule schedule, Prediction prediction,
                Correction correction);

  [[nodiscard]] const AdaptiveDpmSolver& method() const { return method_; }
  /// The plan that runs now: of a trial, of its acceptance, or of the last step to sigma = 0.
  [[nodiscard]] Plan plan() const;
  /// Whether that is a trial, whose error `go_on` wants.
  [[nodiscard]] bool is_trial() const { return phase_ == Phase::trial; }
  /// Goes on to the next plan when this one has run; false when the run is over.
  ///
  /// @param error        of a trial, in tolerances
  /// @param model_calls  made since the run began
  bool go_on(double error, int model_calls);
  [[nodiscard]] const AdaptiveReport& report() const { return report_; }
  /// Throws `NonFinite`: the error of the trial is not.
  [[noreturn]] void refuse_error(double error) const;

  /// All of this as numbers, and back; `restore` refuses numbers that `numbers` cannot have
  /// written.
  [[nodiscard]] std::vector<double> numbers() const;
  void restore(const std::vector<double>& numbers);

 private:
  enum class Phase : std::uint8_t { trial, acceptance, last_step };

  /// Whether there is a way left to go from a level; false changes nothing.
  bool go_on_from(const Level& level, int model_calls);

  AdaptiveDpmSolver method_;
  AnySchedule schedule_;
  Prediction prediction_;
  Correction correction_;
  Level end_;
  Level from_;            // where the sample stands
  Level to_;              // where the trial leads
  double step_;           // its length in lambda
  double next_step_ = 0;  // that of the next, before it is fitted into what is left
  bool forced_ = false;   // accepted whatever its error
  bool start_known_ = false;
  Phase phase_ = Phase::trial;
  AdaptiveReport report_;
};

}  // namespace detail

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
  /// Arguments, refusals and options as `sample_adaptive`.
  AdaptiveRun(const AdaptiveDpmSolver& method, AnySchedule schedule, State x,
              Prediction prediction = Prediction::noise, RunOptions<State> options = {})
      : steps_(method, std::move(schedule), prediction,
               options.correction ? Correction::data : Correction::none),
        run_{first_plan(x, options), std::move(x), std::move(options)} {}

  /// Runs up to the next model call and hands it out; nothing once the run is over, or where a stop
  /// was requested. Throws as `Stepper::next` does; `InvalidArgument` too where the run would need
  /// more than `max_model_calls` calls or steps shorter than `smallest_step`, and `NonFinite` where
  /// the error of a trial is not finite.
  [[nodiscard]] std::optional<typename Stepper<State>::Call> next() {
    while (!over_) {
      if (auto call = run_.next()) return call;
      if (!run_.finished()) break;  // stopped
      double error = 0.0;
      if (steps_.is_trial()) {
        error = error_norm(run_.value(lower_register), run_.value(higher_register),
                           run_.value(previous_register), steps_.method().tolerance);
        if (!std::isfinite(error)) steps_.refuse_error(error);
      }
      over_ = !steps_.go_on(error, run_.model_calls());
      if (!over_) run_.replan(steps_.plan());
    }
    return std::nullopt;
  }

  /// The start, then what the last accepted step has made of it.
  [[nodiscard]] const State& sample() const { return run_.sample(); }
  /// Where the sample stands.
  [[nodiscard]] const Level& level() const { return run_.level(); }
  [[nodiscard]] bool finished() const { return over_; }
  [[nodiscard]] bool stopped() const { return run_.stopped(); }
  /// Lets a stopped run go on, until `stop` is requested to stop.
  void resume(const StopRequest& stop = {}) { run_.resume(stop); }
  [[nodiscard]] int model_calls() const { return run_.model_calls(); }
  /// What it has done so far.
  [[nodiscard]] AdaptiveReport report() const {
    AdaptiveReport report = steps_.report();
    report.model_calls = run_.model_calls();
    report.stopped = run_.stopped();
    return report;
  }

  /// The stepper that runs its plans, and the steps that it has chosen, to be saved (see `save`).
  [[nodiscard]] const Stepper<State>& stepper() const { return run_; }
  [[nodiscard]] std::vector<double> numbers() const { return steps_.numbers(); }
  /// Puts the run where `numbers` was written; `load(plan)` is the stepper for the plan that ran
  /// then.
  template <class Load>
  void restore(const std::vector<double>& numbers, const Load& load) {
    detail::AdaptiveSteps steps = steps_;
    steps.restore(numbers);
    run_ = load(std::make_shared<const Plan>(steps.plan()));
    steps_ = std::move(steps);
  }

 private:
  /// The first plan, once the start has been looked at.
  Plan first_plan(const State& x, const RunOptions<State>& options) const {
    detail::check_start("sample_adaptive", x, options.check_finite);
    if constexpr (DenseState<State>) {
      (void)split_samples("sample_adaptive", dense_view(x),
                          steps_.method().tolerance.elements_per_sample);
    }
    return steps_.plan();
  }

  detail::AdaptiveSteps steps_;
  Stepper<State> run_;
  bool over_ = false;
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
///                 accepted step, with `steps = 0` since their number is not known; the preview is
///                 shown the calls of rejected trials too; a noise source is not used.
///
/// It always ends: a run that would need more than `max_model_calls` calls or steps shorter than
/// `smallest_step` is refused. Throws `InvalidArgument` then and for options out of range,
/// `NonFinite` for a start, a model output, a correction or a result that is not finite, and
/// whatever the model throws; `x` is untouched in each case.
template <class Model, class X>
AdaptiveReport sample_adaptive(const AdaptiveDpmSolver& method, const AnySchedule& schedule,
                               Model&& model, X&& x, Prediction prediction = Prediction::noise,
                               const RunOptions<OwnedState<X>>& options = {}) {
  using State = OwnedState<X>;
  detail::check_sample_argument<X>();
  detail::require_callable("sample_adaptive", "model", model);
  AdaptiveRun<State> run(method, schedule, detail::own(x), prediction, options);
  while (auto call = run.next()) {
    call_model<State>(model, call->input, call->level, call->output);
  }
  detail::give_back(run.sample(), x);
  return run.report();
}

}  // namespace dpm

#if DPM_DEFINE

namespace dpm::detail {

/// The level at an end of the run: at the option's time, or at `otherwise` where it is left out.
/// Refuses, by the option's name, a time that the schedule does not have.
inline Level end_level(const char* option, const std::optional<double>& time, double otherwise,
                       const AnySchedule& schedule) {
  if (!time) return schedule.level(otherwise);
  require(*time >= 0.0 && *time <= schedule.last_time(), "AdaptiveDpmSolver: ", option, " = ",
          *time, "; it must be in [0, ", schedule.last_time(), "], the times of the schedule");
  return schedule.level(*time);
}

/// Whether the trial after which `calls` will have been made must be the last one. Refuses a trial
/// beyond the cap.
inline bool is_last_chance(const AdaptiveDpmSolver& method, int calls, const Level& from) {
  const int at_the_end = method.denoise_to_zero ? 1 : 0;
  if (method.at_cap == AdaptiveDpmSolver::AtCap::finish) {
    return calls + method.order + at_the_end > method.max_model_calls;
  }
  require(calls + at_the_end <= method.max_model_calls,
          "sample_adaptive: max_model_calls = ", method.max_model_calls, " are used up at time ",
          from.time,
          "; allow more, loosen the tolerance, or let the run finish with AtCap::finish");
  return false;
}

DPM_INLINE AdaptiveSteps::AdaptiveSteps(const AdaptiveDpmSolver& method, AnySchedule schedule,
                                        Prediction prediction, Correction correction)
    : method_(method),
      schedule_(std::move(schedule)),
      prediction_(prediction),
      correction_(correction),
      step_(method.first_step),
      next_step_(method.first_step) {
  check_options(method_);
  end_ = end_level("end", method_.end, schedule_.first_time(), schedule_);
  from_ = end_level("start", method_.start, schedule_.last_time(), schedule_);
  check_ends(method_, from_, end_);
  (void)go_on_from(from_, 0);
}

DPM_INLINE Plan AdaptiveSteps::plan() const {
  if (phase_ == Phase::acceptance) return make_acceptance(method_, from_, to_, prediction_);
  if (phase_ == Phase::last_step) {
    return make_last_step(method_, schedule_, from_, prediction_, correction_);
  }
  return make_trial(method_, schedule_, from_, to_, report_.accepted == 0 && !start_known_,
                    start_known_, prediction_, correction_);
}

DPM_INLINE bool AdaptiveSteps::go_on_from(const Level& level, int model_calls) {
  const double left = end_.lambda() - level.lambda();
  if (!(level.time - end_.time > method_.time_tolerance && left >= method_.smallest_step)) {
    if (!method_.denoise_to_zero) return false;
    from_ = level;
    phase_ = Phase::last_step;
    return true;
  }
  from_ = level;
  const int cost = method_.order - (start_known_ ? 1 : 0);
  forced_ = is_last_chance(method_, model_calls + cost, from_);
  // What a step leaves is either nothing or long enough for another.
  const bool to_the_end = forced_ || next_step_ > left - method_.smallest_step;
  step_ = to_the_end ? left : next_step_;
  to_ = to_the_end ? end_ : schedule_.level_at_lambda(from_.lambda() + step_);
  phase_ = Phase::trial;
  return true;
}

DPM_INLINE bool AdaptiveSteps::go_on(double error, int model_calls) {
  if (phase_ == Phase::last_step) return false;
  if (phase_ == Phase::acceptance) {
    start_known_ = false;
    return go_on_from(to_, model_calls);
  }
  const bool accepted = forced_ || error <= 1.0;
  report_.trials.push_back({from_, to_, error, accepted});
  const double next = next_step(method_, step_, error);
  if (accepted) {
    ++report_.accepted;
    if (error > 1.0) report_.within_tolerance = false;
    next_step_ = std::max(next, method_.smallest_step);
    phase_ = Phase::acceptance;
    return true;
  }
  ++report_.rejected;
  start_known_ = true;
  const double left = end_.lambda() - from_.lambda();
  next_step_ = std::min(next, left - method_.smallest_step);
  require(next_step_ >= method_.smallest_step, "sample_adaptive: at time ", from_.time,
          " a step of ", step_, " in lambda has an error of ", error,
          " tolerances, and steps may not be shorter than smallest_step = ", method_.smallest_step,
          "; loosen the tolerance");
  return go_on_from(from_, model_calls);
}

DPM_INLINE std::vector<double> AdaptiveSteps::numbers() const {
  std::vector<double> all{
      static_cast<double>(phase_), from_.time, to_.time, step_, next_step_, forced_ ? 1.0 : 0.0,
      start_known_ ? 1.0 : 0.0};
  for (const AdaptiveTrial& trial : report_.trials) {
    for (const double number :
         {trial.from.time, trial.to.time, trial.error, trial.accepted ? 1.0 : 0.0}) {
      all.push_back(number);
    }
  }
  return all;
}

DPM_INLINE void AdaptiveSteps::restore(const std::vector<double>& numbers) {
  constexpr std::size_t own = 7;
  const auto is_flag = [](double number) { return number == 0.0 || number == 1.0; };
  bool sound = numbers.size() >= own && (numbers.size() - own) % 4 == 0;
  for (const double number : numbers) sound = sound && std::isfinite(number);
  sound = sound && numbers[0] >= 0.0 && numbers[0] <= static_cast<double>(Phase::last_step) &&
          numbers[0] == std::floor(numbers[0]) && is_flag(numbers[5]) && is_flag(numbers[6]);
  require(sound, "load: the ", numbers.size(),
          " numbers of the saved run are not those of an adaptive one");
  phase_ = static_cast<Phase>(static_cast<int>(numbers[0]));
  from_ = schedule_.level(numbers[1]);
  to_ = schedule_.level(numbers[2]);
  step_ = numbers[3];
  next_step_ = numbers[4];
  forced_ = numbers[5] == 1.0;
  start_known_ = numbers[6] == 1.0;
  report_ = {};
  for (std::size_t i = own; i < numbers.size(); i += 4) {
    const bool accepted = numbers[i + 3] == 1.0;
    report_.trials.push_back(
        {schedule_.level(numbers[i]), schedule_.level(numbers[i + 1]), numbers[i + 2], accepted});
    ++(accepted ? report_.accepted : report_.rejected);
    if (accepted && numbers[i + 2] > 1.0) report_.within_tolerance = false;
  }
}

DPM_INLINE void AdaptiveSteps::refuse_error(double error) const {
  fail<NonFinite>(sentence("sample_adaptive: trial ", report_.trials.size() + 1,
                           ": the estimate of its error (time ", to_.time, ") is ", error,
                           " tolerances of at least ", method_.tolerance.absolute,
                           "; it must be finite"));
}

}  // namespace dpm::detail

#endif
