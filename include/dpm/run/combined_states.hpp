// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A plan's combinations, done to the states behind its registers.
#pragma once

#include <cstddef>
#include <span>

#include "dpm/plan/plan.hpp"
#include "dpm/state/combine.hpp"
#include "dpm/state/weights.hpp"

namespace dpm::detail {

/// The states of a `Combine`, as `combine` is given them.
template <class State>
class CombinedStates {
 public:
  template <class Registers>
  CombinedStates(const Combine& c, Registers& registers)
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

}  // namespace dpm::detail
