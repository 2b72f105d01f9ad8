// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a run needs besides its plan and its start, and what it tells.
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

/// Adds up the time between `start` and `stop`; a copy goes on from there.
class StopWatch {
 public:
  void start() {
    since_ = now();
    running_ = true;
  }
  void stop() {
    if (running_) total_ += now() - since_;
    running_ = false;
  }
  [[nodiscard]] double seconds() const { return 1e-9 * static_cast<double>(total_); }

 private:
  static std::int64_t now();

  std::int64_t since_ = 0;  // in nanoseconds
  std::int64_t total_ = 0;
  bool running_ = false;
};

}  // namespace detail

/// What an observer is told after each step. The references are valid during its call only.
template <class State>
struct Progress {
  std::size_t step = 0;       ///< steps done, 1 after the first
  std::size_t steps = 0;      ///< steps of the whole run
  int model_calls = 0;        ///< model calls done
  int total_model_calls = 0;  ///< model calls of the whole run
  const Level& level;         ///< where the sample stands now
  const State& sample;        ///< the sample
  /// The estimate of the step's error: its result less that of the order below. Null where the plan
  /// makes none, and for steps of first order. What it is worth, and where it says something else,
  /// is in docs/guidance-control-editing.md, "Error estimates on a
  /// fixed grid".
  const State* error = nullptr;
  double model_seconds = 0.0;    ///< time between handing out model calls and getting them back
  double sampler_seconds = 0.0;  ///< time in the run itself, its noise and correction included
};

/// What a run needs besides its plan and its start. Copies of a run copy these callables too. A
/// noise source or a correction that throws must not have changed its argument: it is called again
/// with it. Noise of another shape, or that is not finite, is refused and asked for again. A
/// correction that leaves such data has spoilt the prediction: the run cannot go on from there,
/// only from `Stepper::reset` or from a copy made before.
template <class State>
struct RunOptions {
  /// Fills its first argument with independent standard normal values, for example
  /// `NormalNoise{seed}`. Needed if the plan draws noise.
  std::function<void(State&, const NoiseRequest&)> noise = {};
  /// Changes a data prediction in place, at the given level. Needed exactly if the plan was made
  /// with `Correction::data`.
  std::function<void(State&, const Level&)> correction = {};
  /// Called after each step.
  std::function<void(const Progress<State>&)> observer = {};
  /// Called after each model call with the data prediction that it made, and its level. Costs a
  /// buffer and a pass. Not called where a prediction says nothing about the data (alpha = 0).
  std::function<void(const State&, const Level&)> preview = {};
  /// A request to stop, from any thread, ends the run before its next model call: a
  /// `std::stop_token`, for example.
  StopRequest stop = {};
  /// Check the start, every model output and the result for NaN and infinity, where `State` is
  /// dense. Outputs are looked at in the pass that reads them first, so it costs next to nothing.
  /// Of another type the result alone is checked, if `bool all_finite(const State&)` is there, in
  /// that type's namespace.
  bool check_finite = true;
  /// Look at each model output before anything is computed from it, so that one that is not finite
  /// can be filled anew and the run go on: for a server whose network may fail. Costs one more
  /// read.
  bool refillable = false;
};

}  // namespace dpm

#if DPM_DEFINE

#  include <chrono>

namespace dpm::detail {

DPM_INLINE std::int64_t StopWatch::now() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

}  // namespace dpm::detail

#endif
