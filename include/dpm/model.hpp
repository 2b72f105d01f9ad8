// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The four signatures that a model may have, and how a run calls it.
#pragma once

#include <functional>
#include <type_traits>

#include "dpm/error.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/separate.hpp"

namespace dpm {
namespace detail {

template <class Model, class State, class At>
concept WritesOutput = requires(Model& model, const State& x, const At& at, State& out) {
  model(x, at, out);
};

template <class Model, class State, class At>
concept ReturnsOutput = requires(Model& model, const State& x, const At& at, State& out) {
  out = model(x, at);
};

/// Whether a callable is, or refers to, an empty `std::function` or a null pointer.
template <class Callable>
bool is_empty_callable(const Callable& callable) {
  if constexpr (!std::is_function_v<Callable> && requires { callable == nullptr; }) {
    return callable == nullptr;
  } else {
    return false;
  }
}
template <class Callable>
bool is_empty_callable(const std::reference_wrapper<Callable>& callable) {
  return is_empty_callable(callable.get());
}

/// Refuses, in the name of `who`, a callable that is empty.
template <class Callable>
void require_callable(const char* who, const char* what, const Callable& callable) {
  require(!is_empty_callable(callable), who, ": ", what, " is empty; it must be callable");
}

}  // namespace detail

/// A model is any callable with one of four signatures, tried in this order:
///
///     model(x, timestep, out)      model(x, timestep)  -> prediction
///     model(x, level, out)         model(x, level)  -> prediction
///
/// `x` is `const State&`, the noisy input; `timestep` a `double`, the time as the network counts
/// it; `level` a `const dpm::Level&` with alpha, sigma, lambda and the timestep; `out` a `State&`,
/// shaped like `x`, to be filled. What is returned must be assignable to a `State`; a lambda that
/// returns an Eigen expression of local arrays should say `-> State`, since the expression outlives
/// them. A model is called through an lvalue and never copied: move-only and stateful ones work.
template <class Model, class State>
concept ModelFor =
    detail::WritesOutput<Model, State, double> || detail::ReturnsOutput<Model, State, double> ||
    detail::WritesOutput<Model, State, Level> || detail::ReturnsOutput<Model, State, Level>;

/// Calls the model in the form that it has.
template <class State, class Model>
void call_model(Model& model, const State& x, const Level& level, State& out) {
  constexpr bool const_by_mistake =
      !ModelFor<Model, State> && ModelFor<std::remove_const_t<Model>, State>;
  static_assert(
      !const_by_mistake,
      "dpm: the model is const, but calling it changes it. Guidance keeps its buffers from "
      "call to call, and a mutable lambda its captures: hand over one that is not const.");
  static_assert(
      ModelFor<Model, State> || const_by_mistake,
      "dpm: the model cannot be called. It must be callable as model(x, timestep), "
      "model(x, timestep, out), model(x, level) or model(x, level, out), where x is a const "
      "State&, timestep a double, level a const dpm::Level& and out a State& to be filled; "
      "the forms without out return the prediction.");
  if constexpr (detail::WritesOutput<Model, State, double>) {
    model(x, level.timestep, out);
  } else if constexpr (detail::ReturnsOutput<Model, State, double>) {
    out = model(x, level.timestep);
  } else if constexpr (detail::WritesOutput<Model, State, Level>) {
    model(x, level, out);
  } else if constexpr (detail::ReturnsOutput<Model, State, Level>) {
    out = model(x, level);
  }
}

/// A model that hands over two predictions in one call, as CFG++ needs them: the guided one and the
/// one without condition. Each is of the kind that the plan's `Prediction` says.
template <class Model, class State>
concept TwoOutputModelFor = requires(Model& model, const State& x, const Level& level, State& out,
                                     State& unconditional) {
  model(x, level.timestep, out, unconditional);
}
|| requires(Model& model, const State& x, const Level& level, State& out, State& unconditional) {
  model(x, level, out, unconditional);
};

namespace detail {

/// Refuses a plan that asks for another number of predictions than the model hands over.
void require_predictions(bool asked_for_both, bool has_one);

}  // namespace detail

/// Answers a model call of a run (`Stepper::Call`), with one prediction or with both. Refuses a
/// plan that asks for another number of predictions than the model hands over.
template <class State, class Model, class Call>
void answer(Model& model, const Call& call) {
  if constexpr (TwoOutputModelFor<Model, State>) {
    if (call.unconditional != nullptr) {
      if constexpr (requires {
                      model(call.input, call.level.timestep, call.output, *call.unconditional);
                    }) {
        model(call.input, call.level.timestep, call.output, *call.unconditional);
      } else {
        model(call.input, call.level, call.output, *call.unconditional);
      }
      return;
    }
  }
  constexpr bool has_one = !TwoOutputModelFor<Model, State> || ModelFor<Model, State>;
  if (call.unconditional != nullptr || !has_one) {
    detail::require_predictions(call.unconditional != nullptr, has_one);
  }
  if constexpr (has_one) call_model<State>(model, call.input, call.level, call.output);
}

#if DPM_DEFINE

namespace detail {

DPM_INLINE void require_predictions(bool asked_for_both, bool has_one) {
  require(!asked_for_both,
          "sample: the plan asks for the prediction without condition as well (CFG++); the model "
          "must be callable as model(x, timestep, out, unconditional)");
  require(has_one,
          "sample: the model hands over two predictions and the plan asks for one; use a CFG++ "
          "method, or a model of model(x, timestep, out)");
}

}  // namespace detail

#endif

}  // namespace dpm
