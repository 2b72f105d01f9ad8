// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Refuses a plan that could not be run.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "dpm/error.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/plan/print.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// Refuses, with `InvalidArgument` and the number of the step (from 1), a plan that cannot be run:
/// registers that are not there or read before they are written, weights that are not finite,
/// levels that do not join up, draws out of order. Every plan that `make_plan` returns passes; the
/// stepper asks again, because a plan is plain data that anyone may write. What lives on from an
/// earlier plan (`Plan::live`) may be read. Cost: one pass over the instructions.
void check(const Plan& plan);

namespace detail {

/// The same for a run whose registers `held`, and no others, hold a value when the plan begins.
void check(const Plan& plan, std::span<const Register> held);

}  // namespace detail

#if DPM_DEFINE

namespace detail {

/// Walks a plan as a run would and keeps note of which registers hold a value.
class PlanChecker {
 public:
  void check(const Plan& plan, std::span<const Register> held) {
    prediction_ = plan.prediction;
    require(plan.prediction <= Prediction::edm, "check: the plan's prediction is number ",
            static_cast<int>(plan.prediction), "; it must be one that `Prediction` names");
    require(plan.space <= Space::flow, "check: the plan's space is number ",
            static_cast<int>(plan.space), "; it must be one that `Space` names");
    require(!plan.steps.empty(), "check: the plan has no steps; it must have at least one");
    for (const Register& r : plan.live) {
      (void)register_of(r);
      require(r.kind != Register::Kind::sample && r.kind != Register::Kind::noise,
              "check: the plan lets the sample or the noise live on; the sample always does, and "
              "each plan draws its own noise");
      require(is_first(plan.live.data(), r), "check: the plan lets ", name(r),
              " live on twice; it must name each register once");
    }
    for (const Register r : held) register_of(r) = true;
    for (const Step& step : plan.steps) {
      ++step_;
      must(step_ == 1 || plan.steps[step_ - 2].to == step.from,
           " starts at another level than the step before it ends at");
      if (step_ == 1) check_level(step.from);
      check_level(step.to);
      for (const Instruction& instruction : step.instructions) {
        std::visit([this](const auto& i) { check(i); }, instruction);
      }
    }
    for (const Register r : plan.live) {
      require(register_of(r), "check: the plan lets ", name(r),
              " live on, a register that nothing has written");
    }
  }

 private:
  /// Refuses unless `allowed`, with the number of the step, or for what lives on without one.
  template <class... Parts>
  void must(bool allowed, const Parts&... parts) const {
    if (allowed) return;
    require(step_ > 0, "check: live", parts...);
    require(false, "check: step ", step_, parts...);
  }

  /// Whether the register is not among those of its list that stand before it.
  static bool is_first(const Register* list, const Register& r) {
    while (!(*list == r)) ++list;
    return list == &r;
  }

  void check(const Combine& c) {
    must(!c.targets.empty() && !c.operands.empty(), " has a Combine without targets or operands");
    must(c.weights.size() == c.targets.size() * c.operands.size(), " has a Combine of ",
         c.targets.size(), " targets and ", c.operands.size(), " operands with ", c.weights.size(),
         " weights; it needs one for each pair");
    for (const double weight : c.weights) {
      must(std::isfinite(weight), " has the weight ", weight, "; weights must be finite");
    }
    for (const Register& r : c.operands) {
      read(r);
      must(is_first(c.operands.begin(), r),
           " has a Combine that reads one register twice; add up its weights");
    }
    for (const Register& r : c.targets) {
      must(is_first(c.targets.begin(), r), " has a Combine that writes one register twice");
      must(r.kind != Register::Kind::noise,
           " has a Combine that writes the noise register; only Draw may");
      write(r);
    }
  }

  void check(const Evaluate& e) {
    must(e.output.kind == Register::Kind::prediction,
         " has an Evaluate whose output is not a prediction register");
    must(e.input.kind != Register::Kind::prediction && e.input.kind != Register::Kind::noise &&
             e.input.kind != Register::Kind::error,
         " has an Evaluate whose input is none of the sample, stage and input registers");
    check_level(e.level);
    must(prediction_ != Prediction::edm || e.level.data_stddev > 0.0,
         " has an Evaluate with data_stddev = ", e.level.data_stddev,
         " in a plan for Prediction::edm; it must be above 0 there");
    read(e.input);
    write(e.output);
    if (e.unconditional) {
      must(e.unconditional->kind == Register::Kind::prediction && !(*e.unconditional == e.output),
           " has an Evaluate whose unconditional output is not a prediction register of its own");
      write(*e.unconditional);
    }
  }

  void check(const Correct& c) {
    must(c.slot.kind == Register::Kind::prediction,
         " has a Correct of a register that is not a prediction");
    check_level(c.level);
    read(c.slot);
  }

  void check(const Draw& d) {
    must(d.target.kind == Register::Kind::noise,
         " has a Draw into a register that is not the noise register");
    must(d.draw == draws_, " has draw number ", d.draw,
         "; draws are numbered in order and this one is number ", draws_);
    ++draws_;
    write(d.target);
  }

  void check_level(const Level& level) const {
    must(std::isfinite(level.time) && std::isfinite(level.timestep) &&
             !std::isnan(level.lambda()) && level.log_alpha < largest_log &&
             level.log_sigma < largest_log,
         " has a level that is not a point of a forward process: time ", level.time, ", log alpha ",
         level.log_alpha, ", log sigma ", level.log_sigma, ", timestep ", level.timestep);
    must(level.data_stddev >= 0.0 && std::isfinite(level.data_stddev),
         " has a level with data_stddev = ", level.data_stddev,
         "; it must be finite and at least 0");
  }

  bool& register_of(Register r) {
    const auto kind = static_cast<std::size_t>(r.kind);
    must(kind < register_kinds, " names a register of kind number ", kind,
         "; it must be one that `Register::Kind` names");
    const std::size_t limit = r.kind == Register::Kind::prediction ? max_predictions : 1;
    must(r.index < limit, " names register number ", r.index, " of its kind; there are ", limit);
    return held_[kind][r.index];
  }
  void read(Register r) {
    if (register_of(r) || r == sample_register) return;
    must(false, " reads ", name(r), ", a register that nothing has written");
  }
  void write(Register r) { register_of(r) = true; }

  static constexpr double largest_log = 709.0;  // of a number that is finite
  Prediction prediction_ = Prediction::noise;
  std::size_t step_ = 0;  // counted from 1; 0 before the first
  std::uint32_t draws_ = 0;
  std::array<std::array<bool, max_predictions>, register_kinds> held_{};
};

DPM_INLINE void check(const Plan& plan, std::span<const Register> held) {
  PlanChecker().check(plan, held);
}

}  // namespace detail

DPM_INLINE void check(const Plan& plan) { detail::check(plan, plan.live); }

#endif

}  // namespace dpm
