// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Changing the sample between steps.
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "dpm/error.hpp"
#include "dpm/grid/grid.hpp"
#include "dpm/method/method.hpp"
#include "dpm/model.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/options.hpp"
#include "dpm/run/sample.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/check_values.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {
namespace detail {

/// Where in the grid `level` is. Refuses one that is not there: only after a level of the grid can
/// the rest of it be planned anew.
std::size_t place_in(const Grid& grid, const Level& level, std::size_t step);

/// The plan without its first `done` steps.
Plan rest_of(const Plan& plan, std::size_t done);

/// Refuses what a hook must not do to the sample.
template <class State>
void check_edit(const State& edited, const State& before, bool check_finite, std::size_t step) {
  if constexpr (DenseState<State>) {
    const Shape is = shape_of(edited);
    const Shape must_be = shape_of(before);
    require(is == must_be, "sample_with_edits: the edit after step ", step, " has made the sample ",
            is.elements, " x ", is.samples, "; it must keep its shape, ", must_be.elements, " x ",
            must_be.samples);
  }
  if (check_finite && !is_finite(edited)) {
    fail<NonFinite>(sentence("sample_with_edits: the edit after step ", step,
                             " has left a NaN or an infinity in the sample"));
  }
}

}  // namespace detail

/// Samples as `sample` does, with a hook that may change the sample after each step:
///
///     bool edit(State& x, const Progress<State>& progress);   // whether it has changed x
///
/// Where it has, the rest of the grid is planned anew from what it left (see `Stepper::replan`):
/// the history of a multistep method belongs to the path before, so the method starts as it always
/// does. Noise draws, steps, model calls and times are counted on, in `progress` and in what errors
/// say. After the last step x is simply what the hook left. Where it returns false, what it did to
/// the sample is forgotten.
///
/// A method that counts calls (`DpmSolver::model_calls`) makes that many in each plan: a run with
/// edits makes more, and is refused where too few steps are left for them.
///
/// Cost besides `sample`: a copy of the sample in each step, and a new plan after each change. `x`
/// is untouched if anything throws, as where the method cannot be planned for the steps that are
/// left. A request to stop leaves the last finished step in x.
template <class Method, class Model, class X, class Edit>
RunReport sample_with_edits(const Method& method, const Grid& grid, Model&& model, X&& x,
                            Edit&& edit, std::optional<Prediction> prediction = std::nullopt,
                            const RunOptions<OwnedState<X>>& options = {}) {
  using State = OwnedState<X>;
  detail::check_sample_argument<X>();
  static_assert(std::is_invocable_r_v<bool, Edit&, State&, const Progress<State>&>,
                "dpm: the edit cannot be called. It must be callable as edit(State& x, const "
                "dpm::Progress<State>& progress) and return whether it has changed x.");
  detail::require_callable("sample_with_edits", "model", model);
  detail::require_callable("sample_with_edits", "edit", edit);
  RunOptions<State> timed = options;
  if (!timed.observer) timed.observer = [](const Progress<State>&) {};  // times are for observers
  const Correction correction = options.correction ? Correction::data : Correction::none;
  const Prediction said = detail::prediction_or_noise(prediction, grid);
  Stepper<State> run(make_plan(method, grid, said, correction), detail::own(x), std::move(timed));
  State edited = run.sample();
  bool changed = false;
  while (!run.finished()) {
    const std::size_t before = run.steps_done();
    while (auto call = run.next_in_step()) {
      answer<State>(model, *call);
    }
    if (run.steps_done() == before) break;  // stopped
    edited = run.sample();
    changed = edit(edited, run.progress());
    if (!changed) continue;
    detail::check_edit(edited, run.sample(), options.check_finite, run.steps_done());
    if (run.finished()) break;
    const std::size_t place = detail::place_in(grid, run.level(), run.steps_done());
    if (place + 1 == grid.levels().size()) {
      // Denoising to zero after the grid's last level has no history, so its plan holds.
      run.replan(detail::rest_of(run.plan(), run.place().step), edited);
    } else {
      run.replan(make_plan(method, grid.from(place), said, correction), edited);
    }
  }
  if (run.stopped()) detail::check_stopped("sample_with_edits", run);
  detail::give_back(changed && run.finished() ? edited : run.sample(), x);
  return {run.steps_done(), run.model_calls(), run.stopped()};
}

#if DPM_DEFINE

DPM_INLINE std::size_t detail::place_in(const Grid& grid, const Level& level, std::size_t step) {
  std::size_t i = 0;
  while (i < grid.levels().size() && !(grid[i] == level)) ++i;
  require(
      i < grid.levels().size(), "sample_with_edits: step ", step, " has led to time ", level.time,
      ", which is not a level of the grid; only after a level of the grid can the rest of it be "
      "planned anew");
  return i;
}

DPM_INLINE Plan detail::rest_of(const Plan& plan, std::size_t done) {
  Plan rest = plan;
  rest.steps.erase(rest.steps.begin(), rest.steps.begin() + static_cast<std::ptrdiff_t>(done));
  return rest;
}

#endif

}  // namespace dpm
