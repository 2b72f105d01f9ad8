// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The parts of a run with edits: what is done and what is still to come.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dpm/grid/grid.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/options.hpp"
#include "dpm/run/sample.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/separate.hpp"

namespace dpm::detail {

/// What the parts of a run with edits have done, each of them a run of its own.
class PartsDone {
 public:
  RunReport report;

  /// Ends a part after the step that it has just finished.
  template <class State>
  static void cut(Stepper<State>& part) {
    part.end_ = part.step_;
  }

  /// Lets a part that begins count on from those before it.
  template <class State>
  void begin(Stepper<State>& part) const {
    part.steps_before_ = report.steps;
    part.calls_before_ = report.model_calls;
    part.model_time_ = model_time_;
    part.sampler_time_ = sampler_time_;
  }

  template <class State>
  void end(const Stepper<State>& part) {
    report.steps += part.step_;
    report.model_calls += part.model_calls_;
    report.stopped = part.stopped();
    model_time_ = part.model_time_;
    model_time_.stop();
    sampler_time_ = part.sampler_time_;
    sampler_time_.stop();
  }

 private:
  StopWatch model_time_;
  StopWatch sampler_time_;
};

/// What of a run with edits is still to come: the rest of its grid, or, beyond it, of its plan.
class RestOfRun {
 public:
  explicit RestOfRun(const Grid& grid) : grid_(grid) {}

  /// The levels that are left, to be planned if there is no plan for them.
  [[nodiscard]] Grid grid() const;
  [[nodiscard]] bool is_planned() const { return !plan_.steps.empty(); }
  void set_plan(Plan plan);
  [[nodiscard]] const Plan& plan() const { return plan_; }
  /// Noise draws of the steps that have been done.
  [[nodiscard]] std::uint32_t draws() const { return draws_; }
  [[nodiscard]] bool is_over() const;

  /// Goes on behind the first `steps` steps of the plan, after which the sample was changed;
  /// `steps_in_all` have been done since the run began.
  void go_on_after(std::size_t steps, std::size_t steps_in_all);

 private:
  const Grid& grid_;
  std::size_t place_ = 0;
  std::uint32_t draws_ = 0;
  Plan plan_;
};

}  // namespace dpm::detail

#if DPM_DEFINE

#  include <utility>
#  include <variant>

#  include "dpm/error.hpp"

namespace dpm::detail {

/// Where in the grid a step has led, or its size if that is not one of its levels.
inline std::size_t place_in(const Grid& grid, const Level& level) {
  std::size_t i = 0;
  while (i < grid.levels().size() && !(grid[i] == level)) ++i;
  return i;
}

/// The draws of the first `steps` steps.
inline std::uint32_t draws_of(const Plan& plan, std::size_t steps) {
  std::uint32_t draws = 0;
  for (std::size_t i = 0; i < steps; ++i) {
    for (const Instruction& instruction : plan.steps[i].instructions) {
      if (std::holds_alternative<Draw>(instruction)) ++draws;
    }
  }
  return draws;
}

DPM_INLINE Grid RestOfRun::grid() const {
  const auto levels = grid_.levels().subspan(place_);
  return {grid_.schedule(), {levels.begin(), levels.end()}};
}

DPM_INLINE void RestOfRun::set_plan(Plan plan) { plan_ = std::move(plan); }

DPM_INLINE bool RestOfRun::is_over() const {
  return !is_planned() && place_ + 1 >= grid_.levels().size();
}

DPM_INLINE void RestOfRun::go_on_after(std::size_t steps, std::size_t steps_in_all) {
  draws_ += draws_of(plan_, steps);
  const Level& at = plan_.steps[steps - 1].to;
  place_ = place_in(grid_, at);
  require(
      place_ < grid_.levels().size() || steps == plan_.steps.size(), "sample_with_edits: step ",
      steps_in_all, " has led to time ", at.time,
      ", which is not a level of the grid; only after a level of the grid can the rest of it be "
      "planned anew");
  // Denoising to zero after the grid's last level has no history, so its plan holds.
  const bool beyond_grid = place_ + 1 == grid_.levels().size();
  const std::size_t done = beyond_grid ? steps : plan_.steps.size();
  plan_.steps.erase(plan_.steps.begin(), plan_.steps.begin() + static_cast<std::ptrdiff_t>(done));
}

}  // namespace dpm::detail

#endif
