// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The buffers of an adaptive run.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/method/adaptive.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/model.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/state/combine.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/error_norm.hpp"

namespace dpm::detail {

/// The buffers of an adaptive run, and what a trial does to them. Unlike a `Stepper`, which moves
/// its sample, it only reads the sample until `accept`.
template <class State, class Model>
class Trials {
 public:
  Trials(State x, const AdaptiveDpmSolver& method, bool scales_input, Model& model,
         const RunOptions<State>& options)
      : model_(model),
        options_(options),
        tolerance_(method.tolerance),
        sample_(std::move(x)),
        previous_(sample_),
        lower_(sample_),
        higher_(sample_),
        trial_(sample_),
        predictions_(static_cast<std::size_t>(method.order), sample_),
        input_(scales_input ? 1 : 0, sample_) {}

  /// Runs a plan of `make_trial` and returns its error.
  double run(const Plan& plan) {
    ++number_;
    if (!start_known_) run_step(plan.steps[0], sample_, sample_);
    start_known_ = true;
    run_step(plan.steps[1], sample_, lower_);
    run_step(plan.steps[2], lower_, higher_);
    const double error = error_norm(lower_, higher_, previous_, tolerance_);
    if (!std::isfinite(error)) fail_non_finite("the estimate of its error", plan.end());
    return error;
  }

  /// Runs a plan of `make_last_step`.
  void run_last(const Plan& plan) {
    ++number_;
    run_step(plan.steps[0], sample_, higher_);
    if constexpr (DenseState<State>) check_values(higher_, "the sample after it", plan.end());
    accept();
  }

  void accept() {
    using std::swap;
    swap(sample_, higher_);
    swap(previous_, lower_);
    start_known_ = false;
  }

  [[nodiscard]] const State& sample() const { return sample_; }
  [[nodiscard]] int model_calls() const { return model_calls_; }
  /// The model calls of the next trial.
  [[nodiscard]] int cost() const {
    return static_cast<int>(predictions_.size()) - (start_known_ ? 1 : 0);
  }

 private:
  /// Runs one step of a plan; what it does to the sample goes from `from` to `to`.
  void run_step(const Step& step, const State& from, State& to) {
    for (const Instruction& instruction : step.instructions) {
      if (const auto* c = std::get_if<Combine>(&instruction)) {
        std::array<State*, Combine::max_targets> targets{};
        std::array<const State*, Combine::max_operands> operands{};
        for (std::size_t i = 0; i < c->targets.size(); ++i) {
          targets[i] = c->targets[i] == sample_register ? &to : &at(c->targets[i]);
        }
        for (std::size_t j = 0; j < c->operands.size(); ++j) {
          operands[j] = c->operands[j] == sample_register ? &from : &at(c->operands[j]);
        }
        combine(Weights(c->weights.begin(), c->operands.size()),
                std::span<State* const>(targets.data(), c->targets.size()),
                std::span<const State* const>(operands.data(), c->operands.size()));
      } else if (const auto* e = std::get_if<Evaluate>(&instruction)) {
        evaluate(e->input == sample_register ? from : at(e->input), e->level, at(e->output));
      } else if (const auto* correct = std::get_if<Correct>(&instruction)) {
        options_.correction(at(correct->slot), correct->level);
        check_values(at(correct->slot), "the corrected data prediction", correct->level);
      }
    }
  }

  /// With checks on, an output that nobody fills holds a NaN and is noticed.
  void evaluate(const State& input, const Level& level, State& output) {
    if constexpr (DenseState<State>) {
      const auto view = dense_view(output);
      using Scalar = std::remove_pointer_t<decltype(view.data)>;
      if (options_.check_finite) view.data[0] = std::numeric_limits<Scalar>::quiet_NaN();
    }
    call_model<State>(model_, input, level, output);
    ++model_calls_;
    check_values(output, "the model's output", level);
  }

  /// Registers other than the sample. A trial draws no noise.
  State& at(Register r) {
    if (r.kind == Register::Kind::prediction) return predictions_[r.index];
    return r.kind == Register::Kind::input ? input_[r.index] : trial_;
  }

  void check_values(const State& values, const char* what, const Level& level) const {
    if constexpr (DenseState<State>) {
      const auto is = dense_view(values);
      const auto should_be = dense_view(sample_);
      require(is.same_shape(should_be), "sample_adaptive: ", what, " is ", is.elements, " x ",
              is.samples, "; it must have the shape of the sample, ", should_be.elements, " x ",
              should_be.samples);
      if (options_.check_finite && !all_finite(values)) fail_non_finite(what, level);
    }
  }

  [[noreturn]] void fail_non_finite(const char* what, const Level& level) const {
    fail<NonFinite>(sentence("sample_adaptive: trial ", number_, ": ", what, " (time ", level.time,
                             ", label ", level.label, ") holds a NaN or an infinity"));
  }

  Model& model_;
  const RunOptions<State>& options_;
  ErrorTolerance tolerance_;
  State sample_;
  State previous_;  // the lower-order result of the step before
  State lower_;
  State higher_;
  State trial_;
  std::vector<State> predictions_;
  std::vector<State> input_;
  bool start_known_ = false;  // predictions_[0] belongs to sample_
  int number_ = 0;
  int model_calls_ = 0;
};

}  // namespace dpm::detail
