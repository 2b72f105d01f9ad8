// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// One run of a plan over one state.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/check_values.hpp"
#include "dpm/run/execute.hpp"
#include "dpm/run/options.hpp"
#include "dpm/run/preview.hpp"
#include "dpm/run/registers.hpp"
#include "dpm/state/combine.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {
namespace detail {
class Snapshot;   // in run/snapshot.hpp
class PartsDone;  // in run/edit_parts.hpp
}  // namespace detail

/// One run of a plan, for callers that own the loop: `next()` hands out a model call, the caller
/// fills its output, and so on until there is none left.
///
///     dpm::Stepper stepper(plan, x);
///     while (auto call = stepper.next()) network(call->input, call->level.timestep, call->output);
///     use(stepper.sample());
///
/// It owns every buffer and allocates at construction only. It is a value: a copy is a snapshot or
/// a fork of the run (copies share the plan). `State` is a dense state that owns its values, or any
/// copyable type with `combine` (see `Weights`).
template <class State>
class Stepper {
  friend class detail::Snapshot;
  friend class detail::PartsDone;

  static_assert(detail::refuse_pointer<State>());
  static_assert(RunnableState<State> || PointerToNumbers<State>,
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
      : plan_(std::move(plan)), options_(std::move(options)) {
    const detail::PlanNeeds needs = detail::check_run(
        plan_.get(), static_cast<bool>(options_.noise), static_cast<bool>(options_.correction));
    detail::check_start("Stepper", x, options_.check_finite);
    registers_.assign(needs.registers, x);
    make_preview();
    calls_in_all_ = needs.model_calls;
    end_ = plan_->steps.size();
  }
  Stepper(const Plan& plan, State x, RunOptions<State> options = {})
      : Stepper(std::make_shared<const Plan>(plan), std::move(x), std::move(options)) {}

  /// A copy that goes on with callables of its own, such as another noise: variations of one
  /// beginning. They must fit the plan as those of a run. A call that is open is handed out again.
  [[nodiscard]] Stepper fork(RunOptions<State> options) const {
    Stepper copy = *this;
    detail::require(static_cast<bool>(options.noise) || !copy.options_.noise,
                    "Stepper: the fork of a run with a noise source has none; give it one");
    detail::require(static_cast<bool>(options.correction) == static_cast<bool>(options_.correction),
                    "Stepper: the fork has ", options.correction ? "a" : "no",
                    " correction and the run has ", options_.correction ? "one" : "none",
                    "; it must have one exactly if the run has");
    copy.options_ = std::move(options);
    copy.make_preview();
    copy.model_time_.stop();
    copy.sampler_time_.stop();
    if (std::exchange(copy.pending_, nullptr) != nullptr) --copy.instruction_;
    return copy;
  }

  /// Back to the beginning with the start `x`, in the same buffers: the next batch. Allocates
  /// nothing. Refuses an `x` of another shape or that is not finite, and then changes nothing. A
  /// stop that was requested stays so (see `resume`).
  void reset(const State& x) {
    (void)detail::well_formed("Stepper", "the start x", x, sample(), false);
    detail::check_start("Stepper", x, options_.check_finite);
    // Nothing of the run before is left.
    detail::for_each_state(registers_, [&x](State& state) { state = x; });
    pending_ = nullptr;
    step_ = 0;
    instruction_ = 0;
    model_calls_ = 0;
    model_time_ = {};
    sampler_time_ = {};
  }

  /// Runs up to the next model call and hands it out; nothing once the run is over, or where a stop
  /// was requested (see `stopped`).
  ///
  /// First it looks at the output of the call before. If that is not finite it throws `NonFinite`,
  /// and if its shape has changed `InvalidArgument`; the run has not moved then, so the output may
  /// be filled anew and `next()` called again. So too with noise that is refused: the source is
  /// asked again. `NonFinite` as well if the finished sample overflowed.
  [[nodiscard]] std::optional<Call> next() {
    if (options_.observer) {
      model_time_.stop();
      sampler_time_.start();
    }
    if (pending_ != nullptr) take_output();
    for (; step_ < end_; finish_step()) {
      const Step& step = plan_->steps[step_];
      const Instruction* instruction = step.instructions.data() + instruction_;
      const Instruction* const end = step.instructions.data() + step.instructions.size();
      for (; instruction != end; ++instruction) {
        if (const auto* c = std::get_if<Combine>(instruction)) {
          detail::run_combine<State>(*c, registers_);
        } else if (const auto* evaluate = std::get_if<Evaluate>(instruction)) {
          if (options_.stop.stop_requested()) return std::nullopt;
          return hand_out(*evaluate);
        } else {
          ask(step, *instruction);
        }
        ++instruction_;  // only now, so that a callback that throws is called again
      }
    }
    return std::nullopt;
  }

  /// The call that is open: the one that `next` handed out last, unless it has been taken back. In
  /// a copy it refers to the copy's own buffers, whose output is to be filled anew.
  [[nodiscard]] std::optional<Call> open_call() {
    if (pending_ == nullptr) return std::nullopt;
    return Call{at(pending_->input), pending_->level, at(pending_->output)};
  }

  /// The sample as it stands: the start, then what each finished step has made of it. (In all plans
  /// of the library; in one of your own, if its steps write the sample after their last call.)
  [[nodiscard]] const State& sample() const { return registers_[sample_register]; }
  /// Whether the run stands before a model call that a request to stop keeps it from. The sample is
  /// then that of the last finished step. `resume` lets the run go on.
  [[nodiscard]] bool stopped() const {
    return pending_ == nullptr && step_ < plan_->steps.size() && options_.stop.stop_requested();
  }
  /// Lets a stopped run go on with the next call of `next()`, until `stop` is requested to stop.
  void resume(const StopRequest& stop = {}) { options_.stop = stop; }
  [[nodiscard]] const Plan& plan() const { return *plan_; }
  /// Steps finished so far.
  [[nodiscard]] std::size_t steps_done() const { return step_; }
  /// Model calls whose output has been taken.
  [[nodiscard]] int model_calls() const { return model_calls_; }

 private:
  State& at(Register r) { return registers_[r]; }
  void make_preview() { preview_ = std::vector<State>(options_.preview ? 1 : 0, sample()); }

  std::optional<Call> hand_out(const Evaluate& evaluate) {
    detail::make_fillable(at(evaluate.output), sample());
    ++instruction_;
    pending_ = &evaluate;
    if (options_.check_finite) detail::mark_unfilled(at(evaluate.output));
    if (options_.observer) {
      sampler_time_.stop();
      model_time_.start();
    }
    return open_call();
  }

  void take_output() {
    check_values(at(pending_->output), "the model's output", pending_->level);
    if (options_.preview) {
      detail::show_preview(options_, plan_->prediction, *pending_, at(pending_->input),
                           at(pending_->output), preview_[0]);
    }
    pending_ = nullptr;
    ++model_calls_;
  }

  void check_values(const State& values, const char* what, const Level& level,
                    bool is_result = false) const {
    if (detail::is_in_order(values, sample(), options_.check_finite, is_result)) return;
    detail::refuse_values(
        what, values, sample(), level,
        {"step ", steps_before_ + step_ + 1, steps_before_ + plan_->steps.size()});
  }

  /// Asks the user's callables for noise or for a correction.
  void ask(const Step& step, const Instruction& instruction) {
    if (const auto* correct = std::get_if<Correct>(&instruction)) {
      options_.correction(at(correct->slot), correct->level);
      check_values(at(correct->slot), "the corrected data prediction", correct->level);
    } else if (const auto* draw = std::get_if<Draw>(&instruction)) {
      detail::make_fillable(at(draw->target), sample());
      options_.noise(at(draw->target), NoiseRequest{draw->draw, step.from, step.to});
      check_values(at(draw->target), "the noise", step.from);
    }
  }

  void finish_step() {
    const Step& step = plan_->steps[step_];
    if (&step == &plan_->steps.back()) check_values(sample(), "the sample after it", step.to, true);
    instruction_ = 0;
    ++step_;
    if (options_.observer) tell_observer(step);
  }

  void tell_observer(const Step& step) {
    sampler_time_.stop();
    options_.observer(
        Progress<State>{.step = steps_before_ + step_,
                        .steps = steps_before_ + plan_->steps.size(),
                        .model_calls = calls_before_ + model_calls_,
                        .total_model_calls = calls_before_ + calls_in_all_,
                        .level = step.to,
                        .sample = sample(),
                        .error = step.estimates_error() ? &at(error_register) : nullptr,
                        .model_seconds = model_time_.seconds(),
                        .sampler_seconds = sampler_time_.seconds()});
    sampler_time_.start();
  }

  std::shared_ptr<const Plan> plan_;
  RunOptions<State> options_;
  detail::Registers<State> registers_;
  std::vector<State> preview_;
  const Evaluate* pending_ = nullptr;  // points into the shared plan, so copies may keep it
  std::size_t step_ = 0;
  std::size_t end_ = 0;  // the number of steps, unless an edit ends the run before
  std::size_t instruction_ = 0;
  int model_calls_ = 0;
  int calls_in_all_ = 0;
  std::size_t steps_before_ = 0;  // of the whole run, of which this may be the rest
  int calls_before_ = 0;
  detail::StopWatch model_time_;
  detail::StopWatch sampler_time_;
};

}  // namespace dpm
