// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// One run of a plan over one state.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/plan/conversion.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/options.hpp"
#include "dpm/run/registers.hpp"
#include "dpm/run/run_place.hpp"
#include "dpm/state/check_values.hpp"
#include "dpm/state/combine.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {

/// One run of a plan, for callers that own the loop: `next()` hands out a model call, the caller
/// fills its output, and so on until there is none left.
///
///     dpm::Stepper stepper(plan, x);
///     while (auto call = stepper.next()) network(call->input, call->level.timestep, call->output);
///     use(stepper.sample());
///
/// It owns every buffer and allocates at construction only. It is a value: a copy is a snapshot or
/// a fork of the run (copies share the plan). `State` is a dense state that owns its values, or any
/// copyable type with `combine` (see `Weights`). Moved from, it refuses to go on.
template <class State>
class Stepper {
  static_assert(detail::refuse_pointer<State>());
  static_assert(RunnableState<State> || PointerToNumbers<State>,
                "dpm: this type is not a state. A state is an Eigen array or matrix, a contiguous "
                "range of float or double that owns its values, or a copyable type with "
                "combine(dpm::Weights, targets, operands) in its own namespace.");

 public:
  /// A model call to make: `output` <- model(`input`, `level`), and `*unconditional` <- its
  /// prediction without condition where the plan asks for both (CFG++), else it is null. Valid
  /// until the stepper is changed.
  struct Call {
    const State& input;
    const Level& level;
    State& output;
    State* unconditional = nullptr;
  };

  /// Refuses with `InvalidArgument` a plan that cannot be run (see `check`), an empty start, a
  /// missing noise source or correction, and a correction that the plan never asks for; with
  /// `NonFinite` a start that is not finite.
  Stepper(std::shared_ptr<const Plan> plan, State x, RunOptions<State> options = {})
      : plan_(std::move(plan)), options_(std::move(options)) {
    begin(x, nullptr);
  }
  Stepper(const Plan& plan, State x, RunOptions<State> options = {})
      : Stepper(std::make_shared<const Plan>(plan), std::move(x), std::move(options)) {}

  /// A copy that goes on with callables of its own, such as another noise: variations of one
  /// beginning. They must fit the plan as those of a run. A call that is open is handed out again.
  [[nodiscard]] Stepper fork(RunOptions<State> options) const {
    detail::check_fork(options, options_);
    Stepper copy = *this;
    copy.options_ = std::move(options);
    copy.make_preview();
    copy.place_ = place();
    if (std::exchange(copy.pending_, nullptr) != nullptr)
      copy.clock_.turn_to(detail::RunClock::none);
    return copy;
  }

  /// Back to the beginning of the plan with the start `x`, in the same buffers: the next batch.
  /// Allocates nothing. Refuses an `x` of another shape or that is not finite, and a plan that goes
  /// on from another (see `replan`); it has changed nothing then. A stop that was requested stays
  /// so (see `resume`).
  void reset(const State& x) {
    detail::require_like(sample(), x, "Stepper: the start x");
    detail::check_start("Stepper", x, options_.check_finite);
    if (is_part()) (void)check_plan(plan_.get(), nullptr);
    registers_.fill(x);  // nothing of the run is left
    place_ = {};
    forget_call();
    clock_ = {};
  }

  /// Goes on from the sample as it stands with another plan: the rest of a run whose sample was
  /// edited, or the next part of one whose steps are found on the way. Buffers stay; steps, model
  /// calls, noise draws and times are counted on. The history is given up: of what the plan before
  /// has left in registers only those that it declares live can be read, and only if it is
  /// finished. A call that is open is dropped. Allocates where the plan needs more registers.
  ///
  /// Refuses what the constructor does, a plan that does not start at the noise level where the
  /// sample stands, and a sample that overflowed (`NonFinite`); it has changed nothing then.
  void replan(std::shared_ptr<const Plan> plan) {
    if (spoilt_) detail::refuse_spoilt();
    go_on_with(std::move(plan), nullptr);
  }
  /// The same from another sample: `x` stands where the plan starts. Refuses an `x` of another
  /// shape or that is not finite.
  void replan(std::shared_ptr<const Plan> plan, const State& x) { go_on_with(std::move(plan), &x); }
  void replan(const Plan& plan) { replan(std::make_shared<const Plan>(plan)); }
  void replan(const Plan& plan, const State& x) { replan(std::make_shared<const Plan>(plan), x); }

  /// Runs up to the next model call and hands it out; nothing once the run is over, or where a stop
  /// was requested (see `stopped`).
  ///
  /// First it takes the output of the call before. If its shape has changed it throws
  /// `InvalidArgument`; the run has not moved then, so the output may be filled anew and `next()`
  /// called again. So too with noise that is refused: the source is asked again.
  ///
  /// An output that is not finite throws `NonFinite`, as does a finished sample that overflowed.
  /// Outputs are looked at in the pass that first reads them, which has then written to the sample:
  /// such a run cannot go on, and says so, until it is `reset` or given another sample by `replan`.
  /// A copy made before can, and with `RunOptions::refillable` the run itself: its output may be
  /// filled anew.
  [[nodiscard]] std::optional<Call> next() {
    while (!finished()) {
      const std::size_t step = place_.step;
      if (auto call = next_in_step()) return call;
      if (place_.step == step) break;  // stopped
    }
    return std::nullopt;
  }

  /// The same, but it returns nothing where a step ends as well: the sample stands at `level()`
  /// then, to be looked at, or edited and handed to `replan`. Call it again to go on.
  ///
  ///     while (!run.finished() && !run.stopped()) {
  ///       while (auto call = run.next_in_step()) network(call->input, call->level, call->output);
  ///       show(run.progress());
  ///     }
  [[nodiscard]] std::optional<Call> next_in_step() {
    const bool over = finished();
    if (spoilt_) detail::refuse_spoilt();
    if (options_.observer) clock_.turn_to(detail::RunClock::sampler);
    if (pending_ != nullptr) take_output();
    if (over) return std::nullopt;
    const Step& step = plan_->steps[place_.step];
    while (place_.instruction < step.instructions.size()) {
      const Instruction& instruction = step.instructions[place_.instruction];
      if (const auto* c = std::get_if<Combine>(&instruction)) {
        run(*c);
      } else if (const auto* evaluate = std::get_if<Evaluate>(&instruction)) {
        if (options_.stop.stop_requested()) return std::nullopt;
        return hand_out(*evaluate);
      } else {
        check_output();
        ask(step, instruction);
      }
      ++place_.instruction;  // only now, so that a callback that throws is called again
    }
    finish_step(step);
    return std::nullopt;
  }

  /// The call that is open: the one that was handed out last, unless it has been taken back. In a
  /// copy it refers to the copy's own buffers, whose output is to be filled anew.
  [[nodiscard]] std::optional<Call> open_call() {
    if (pending_ == nullptr || plan_ == nullptr) return std::nullopt;
    State* const other = pending_->unconditional ? &registers_[*pending_->unconditional] : nullptr;
    return Call{registers_[pending_->input], pending_->level, registers_[pending_->output], other};
  }

  /// The sample as it stands: the start, then what each finished step has made of it. (In all plans
  /// of the library; in one of your own, if its steps write the sample after their last call.)
  [[nodiscard]] const State& sample() const {
    (void)plan();
    return registers_[sample_register];
  }
  /// What a register of the plan holds, such as one that it declares live. Refuses one that no plan
  /// of this run has.
  [[nodiscard]] const State& value(Register r) const { return detail::at(registers_, r); }
  /// Where the sample stands.
  [[nodiscard]] const Level& level() const {
    return place_.step == 0 ? plan().start() : plan_->steps[place_.step - 1].to;
  }
  /// Whether all steps of the plan are done.
  [[nodiscard]] bool finished() const { return place_.step == plan().steps.size(); }
  /// Whether the run stands before a model call that a request to stop keeps it from. The sample is
  /// then that of the last finished step. `resume` lets the run go on.
  [[nodiscard]] bool stopped() const {
    return pending_ == nullptr && !finished() && options_.stop.stop_requested();
  }
  /// Lets a stopped run go on with the next call of `next()`, until `stop` is requested to stop.
  void resume(const StopRequest& stop = {}) { options_.stop = stop; }
  [[nodiscard]] const Plan& plan() const { return detail::held(plan_); }
  [[nodiscard]] const RunOptions<State>& options() const { return options_; }
  /// Steps finished since the run began, trials left out.
  [[nodiscard]] std::size_t steps_done() const { return detail::steps_done(plan(), place_); }
  /// Model calls since the run began whose output has been taken.
  [[nodiscard]] int model_calls() const { return place_.model_calls; }

  /// What an observer is told after the last finished step. Times are measured for runs with an
  /// observer alone.
  [[nodiscard]] Progress<State> progress() const {
    const bool estimated = place_.step > 0 && plan_->steps[place_.step - 1].estimates_error();
    return {.step = steps_done(),
            .steps = detail::steps_in_all(*plan_, place_),
            .model_calls = place_.model_calls,
            .total_model_calls = is_part() ? 0 : place_.model_calls_before + planned_calls_,
            .level = level(),
            .sample = sample(),
            .error = estimated ? &registers_[error_register] : nullptr,
            .model_seconds = clock_.seconds(detail::RunClock::model),
            .sampler_seconds = clock_.seconds(detail::RunClock::sampler)};
  }

  /// Where the run stands, to be kept with the values of its registers (see `save`). A call that is
  /// open counts as not handed out.
  [[nodiscard]] RunPlace place() const {
    RunPlace place = place_;
    if (pending_ != nullptr) --place.instruction;
    return place;
  }
  /// The run that stood at `place` of this plan: `fill(register, state)` gives the registers of the
  /// plan the values that they had, in states shaped like `x` (see `load`).
  template <class Fill>
  Stepper(std::shared_ptr<const Plan> plan, State x, RunOptions<State> options,
          const RunPlace& place, const Fill& fill)
      : plan_(std::move(plan)), options_(std::move(options)), place_(place) {
    begin(x, plan_.get());
    detail::for_each_register(PlanNeeds(*plan_).registers,
                              [&](Register r) { fill(r, registers_[r]); });
  }

 private:
  void begin(const State& x, const Plan* left_by) {
    const PlanNeeds needs = check_plan(plan_.get(), left_by);
    detail::check_start("Stepper", x, options_.check_finite);
    registers_.assign(needs.registers, x);
    make_preview();
    planned_calls_ = needs.model_calls;
  }
  /// Registers hold what a plan has `left` live in them, if one has.
  PlanNeeds check_plan(const Plan* plan, const Plan* left) const {
    return detail::check_run(plan, left, static_cast<bool>(options_.noise),
                             static_cast<bool>(options_.correction));
  }

  /// From `x`, or from the sample as it stands if that is null.
  void go_on_with(std::shared_ptr<const Plan> plan, const State* x) {
    const PlanNeeds needs = check_plan(plan.get(), finished() ? plan_.get() : nullptr);
    if (x == nullptr) {
      detail::check_start_level(plan->start(), level());
    } else {
      detail::require_like(sample(), *x, "Stepper: the sample x");
    }
    // Within a step the sample may be one that overflowed.
    if (options_.check_finite && (x != nullptr || place_.instruction > 0)) {
      detail::require_finite(x != nullptr ? *x : sample(), "Stepper: the sample x");
    }
    if (x != nullptr) {
      spoilt_ = true;  // until all is there: a copy of the sample may throw
      registers_[sample_register] = *x;
    }
    registers_.grow(needs.registers, sample());
    place_ = {.model_calls = place_.model_calls,
              .steps_before = steps_done(),
              .model_calls_before = place_.model_calls,
              .draws_before = place_.draws_before + detail::draws_of(*plan_, place_.step)};
    plan_ = std::move(plan);
    planned_calls_ = needs.model_calls;
    forget_call();
  }
  void forget_call() {
    pending_ = nullptr;
    unchecked_ = nullptr;
    spoilt_ = false;
    clock_.turn_to(detail::RunClock::none);
  }
  void make_preview() { preview_ = std::vector<State>(options_.preview ? 1 : 0, sample()); }
  std::optional<Call> hand_out(const Evaluate& evaluate) {
    check_output();
    const bool mark = options_.check_finite;
    detail::make_unfilled(registers_[evaluate.output], sample(), mark);
    const auto& other = evaluate.unconditional;
    if (other) detail::make_unfilled(registers_[*other], sample(), mark);
    ++place_.instruction;
    pending_ = &evaluate;
    if (options_.observer) clock_.turn_to(detail::RunClock::model);
    return open_call();
  }

  void take_output() {
    const Evaluate& call = *pending_;
    const State& output = registers_[call.output];
    const bool at_once = options_.refillable || options_.preview || detail::has_few_values<State> ||
                         !detail::CombinedHere<State>;
    check_values(output, "the model's output", call.level, at_once);
    if (call.unconditional) {
      check_values(registers_[*call.unconditional], "the model's unconditional output", call.level);
    }
    if (options_.check_finite && !at_once) unchecked_ = &call;
    if (options_.preview && says_data(plan_->prediction, call.level)) {
      Conversion c = to_data(plan_->prediction, call.level);
      if (call.input.kind == Register::Kind::input) c.input /= call.level.input_scale();
      detail::combine_two(preview_[0], c.input, registers_[call.input], c.output, output);
      options_.preview(preview_[0], call.level);
    }
    pending_ = nullptr;
    ++place_.model_calls;
  }

  /// Looks at the output that was taken last, unless a combination has done so.
  void check_output() {
    if (unchecked_ != nullptr) judge_output(detail::is_finite(registers_[unchecked_->output]));
  }
  void judge_output(bool finite) {
    const Evaluate& call = *std::exchange(unchecked_, nullptr);
    spoilt_ = !finite;
    if (spoilt_) detail::refuse_non_finite(name("the model's output", call.level));
  }

  void run(const Combine& c) {
    if constexpr (detail::CombinedHere<State>) {
      if (unchecked_ != nullptr && run_and_check(c)) return;
    }
    detail::combine_registers(c, registers_);
  }
  /// If this combination reads the output that was taken last, runs it and looks at the output in
  /// the same pass. Returns whether it does.
  bool run_and_check(const Combine& c) {
    const std::size_t j = detail::index_in(c.operands, unchecked_->output);
    if (j == c.operands.size()) {
      if (detail::contains(c.targets, unchecked_->output)) check_output();  // before it is lost
      return false;
    }
    const detail::CombinedStates<State> s(c, registers_);
    judge_output(detail::combine_and_check(s.weights, s.targets, s.operands, j));
    return true;
  }

  /// What callables leave must have the sample's shape and, if that is looked at now, be finite.
  void check_values(const State& x, const char* what, const Level& at, bool look = true) const {
    if constexpr (DenseState<State>) {
      const detail::Shape like = detail::shape_of(sample());
      if (const detail::Shape is = detail::shape_of(x); !(is == like)) [[unlikely]] {
        detail::refuse_shape(name(what, at), is, like);
      }
      if (options_.check_finite && look && !all_finite(x)) {
        detail::refuse_non_finite(name(what, at));
      }
    }
  }

  /// Asks the user's callables for noise or for a correction.
  void ask(const Step& step, const Instruction& instruction) {
    if (const auto* correct = std::get_if<Correct>(&instruction)) {
      State& data = registers_[correct->slot];
      options_.correction(data, correct->level);
      spoilt_ = true;  // if the next line throws: what was corrected is gone
      check_values(data, "the corrected data prediction", correct->level);
      spoilt_ = false;
    } else if (const auto* draw = std::get_if<Draw>(&instruction)) {
      State& z = registers_[draw->target];
      detail::make_fillable(z, sample());
      options_.noise(z, NoiseRequest{place_.draws_before + draw->draw, step.from, step.to});
      check_values(z, "the noise", step.from);
    }
  }

  void finish_step(const Step& step) {
    check_output();
    if (&step == &plan_->steps.back() && !is_part() && options_.check_finite &&
        !detail::is_finite(sample())) {
      detail::refuse_non_finite(name("the sample after it", step.to));
    }
    place_.instruction = 0;
    ++place_.step;
    if (!options_.observer) return;
    clock_.turn_to(detail::RunClock::none);
    if (!is_part() || !step.is_trial()) options_.observer(progress());
  }

  /// Whether the plan is a part of a run whose other parts are not known yet.
  [[nodiscard]] bool is_part() const { return !plan_->live.empty(); }
  [[nodiscard]] detail::RunValues name(const char* what, const Level& level) const {
    return {*plan_, place_, what, level};
  }

  std::shared_ptr<const Plan> plan_;
  RunOptions<State> options_;
  detail::Registers<State> registers_;
  std::vector<State> preview_;           // one, for the data predictions that are shown, if any are
  const Evaluate* pending_ = nullptr;    // points into the shared plan, so copies may keep it
  const Evaluate* unchecked_ = nullptr;  // its output may hold a NaN
  bool spoilt_ = false;
  RunPlace place_;
  int planned_calls_ = 0;
  detail::RunClock clock_;
};

}  // namespace dpm
