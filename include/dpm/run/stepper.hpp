// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// One run of a plan over one state.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/plan/check.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/state/combine.hpp"
#include "dpm/state/weights.hpp"

namespace dpm {

/// What a noise source is told: which draw of the run, and the step it is for.
struct NoiseRequest {
  std::uint32_t draw = 0;
  Level from;
  Level to;
};

/// What an observer is told after each step. The references are valid during its call only.
template <class State>
struct Progress {
  std::size_t step = 0;   ///< steps done, 1 after the first
  std::size_t steps = 0;  ///< steps of the whole run
  int model_calls = 0;    ///< model calls done
  const Level& level;     ///< where the sample stands now
  const State& sample;
};

/// What a run needs besides its plan and its start. Copies of a run copy these callables too.
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
  /// Check the start, every model output and the result for NaN and infinity, where `State` is
  /// dense; it costs one more read of each.
  bool check_finite = true;
};

/// One run of a plan, for callers that own the loop: `next()` hands out a model call, the caller
/// fills its output, and so on until there is none left.
///
///     dpm::Stepper stepper(plan, x);
///     while (auto call = stepper.next()) network(call->input, call->level.label, call->output);
///     use(stepper.sample());
///
/// It owns every buffer and allocates at construction only. It is a value: a copy is a snapshot or
/// a fork of the run (copies share the plan). `State` is a dense state that owns its values, or any
/// copyable type with `combine` (see `Weights`).
template <class State>
class Stepper {
  static_assert(RunnableState<State>,
                "dpm: this type is not a state. A state is an Eigen array or matrix, a contiguous "
                "range of float or double that owns its values, or a copyable type with "
                "combine(dpm::Weights, targets, operands) in its own namespace.");

 public:
  /// A model call to make: `output` <- model(`input`, `level`). Valid until the stepper is changed.
  struct Call {
    const State& input;
    const Level& level;
    State& output;
  };

  /// Refuses with `InvalidArgument` a plan that cannot be run (see `check`), an empty start, a
  /// missing noise source or correction, and a correction that the plan never asks for; with
  /// `NonFinite` a start that is not finite.
  Stepper(std::shared_ptr<const Plan> plan, State x, RunOptions<State> options = {})
      : plan_(std::move(plan)), options_(std::move(options)), sample_(std::move(x)) {
    detail::require(plan_ != nullptr,
                    "Stepper: the plan is a null pointer; it must point to a plan");
    check(*plan_);
    detail::require(plan_->draws() == 0 || options_.noise, "Stepper: the plan draws noise ",
                    plan_->draws(),
                    " times; give the run a noise source, such as NormalNoise{seed}");
    detail::require((plan_->corrections() > 0) == static_cast<bool>(options_.correction),
                    "Stepper: the plan asks for ", plan_->corrections(), " corrections and ",
                    options_.correction ? "a correction" : "no correction",
                    " was given; make the plan with Correction::data exactly if one is given");
    if constexpr (DenseState<State>) {
      detail::require(dense_view(sample_).size() > 0,
                      "Stepper: the start x is empty; it must hold at "
                      "least one value");
      if (options_.check_finite && !all_finite(sample_)) {
        detail::fail<NonFinite>("Stepper: the start x holds a NaN or an infinity");
      }
    }
    trial_.assign(plan_->uses_trial() ? 1 : 0, sample_);
    predictions_.assign(plan_->predictions(), sample_);
    noise_.assign(plan_->draws() > 0 ? 1 : 0, sample_);
    input_.assign(plan_->uses_input() ? 1 : 0, sample_);
  }
  Stepper(const Plan& plan, State x, RunOptions<State> options = {})
      : Stepper(std::make_shared<const Plan>(plan), std::move(x), std::move(options)) {}

  /// Runs up to the next model call and hands it out; nothing once the run is over.
  ///
  /// First it looks at the output of the call before. If that is not finite it throws `NonFinite`,
  /// and if its shape has changed `InvalidArgument`; the run has not moved then, so the output may
  /// be filled anew and `next()` called again. `NonFinite` as well if the finished sample
  /// overflowed.
  [[nodiscard]] std::optional<Call> next() {
    if (pending_ != nullptr) take_output();
    while (step_ < plan_->steps.size()) {
      const Step& step = plan_->steps[step_];
      while (instruction_ < step.instructions.size()) {
        const Instruction& instruction = step.instructions[instruction_];
        const auto* evaluate = std::get_if<Evaluate>(&instruction);
        if (evaluate == nullptr) run(step, instruction);
        ++instruction_;  // only now, so that a callback that throws is called again
        if (evaluate != nullptr) return hand_out(*evaluate);
      }
      finish_step(step);
    }
    return std::nullopt;
  }

  /// The sample as it stands: the start, then what each finished step has made of it.
  [[nodiscard]] const State& sample() const { return sample_; }
  [[nodiscard]] const Plan& plan() const { return *plan_; }
  /// Steps finished so far.
  [[nodiscard]] std::size_t steps_done() const { return step_; }
  /// Model calls whose output has been taken.
  [[nodiscard]] int model_calls() const { return model_calls_; }

 private:
  State& at(Register r) {
    switch (r.kind) {
      case Register::Kind::trial:
        return trial_[r.index];
      case Register::Kind::prediction:
        return predictions_[r.index];
      case Register::Kind::noise:
        return noise_[r.index];
      case Register::Kind::input:
        return input_[r.index];
      case Register::Kind::sample:
        break;
    }
    return sample_;
  }

  /// With checks on, an output that nobody fills holds a NaN and is noticed.
  Call hand_out(const Evaluate& evaluate) {
    pending_ = &evaluate;
    State& output = at(evaluate.output);
    if constexpr (DenseState<State>) {
      const auto view = dense_view(output);
      using Scalar = std::remove_pointer_t<decltype(view.data)>;
      if (options_.check_finite) view.data[0] = std::numeric_limits<Scalar>::quiet_NaN();
    }
    return {at(evaluate.input), evaluate.level, output};
  }

  void take_output() {
    check_values(at(pending_->output), "the model's output", pending_->level);
    pending_ = nullptr;
    ++model_calls_;
  }

  /// Refuses values from outside whose shape is not the sample's, or that are not finite.
  void check_values(const State& values, const char* what, const Level& level) const {
    if constexpr (DenseState<State>) {
      const auto is = dense_view(values);
      const auto should_be = dense_view(sample_);
      detail::require(is.same_shape(should_be), "Stepper: ", what, " is ", is.elements, " x ",
                      is.samples, "; it must have the shape of the sample, ", should_be.elements,
                      " x ", should_be.samples);
      if (options_.check_finite && !all_finite(values)) fail_non_finite(what, level);
    }
  }

  void run(const Step& step, const Instruction& instruction) {
    if (const auto* c = std::get_if<Combine>(&instruction)) {
      std::array<State*, Combine::max_targets> targets{};
      std::array<const State*, Combine::max_operands> operands{};
      for (std::size_t i = 0; i < c->targets.size(); ++i) targets[i] = &at(c->targets[i]);
      for (std::size_t j = 0; j < c->operands.size(); ++j) operands[j] = &at(c->operands[j]);
      combine(Weights(c->weights.begin(), c->operands.size()),
              std::span<State* const>(targets.data(), c->targets.size()),
              std::span<const State* const>(operands.data(), c->operands.size()));
    } else if (const auto* correct = std::get_if<Correct>(&instruction)) {
      options_.correction(at(correct->slot), correct->level);
      check_values(at(correct->slot), "the corrected data prediction", correct->level);
    } else if (const auto* draw = std::get_if<Draw>(&instruction)) {
      options_.noise(at(draw->target), NoiseRequest{draw->draw, step.from, step.to});
      check_values(at(draw->target), "the noise", step.from);
    }
  }

  void finish_step(const Step& step) {
    if (step_ + 1 == plan_->steps.size()) check_values(sample_, "the sample after it", step.to);
    instruction_ = 0;
    ++step_;
    if (options_.observer) {
      options_.observer(
          Progress<State>{step_, plan_->steps.size(), model_calls_, step.to, sample_});
    }
  }

  [[noreturn]] void fail_non_finite(const char* what, const Level& level) const {
    detail::fail<NonFinite>(detail::sentence("step ", step_ + 1, " of ", plan_->steps.size(), ": ",
                                             what, " (time ", level.time, ", label ", level.label,
                                             ") holds a NaN or an infinity"));
  }

  std::shared_ptr<const Plan> plan_;
  RunOptions<State> options_;
  State sample_;
  std::vector<State> trial_;
  std::vector<State> predictions_;
  std::vector<State> noise_;
  std::vector<State> input_;
  const Evaluate* pending_ = nullptr;  // points into the shared plan, so copies may keep it
  std::size_t step_ = 0;
  std::size_t instruction_ = 0;
  int model_calls_ = 0;
};

}  // namespace dpm
