// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The buffers of an adaptive run.
#pragma once

#include <cmath>
#include <cstddef>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/method/adaptive.hpp"
#include "dpm/model.hpp"
#include "dpm/plan/conversion.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/check_values.hpp"
#include "dpm/run/execute.hpp"
#include "dpm/run/options.hpp"
#include "dpm/run/preview.hpp"
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
        input_(scales_input ? 1 : 0, sample_),
        preview_(options.preview ? 1 : 0, sample_) {
    if (options.observer) sampler_time_.start();
  }

  /// Runs a plan of `make_trial` and returns its error; nothing if it was stopped.
  std::optional<double> run(const Plan& plan) {
    ++number_;
    if (!start_known_ && !run_step(plan, 0, sample_, sample_)) return std::nullopt;
    start_known_ = true;
    if (!run_step(plan, 1, sample_, lower_)) return std::nullopt;
    if (!run_step(plan, 2, lower_, higher_)) return std::nullopt;
    const double error = error_norm(lower_, higher_, previous_, tolerance_);
    if (!std::isfinite(error)) {
      fail<NonFinite>(sentence(place, number_, ": the estimate of its error (time ",
                               plan.end().time, ") is ", error, " tolerances of at least ",
                               tolerance_.absolute, "; it must be finite"));
    }
    return error;
  }

  /// Runs a plan of `make_last_step` and accepts what it makes; false if it was stopped.
  bool run_last(const Plan& plan) {
    ++number_;
    if (!run_step(plan, 0, sample_, higher_)) return false;
    check_values(higher_, "the sample after it", plan.end(), true);
    accept();
    return true;
  }

  void accept() {
    using std::swap;
    swap(sample_, higher_);
    swap(previous_, lower_);
    start_known_ = false;
  }

  /// Tells the observer that `step` steps have led to `at`.
  void observe(std::size_t step, const Level& at) {
    if (!options_.observer) return;
    sampler_time_.stop();
    options_.observer(Progress<State>{.step = step,
                                      .model_calls = model_calls_,
                                      .level = at,
                                      .sample = sample_,
                                      .model_seconds = model_time_.seconds(),
                                      .sampler_seconds = sampler_time_.seconds()});
    sampler_time_.start();
  }

  [[nodiscard]] const State& sample() const { return sample_; }
  [[nodiscard]] int model_calls() const { return model_calls_; }
  /// The model calls of the next trial.
  [[nodiscard]] int cost() const {
    return static_cast<int>(predictions_.size()) - (start_known_ ? 1 : 0);
  }

 private:
  /// Runs one step of a plan; what it does to the sample goes from `from` to `to`. False if it was
  /// stopped before a model call.
  bool run_step(const Plan& plan, std::size_t index, const State& from, State& to) {
    struct States {
      Trials& trials;
      const State& from;
      State& to;
      State& target(Register r) const { return r == sample_register ? to : trials.at(r); }
      const State& operand(Register r) const { return r == sample_register ? from : trials.at(r); }
    };
    States states{*this, from, to};
    for (const Instruction& instruction : plan.steps[index].instructions) {
      if (const auto* c = std::get_if<Combine>(&instruction)) {
        run_combine<State>(*c, states);
      } else if (const auto* e = std::get_if<Evaluate>(&instruction)) {
        if (options_.stop.stop_requested()) return false;
        evaluate(plan.prediction, *e, states.operand(e->input));
      } else if (const auto* correct = std::get_if<Correct>(&instruction)) {
        options_.correction(at(correct->slot), correct->level);
        check_values(at(correct->slot), "the corrected data prediction", correct->level);
      }
    }
    return true;
  }

  void evaluate(Prediction prediction, const Evaluate& call, const State& input) {
    State& output = at(call.output);
    if (options_.check_finite) mark_unfilled(output);
    if (options_.observer) {
      sampler_time_.stop();
      model_time_.start();
    }
    call_model<State>(model_, input, call.level, output);
    if (options_.observer) {
      model_time_.stop();
      sampler_time_.start();
    }
    ++model_calls_;
    check_values(output, "the model's output", call.level);
    if (options_.preview) {
      show_preview(options_, prediction, call, input, output, preview_[0]);
    }
  }

  /// Registers other than the sample. A trial draws no noise.
  State& at(Register r) {
    if (r.kind == Register::Kind::prediction) return predictions_[r.index];
    return r.kind == Register::Kind::input ? input_[r.index] : trial_;
  }

  void check_values(const State& values, const char* what, const Level& level,
                    bool is_result = false) const {
    if (is_in_order(values, sample_, options_.check_finite, is_result)) return;
    refuse_values(what, values, sample_, level, {place, number_});
  }

  static constexpr const char* place = "sample_adaptive: trial ";

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
  std::vector<State> preview_;
  bool start_known_ = false;  // predictions_[0] belongs to sample_
  std::size_t number_ = 0;
  int model_calls_ = 0;
  StopWatch model_time_;
  StopWatch sampler_time_;
};

}  // namespace dpm::detail
