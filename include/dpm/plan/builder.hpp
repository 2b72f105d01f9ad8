// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// PlanBuilder, with which a method writes its formulas as the instructions of a plan.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <utility>
#include <variant>

#include "dpm/error.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include "dpm/plan/check.hpp"
#  include "dpm/plan/conversion.hpp"
#  include "dpm/plan/fuse.hpp"
#endif

namespace dpm {

/// One product of a combination: weight * register.
struct Term {
  Register operand;
  double weight = 0.0;
};

/// Collects the instructions of a plan. A method first names its space with `set_space`. It then
/// calls `begin_step` for each interval of its grid, followed by `draw`, `evaluate` and `combine`
/// in the order of its formulas. `finish` fuses and checks the plan. A step between two levels that
/// never writes the sample is refused.
class PlanBuilder {
 public:
  /// @param prediction  what the model's output means.
  /// @param correction  whether the user corrects each data prediction.
  explicit PlanBuilder(Prediction prediction, Correction correction = Correction::none);

  [[nodiscard]] Prediction prediction() const { return plan_.prediction; }
  [[nodiscard]] Correction correction() const { return correction_; }

  /// Which prediction the method's formulas use; `evaluate` converts to it. Call it once, before
  /// the first step.
  void set_space(Space space);

  void begin_step(const Level& from, const Level& to);

  /// Draws the next noise of the run. Call it before the step's `evaluate`: a draw between two
  /// combinations keeps them from being merged.
  Register draw();

  /// Calls the model on `input`, scaled by `Level::input_scale`. Leaves its prediction in slot
  /// `slot`, converted to the plan's space, and corrected if the plan has a correction.
  Register evaluate(std::size_t slot, Register input, const Level& at);

  /// Calls the model as above and leaves its output in slot `slot` as it is.
  Register evaluate_raw(std::size_t slot, Register input, const Level& at);

  /// Calls a model that hands over both predictions (CFG++): the guided one in slot `slot`, the one
  /// without condition in slot `unconditional`, each converted; only the first is corrected.
  Register evaluate_both(std::size_t slot, std::size_t unconditional, Register input,
                         const Level& at);

  /// Hands the data prediction in slot `slot` to the user's correction.
  void correct(std::size_t slot, const Level& at);

  /// target <- the sum of the terms, of 1 to `Combine::max_operands` registers. Weights of the same
  /// register are added up; terms that weigh nothing are left out, unless all do.
  void combine(Register target, std::span<const Term> terms);
  void combine(Register target, std::initializer_list<Term> terms);

  /// Puts these terms into `lower_register`. From here to the end of the step, what reads the
  /// sample reads that: for steps that change it before a model call, as the sample itself must
  /// stay what the last finished step has made of it until all calls are made.
  void replace_sample(std::span<const Term> terms);
  void replace_sample(std::initializer_list<Term> terms);

  /// Declares a register that lives beyond the plan (see `Plan::live`).
  void keep(Register r);

  [[nodiscard]] Plan finish() &&;

 private:
  void add(const Instruction& instruction);
  void end_step();
  [[nodiscard]] Register source(Register r) const { return r == sample_register ? sample_ : r; }
  Register call_model(std::size_t slot, Register input, const Level& at,
                      std::optional<Register> unconditional);
  void convert(Register m, Register input, const Level& at, bool corrected);

  Plan plan_;
  // The step and the combination that are being written; their memory serves all that follow.
  Step step_;
  Instruction combination_;
  Register sample_ = sample_register;  // what stands for it in this step
  bool has_space_ = false;
  bool begun_ = false;
  bool writes_sample_ = false;  // whether the step has
  Correction correction_;
  std::uint32_t draws_ = 0;
};

#if DPM_DEFINE

DPM_INLINE PlanBuilder::PlanBuilder(Prediction prediction, Correction correction)
    : combination_(Combine{}), correction_(correction) {
  plan_.prediction = prediction;
  plan_.steps.reserve(32);  // more than most plans have
}

DPM_INLINE void PlanBuilder::set_space(Space space) {
  detail::require(!begun_, "PlanBuilder: set_space after begin_step; a plan has one space");
  detail::require(
      space <= Space::data,
      "PlanBuilder: set_space with Space::flow; a method writes in noise or data space");
  plan_.space = space;
  has_space_ = true;
}

DPM_INLINE void PlanBuilder::begin_step(const Level& from, const Level& to) {
  detail::require(has_space_, "PlanBuilder: no space is set; call set_space before begin_step");
  end_step();
  begun_ = true;
  sample_ = sample_register;
  step_.from = from;
  step_.to = to;
}

DPM_INLINE void PlanBuilder::end_step() {
  if (!begun_) return;
  detail::require(writes_sample_ || step_.from == step_.to, "PlanBuilder: step ",
                  plan_.steps.size() + 1, " never writes the sample; combine into sample_register");
  writes_sample_ = false;
  plan_.steps.push_back(step_);
  step_.instructions.clear();
}

DPM_INLINE void PlanBuilder::add(const Instruction& instruction) {
  detail::require(begun_,
                  "PlanBuilder: no step has begun; call begin_step before the instructions");
  detail::append(step_.instructions, instruction);
}

DPM_INLINE Register PlanBuilder::draw() {
  add(Draw{noise_register, draws_++});
  return noise_register;
}

DPM_INLINE void PlanBuilder::correct(std::size_t slot, const Level& at) {
  add(Correct{prediction_register(slot), at});
}

DPM_INLINE Register PlanBuilder::evaluate(std::size_t slot, Register input, const Level& at) {
  const Register m = evaluate_raw(slot, input, at);
  convert(m, input, at, correction_ == Correction::data);
  return m;
}

DPM_INLINE Register PlanBuilder::evaluate_both(std::size_t slot, std::size_t unconditional,
                                               Register input, const Level& at) {
  const Register other = prediction_register(unconditional);
  const Register m = call_model(slot, input, at, other);
  convert(m, input, at, correction_ == Correction::data);
  convert(other, input, at, false);
  return m;
}

DPM_INLINE void PlanBuilder::convert(Register m, Register input, const Level& at, bool corrected) {
  const auto apply = [&](const Conversion& by) {
    if (by.input != 0.0 || by.output != 1.0) combine(m, {{input, by.input}, {m, by.output}});
  };
  const bool as_data = corrected || plan_.space == Space::data;
  apply(as_data ? to_data(plan_.prediction, at) : to_noise(plan_.prediction, at));
  if (corrected) correct(m.index, at);
  if (as_data && plan_.space == Space::noise) apply(to_noise(Prediction::data, at));
}

DPM_INLINE Register PlanBuilder::evaluate_raw(std::size_t slot, Register input, const Level& at) {
  return call_model(slot, input, at, std::nullopt);
}

DPM_INLINE Register PlanBuilder::call_model(std::size_t slot, Register input, const Level& at,
                                            std::optional<Register> unconditional) {
  const Register m = prediction_register(slot);
  if (at.data_stddev == 0.0) {
    add(Evaluate{m, source(input), at, unconditional});
  } else {
    combine(input_register, {{input, at.input_scale()}});
    add(Evaluate{m, input_register, at, unconditional});
  }
  return m;
}

DPM_INLINE void PlanBuilder::combine(Register target, std::span<const Term> terms) {
  detail::require(!terms.empty(), "PlanBuilder: combine has no terms; it must have at least one");
  Combine& c = *std::get_if<Combine>(&combination_);
  c.targets.truncate(0);
  c.targets.push_back(target);
  c.operands.truncate(0);
  c.weights.truncate(0);
  for (const Term& term : terms) {
    const Register operand = source(term.operand);
    const std::size_t known = detail::find_register(c.operands.span(), operand);
    if (known < c.operands.size()) {
      c.weights[known] += term.weight;
    } else if (term.weight != 0.0) {
      detail::require(known < Combine::max_operands, "PlanBuilder: combine has terms of more than ",
                      Combine::max_operands, " registers, the most it may; combine some before");
      c.operands.push_back(operand);
      c.weights.push_back(term.weight);
    }
  }
  if (c.operands.empty()) {
    c.operands.push_back(source(terms[0].operand));
    c.weights.push_back(0.0);
  }
  add(combination_);
  writes_sample_ = writes_sample_ || target == sample_register;
}

DPM_INLINE void PlanBuilder::combine(Register target, std::initializer_list<Term> terms) {
  combine(target, std::span<const Term>(terms.begin(), terms.size()));
}

DPM_INLINE void PlanBuilder::replace_sample(std::span<const Term> terms) {
  combine(lower_register, terms);
  sample_ = lower_register;
}

DPM_INLINE void PlanBuilder::replace_sample(std::initializer_list<Term> terms) {
  replace_sample(std::span<const Term>(terms.begin(), terms.size()));
}

DPM_INLINE void PlanBuilder::keep(Register r) { plan_.live.push_back(r); }

DPM_INLINE Plan PlanBuilder::finish() && {
  detail::require(begun_,
                  "PlanBuilder: the plan has no steps; write must call begin_step, then evaluate "
                  "and combine, for each interval of the grid");
  end_step();
  detail::drop_dead_targets(plan_);
  check(plan_);
  return std::move(plan_);
}

#endif

}  // namespace dpm
