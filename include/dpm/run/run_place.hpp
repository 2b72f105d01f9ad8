// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Where a run stands in its plan, and what it says of that place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>

#include "dpm/error.hpp"
#include "dpm/plan/check.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/check_values.hpp"

namespace dpm {

/// All of a run that is neither its plan nor its options nor a value of a register.
struct RunPlace {
  std::size_t step = 0;            ///< finished steps of the plan
  std::size_t instruction = 0;     ///< finished instructions of the next
  int model_calls = 0;             ///< whose output has been taken, since the run began
  std::size_t steps_before = 0;    ///< finished under earlier plans, without trials
  int model_calls_before = 0;      ///< made under earlier plans
  std::uint32_t draws_before = 0;  ///< noise draws of steps finished under earlier plans
  friend bool operator==(const RunPlace&, const RunPlace&) = default;
};

namespace detail {

/// What a run of the plan needs. Refuses a null pointer, a plan that cannot be run where registers
/// hold what the plan `left_by` declares live (none if it is null), and one that needs what is not
/// there.
PlanNeeds check_run(const Plan* plan, const Plan* left_by, bool has_noise, bool has_correction);

/// Refuses a plan that starts at another noise level than the one where the sample stands.
void check_start_level(const Level& start, const Level& stands);

/// Steps finished since the run began, without the trials of plans that are parts of a run.
std::size_t steps_done(const Plan& plan, const RunPlace& place);

/// Steps of the whole run; 0 if the plan is a part of it, so that they are not known.
std::size_t steps_in_all(const Plan& plan, const RunPlace& place);

/// Draws among the first `steps` steps of a plan.
std::uint32_t draws_of(const Plan& plan, std::size_t steps);

/// Values of a run as sentences name them: "step 3 of 10: the model's output (time 0.5, timestep
/// 499)".
struct RunValues {
  const Plan& plan;
  const RunPlace& place;
  const char* what;
  const Level& level;
};
[[noreturn]] void refuse_shape(const RunValues& values, const Shape& is, const Shape& must_be);
[[noreturn]] void refuse_non_finite(const RunValues& values);

/// Refuses to go on with a run whose values are spoilt.
[[noreturn]] void refuse_spoilt();
/// The plan of a run. Refuses a run that was moved from and has none.
const Plan& held(const std::shared_ptr<const Plan>& plan);

/// Refuses the options of a fork that do not fit the plan of the run with the options `of`.
template <class Options>
void check_fork(const Options& options, const Options& of) {
  require(static_cast<bool>(options.noise) || !of.noise,
          "Stepper: the fork of a run with a noise source has none; give it one");
  require(static_cast<bool>(options.correction) == static_cast<bool>(of.correction),
          "Stepper: the fork has ", options.correction ? "a" : "no", " correction and the run has ",
          of.correction ? "one" : "none", "; it must have one exactly if the run has");
}

#if DPM_DEFINE

DPM_INLINE PlanNeeds check_run(const Plan* plan, const Plan* left_by, bool has_noise,
                               bool has_correction) {
  require(plan != nullptr, "Stepper: the plan is a null pointer; it must point to a plan");
  check(*plan, left_by != nullptr ? std::span(left_by->live) : std::span<const Register>());
  PlanNeeds needs(*plan);
  require(needs.draws == 0 || has_noise, "Stepper: the plan draws noise ", needs.draws,
          " times; give the run a noise source, such as NormalNoise{seed}");
  const bool is_part = !plan->live.empty();  // another part may ask for them
  require((needs.corrections > 0) == has_correction || (is_part && has_correction),
          "Stepper: the plan asks for ", needs.corrections, " corrections and ",
          has_correction ? "a correction" : "no correction",
          " was given; make the plan with Correction::data exactly if one is given");
  return needs;
}

DPM_INLINE void check_start_level(const Level& start, const Level& stands) {
  require(start.log_alpha == stands.log_alpha && start.log_sigma == stands.log_sigma,
          "Stepper: the new plan starts at time ", start.time, " and the sample stands at time ",
          stands.time, "; it must start there, or be given the sample that stands where it starts");
}

DPM_INLINE std::size_t steps_done(const Plan& plan, const RunPlace& place) {
  std::size_t done = place.steps_before + place.step;
  if (plan.live.empty()) return done;
  for (std::size_t i = 0; i < place.step; ++i) done -= plan.steps[i].is_trial() ? 1 : 0;
  return done;
}

DPM_INLINE std::size_t steps_in_all(const Plan& plan, const RunPlace& place) {
  return plan.live.empty() ? place.steps_before + plan.steps.size() : 0;
}

DPM_INLINE std::uint32_t draws_of(const Plan& plan, std::size_t steps) {
  std::uint32_t draws = 0;
  for (std::size_t i = 0; i < steps; ++i) {
    for (const Instruction& instruction : plan.steps[i].instructions) {
      if (std::holds_alternative<Draw>(instruction)) ++draws;
    }
  }
  return draws;
}

inline std::string name(const RunValues& v) {
  const std::size_t all = steps_in_all(v.plan, v.place);
  const std::string of_all = all > 0 ? sentence(" of ", all) : std::string();
  return sentence("step ", steps_done(v.plan, v.place) + 1, of_all, ": ", v.what, " (time ",
                  v.level.time, ", timestep ", v.level.timestep, ")");
}

DPM_INLINE void refuse_shape(const RunValues& values, const Shape& is, const Shape& must_be) {
  refuse_shape(name(values), is, "the sample", must_be);
}

DPM_INLINE void refuse_non_finite(const RunValues& values) { refuse_non_finite(name(values)); }

DPM_INLINE void refuse_spoilt() {
  refuse(
      {"Stepper: the run met values that it must refuse and cannot go on; reset it, replan it from "
       "another sample, or go on with a copy made before"});
}

DPM_INLINE const Plan& held(const std::shared_ptr<const Plan>& plan) {
  require(plan != nullptr, "Stepper: it was moved from and holds no run; assign another to it");
  return *plan;
}

#endif

}  // namespace detail
}  // namespace dpm
