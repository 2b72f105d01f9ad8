// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// One run of a plan over one state.
#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/plan/check.hpp"
#include "dpm/plan/conversion.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/options.hpp"
#include "dpm/run/preview.hpp"
#include "dpm/state/combine.hpp"
#include "dpm/state/weights.hpp"

namespace dpm {

namespace detail {
class Snapshot;  // in run/snapshot.hpp
}

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
  friend class detail::Snapshot;

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
      : plan_(std::move(plan)), options_(std::move(options)) {
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
      detail::require(dense_view(x).size() > 0,
                      "Stepper: the start x is empty; it must hold at least one value");
      if (options_.check_finite && !all_finite(x)) {
        detail::fail<NonFinite>("Stepper: the start x holds a NaN or an infinity");
      }
    }
    for (std::size_t k = 0; k < register_kinds; ++k) {
      const auto kind = static_cast<Register::Kind>(k);
      registers_[k].assign(kind == Register::Kind::sample ? 1 : plan_->registers(kind), x);
    }
    preview_.assign(options_.preview ? 1 : 0, sample());
    calls_in_all_ = plan_->evaluations();
  }
  Stepper(const Plan& plan, State x, RunOptions<State> options = {})
      : Stepper(std::make_shared<const Plan>(plan), std::move(x), std::move(options)) {}

  /// A copy that goes on with callables of its own, such as another noise: variations of one
  /// beginning. A call that is open is handed out again. They must fit the plan as those of a run.
  [[nodiscard]] Stepper fork(RunOptions<State> options) const {
    Stepper copy = *this;
    detail::require(static_cast<bool>(options.noise) || !copy.options_.noise,
                    "Stepper: the fork of a run with a noise source has none; give it one");
    detail::require(static_cast<bool>(options.correction) == static_cast<bool>(options_.correction),
                    "Stepper: the fork must have a correction exactly if the run has one");
    detail::require(!options.preview, "Stepper: a fork cannot have a preview of its own");
    copy.options_ = std::move(options);
    if (std::exchange(copy.pending_, nullptr) != nullptr) --copy.instruction_;
    return copy;
  }

  /// Runs up to the next model call and hands it out; nothing once the run is over, or where a stop
  /// was requested (see `stopped`).
  ///
  /// First it looks at the output of the call before. If that is not finite it throws `NonFinite`,
  /// and if its shape has changed `InvalidArgument`; the run has not moved then, so the output may
  /// be filled anew and `next()` called again. `NonFinite` as well if the finished sample
  /// overflowed.
  [[nodiscard]] std::optional<Call> next() {
    model_time_.stop();
    sampler_time_.start(static_cast<bool>(options_.observer));
    if (pending_ != nullptr) take_output();
    while (step_ < plan_->steps.size()) {
      const Step& step = plan_->steps[step_];
      while (instruction_ < step.instructions.size()) {
        const Instruction& instruction = step.instructions[instruction_];
        const auto* evaluate = std::get_if<Evaluate>(&instruction);
        if (evaluate == nullptr) {
          run(step, instruction);
        } else if (options_.stop.stop_requested()) {
          return std::nullopt;
        }
        ++instruction_;  // only now, so that a callback that throws is called again
        if (evaluate != nullptr) return hand_out(*evaluate);
      }
      finish_step(step);
    }
    return std::nullopt;
  }

  /// The sample as it stands: the start, then what each finished step has made of it. (In all plans
  /// of the library; in one of your own, if its steps write the sample after their last call.)
  [[nodiscard]] const State& sample() const { return registers_[0][0]; }
  /// Whether the run stands before a model call that a request to stop keeps it from. The sample is
  /// then that of the last finished step. `resume` lets the run go on.
  [[nodiscard]] bool stopped() const {
    return pending_ == nullptr && step_ < plan_->steps.size() && options_.stop.stop_requested();
  }
  /// Lets a stopped run go on with the next call of `next()`, until `stop` is requested to stop.
  void resume(std::stop_token stop = {}) { options_.stop = std::move(stop); }
  [[nodiscard]] const Plan& plan() const { return *plan_; }
  /// Steps finished so far.
  [[nodiscard]] std::size_t steps_done() const { return step_; }
  /// Model calls whose output has been taken.
  [[nodiscard]] int model_calls() const { return model_calls_; }

 private:
  State& at(Register r) { return registers_[static_cast<std::size_t>(r.kind)][r.index]; }

  /// With checks on, an output that nobody fills holds a NaN and is noticed.
  Call hand_out(const Evaluate& evaluate) {
    pending_ = &evaluate;
    State& output = at(evaluate.output);
    if constexpr (DenseState<State>) {
      const auto view = dense_view(output);
      using Scalar = std::remove_pointer_t<decltype(view.data)>;
      if (options_.check_finite) view.data[0] = std::numeric_limits<Scalar>::quiet_NaN();
    }
    sampler_time_.stop();
    model_time_.start(static_cast<bool>(options_.observer));
    return {at(evaluate.input), evaluate.level, output};
  }

  void take_output() {
    check_values(at(pending_->output), "the model's output", pending_->level);
    if (options_.preview) show_data_prediction(*pending_);
    pending_ = nullptr;
    ++model_calls_;
  }

  void show_data_prediction(const Evaluate& call) {
    if (!says_data(plan_->prediction, call.level)) return;
    detail::preview_data(plan_->prediction, call, at(call.input), at(call.output), preview_[0]);
    options_.preview(preview_[0], call.level);
  }

  /// Refuses values from outside whose shape is not the sample's, or that are not finite.
  void check_values(const State& values, const char* what, const Level& level) const {
    if constexpr (DenseState<State>) {
      const auto is = dense_view(values);
      const auto should_be = dense_view(sample());
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
    if (step_ + 1 == plan_->steps.size()) check_values(sample(), "the sample after it", step.to);
    instruction_ = 0;
    ++step_;
    if (!options_.observer) return;
    sampler_time_.stop();
    options_.observer(
        Progress<State>{.step = step_,
                        .steps = plan_->steps.size(),
                        .model_calls = model_calls_,
                        .model_calls_in_all = calls_in_all_,
                        .level = step.to,
                        .sample = sample(),
                        .error = step.estimates_error() ? &at(error_register) : nullptr,
                        .model_seconds = model_time_.seconds(),
                        .sampler_seconds = sampler_time_.seconds()});
    sampler_time_.start(true);
  }

  [[noreturn]] void fail_non_finite(const char* what, const Level& level) const {
    detail::fail<NonFinite>(detail::sentence("step ", step_ + 1, " of ", plan_->steps.size(), ": ",
                                             what, " (time ", level.time, ", label ", level.label,
                                             ") holds a NaN or an infinity"));
  }

  std::shared_ptr<const Plan> plan_;
  RunOptions<State> options_;
  std::array<std::vector<State>, register_kinds> registers_;
  std::vector<State> preview_;
  const Evaluate* pending_ = nullptr;  // points into the shared plan, so copies may keep it
  std::size_t step_ = 0;
  std::size_t instruction_ = 0;
  int model_calls_ = 0;
  int calls_in_all_ = 0;
  detail::StopWatch model_time_;
  detail::StopWatch sampler_time_;
};

}  // namespace dpm
