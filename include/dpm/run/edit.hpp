// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Changing the sample between steps: image-to-image, inpainting, edits of one's own.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <type_traits>
#include <utility>

#include "dpm/error.hpp"
#include "dpm/grid/grid.hpp"
#include "dpm/model.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/check_values.hpp"
#include "dpm/run/edit_parts.hpp"
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
/// A method that counts calls (`DpmSolver::model_calls`) makes that many in each plan: a run with
/// edits makes more, and is refused where too few steps are left for them.
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
  detail::PartsDone parts;
  detail::RestOfRun rest(grid);
  while (!rest.is_over() && !parts.report.stopped) {
    if (!rest.is_planned()) {
      rest.set_plan(make_plan(method, rest.grid(), prediction, correction));
    }
    bool changed = false;
    Stepper<State>* part = nullptr;
    RunOptions<State> these = options;
    if (options.noise) {
      these.noise = [&options, draws = rest.draws()](State& z, NoiseRequest request) {
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
    Stepper<State> run(detail::borrow(rest.plan()), state, std::move(these));
    part = &run;
    parts.begin(run);
    while (auto call = run.next()) {
      call_model<State>(model, call->input, call->level, call->output);
    }
    parts.end(run);
    if (!changed) {
      state = run.sample();
      break;
    }
    rest.go_on_after(run.steps_done(), parts.report.steps);
  }
  detail::give_back(state, x);
  return parts.report;
}

}  // namespace dpm
