// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The options of a run: noise, correction, observer, preview, stop and checks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "dpm/run/stop_request.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// What a noise source is told: which draw of the run, and the step it is for.
struct NoiseRequest {
  std::uint32_t draw = 0;
  Level from;
  Level to;
};

namespace detail {

/// Adds up the time that goes by for the model and for the run itself; a copy goes on from there.
class RunClock {
 public:
  enum Part : std::uint8_t { none, model, sampler };

  /// From now on time goes by for `part`. Turned to the same part twice, it drops the time between:
  /// a callback has thrown there.
  void turn_to(Part part) {
    if (part == none && part_ == none) return;
    const std::int64_t time = now();
    if (part != part_) totals_[part_] += time - since_;
    since_ = time;
    part_ = part;
  }
  [[nodiscard]] double seconds(Part part) const {
    return 1e-9 * static_cast<double>(totals_[part]);
  }

 private:
  static std::int64_t now();

  std::int64_t since_ = 0;  // in nanoseconds
  std::int64_t totals_[3] = {};
  Part part_ = none;
};

}  // namespace detail

/// What an observer is told after each step. The references are valid during its call only. How
/// many steps and calls an adaptive run has in all is known in its last step with `denoise_to_zero`
/// alone; before that both are 0.
template <class State>
struct Progress {
  std::size_t step = 0;       ///< steps done, 1 after the first
  std::size_t steps = 0;      ///< steps of the whole run, 0 if not known
  int model_calls = 0;        ///< model calls done
  int total_model_calls = 0;  ///< model calls of the whole run, 0 if not known
  const Level& level;         ///< where the sample stands now
  const State& sample;        ///< the sample
  /// The step's result less that of the order below, an estimate of its error; null where there is
  /// none (see "Error estimates on a fixed grid" in docs/guidance-control-editing.md).
  const State* error = nullptr;
  double model_seconds = 0.0;    ///< time between handing out model calls and getting them back
  double sampler_seconds = 0.0;  ///< time in the run itself, its noise and correction included
};

/// What a run needs besides its plan and its start. Copies of a run copy these callables too. A
/// noise source or a correction that throws must not have changed its argument: it is called again
/// with it. Noise of another shape, or that is not finite, is refused and asked for again. After a
/// correction that leaves such data a run needs `Stepper::reset` or a copy made before.
template <class State>
struct RunOptions {
  /// Fills its first argument with independent standard normal values, as `NormalNoise{seed}` does.
  /// Needed if the plan draws noise.
  std::function<void(State&, const NoiseRequest&)> noise = {};
  /// Changes a data prediction in place. Needed exactly if the plan has `Correction::data`.
  std::function<void(State&, const Level&)> correction = {};
  /// Called after each step.
  std::function<void(const Progress<State>&)> observer = {};
  /// Called after each model call with the data prediction that it made, and its level. Costs a
  /// buffer and a pass. Not called where a prediction says nothing about the data (alpha = 0).
  std::function<void(const State&, const Level&)> preview = {};
  /// For example a `std::stop_token`: its request ends the run before the next model call.
  StopRequest stop = {};
  /// Refuse a NaN or an infinity in the start, a model output or the result of a dense `State`.
  /// Costs next to nothing, as outputs are checked in the pass that reads them first. Of another
  /// type only the result is checked, if its namespace has `bool all_finite(const State&)`.
  bool check_finite = true;
  /// Check each model output before it is used, so that one that is not finite can be filled anew:
  /// for a server whose network may fail. Costs one more read.
  bool refillable = false;
};

}  // namespace dpm

#if DPM_DEFINE

#  include <chrono>

namespace dpm::detail {

DPM_INLINE std::int64_t RunClock::now() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

}  // namespace dpm::detail

#endif
