// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Makes a plan cheap to run: merges combinations and drops values that nothing reads.
#pragma once

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/plan/plan.hpp"

namespace dpm::detail {

/// Where `r` is in `list`; the list's size if it is not there.
inline std::size_t find_register(std::span<const Register> list, Register r) {
  return static_cast<std::size_t>(std::find(list.begin(), list.end(), r) - list.begin());
}

/// The weight that row `target` of `c` gives to `r`; 0 where `r` is not an operand.
inline double weight_of(const Combine& c, std::size_t target, Register r) {
  const std::size_t operand = find_register(c.operands.span(), r);
  return operand < c.operands.size() ? c.weight(target, operand) : 0.0;
}

/// Replaces `first` by one combination that does both: first `first`, then `second`. It is the
/// product of the two linear maps, and keeps the rows of `first` that `second` does not overwrite.
/// Returns false and changes nothing if the product is too large for a `Combine`.
inline bool merge_into(Combine& first, const Combine& second) {
  const std::size_t rows = first.targets.size();
  const std::size_t columns = first.operands.size();
  auto targets = second.targets;
  for (const Register r : first.targets) {
    if (find_register(second.targets.span(), r) < second.targets.size()) continue;
    if (targets.size() == Combine::max_targets) return false;
    targets.push_back(r);
  }
  // Where an operand of `second` comes from: a row of `first`, or else a column of the result.
  std::size_t row_of[Combine::max_operands];
  std::size_t column_of[Combine::max_operands];
  auto operands = first.operands;
  for (std::size_t j = 0; j < second.operands.size(); ++j) {
    const Register r = second.operands[j];
    row_of[j] = find_register(first.targets.span(), r);
    if (row_of[j] < rows) continue;
    column_of[j] = find_register(operands.span(), r);
    if (column_of[j] < operands.size()) continue;
    if (operands.size() == Combine::max_operands) return false;
    operands.push_back(r);
  }
  double weights[Combine::max_targets * Combine::max_operands];
  double* row = weights;
  for (std::size_t i = 0; i < targets.size(); ++i, row += operands.size()) {
    for (std::size_t k = 0; k < operands.size(); ++k) row[k] = 0.0;
    if (i >= second.targets.size()) {
      const std::size_t kept = find_register(first.targets.span(), targets[i]);
      for (std::size_t k = 0; k < columns; ++k) row[k] = first.weight(kept, k);
      continue;
    }
    for (std::size_t j = 0; j < second.operands.size(); ++j) {
      const double weight = second.weight(i, j);
      if (row_of[j] == rows) {
        row[column_of[j]] += weight;
      } else {
        for (std::size_t k = 0; k < columns; ++k) row[k] += weight * first.weight(row_of[j], k);
      }
    }
  }
  first.targets = targets;
  first.operands = operands;
  first.weights.truncate(0);
  for (const double* w = weights; w != row; ++w) first.weights.push_back(*w);
  return true;
}

/// Adds an instruction to a step's list. A combination is merged with the last instruction if that
/// is a combination too and the result is small enough.
inline void append(std::vector<Instruction>& list, const Instruction& instruction) {
  if (const auto* second = std::get_if<Combine>(&instruction)) {
    auto* first = list.empty() ? nullptr : std::get_if<Combine>(&list.back());
    if (first != nullptr && merge_into(*first, *second)) return;
  }
  list.push_back(instruction);
}

/// A set of registers: a bit for each. Predictions are the last kind, and the only one with several
/// registers. A register that does not exist shares a bit with another; `check` refuses a plan that
/// uses one.
using RegisterSet = std::bitset<register_kinds - 1 + max_predictions>;

inline std::size_t bit_of(Register r) {
  return (static_cast<std::size_t>(r.kind) + r.index) % RegisterSet().size();
}

/// Drops the targets of `c` that are not live, and the operands that then weigh nothing.
inline void keep_live(Combine& c, const RegisterSet& live) {
  const Combine whole = std::exchange(c, {});
  BoundedVector<std::size_t, Combine::max_targets> rows;
  for (std::size_t i = 0; i < whole.targets.size(); ++i) {
    if (live[bit_of(whole.targets[i])]) rows.push_back(i);
  }
  if (rows.empty()) return;
  BoundedVector<std::size_t, Combine::max_operands> columns;
  for (std::size_t j = 0; j < whole.operands.size(); ++j) {
    const auto weighs = [&](std::size_t i) { return whole.weight(i, j) != 0.0; };
    if (std::any_of(rows.begin(), rows.end(), weighs)) columns.push_back(j);
  }
  if (columns.empty() && !whole.operands.empty()) columns.push_back(0);  // sets targets to zero
  for (const std::size_t i : rows) c.targets.push_back(whole.targets[i]);
  for (const std::size_t j : columns) c.operands.push_back(whole.operands[j]);
  for (const std::size_t i : rows) {
    for (const std::size_t j : columns) c.weights.push_back(whole.weight(i, j));
  }
}

/// Drops every target that nothing reads before it is written again. Walks the plan backwards from
/// its result, the sample.
inline void drop_dead_targets(Plan& plan) {
  RegisterSet live;  // which will still be read
  live.set(bit_of(sample_register));
  for (const Register r : plan.live) live.set(bit_of(r));
  for (std::size_t s = plan.steps.size(); s-- > 0;) {
    live.set(bit_of(error_register));  // which observers read after each step
    std::vector<Instruction>& list = plan.steps[s].instructions;
    for (std::size_t i = list.size(); i-- > 0;) {
      if (auto* combine = std::get_if<Combine>(&list[i])) {
        keep_live(*combine, live);
        for (const Register r : combine->targets) live.reset(bit_of(r));
        for (const Register r : combine->operands) live.set(bit_of(r));
      } else if (const auto* evaluate = std::get_if<Evaluate>(&list[i])) {
        live.reset(bit_of(evaluate->output));
        live.set(bit_of(evaluate->input));
      } else if (const auto* correct = std::get_if<Correct>(&list[i])) {
        live.set(bit_of(correct->slot));
      } else if (const auto* draw = std::get_if<Draw>(&list[i])) {
        live.reset(bit_of(draw->target));
      }
    }
    std::erase_if(list, [](const Instruction& instruction) {
      const auto* combine = std::get_if<Combine>(&instruction);
      return combine != nullptr && combine->targets.empty();
    });
  }
}

}  // namespace dpm::detail
