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
  AdaptiveSteps(const AdaptiveDpmSolver& method, AnySchedule schedule,
                std::optional<Prediction> prediction, Correction correction);
  /// Back to the first.
  void restart() { *this = AdaptiveSteps(method_, schedule_, prediction_, correction_); }

  [[nodiscard]] const AdaptiveDpmSolver& method() const { return method_; }
  /// The plan that runs now: of a trial, of its acceptance, or of the last step to sigma = 0. When
  /// the run is over, the one that ran last.
  [[nodiscard]] const std::shared_ptr<const Plan>& plan() const { return plan_; }
  /// Whether that is a trial, whose error `go_on` wants.
  [[nodiscard]] bool is_trial() const { return place_.phase == Phase::trial; }
  [[nodiscard]] bool is_over() const { return place_.phase == Phase::over; }
  /// Goes on to the next plan when this one has run, if the run is not over then. Refuses what
  /// `AdaptiveRun::next` does; it has changed nothing then.
  ///
  /// @param error        of a trial, in tolerances
  /// @param model_calls  made since the run began
  void go_on(double error, int model_calls);
  [[nodiscard]] const AdaptiveReport& report() const { return report_; }

  /// All of this as numbers, and back; `restore` refuses numbers that `numbers` cannot have
  /// written, and those of a run whose `kept_options` are others.
  [[nodiscard]] std::vector<double> numbers() const;
  void restore(const std::vector<double>& numbers);

 private:
  enum class Phase : std::uint8_t { trial, acceptance, last_step, over };
  struct Place {
    Phase phase = Phase::trial;
    Level from;              // where the sample stands
    Level to;                // where the trial leads
    double step = 0.0;       // its length in lambda
    double next_step = 0.0;  // that of the next, before it is fitted into what is left
    bool forced = false;     // accepted whatever its error
    bool start_known = false;
  };

  /// Makes `next` the next trial, from `level`, or what comes when no way is left from there.
  void go_from(const Level& level, Place& next, int model_calls) const;
  [[nodiscard]] std::shared_ptr<const Plan> make_plan(const Place& place) const;
  void add(const AdaptiveTrial& trial) {
    report_.trials.push_back(trial);
    ++(trial.accepted ? report_.accepted : report_.rejected);
    if (trial.accepted && trial.error > 1.0) report_.within_tolerance = false;
  }

  AdaptiveDpmSolver method_;
  AnySchedule schedule_;
  Prediction prediction_ = Prediction::noise;
  Correction correction_;
  Level end_;
  Place place_;
  std::shared_ptr<const Plan> plan_;
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
    check_samples(sample());
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
    AdaptiveReport report = steps_.report();
    report.model_calls = run_.model_calls();
    report.stopped = run_.stopped();
    return report;
  }

  /// The stepper that runs its plans, and the steps that it has chosen, to be saved (see `save`).
  [[nodiscard]] const Stepper<State>& stepper() const { return run_; }
  [[nodiscard]] std::vector<double> numbers() const { return steps_.numbers(); }

 private:
  /// The first plan, once the start has been looked at.
  std::shared_ptr<const Plan> first_plan(const State& x, const RunOptions<State>& options) const {
    detail::check_start("sample_adaptive", x, options.check_finite);
    check_samples(x);
    return steps_.plan();
  }
  void check_samples(const State& x) const {
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
///                 shown the calls of rejected trials too; a noise source is not used.
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

/// What must not change in the middle of a run, by name.
inline std::vector<std::pair<const char*, double>> kept_options(const AdaptiveDpmSolver& method,
                                                                double end, Correction correction) {
  return {{"order", static_cast<double>(method.order)},
          {"update", static_cast<double>(method.update)},
          {"smallest_step", method.smallest_step},
          {"end", end},
          {"denoise_to_zero", method.denoise_to_zero ? 1.0 : 0.0},
          {"Correction", static_cast<double>(correction)}};
}

DPM_INLINE AdaptiveSteps::AdaptiveSteps(const AdaptiveDpmSolver& method, AnySchedule schedule,
                                        std::optional<Prediction> prediction, Correction correction)
    : method_(method), schedule_(std::move(schedule)), correction_(correction) {
  check_options(method_);
  end_ = end_level("end", method_.end, schedule_.first_time(), schedule_);
  const Level start = end_level("start", method_.start, schedule_.last_time(), schedule_);
  check_ends(method_, start, end_);
  prediction_ = prediction_or_noise(prediction, schedule_);
  place_.next_step = method_.first_step;
  go_from(start, place_, 0);
  plan_ = make_plan(place_);
}

DPM_INLINE std::shared_ptr<const Plan> AdaptiveSteps::make_plan(const Place& place) const {
  const bool to_zero = place.phase == Phase::over && method_.denoise_to_zero;
  Plan plan = place.phase == Phase::trial ? make_trial(method_, schedule_, place.from, place.to,
                                                       report_.accepted == 0 && !place.start_known,
                                                       place.start_known, prediction_, correction_)
              : place.phase == Phase::last_step || to_zero
                  ? make_last_step(method_, schedule_, place.from, prediction_, correction_)
                  : make_acceptance(method_, place.from, place.to, prediction_);
  return std::make_shared<const Plan>(std::move(plan));
}

DPM_INLINE void AdaptiveSteps::go_from(const Level& level, Place& next, int model_calls) const {
  const double left = end_.lambda() - level.lambda();
  const int at_the_end = method_.denoise_to_zero ? 1 : 0;
  if (!(level.time - end_.time > method_.time_tolerance && left >= method_.smallest_step)) {
    next.phase = at_the_end == 1 ? Phase::last_step : Phase::over;
    if (at_the_end == 1) next.from = level;
    return;
  }
  const int calls = model_calls + method_.order - (next.start_known ? 1 : 0) + at_the_end;
  require(calls <= method_.max_model_calls,
          "sample_adaptive: max_model_calls = ", method_.max_model_calls, " are used up at time ",
          level.time,
          "; allow more, loosen the tolerance, or let the run finish with AtCap::finish");
  next.forced = method_.at_cap == AdaptiveDpmSolver::AtCap::finish &&
                calls + method_.order > method_.max_model_calls;
  // What a step leaves is either nothing or long enough for another.
  const bool to_the_end = next.forced || next.next_step > left - method_.smallest_step;
  next.phase = Phase::trial;
  next.from = level;
  next.step = to_the_end ? left : next.next_step;
  next.to = to_the_end ? end_ : schedule_.level_at_lambda(level.lambda() + next.step);
}

DPM_INLINE void AdaptiveSteps::go_on(double error, int model_calls) {
  Place next = place_;
  if (place_.phase == Phase::last_step) {
    next.phase = Phase::over;
  } else if (place_.phase == Phase::acceptance) {
    next.start_known = false;
    go_from(place_.to, next, model_calls);
  } else if (!std::isfinite(error)) {
    fail<NonFinite>(sentence("sample_adaptive: trial ", report_.trials.size() + 1,
                             ": the estimate of its error (time ", place_.to.time, ") is ", error,
                             " tolerances of at least ", method_.tolerance.absolute,
                             "; it must be finite"));
  } else if (place_.forced || error <= 1.0) {
    next.next_step = std::max(next_step(method_, place_.step, error), method_.smallest_step);
    next.phase = Phase::acceptance;
  } else {
    const double most = end_.lambda() - place_.from.lambda() - method_.smallest_step;
    next.next_step = std::min(next_step(method_, place_.step, error), most);
    require(next.next_step >= method_.smallest_step, "sample_adaptive: at time ", place_.from.time,
            " a step of ", place_.step, " in lambda has an error of ", error,
            " tolerances, and steps may not be shorter than smallest_step = ",
            method_.smallest_step, "; loosen the tolerance");
    next.start_known = true;
    go_from(place_.from, next, model_calls);
  }
  if (next.phase != Phase::over) plan_ = make_plan(next);
  if (is_trial()) add({place_.from, place_.to, error, next.phase == Phase::acceptance});
  place_ = next;  // only now, as all else may refuse
}

DPM_INLINE std::vector<double> AdaptiveSteps::numbers() const {
  const auto [phase, from, to, step, next_step, forced, start_known] = place_;
  const int what = static_cast<int>(phase) + (forced ? 4 : 0) + (start_known ? 8 : 0);
  std::vector<double> all{static_cast<double>(what), from.time, to.time, step, next_step};
  for (const auto& kept : kept_options(method_, end_.time, correction_)) all.push_back(kept.second);
  for (const AdaptiveTrial& trial : report_.trials) {
    all.insert(all.end(), {trial.from.time, trial.to.time, trial.error, double(trial.accepted)});
  }
  return all;
}

DPM_INLINE void AdaptiveSteps::restore(const std::vector<double>& numbers) {
  const auto options = kept_options(method_, end_.time, correction_);
  const std::size_t own = 5 + options.size();
  bool sound = numbers.size() >= own && (numbers.size() - own) % 4 == 0;
  for (const double number : numbers) sound = sound && !std::isnan(number);
  sound = sound && numbers[0] >= 0.0 && numbers[0] < 16.0 && numbers[0] == std::floor(numbers[0]);
  require(sound, "load: the ", numbers.size(),
          " numbers of the saved run are not those of an adaptive one");
  for (std::size_t i = 0; i < options.size(); ++i) {
    const auto& [name, value] = options[i];
    require(value == numbers[5 + i], "load: ", name, " = ", value, ", and ", numbers[5 + i],
            " in the saved run; it must be the same");
  }
  const auto level = [&](std::size_t i) { return schedule_.level(numbers[i]); };
  const int what = static_cast<int>(numbers[0]);
  const auto phase = static_cast<Phase>(what % 4);
  place_ = {phase, level(1), level(2), numbers[3], numbers[4], what / 4 % 2 == 1, what / 8 == 1};
  report_ = {};
  for (std::size_t i = own; i < numbers.size(); i += 4) {
    add({level(i), level(i + 1), numbers[i + 2], numbers[i + 3] == 1.0});
  }
  plan_ = make_plan(place_);
}

}  // namespace dpm::detail

#endif
