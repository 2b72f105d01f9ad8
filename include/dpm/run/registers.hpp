// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The states behind a plan's registers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/dense.hpp"

namespace dpm::detail {

/// A number for each kind of register.
using RegisterCounts = std::array<std::size_t, register_kinds>;

/// What a run of a plan needs, counted in one pass.
struct PlanNeeds {
  int model_calls = 0;
  int draws = 0;
  int corrections = 0;
  RegisterCounts registers{};

  explicit PlanNeeds(const Plan& plan);

 private:
  void see(Register r);
};

/// What a run of `plan` needs. Refuses a null pointer, a plan that cannot be run, and one that
/// needs what is not there.
PlanNeeds check_run(const Plan* plan, bool has_noise, bool has_correction);

/// All registers of a run, each shaped like the sample: those that the plan writes, on the heap.
template <class State>
class Registers {
 public:
  /// As many registers of each kind as `counts` says, all equal to `x`.
  void assign(const RegisterCounts& counts, const State& x) {
    counts_ = counts;
    std::size_t size = 0;
    for (std::size_t k = 0; k < register_kinds; ++k) {
      first_[k] = size;
      size += counts[k];
    }
    states_ = std::vector<State>(size, x);
  }
  [[nodiscard]] const RegisterCounts& counts() const { return counts_; }

  State& operator[](Register r) { return states_[place(r)]; }
  const State& operator[](Register r) const { return states_[place(r)]; }
  State& target(Register r) { return (*this)[r]; }
  [[nodiscard]] const State& operand(Register r) const { return (*this)[r]; }

 private:
  [[nodiscard]] std::size_t place(Register r) const {
    return first_[static_cast<std::size_t>(r.kind)] + r.index;
  }

  RegisterCounts counts_{};
  RegisterCounts first_{};
  std::vector<State> states_;
};

/// Small states of a fixed size lie in place, and their runs need no heap at all. Each register has
/// its place whatever the plan, as finding it would cost as much as the arithmetic.
template <DenseState State>
requires(fixed_size<State>() > 0 && sizeof(State) <= 64) class Registers<State> {
 public:
  void assign(const RegisterCounts& counts, const State& x) {
    counts_ = counts;
    states_.fill(x);
  }
  [[nodiscard]] const RegisterCounts& counts() const { return counts_; }

  State& operator[](Register r) { return states_[place(r)]; }
  const State& operator[](Register r) const { return states_[place(r)]; }
  State& target(Register r) { return (*this)[r]; }
  [[nodiscard]] const State& operand(Register r) const { return (*this)[r]; }

 private:
  /// Only predictions have numbers above 0, and they are the last kind.
  static constexpr std::size_t place(Register r) {
    return static_cast<std::size_t>(r.kind) + r.index;
  }

  RegisterCounts counts_{};
  std::array<State, max_predictions + register_kinds - 1> states_;
};

/// Visits the states that the plan writes, kind by kind.
template <class AnyRegisters, class Visit>
void for_each_state(AnyRegisters& registers, const Visit& visit) {
  for (std::size_t k = 0; k < register_kinds; ++k) {
    for (std::size_t i = 0; i < registers.counts()[k]; ++i) {
      visit(registers[{static_cast<Register::Kind>(k), static_cast<std::uint8_t>(i)}]);
    }
  }
}

}  // namespace dpm::detail

#if DPM_DEFINE

#  include <variant>

#  include "dpm/error.hpp"
#  include "dpm/plan/check.hpp"

namespace dpm::detail {

DPM_INLINE PlanNeeds::PlanNeeds(const Plan& plan) {
  see(sample_register);
  for (const Step& step : plan.steps) {
    for (const Instruction& instruction : step.instructions) {
      if (const auto* c = std::get_if<Combine>(&instruction)) {
        for (const Register r : c->targets) see(r);
      } else if (const auto* e = std::get_if<Evaluate>(&instruction)) {
        ++model_calls;
        see(e->output);
      } else if (const auto* d = std::get_if<Draw>(&instruction)) {
        ++draws;
        see(d->target);
      } else {
        ++corrections;
      }
    }
  }
}

DPM_INLINE void PlanNeeds::see(Register r) {
  std::size_t& count = registers[static_cast<std::size_t>(r.kind)];
  if (r.index >= count) count = std::size_t{r.index} + 1;
}

DPM_INLINE PlanNeeds check_run(const Plan* plan, bool has_noise, bool has_correction) {
  require(plan != nullptr, "Stepper: the plan is a null pointer; it must point to a plan");
  check(*plan);
  const PlanNeeds needs(*plan);
  require(needs.draws == 0 || has_noise, "Stepper: the plan draws noise ", needs.draws,
          " times; give the run a noise source, such as NormalNoise{seed}");
  require((needs.corrections > 0) == has_correction, "Stepper: the plan asks for ",
          needs.corrections, " corrections and ", has_correction ? "a correction" : "no correction",
          " was given; make the plan with Correction::data exactly if one is given");
  return needs;
}

}  // namespace dpm::detail

#endif
