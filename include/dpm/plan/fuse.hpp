// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Makes a plan cheap to run: fewer passes over memory, no value formed that nobody reads.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <variant>
#include <vector>

#include "dpm/plan/plan.hpp"

namespace dpm::detail {

/// The weight that row `target` of `c` gives to `r`; 0 where `r` is not an operand.
inline double weight_of(const Combine& c, std::size_t target, Register r) {
  for (std::size_t i = 0; i < c.operands.size(); ++i) {
    if (c.operands[i] == r) return c.weight(target, i);
  }
  return 0.0;
}

template <class List>
std::optional<std::size_t> find_register(const List& list, Register r) {
  const auto it = std::find(list.begin(), list.end(), r);
  if (it == list.end()) return std::nullopt;
  return static_cast<std::size_t>(it - list.begin());
}

/// The one combination that does what `first` and then `second` do, if it is small enough: the
/// product of two linear maps, with the rows of `first` that `second` does not overwrite kept.
inline std::optional<Combine> merge(const Combine& first, const Combine& second) {
  std::vector<Register> targets(second.targets.begin(), second.targets.end());
  for (const Register r : first.targets) {
    if (!find_register(targets, r)) targets.push_back(r);
  }
  std::vector<Register> operands(first.operands.begin(), first.operands.end());
  for (const Register r : second.operands) {
    if (!find_register(operands, r) && !find_register(first.targets, r)) operands.push_back(r);
  }
  if (targets.size() > Combine::max_targets || operands.size() > Combine::max_operands) {
    return std::nullopt;
  }
  Combine merged;
  for (const Register r : operands) merged.operands.push_back(r);
  for (const Register target : targets) {
    merged.targets.push_back(target);
    const auto row = find_register(second.targets, target);
    for (const Register operand : operands) {
      double weight = 0.0;
      if (!row) {
        weight = weight_of(first, *find_register(first.targets, target), operand);
      } else {
        for (std::size_t i = 0; i < second.operands.size(); ++i) {
          const Register r = second.operands[i];
          const double outer = second.weight(*row, i);
          if (const auto inner = find_register(first.targets, r)) {
            weight += outer * weight_of(first, *inner, operand);
          } else if (r == operand) {
            weight += outer;
          }
        }
      }
      merged.weights.push_back(weight);
    }
  }
  return merged;
}

/// Merges neighbouring combinations wherever the result is small enough.
inline void merge_combinations(Plan& plan) {
  for (Step& step : plan.steps) {
    std::vector<Instruction> merged;
    for (const Instruction& instruction : step.instructions) {
      if (const auto* second = std::get_if<Combine>(&instruction); second && !merged.empty()) {
        if (auto* first = std::get_if<Combine>(&merged.back())) {
          if (const auto one = merge(*first, *second)) {
            *first = *one;
            continue;
          }
        }
      }
      merged.push_back(instruction);
    }
    step.instructions = std::move(merged);
  }
}

/// Which registers will still be read.
class LiveRegisters {
 public:
  [[nodiscard]] bool contains(Register r) const { return live_[kind(r)][r.index]; }
  void add(Register r) { live_[kind(r)][r.index] = true; }
  void remove(Register r) { live_[kind(r)][r.index] = false; }

 private:
  static std::size_t kind(Register r) { return static_cast<std::size_t>(r.kind); }
  std::array<std::array<bool, max_predictions>, register_kinds> live_{};
};

/// `c` without the targets that are not live, and without the operands that then weigh nothing.
inline Combine keep_live(const Combine& c, const LiveRegisters& live) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < c.targets.size(); ++i) {
    if (live.contains(c.targets[i])) rows.push_back(i);
  }
  std::vector<std::size_t> columns;
  for (std::size_t j = 0; j < c.operands.size(); ++j) {
    const auto weighs = [&](std::size_t row) { return c.weight(row, j) != 0.0; };
    if (std::any_of(rows.begin(), rows.end(), weighs)) columns.push_back(j);
  }
  if (columns.empty() && !rows.empty()) columns.push_back(0);  // a target that is set to zero
  Combine kept;
  for (const std::size_t column : columns) kept.operands.push_back(c.operands[column]);
  for (const std::size_t row : rows) {
    kept.targets.push_back(c.targets[row]);
    for (const std::size_t column : columns) kept.weights.push_back(c.weight(row, column));
  }
  return kept;
}

/// Drops every target that nothing reads before it is written again, walking the plan backwards
/// from the sample, which is what a run is for.
inline void drop_dead_targets(Plan& plan) {
  LiveRegisters live;
  live.add(sample_register);
  for (auto step = plan.steps.rbegin(); step != plan.steps.rend(); ++step) {
    live.add(error_register);  // which observers read after each step
    std::vector<Instruction>& list = step->instructions;
    for (auto it = list.rbegin(); it != list.rend(); ++it) {
      if (auto* combine = std::get_if<Combine>(&*it)) {
        *combine = keep_live(*combine, live);
        for (const Register r : combine->targets) live.remove(r);
        for (const Register r : combine->operands) live.add(r);
      } else if (const auto* evaluate = std::get_if<Evaluate>(&*it)) {
        live.remove(evaluate->output);
        live.add(evaluate->input);
      } else if (const auto* correct = std::get_if<Correct>(&*it)) {
        live.add(correct->slot);
      } else if (const auto* draw = std::get_if<Draw>(&*it)) {
        live.remove(draw->target);
      }
    }
    std::erase_if(list, [](const Instruction& instruction) {
      const auto* combine = std::get_if<Combine>(&instruction);
      return combine != nullptr && combine->targets.empty();
    });
  }
}

/// Rewrites the plan so that a step reads every operand once and writes every target once. What it
/// computes is unchanged but for rounding.
inline void fuse(Plan& plan) {
  merge_combinations(plan);
  drop_dead_targets(plan);
}

}  // namespace dpm::detail
