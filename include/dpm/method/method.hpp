// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a method is, and how it becomes a plan: over a grid, or by the number of model calls.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <optional>
#include <utility>
#include <variant>

#include "dpm/grid/spacing.hpp"
#include "dpm/plan/builder.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// A method is a struct of options, with a name for error messages and one function that writes its
/// steps over a grid. `write` first calls `builder.set_space`. Your own method does the same in
/// your own namespace (examples/own_method.cpp):
///
///     struct MyMethod {
///       static constexpr const char* name = "MyMethod";
///       int order = 2;
///     };
///     void write(dpm::PlanBuilder& builder, const MyMethod& method, const dpm::Grid& grid);
///
/// Three functions beside it are optional:
/// - `for_model_calls(method, model_calls)`, if it does not make one model call a step;
/// - `default_spacing(method)`, if uniform time is not the best spacing;
/// - `convergence_order(method)`: the order of convergence, for stochastic methods the weak order.
template <class T>
concept SamplingMethod = requires(PlanBuilder& builder, const T& method, const Grid& grid) {
  { T::name } -> std::convertible_to<const char*>;
  write(builder, method, grid);
};

/// A method and the number of grid steps with which it makes a wanted number of model calls.
template <class M>
struct Budget {
  M method;
  int steps = 0;
};

namespace detail {

template <class M>
constexpr void check_method() {
  static_assert(
      SamplingMethod<M>,
      "dpm: this is not a method. A method is a struct of options with a static constexpr const "
      "char* name, and beside it, in its own namespace, a function void write(dpm::PlanBuilder&, "
      "const ItsType&, const dpm::Grid&).");
}

/// Whether the schedule's usual ends are at sigma = 0 or alpha = 0, where lambda is infinite.
inline bool has_singular_end(const AnySchedule& schedule) {
  return !std::isfinite(schedule.level(schedule.last_time()).lambda()) ||
         !std::isfinite(schedule.level(schedule.first_time()).lambda());
}

/// What was said, or noise if nothing was. Refuses to take noise for granted where networks predict
/// something else: where the model's input is scaled, as EDM's is, and on the path of a flow.
Prediction prediction_or_noise(const std::optional<Prediction>& said, const AnySchedule& schedule);
Prediction prediction_or_noise(const std::optional<Prediction>& said, const Grid& grid);

/// Refuses a number of calls that no plan of the method can have.
void require_model_calls(const char* method, int model_calls, int least);

/// The steps of a method with `calls` calls a step that make `model_calls`, where the last step may
/// be one of first order, to sigma = 0, with one call.
constexpr int steps_for(int model_calls, int calls) { return (model_calls + calls - 1) / calls; }

/// Refuses what a `write` that goes wrong makes: a plan that does not lead from the first level of
/// the grid to the last, or past that to sigma = 0, and one that never calls the model.
void require_whole(const char* method, const Plan& plan, const Grid& grid);

/// Refuses a plan that makes `made` calls, if that is not the wanted number.
void require_planned(const Plan& plan, int made, int model_calls, int steps);

}  // namespace detail

/// How a method that has no rule of its own makes `model_calls` model calls: one a step.
template <class M>
[[nodiscard]] Budget<M> for_model_calls(const M& method, int model_calls) {
  detail::require_model_calls(M::name, model_calls, 1);
  return {method, model_calls};
}

/// The spacing for a method that has no better one.
template <class M>
[[nodiscard]] UniformTime default_spacing(const M& /*method*/) {
  return {};
}

/// The plan of `method` over `grid`. Refuses options out of range, steps for which the method has
/// no solution, and what a mistake in its `write` makes.
///
/// @param prediction  what the model's output means. Left out, it is the noise; on a schedule that
///                    scales the model's input (`Edm`) or of a flow it must be given.
/// @param correction  `Correction::data` if the run corrects each data prediction.
template <class M>
[[nodiscard]] Plan make_plan(const M& method, const Grid& grid,
                             std::optional<Prediction> prediction = std::nullopt,
                             Correction correction = Correction::none) {
  detail::check_method<M>();
  PlanBuilder builder(detail::prediction_or_noise(prediction, grid), correction);
  write(builder, method, grid);
  Plan plan = std::move(builder).finish();
  detail::require_whole(M::name, plan, grid);
  return plan;
}

/// The plan that makes exactly `model_calls` model calls (NFE) over a grid of the given spacing.
/// Refuses counts that the method cannot meet.
template <class M, class Spacing>
requires(!std::convertible_to<const Spacing&, std::optional<Prediction>>) [[nodiscard]] Plan
    make_plan(const M& method, const AnySchedule& schedule, int model_calls, const Spacing& spacing,
              std::optional<Prediction> prediction = std::nullopt,
              Correction correction = Correction::none) {
  detail::check_method<M>();
  const Budget<M> budget = for_model_calls(method, model_calls);
  const Prediction said = detail::prediction_or_noise(prediction, schedule);
  const auto plan_of = [&](int steps) {
    return make_plan(budget.method, make_grid(spacing, schedule, steps), said, correction);
  };
  Plan plan = plan_of(budget.steps);
  const int made = plan.model_calls();
  if (made < model_calls) {
    // Steps at a singular end are of first order; the calls that they save may make more steps.
    Plan longer = plan_of(budget.steps + model_calls - made);
    if (longer.model_calls() == model_calls) return longer;
  }
  detail::require_planned(plan, made, model_calls, budget.steps);
  return plan;
}

/// The same over the method's `default_spacing`, or over uniform time where the schedule ends at
/// sigma = 0 or starts at alpha = 0, as a flow does: spacings in lambda have no such ends.
template <class M>
[[nodiscard]] Plan make_plan(const M& method, const AnySchedule& schedule, int model_calls,
                             std::optional<Prediction> prediction = std::nullopt,
                             Correction correction = Correction::none) {
  detail::check_method<M>();
  const Prediction said = detail::prediction_or_noise(prediction, schedule);
  if (detail::has_singular_end(schedule)) {
    return make_plan(method, schedule, model_calls, UniformTime{}, said, correction);
  }
  return make_plan(method, schedule, model_calls, default_spacing(method), said, correction);
}

#if DPM_DEFINE

namespace detail {

/// Refuses a schedule, by a level between its ends, whose networks do not predict the noise.
inline void require_noise_predicted(const Level& middle) {
  require(middle.data_stddev == 0.0,
          "make_plan: no prediction is given on a schedule that scales the model's input, as the "
          "networks of EDM want it; say what the model predicts, such as Prediction::edm");
  require(!is_on_flow(middle),
          "make_plan: no prediction is given on the path of a flow, where alpha + sigma is 1; say "
          "what the model predicts, such as Prediction::flow");
}

DPM_INLINE Prediction prediction_or_noise(const std::optional<Prediction>& said,
                                          const AnySchedule& schedule) {
  if (said) return *said;
  require_noise_predicted(schedule.level(0.5 * (schedule.first_time() + schedule.last_time())));
  return Prediction::noise;
}

DPM_INLINE Prediction prediction_or_noise(const std::optional<Prediction>& said, const Grid& grid) {
  if (said) return *said;
  require_noise_predicted(grid.schedule().level(0.5 * (grid.front().time + grid.back().time)));
  return Prediction::noise;
}

DPM_INLINE void require_model_calls(const char* method, int model_calls, int least) {
  require(model_calls >= least, method, ": model_calls = ", model_calls, "; it needs at least ",
          least);
  require(model_calls <= 1'000'000, method, ": model_calls = ", model_calls,
          "; it makes at most 1000000");
}

DPM_INLINE void require_whole(const char* method, const Plan& plan, const Grid& grid) {
  const auto ends_there = [&](const Step& step) { return step.to == grid.back(); };
  const bool ends =
      ends_there(plan.steps.back()) ||
      (plan.end().sigma() == 0.0 && std::any_of(plan.steps.begin(), plan.steps.end(), ends_there));
  require(plan.start() == grid.front() && ends, method, ": the plan's ", plan.steps.size(),
          " steps lead from time ", plan.start().time, " to time ", plan.end().time, " and the ",
          grid.steps(), " of the grid from time ", grid.front().time, " to time ", grid.back().time,
          "; write must call begin_step with the levels grid[i] and grid[i + 1], for each i below "
          "grid.steps()");
  const auto calls = [](const Step& step) {
    const auto& all = step.instructions;
    return std::any_of(all.begin(), all.end(), [](const Instruction& instruction) {
      return std::holds_alternative<Evaluate>(instruction);
    });
  };
  require(std::any_of(plan.steps.begin(), plan.steps.end(), calls), method,
          ": the plan never calls the model; write must call evaluate and combine its result");
}

DPM_INLINE void require_planned(const Plan& plan, int made, int model_calls, int steps) {
  const bool singular =
      made < model_calls && !std::isfinite(plan.start().lambda() - plan.end().lambda());
  require(made == model_calls, "make_plan: model_calls = ", model_calls, " over a grid from time ",
          plan.start().time, " to time ", plan.end().time, ", where ", steps, " steps make ", made,
          singular ? " calls, because steps that touch sigma = 0 or alpha = 0 are of first order; "
                     "make the grid yourself with the number of steps you want"
                   : " calls; ask for a number that whole steps make, unless the method's "
                     "for_model_calls has named the wrong number of steps");
}

}  // namespace detail

#endif

}  // namespace dpm
