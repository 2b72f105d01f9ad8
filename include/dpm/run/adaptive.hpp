// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Sampling with steps as long as the wanted accuracy allows.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/method/adaptive.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/adaptive_trials.hpp"
#include "dpm/run/sample.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/separate.hpp"
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
  bool stopped = false;  ///< by `RunOptions::stop`; x holds the last accepted step
};

namespace detail {

/// The level at an end of the run: at the option's time, or at `otherwise` where it is left out.
/// Refuses, by the option's name, a time that the schedule does not have.
Level end_level(const char* option, const std::optional<double>& time, double otherwise,
                const AnySchedule& schedule);

/// Whether the trial after which `model_calls` will have been made must be the last one. Refuses a
/// trial beyond the cap.
bool is_last_chance(const AdaptiveDpmSolver& method, int model_calls, const Level& from);

}  // namespace detail

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
/// whatever the model throws; `x` is untouched in each case. Buffers are allocated once; each trial
/// writes a short plan besides.
template <class Model, class X>
AdaptiveReport sample_adaptive(const AdaptiveDpmSolver& method, const AnySchedule& schedule,
                               Model&& model, X&& x, Prediction prediction = Prediction::noise,
                               const RunOptions<OwnedState<X>>& options = {}) {
  using State = OwnedState<X>;
  detail::check_sample_argument<X>();
  static_assert(AdaptiveState<State>,
                "dpm: this type is not a state for adaptive steps. Besides what a state needs, a "
                "type of your own needs double error_norm(lower, higher, previous, const "
                "dpm::ErrorTolerance&) in its own namespace.");
  detail::require_callable("sample_adaptive", "model", model);
  detail::check_options(method);
  const Level end = detail::end_level("end", method.end, schedule.first_time(), schedule);
  Level s = detail::end_level("start", method.start, schedule.last_time(), schedule);
  detail::check_ends(method, s, end);
  State start = detail::own(x);
  detail::check_start("sample_adaptive", start, options.check_finite);
  if constexpr (DenseState<State>) {
    (void)split_samples("sample_adaptive", dense_view(start), method.tolerance.elements_per_sample);
  }
  const Correction correction = options.correction ? Correction::data : Correction::none;
  detail::Trials<State, std::remove_reference_t<Model>> trials(std::move(start), method,
                                                               s.data_stddev > 0.0, model, options);
  AdaptiveReport report;
  double h = method.first_step;
  double left = end.lambda() - s.lambda();
  while (s.time - end.time > method.time_tolerance && left >= method.smallest_step) {
    const bool forced = detail::is_last_chance(method, trials.model_calls() + trials.cost(), s);
    // What a step leaves is either nothing or long enough for another.
    const bool to_the_end = forced || h > left - method.smallest_step;
    if (to_the_end) h = left;
    const Level t = to_the_end ? end : schedule.level_at_lambda(s.lambda() + h);
    const std::optional<double> tried =
        trials.run(detail::make_trial(method, schedule, s, t, prediction, correction));
    report.stopped = !tried;
    if (report.stopped) break;
    const double error = *tried;
    const bool accepted = forced || error <= 1.0;
    report.trials.push_back({s, t, error, accepted});
    const double next = detail::next_step(method, h, error);
    if (accepted) {
      ++report.accepted;
      if (error > 1.0) report.within_tolerance = false;
      trials.accept();
      s = t;
      trials.observe(report.accepted, s);
      left = end.lambda() - s.lambda();
      h = std::max(next, method.smallest_step);
    } else {
      ++report.rejected;
      const double failed = h;
      h = std::min(next, left - method.smallest_step);
      detail::require(h >= method.smallest_step, "sample_adaptive: at time ", s.time, " a step of ",
                      failed, " in lambda has an error of ", error,
                      " tolerances, and steps may not be shorter than smallest_step = ",
                      method.smallest_step, "; loosen the tolerance");
    }
  }
  if (method.denoise_to_zero && !report.stopped) {
    const Plan last = detail::make_last_step(method, schedule, s, prediction, correction);
    report.stopped = !trials.run_last(last);
    if (!report.stopped) trials.observe(report.accepted + 1, last.end());
  }
  report.model_calls = trials.model_calls();
  detail::give_back(trials.sample(), x);
  return report;
}

}  // namespace dpm

#if DPM_DEFINE

namespace dpm::detail {

DPM_INLINE Level end_level(const char* option, const std::optional<double>& time, double otherwise,
                           const AnySchedule& schedule) {
  if (!time) return schedule.level(otherwise);
  require(*time >= 0.0 && *time <= schedule.last_time(), "AdaptiveDpmSolver: ", option, " = ",
          *time, "; it must be in [0, ", schedule.last_time(), "], the times of the schedule");
  return schedule.level(*time);
}

DPM_INLINE bool is_last_chance(const AdaptiveDpmSolver& method, int model_calls,
                               const Level& from) {
  const int at_the_end = method.denoise_to_zero ? 1 : 0;
  if (method.at_cap == AdaptiveDpmSolver::AtCap::finish) {
    return model_calls + method.order + at_the_end > method.max_model_calls;
  }
  require(model_calls + at_the_end <= method.max_model_calls,
          "sample_adaptive: max_model_calls = ", method.max_model_calls, " are used up at time ",
          from.time,
          "; allow more, loosen the tolerance, or let the run finish with AtCap::finish");
  return false;
}

}  // namespace dpm::detail

#endif
