// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The states behind a plan's registers, and those of a combination.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/state/combine.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/few_values.hpp"
#include "dpm/state/weights.hpp"

namespace dpm::detail {

/// A number for each kind of register.
using RegisterCounts = std::array<std::size_t, register_kinds>;

/// Sets where the registers of each kind begin, one kind after the other; returns how many there
/// are.
inline std::size_t lay_out(const RegisterCounts& counts, RegisterCounts& first) {
  std::size_t size = 0;
  for (std::size_t k = 0; k < register_kinds; ++k) {
    first[k] = size;
    size += counts[k];
  }
  return size;
}

/// All registers of a run, each shaped like the sample: those that its plans need, on the heap.
template <class State>
class Registers {
 public:
  /// As many registers of each kind as `counts` says, all equal to `x`.
  void assign(const RegisterCounts& counts, const State& x) {
    counts_ = counts;
    states_ = std::vector<State>(lay_out(counts, first_), x);
  }

  /// All equal to `x`, which has their shape.
  void fill(const State& x) {
    for (State& state : states_) state = x;
  }

  /// At least as many as `counts` says; those that are there keep their values, new ones equal `x`.
  void grow(const RegisterCounts& counts, const State& x) {
    RegisterCounts more{};
    RegisterCounts first{};
    for (std::size_t k = 0; k < register_kinds; ++k) more[k] = std::max(counts[k], counts_[k]);
    if (more == counts_) return;
    std::vector<State> states(lay_out(more, first), x);  // now, as x may be one that is moved
    for (std::size_t k = 0; k < register_kinds; ++k) {
      for (std::size_t i = 0; i < counts_[k]; ++i) {
        states[first[k] + i] = std::move(states_[first_[k] + i]);
      }
    }
    counts_ = more;
    first_ = first;
    states_ = std::move(states);
  }

  [[nodiscard]] bool has(Register r) const {
    return !states_.empty() && r.kind <= Register::Kind::prediction &&
           r.index < counts_[static_cast<std::size_t>(r.kind)];
  }
  State& operator[](Register r) { return states_[place(r)]; }
  const State& operator[](Register r) const { return states_[place(r)]; }

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
  void assign(const RegisterCounts& /*counts*/, const State& x) { fill(x); }
  void fill(const State& x) { states_.fill(x); }
  void grow(const RegisterCounts& /*counts*/, const State& /*x*/) {}

  static constexpr bool has(Register r) {
    return r.kind <= Register::Kind::prediction &&
           r.index < (r.kind == Register::Kind::prediction ? max_predictions : 1);
  }
  State& operator[](Register r) { return states_[place(r)]; }
  const State& operator[](Register r) const { return states_[place(r)]; }

 private:
  /// Only predictions have numbers above 0, and they are the last kind.
  static constexpr std::size_t place(Register r) {
    return static_cast<std::size_t>(r.kind) + r.index;
  }

  std::array<State, max_predictions + register_kinds - 1> states_;
};

/// The state of a register that a user names.
template <class State>
const State& at(const Registers<State>& registers, Register r) {
  require(registers.has(r), "Stepper: the run has no register of kind ", static_cast<int>(r.kind),
          " with number ", int{r.index}, "; it must be one that its plan writes");
  return registers[r];
}

/// Visits the registers that `counts` counts, kind by kind.
template <class Visit>
void for_each_register(const RegisterCounts& counts, const Visit& visit) {
  for (std::size_t k = 0; k < register_kinds; ++k) {
    for (std::size_t i = 0; i < counts[k]; ++i) {
      visit(Register{static_cast<Register::Kind>(k), static_cast<std::uint8_t>(i)});
    }
  }
}

/// Registers that are looked up when asked for: for few values a list of them would cost as much as
/// the arithmetic.
template <class State, std::size_t Most>
struct RegisterList {
  const BoundedVector<Register, Most>& names;
  Registers<State>& registers;

  [[nodiscard]] std::size_t size() const { return names.size(); }
  State* operator[](std::size_t i) const { return &registers[names[i]]; }
};

/// The place of a register in a list of a `Combine`; the list's size if it is not there.
template <class List>
std::size_t index_in(const List& list, Register r) {
  std::size_t i = 0;
  while (i < list.size() && !(list[i] == r)) ++i;
  return i;
}

template <class List>
bool contains(const List& list, Register r) {
  return index_in(list, r) < list.size();
}

/// The states of a `Combine`, as `combine` is given them.
template <class State>
class CombinedStates {
 public:
  CombinedStates(const Combine& c, Registers<State>& registers)
      : weights(c.weights.begin(), c.operands.size()),
        targets(to_, c.targets.size()),
        operands(from_, c.operands.size()) {
    for (std::size_t i = 0; i < c.targets.size(); ++i) to_[i] = &registers[c.targets[i]];
    for (std::size_t j = 0; j < c.operands.size(); ++j) from_[j] = &registers[c.operands[j]];
  }
  CombinedStates(const CombinedStates&) = delete;
  CombinedStates& operator=(const CombinedStates&) = delete;

 private:
  State* to_[Combine::max_targets];  // not filled: that would cost small states a tenth
  const State* from_[Combine::max_operands];

 public:
  Weights weights;
  std::span<State* const> targets;
  std::span<const State* const> operands;
};

/// Runs a combination.
template <class State>
void combine_registers(const Combine& c, Registers<State>& registers) {
  if constexpr (CombinedHere<State> && has_few_kernel<State>) {
    if (has_kernels()) {
      combine_few(Weights(c.weights.begin(), c.operands.size()),
                  RegisterList<State, Combine::max_targets>{c.targets, registers},
                  RegisterList<State, Combine::max_operands>{c.operands, registers},
                  c.operands.size());  // outputs are looked at when they are taken
      return;
    }
  }
  const CombinedStates<State> states(c, registers);
  combine(states.weights, states.targets, states.operands);
}

}  // namespace dpm::detail
