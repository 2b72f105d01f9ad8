// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The steps of an adaptive run: those that were tried, and which comes next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "dpm/method/adaptive.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <algorithm>
#  include <array>
#  include <cmath>

#  include "dpm/error.hpp"
#  include "dpm/grid/sigma_scale.hpp"
#  include "dpm/method/flow_as_noise.hpp"
#  include "dpm/method/method.hpp"
#endif

namespace dpm {

/// One step that was tried.
struct AdaptiveTrial {
  Level from;
  Level to;
  /// In tolerances: 1 is just small enough, unless a `PidController` decides.
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
  void restart();

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
  [[nodiscard]] AdaptiveReport report(int model_calls, bool stopped) const;

  /// All of this as numbers, and back; `restore` refuses numbers that `numbers` cannot have
  /// written, and those of a run whose `kept_options` are others.
  [[nodiscard]] std::vector<double> numbers() const;
  void restore(const std::vector<double>& numbers);

 private:
  enum class Phase : std::uint8_t { trial, acceptance, last_step, over };
  struct Place {
    Phase phase = Phase::trial;
    Level from;         // where the sample stands
    Level to;           // where the trial leads
    double step = 0.0;  // its length in lambda
    // What it was to be before it was fitted into what is left; after it, that of the next.
    double next_step = 0.0;
    bool forced = false;  // accepted whatever its error
    bool start_known = false;
  };

  /// Makes `next` the next trial, from `level`, or what comes when no way is left from there.
  void go_from(const Level& level, Place& next, int model_calls) const;
  [[nodiscard]] std::shared_ptr<const Plan> make_plan(const Place& place) const;
  void add(const AdaptiveTrial& trial);
  /// What the controller multiplies the length by after a trial with this error, the next after
  /// those of the report.
  [[nodiscard]] double pid_factor(double error) const;
  [[nodiscard]] bool is_small_enough(double error) const;
  /// The length of the trial after one with this error.
  [[nodiscard]] double step_after(double error) const;

  AdaptiveDpmSolver method_;
  AnySchedule schedule_;
  std::optional<AnySchedule> flow_;  // what `schedule_` reads as noise, in Space::flow
  Prediction prediction_ = Prediction::noise;
  Correction correction_;
  Level start_;
  Level end_;
  Place place_;
  std::shared_ptr<const Plan> plan_;
  AdaptiveReport report_;
};

}  // namespace detail

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
  const Level end = end_level("end", method_.end, schedule_.first_time(), schedule_);
  const Level start = end_level("start", method_.start, schedule_.last_time(), schedule_);
  start_ = start;
  end_ = end;
  if (method_.space == Space::flow) {
    require(is_flow(schedule_) && prediction.value_or(Prediction::flow) == Prediction::flow,
            "AdaptiveDpmSolver: Space::flow with ",
            is_flow(schedule_) ? "another prediction" : "a schedule that is no flow's",
            "; it needs a flow, alpha + sigma = 1, and Prediction::flow");
    flow_ = std::exchange(schedule_, FlowAsNoise(schedule_));
    start_ = schedule_.level(start.sigma());
    end_ = schedule_.level(end.sigma());
  }
  check_ends(method_, start, end, end_.lambda() - start_.lambda());
  if (flow_) {
    method_.space = Space::noise;
  } else {
    prediction_ = prediction_or_noise(prediction, schedule_);
  }
  method_.fresh.least = std::max(method_.fresh.least, std::exp(-end_.lambda()));
  restart();
}

DPM_INLINE void AdaptiveSteps::restart() {
  report_ = {};
  place_ = {};
  place_.next_step = method_.first_step;
  go_from(start_, place_, 0);
  plan_ = make_plan(place_);
}

DPM_INLINE AdaptiveReport AdaptiveSteps::report(int model_calls, bool stopped) const {
  AdaptiveReport report = report_;
  report.model_calls = model_calls;
  report.stopped = stopped;
  return report;
}

DPM_INLINE void AdaptiveSteps::add(const AdaptiveTrial& trial) {
  if (trial.accepted && !is_small_enough(trial.error)) report_.within_tolerance = false;
  report_.trials.push_back(trial);
  ++(trial.accepted ? report_.accepted : report_.rejected);
}

DPM_INLINE bool AdaptiveSteps::is_small_enough(double error) const {
  return method_.pid ? pid_factor(error) >= method_.pid->accept_safety : error <= 1.0;
}

DPM_INLINE double AdaptiveSteps::pid_factor(double error) const {
  const std::vector<AdaptiveTrial>& trials = report_.trials;
  std::array<double, 3> errors{};
  errors.fill(trials.empty() ? error : trials.front().error);
  errors[0] = error;
  std::size_t known = 1;
  for (std::size_t i = trials.size(); i > 0 && known < errors.size(); --i) {
    if (trials[i - 1].accepted) errors[known++] = trials[i - 1].error;
  }
  return length_factor(*method_.pid, method_.fresh.eta > 0.0 ? 1.5 : method_.order, errors);
}

DPM_INLINE double AdaptiveSteps::step_after(double error) const {
  return method_.pid ? place_.next_step * pid_factor(error)
                     : next_step(method_, place_.step, error);
}

DPM_INLINE std::shared_ptr<const Plan> AdaptiveSteps::make_plan(const Place& place) const {
  const bool to_zero = place.phase == Phase::over && method_.denoise_to_zero;
  Plan plan = place.phase == Phase::trial ? make_trial(method_, schedule_, place.from, place.to,
                                                       report_.accepted == 0 && !place.start_known,
                                                       place.start_known, prediction_, correction_)
              : place.phase == Phase::last_step || to_zero
                  ? make_last_step(method_, schedule_, place.from, prediction_, correction_)
                  : make_acceptance(method_, place.from, place.to, prediction_);
  if (flow_) plan = with_flow_levels(std::move(plan), *flow_, {});
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
  } else if (place_.forced || is_small_enough(error)) {
    next.next_step = std::max(step_after(error), method_.smallest_step);
    next.phase = Phase::acceptance;
  } else {
    const double most = end_.lambda() - place_.from.lambda() - method_.smallest_step;
    next.next_step = step_after(error);
    // A trial that leads to the end has the same error however long it wants to be.
    while (method_.pid && next.next_step > most && std::isfinite(next.next_step)) {
      next.next_step *= pid_factor(error);
    }
    next.next_step = std::min(next.next_step, most);
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
