// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// One run of a sampler whose network is called by someone else, and answers when it pleases.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <dpm/catalogue.hpp>
#include <dpm/interop/plan_json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace web {

constexpr std::size_t pixels = 784;
constexpr int most_calls = 1000;

/// The noise that the network of examples/mnist was trained with.
inline const dpm::AnySchedule& trained_on() {
  static const dpm::AnySchedule schedule = dpm::DiscreteSchedule(dpm::linear_betas(1000));
  return schedule;
}

/// The plan of that sampler with the most steps that take at most `calls` model calls. No name is
/// the library's own choice, which has no scheduler.
inline dpm::Plan plan_of(const std::string& sampler, const std::string& scheduler, int calls) {
  if (sampler.empty()) return dpm::make_plan(trained_on(), calls);
  int steps = calls;
  dpm::Plan plan = dpm::plan_by_name(sampler, scheduler, trained_on(), steps);
  while (plan.model_calls() > calls && steps > 1) {
    plan = dpm::plan_by_name(sampler, scheduler, trained_on(), --steps);
  }
  return plan;
}

/// Whether the scheduler has steps for this network: some are for flows alone.
inline bool takes(const dpm::Scheduler& scheduler) {
  try {
    (void)dpm::grid_by_name(scheduler.name, trained_on(), 10);
    return true;
  } catch (const dpm::InvalidArgument&) {
    return false;
  }
}

/// With six significant digits.
inline std::string text_of(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// The plan in a text that plan_to_text wrote. Refuses one that this network cannot run.
inline dpm::Plan plan_of_text(const std::string& text) {
  dpm::Plan plan = dpm::plan_from_text(text);
  const auto refuse = [](const std::string& why) { throw std::invalid_argument("plan: " + why); };
  if (plan.steps.empty()) refuse("it has no steps; it needs one at least");
  if (plan.prediction != dpm::Prediction::noise) {
    refuse("the model predicts " + std::string(dpm::name(plan.prediction)) +
           "; this network predicts noise, so write the plan for it");
  }
  if (const int calls = plan.model_calls(); calls < 1 || calls > most_calls) {
    refuse("it has " + std::to_string(calls) + " model calls; it must have 1 to " +
           std::to_string(most_calls));
  }
  if (const double sigma = plan.start().sigma(); !(std::abs(sigma - 1.0) <= 0.01)) {
    refuse("it starts at sigma = " + text_of(sigma) +
           "; it must start at pure noise, where sigma is 1");
  }
  for (const dpm::Step& step : plan.steps) {
    for (const dpm::Instruction& instruction : step.instructions) {
      const auto* call = std::get_if<dpm::Evaluate>(&instruction);
      if (call == nullptr) continue;
      const dpm::Level& level = call->level;
      const bool known = level.timestep >= 0.0 && level.timestep <= 999.0;
      if (!known || level.data_stddev != 0.0) {
        refuse("it calls the model at timestep " + text_of(level.timestep) +
               (known ? " with its input scaled" : "") +
               "; this network knows timesteps from 0 to 999 and takes x as it is");
      }
    }
  }
  return plan;
}

/// Whether the plan takes the prediction without a class apart, as those of CFG++ do. Its samples
/// are then not at the end of the ODE that classifier-free guidance has.
inline bool guides(const dpm::Plan& plan) {
  for (const dpm::Step& step : plan.steps) {
    for (const dpm::Instruction& instruction : step.instructions) {
      const auto* call = std::get_if<dpm::Evaluate>(&instruction);
      if (call != nullptr && call->unconditional) return true;
    }
  }
  return false;
}

/// A run with classifier-free guidance. `next()` lays out the input of a model call in `input()`;
/// whoever calls the network fills `output()` before the next `next()`.
class Run {
 public:
  Run(dpm::Plan plan, std::size_t digits, double scale, std::uint64_t seed)
      : stepper_(std::move(plan), start_of(digits, seed), options_of(seed)),
        guided_(Answer{&output_}, scale),
        input_(2 * digits * pixels),
        output_(input_.size()) {}
  // The guidance knows where the output lies.
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  /// Whether there is a call to make.
  bool next() {
    if (call_) {
      if (call_->unconditional != nullptr) {
        guided_(call_->input, call_->level, call_->output, *call_->unconditional);
      } else {
        guided_(call_->input, call_->level, call_->output);
      }
    }
    call_.reset();
    if (auto call = stepper_.next()) call_.emplace(*call);
    if (!call_) return false;
    const auto half = std::copy(call_->input.begin(), call_->input.end(), input_.begin());
    std::copy(call_->input.begin(), call_->input.end(), half);
    return true;
  }

  /// The doubled batch [x | x], and the timestep.
  [[nodiscard]] const std::vector<float>& input() const { return input_; }
  [[nodiscard]] double timestep() const { return call_ ? call_->level.timestep : 0.0; }
  /// The network's output: [with its label | with none].
  [[nodiscard]] std::vector<float>& output() { return output_; }
  [[nodiscard]] const std::vector<float>& sample() const { return stepper_.sample(); }
  [[nodiscard]] const dpm::Plan& plan() const { return stepper_.plan(); }
  [[nodiscard]] int model_calls() const { return stepper_.model_calls(); }

 private:
  using State = std::vector<float>;

  /// Where guidance calls its model, the answer is there already.
  struct Answer {
    const State* output;
    void operator()(const State& /*x*/, double /*timestep*/, State& out) const { out = *output; }
  };

  static State start_of(std::size_t digits, std::uint64_t seed) {
    State x(digits * pixels);
    dpm::NormalNoise{.seed = seed, .elements_per_sample = pixels}.fill(x);
    return x;
  }
  static dpm::RunOptions<State> options_of(std::uint64_t seed) {
    dpm::RunOptions<State> options;
    options.noise = dpm::NormalNoise{.seed = seed, .elements_per_sample = pixels};
    return options;
  }

  dpm::Stepper<State> stepper_;
  dpm::BatchedClassifierFreeGuidance<Answer> guided_;
  State input_;
  State output_;
  std::optional<dpm::Stepper<State>::Call> call_;
};

}  // namespace web
