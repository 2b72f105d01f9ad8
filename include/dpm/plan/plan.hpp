// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The plan: a sampler written down as data, before any sample exists.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/math/bounded_vector.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// What the network's output means, for x = alpha x_0 + sigma epsilon.
enum class Prediction : std::uint8_t {
  noise,     ///< epsilon
  data,      ///< x_0
  velocity,  ///< v = alpha epsilon - sigma x_0 (Salimans & Ho 2022, arXiv 2202.00512, App. D)
  score,     ///< grad log p_t(x) = -epsilon / sigma (Song et al. 2021, arXiv 2011.13456)
  flow,      ///< epsilon - x_0 (Lipman et al. 2023, arXiv 2210.02747; rectified flow)
  edm,       ///< F with x_0 = c_skip x + c_out F (Karras et al. 2022, arXiv 2206.00364, Eq. 7)
};

/// The prediction that a method's formulas are written in. The two are different methods:
/// DPM-Solver integrates the noise prediction, DPM-Solver++ the data prediction. Plans by name over
/// a flow may keep the flow prediction (see `method/flow_as_noise.hpp`).
enum class Space : std::uint8_t { noise, data, flow };

/// Whether a plan hands each data prediction to the user (clipping, thresholding) before it is
/// used.
enum class Correction : std::uint8_t { none, data };

/// Where a value lives during a run. Each register is one state, shaped like the sample.
struct Register {
  enum class Kind : std::uint8_t {
    sample,  ///< x, the sample itself
    stage,   ///< y, the model's input at an inner stage of a step
    noise,   ///< z, a standard normal draw
    input,   ///< u, the model's input where it is not the sample or the stage themselves
    error,   ///< e, an estimate of the error that the step has just made
    /// l, what a trial of an adaptive step leads to by the lower order; in a step that changes
    /// the sample before a model call, the changed sample
    lower,
    higher,      ///< h, the same by the higher order
    previous,    ///< p, the lower result of the step before
    prediction,  ///< m[k], an output of the model, or what it was converted to
  };
  Kind kind = Kind::sample;
  std::uint8_t index = 0;

  friend constexpr bool operator==(Register, Register) = default;
};

inline constexpr Register sample_register{Register::Kind::sample, 0};
inline constexpr Register stage_register{Register::Kind::stage, 0};
inline constexpr Register noise_register{Register::Kind::noise, 0};
inline constexpr Register input_register{Register::Kind::input, 0};
inline constexpr Register error_register{Register::Kind::error, 0};
inline constexpr Register lower_register{Register::Kind::lower, 0};
inline constexpr Register higher_register{Register::Kind::higher, 0};
inline constexpr Register previous_register{Register::Kind::previous, 0};
/// How many kinds of registers there are.
inline constexpr std::size_t register_kinds = 9;
/// The most predictions that a plan can keep at once.
inline constexpr std::size_t max_predictions = 16;
/// m[slot]. Refuses a slot that is not below `max_predictions`.
[[nodiscard]] constexpr Register prediction_register(std::size_t slot) {
  if (slot >= max_predictions) {
    detail::refuse({"prediction_register: slot = ", slot, "; it must be below ", max_predictions});
  }
  return {Register::Kind::prediction, static_cast<std::uint8_t>(slot)};
}

/// targets <- weights * operands, all at once: every operand is read before any target is written.
/// `weights` is row-major, one row for each target.
struct Combine {
  static constexpr std::size_t max_targets = 3;
  static constexpr std::size_t max_operands = 8;

  BoundedVector<Register, max_targets> targets;
  BoundedVector<Register, max_operands> operands;
  BoundedVector<double, max_targets * max_operands> weights;

  [[nodiscard]] double weight(std::size_t target, std::size_t operand) const {
    return weights[target * operands.size() + operand];
  }
  friend bool operator==(const Combine&, const Combine&) = default;
};

/// output <- model(input, level). With `unconditional` the model hands over two predictions in one
/// call, and that register takes the one without its condition (CFG++).
struct Evaluate {
  Register output;
  Register input;
  Level level;
  std::optional<Register> unconditional = std::nullopt;
  friend bool operator==(const Evaluate&, const Evaluate&) = default;
};

/// slot <- the user's correction of the data prediction in it.
struct Correct {
  Register slot;
  Level level;
  friend bool operator==(const Correct&, const Correct&) = default;
};

/// target <- standard normal draw number `draw` of this plan (0, 1, ...).
struct Draw {
  Register target;
  std::uint32_t draw = 0;
  friend bool operator==(const Draw&, const Draw&) = default;
};

using Instruction = std::variant<Combine, Evaluate, Correct, Draw>;

/// One step of the grid: afterwards the sample stands at level `to`.
struct Step {
  Level from;
  Level to;
  std::vector<Instruction> instructions;

  /// Whether the step is a trial: it ends at the level where it begins and leaves the sample alone.
  /// A run of a plan whose `live` is not empty neither counts it nor tells its observer.
  [[nodiscard]] bool is_trial() const { return from == to && !writes(sample_register); }
  /// Whether the step leaves an estimate of its error in the error register.
  [[nodiscard]] bool estimates_error() const { return writes(error_register); }
  friend bool operator==(const Step&, const Step&) = default;

 private:
  /// Whether a combination of the step writes the register.
  [[nodiscard]] bool writes(Register r) const;
};

struct Plan;

/// What a run of a plan needs, counted in one pass.
struct PlanNeeds {
  int model_calls = 0;  ///< NFE, number of function evaluations
  int draws = 0;        ///< noise draws; 0 for a deterministic sampler
  int corrections = 0;  ///< corrections of a data prediction
  /// How many registers of each kind are written or live on; of the sample one.
  std::array<std::size_t, register_kinds> registers{};

  explicit PlanNeeds(const Plan& plan);
};

/// A whole sampler for one grid: which combinations to form and when to call the model. It holds
/// numbers only: it can be kept, copied, compared, printed, and run by any number of threads.
struct Plan {
  Prediction prediction = Prediction::noise;
  Space space = Space::noise;
  std::vector<Step> steps;
  /// Registers that live beyond this plan, for plans that are parts of one run (see
  /// `Stepper::replan`): what they hold when the plan begins may be read, and what they hold when
  /// it ends is kept for the next. Empty for a plan of a whole run.
  std::vector<Register> live = {};

  /// Where the sample stands before the first step, and after the last. Not for an empty plan.
  [[nodiscard]] const Level& start() const { return steps.front().from; }
  [[nodiscard]] const Level& end() const { return steps.back().to; }
  /// Model calls of a whole run (NFE).
  [[nodiscard]] int model_calls() const { return PlanNeeds(*this).model_calls; }
  /// Noise draws of a whole run.
  [[nodiscard]] int draws() const { return PlanNeeds(*this).draws; }
  /// Corrections of a data prediction in a whole run.
  [[nodiscard]] int corrections() const { return PlanNeeds(*this).corrections; }
  /// How many registers of one kind a run needs.
  [[nodiscard]] std::size_t registers(Register::Kind kind) const {
    return PlanNeeds(*this).registers[static_cast<std::size_t>(kind)];
  }
  /// How many prediction registers: m[0] .. m[predictions() - 1].
  [[nodiscard]] std::size_t predictions() const { return registers(Register::Kind::prediction); }
  [[nodiscard]] bool uses_stage() const { return registers(Register::Kind::stage) > 0; }
  [[nodiscard]] bool uses_input() const { return registers(Register::Kind::input) > 0; }
  /// Whether some steps estimate their own error.
  [[nodiscard]] bool estimates_error() const { return registers(Register::Kind::error) > 0; }

  friend bool operator==(const Plan&, const Plan&) = default;
};

#if DPM_DEFINE

DPM_INLINE bool Step::writes(Register r) const {
  return std::any_of(instructions.begin(), instructions.end(), [r](const Instruction& i) {
    const auto* c = std::get_if<Combine>(&i);
    return c != nullptr && std::find(c->targets.begin(), c->targets.end(), r) != c->targets.end();
  });
}

DPM_INLINE PlanNeeds::PlanNeeds(const Plan& plan) {
  const auto see = [this](Register r) {
    const auto kind = static_cast<std::size_t>(r.kind);
    if (kind >= register_kinds) return;  // which `check` refuses
    std::size_t& count = registers[kind];
    if (r.index >= count) count = std::size_t{r.index} + 1;
  };
  see(sample_register);
  for (const Register r : plan.live) see(r);
  for (const Step& step : plan.steps) {
    for (const Instruction& instruction : step.instructions) {
      if (const auto* c = std::get_if<Combine>(&instruction)) {
        for (const Register r : c->targets) see(r);
      } else if (const auto* e = std::get_if<Evaluate>(&instruction)) {
        ++model_calls;
        see(e->output);
        if (e->unconditional) see(*e->unconditional);
      } else if (const auto* d = std::get_if<Draw>(&instruction)) {
        ++draws;
        see(d->target);
      } else {
        ++corrections;
      }
    }
  }
}

#endif

}  // namespace dpm
