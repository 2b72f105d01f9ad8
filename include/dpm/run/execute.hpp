// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A plan's combinations, done to the states behind its registers.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

#include "dpm/plan/plan.hpp"
#include "dpm/state/combine.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/weights.hpp"

namespace dpm::detail {

/// Whether a state is of Eigen's and holds a few numbers of a type whose `combine` is the
/// library's.
template <class State>
constexpr bool has_few_numbers() {
  if constexpr (EigenState<State> && has_few_values<State>) {
    using Scalar = typename State::Scalar;
    return std::is_arithmetic_v<Scalar> || is_half_type<Scalar>;
  } else {
    return false;
  }
}

/// A `Combine` as a job for `combine_few`.
template <class State, class Registers>
struct RegistersJob {
  using Scalar = typename State::Scalar;
  const Combine& c;
  Registers& registers;

  [[nodiscard]] Weights weights() const { return {c.weights.begin(), c.operands.size()}; }
  [[nodiscard]] std::size_t targets() const { return c.targets.size(); }
  [[nodiscard]] std::size_t operands() const { return c.operands.size(); }
  [[nodiscard]] Scalar* target(std::size_t i) const { return registers[c.targets[i]].data(); }
  [[nodiscard]] const Scalar* operand(std::size_t j) const {
    return registers[c.operands[j]].data();
  }
};

/// The states of a `Combine`.
template <class State>
struct CombinedStates {
  State* to[Combine::max_targets] = {};
  const State* from[Combine::max_operands] = {};

  template <class Registers>
  CombinedStates(const Combine& c, Registers& registers) {
    for (std::size_t i = 0; i < c.targets.size(); ++i) to[i] = &registers[c.targets[i]];
    for (std::size_t j = 0; j < c.operands.size(); ++j) from[j] = &registers[c.operands[j]];
  }
  [[nodiscard]] std::span<State* const> targets(const Combine& c) const {
    return {to, c.targets.size()};
  }
  [[nodiscard]] std::span<const State* const> operands(const Combine& c) const {
    return {from, c.operands.size()};
  }
};

template <class State, class Registers>
void run_combine(const Combine& c, Registers& registers) {
  if constexpr (has_few_numbers<State>()) {
    // Straight to the values: for so few, finding them costs as much as the sums.
    combine_few<fixed_size<State>()>(RegistersJob<State, Registers>{c, registers});
  } else {
    const CombinedStates<State> states(c, registers);
    combine(Weights(c.weights.begin(), c.operands.size()), states.targets(c), states.operands(c));
  }
}

/// The same in one pass with a look at one operand: whether all its values are finite.
template <class State, class Registers>
[[nodiscard]] bool run_combine_and_check(const Combine& c, Registers& registers,
                                         std::size_t checked) {
  const CombinedStates<State> states(c, registers);
  return combine_and_check(Weights(c.weights.begin(), c.operands.size()), states.targets(c),
                           states.operands(c), checked);
}

}  // namespace dpm::detail
