// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Changing the sample between steps: image-to-image, inpainting, edits of one's own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/grid/grid.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/check_values.hpp"
#include "dpm/run/model.hpp"
#include "dpm/run/options.hpp"
#include "dpm/run/sample.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/state/combine.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/finite.hpp"

namespace dpm {

/// A source of standard normal values, as `RunOptions::noise` has it.
template <class State>
using NoiseSource = std::function<void(State&, const NoiseRequest&)>;

/// x <- alpha x + sigma z: clean data noised to `level`, where an image-to-image run starts.
/// Refuses a level that is no point of a process, a view with gaps, noise of another shape
/// (`InvalidArgument`) or that is not finite (`NonFinite`); x is untouched then. What is not finite
/// in x stays so, and is refused by the run that starts from it.
///
/// @param noise  fills z; it is asked for draw number `draw`, by default the start's own, which no
///               run asks for.
template <DenseState X>
void add_noise(X&& x, const Level& level,
               const std::type_identity_t<NoiseSource<OwnedState<X>>>& noise,
               std::uint32_t draw = std::numeric_limits<std::uint32_t>::max()) {
  detail::require(static_cast<bool>(noise), "add_noise: noise is empty; it must be a noise source");
  const auto to = dense_view(x);
  detail::require(to.contiguous(), "add_noise: x is a view of ", to.elements, " x ", to.samples,
                  " values with strides ", to.element_stride, " and ", to.sample_stride,
                  "; it must be contiguous");
  using Scalar = std::remove_reference_t<decltype(*to.data)>;
  const auto alpha = static_cast<Scalar>(level.alpha());
  const auto sigma = static_cast<Scalar>(level.sigma());
  detail::require(
      std::isfinite(static_cast<double>(alpha)) && std::isfinite(static_cast<double>(sigma)),
      "add_noise: the level at time ", level.time, " has alpha = ", level.alpha(),
      " and sigma = ", level.sigma(), "; both must be finite in the type of x");
  OwnedState<X> z = detail::own(x);
  noise(z, NoiseRequest{draw, level, level});
  const auto from = dense_view(z);
  detail::require(from.same_shape(to), "add_noise: the noise (draw ", draw, ") is ", from.elements,
                  " x ", from.samples, "; it must have the shape of x, ", to.elements, " x ",
                  to.samples);
  if (!all_finite(z)) {
    detail::fail<NonFinite>(
        detail::sentence("add_noise: the noise (draw ", draw, ") holds a NaN or an infinity"));
  }
  const std::array<double, 2> weights{level.alpha(), level.sigma()};
  const std::array<Scalar*, 1> targets{to.data};
  const std::array<const Scalar*, 2> operands{to.data, from.data};
  detail::combine_arrays<Scalar>(Weights(weights.data(), 2), targets, operands, to.size());
}

namespace detail {

/// Where in the grid a step has led, or its size if that is not one of its levels.
inline std::size_t place_in(const Grid& grid, const Level& level) {
  std::size_t i = 0;
  while (i < grid.levels().size() && !(grid[i] == level)) ++i;
  return i;
}

/// Refuses what a hook must not do to the sample.
template <class State>
void check_edit(const State& edited, const State& before, bool check_finite, std::size_t step) {
  if constexpr (DenseState<State>) {
    const auto is = dense_view(edited);
    const auto should_be = dense_view(before);
    require(is.same_shape(should_be), "sample_with_edits: the edit after step ", step,
            " has made the sample ", is.elements, " x ", is.samples, "; it must keep its shape, ",
            should_be.elements, " x ", should_be.samples);
  }
  if constexpr (DenseState<State> || OwnFiniteState<State>) {
    if (!check_finite || all_finite(edited)) return;
    fail<NonFinite>(sentence("sample_with_edits: the edit after step ", step,
                             " has left a NaN or an infinity in the sample"));
  }
}

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

}  // namespace detail

/// Samples as `sample` does, with a hook that may change the sample after each step:
///
///     bool edit(State& x, const Progress<State>& progress);   // whether it has changed x
///
/// Where it has, the rest of the grid is planned anew from what it left: the history of a multistep
/// method belongs to the path before, so the method starts as it always does. Noise draws, steps,
/// model calls and times are counted on, in `progress` and in what errors say. After the last step
/// x is simply what the hook left. Where it returns false, what it did to the sample is forgotten.
///
/// A method that counts calls (`DpmSolver::calls`) makes that many in each plan: a run with edits
/// makes more, and is refused where too few steps are left for them.
///
/// Cost besides `sample`: a copy of the sample in each step; a new plan and new buffers after each
/// change. `x` is untouched if anything throws, as where the method cannot be planned for the steps
/// that are left. A request to stop leaves the last finished step in x.
template <class Method, class Model, class X, class Edit>
RunReport sample_with_edits(const Method& method, const Grid& grid, Model&& model, X&& x,
                            Edit&& edit, Prediction prediction = Prediction::noise,
                            const RunOptions<OwnedState<X>>& options = {}) {
  using State = OwnedState<X>;
  detail::check_sample_argument<X>();
  static_assert(std::is_invocable_r_v<bool, Edit&, State&, const Progress<State>&>,
                "dpm: the edit cannot be called. It must be callable as edit(State& x, const "
                "dpm::Progress<State>& progress) and return whether it has changed x.");
  detail::require_callable("sample_with_edits", "model", model);
  detail::require_callable("sample_with_edits", "edit", edit);
  const Correction correction = options.correction ? Correction::data : Correction::none;
  State state = detail::own(x);
  std::optional<Plan> tail;  // steps of a plan that lie beyond the grid
  detail::PartsDone parts;
  std::uint32_t draws = 0;
  std::size_t place = 0;
  while ((tail || place + 1 < grid.levels().size()) && !parts.report.stopped) {
    const std::size_t from = tail ? 0 : place;
    const Grid rest(grid.schedule(), {grid.levels().begin() + static_cast<std::ptrdiff_t>(from),
                                      grid.levels().end()});
    const Plan plan = tail ? *tail : make_plan(method, rest, prediction, correction);
    bool changed = false;
    Stepper<State>* part = nullptr;
    RunOptions<State> these = options;
    if (options.noise) {
      these.noise = [&options, draws](State& z, NoiseRequest request) {
        request.draw += draws;
        options.noise(z, request);
      };
    }
    these.observer = [&](const Progress<State>& progress) {
      state = progress.sample;
      if (options.observer) options.observer(progress);
      changed = edit(state, progress);
      if (!changed) return;
      detail::PartsDone::cut(*part);
      detail::check_edit(state, progress.sample, options.check_finite, progress.step);
    };
    Stepper<State> run(plan, state, std::move(these));
    part = &run;
    parts.begin(run);
    while (auto call = run.next()) {
      call_model<State>(model, call->input, call->level, call->output);
    }
    parts.end(run);
    const std::size_t done = run.steps_done();
    draws += detail::draws_of(plan, done);
    tail.reset();
    if (!changed) {
      state = run.sample();
      break;
    }
    const Level& at = plan.steps[done - 1].to;
    place = detail::place_in(grid, at);
    detail::require(place < grid.levels().size() || done == plan.steps.size(),
                    "sample_with_edits: step ", parts.report.steps, " has led to time ", at.time,
                    ", which is not a level of the grid; only after a level of the grid can the "
                    "rest of it be planned anew");
    if (place + 1 == grid.levels().size() && done < plan.steps.size()) {
      // Denoising to zero after the grid's last level has no history.
      tail = plan;
      tail->steps.erase(tail->steps.begin(),
                        tail->steps.begin() + static_cast<std::ptrdiff_t>(done));
    }
  }
  detail::give_back(state, x);
  return parts.report;
}

}  // namespace dpm
