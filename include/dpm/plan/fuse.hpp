// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Makes a plan cheap to run: merges combinations and drops values that nothing reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "dpm/plan/plan.hpp"

namespace dpm::detail {

/// Where `r` is in `list`; the list's size if it is not there.
inline std::size_t find_register(std::span<const Register> list, Register r) {
  std::size_t i = 0;
  while (i < list.size() && !(list[i] == r)) ++i;
  return i;
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

/// Which registers will still be read: a bit for each.
class LiveRegisters {
 public:
  [[nodiscard]] bool contains(Register r) const { return (live_ & bit(r)) != 0; }
  void add(Register r) { live_ |= bit(r); }
  void remove(Register r) { live_ &= ~bit(r); }

 private:
  /// Predictions are the last kind, and the only one with several registers. A register that does
  /// not exist shares a bit with another; `check` refuses a plan that uses one.
  static std::uint32_t bit(Register r) {
    return std::uint32_t{1} << ((static_cast<unsigned>(r.kind) + r.index) % 32);
  }
  static_assert(register_kinds - 1 + max_predictions <= 32);
  std::uint32_t live_ = 0;
};

/// Drops the targets of `c` that are not live, and the operands that then weigh nothing.
inline void keep_live(Combine& c, const LiveRegisters& live) {
  const std::size_t columns = c.operands.size();
  std::size_t rows = 0;
  for (std::size_t i = 0; i < c.targets.size(); ++i) {
    if (!live.contains(c.targets[i])) continue;
    if (rows < i) {
      c.targets[rows] = c.targets[i];
      for (std::size_t j = 0; j < columns; ++j) c.weights[rows * columns + j] = c.weight(i, j);
    }
    ++rows;
  }
  c.targets.truncate(rows);
  c.weights.truncate(rows * columns);
  if (rows == 0) return c.operands.truncate(0);
  std::size_t weighs[Combine::max_operands];
  std::size_t kept = 0;
  for (std::size_t j = 0; j < columns; ++j) {
    bool any = false;
    for (std::size_t i = 0; i < rows; ++i) any = any || c.weight(i, j) != 0.0;
    if (any) weighs[kept++] = j;
  }
  if (kept == columns) return;
  if (kept == 0) weighs[kept++] = 0;  // targets that are set to zero
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < kept; ++k) c.weights[i * kept + k] = c.weight(i, weighs[k]);
  }
  for (std::size_t k = 0; k < kept; ++k) c.operands[k] = c.operands[weighs[k]];
  c.operands.truncate(kept);
  c.weights.truncate(rows * kept);
}

/// Drops every target that nothing reads before it is written again. Walks the plan backwards from
/// its result, the sample.
inline void drop_dead_targets(Plan& plan) {
  LiveRegisters live;
  live.add(sample_register);
  for (const Register r : plan.live) live.add(r);
  for (std::size_t s = plan.steps.size(); s-- > 0;) {
    live.add(error_register);  // which observers read after each step
    std::vector<Instruction>& list = plan.steps[s].instructions;
    for (std::size_t i = list.size(); i-- > 0;) {
      if (auto* combine = std::get_if<Combine>(&list[i])) {
        keep_live(*combine, live);
        for (const Register r : combine->targets) live.remove(r);
        for (const Register r : combine->operands) live.add(r);
      } else if (const auto* evaluate = std::get_if<Evaluate>(&list[i])) {
        live.remove(evaluate->output);
        if (evaluate->unconditional) live.remove(*evaluate->unconditional);
        live.add(evaluate->input);
      } else if (const auto* correct = std::get_if<Correct>(&list[i])) {
        live.add(correct->slot);
      } else if (const auto* draw = std::get_if<Draw>(&list[i])) {
        live.remove(draw->target);
      }
    }
    std::erase_if(list, [](const Instruction& instruction) {
      const auto* combine = std::get_if<Combine>(&instruction);
      return combine != nullptr && combine->targets.empty();
    });
  }
}

}  // namespace dpm::detail
