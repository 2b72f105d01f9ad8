// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A plan as one table with an entry for each model call: what a loop in another language runs.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/plan/check.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/schedule/level.hpp"

namespace dpm::detail {

/// A plan as a table. Between two model calls a plan forms weighted sums and nothing else, so all
/// that happens there is one matrix. The values that live across a call are the rows of one array,
/// the sample is row 0, and a run is
///
///     rows = first * (start, draws)
///     for each call:  outputs = model(rows[call.input], call.level)
///                     rows = call.weights * (rows, outputs, draws)
///
/// `draws` are the noise draws that lie between this call and the next. Where the plan corrects
/// data predictions, what follows the last line is
///
///                     rows[call.corrected] = correction(rows[call.corrected])
///                     rows = call.weights_after * (rows, draws)
///
/// Matrices are row-major and of one size in all calls; what a call does not need weighs 0. Weights
/// are those of the plan, and where several combinations lie between two calls their products,
/// formed in double.
struct PlanTable {
  struct Call {
    Level level;
    std::size_t input = 0;             ///< the row that the model is given
    std::vector<double> weights;       ///< rows x (rows + outputs + draws)
    std::vector<std::uint32_t> draws;  ///< their numbers in the plan
    std::optional<std::size_t> corrected = std::nullopt;
    std::vector<double> weights_after = {};  ///< rows x (rows + draws)
  };

  std::size_t rows = 1;
  std::size_t outputs = 1;    ///< 2 where the plan asks for the unconditional output too
  std::size_t draws = 0;      ///< the most draws between two calls
  bool corrects = false;      ///< whether calls have `weights_after`
  std::vector<double> first;  ///< rows x (1 + first_draws.size())
  std::vector<std::uint32_t> first_draws;
  std::vector<Call> calls;
};

/// Writes the table of a plan that passes `check`. Refuses a plan without a model call, and one
/// with more than one correction after a call.
class PlanTabulator {
 public:
  PlanTable tabulate(const Plan& plan) {
    split(plan);
    find_rows();
    PlanTable table;
    table.rows = rows_.size();
    for (const Stretch& s : stretches_) {
      if (s.unconditional) table.outputs = 2;
      if (s.corrected) table.corrects = true;
    }
    const Stretch& first = stretches_.front();
    table.first_draws = first.draws;
    for (const std::size_t row : rows_) {
      const std::vector<double> weights = weights_of(first, row);
      table.first.push_back(weights[0]);
      append_draws(weights, first.draws.size(), table.first);
    }
    std::vector<std::size_t> evaluations;
    for (std::size_t s = 1; s < stretches_.size(); ++s) {
      if (stretches_[s].evaluated == nullptr) continue;
      evaluations.push_back(s);
      table.calls.push_back(call_of(s));
      table.draws = std::max(table.draws, table.calls.back().draws.size());
    }
    require(!table.calls.empty(),
            "make_onnx_graph: the plan makes no model call; it must make one");
    for (std::size_t i = 0; i < evaluations.size(); ++i)
      fill(table, evaluations[i], table.calls[i]);
    return table;
  }

 private:
  // What a register can be a sum of, and places for these in a row of weights: the registers as
  // they stood, the model's two outputs, and then the draws.
  static constexpr std::size_t registers = register_kinds - 1 + max_predictions;
  static constexpr std::size_t first_draw = registers + 2;

  /// The combinations between two places where something else happens.
  struct Stretch {
    const Evaluate* evaluated = nullptr;     ///< what happens before it: a model call,
    std::optional<std::size_t> corrected{};  ///< or a correction of this register
    bool unconditional = false;
    std::vector<std::uint32_t> draws{};
    /// What each register holds at the end, as a row of weights. Rows end where zeros follow.
    std::array<std::vector<double>, registers> values{};
    std::array<bool, registers> needed{};  ///< those whose value is read later
  };

  /// Only predictions have numbers above 0, and they are the last kind.
  static std::size_t place(Register r) { return static_cast<std::size_t>(r.kind) + r.index; }

  static std::vector<double> unit(std::size_t at) {
    std::vector<double> row(at + 1, 0.0);
    row[at] = 1.0;
    return row;
  }

  Stretch& begin_stretch() {
    Stretch& s = stretches_.emplace_back();
    for (std::size_t r = 0; r < registers; ++r) s.values[r] = unit(r);
    return s;
  }

  void split(const Plan& plan) {
    begin_stretch();
    for (const Step& step : plan.steps) {
      for (const Instruction& instruction : step.instructions) {
        std::visit([this](const auto& i) { take(i); }, instruction);
      }
    }
  }

  void take(const Evaluate& e) {
    Stretch& s = begin_stretch();
    s.evaluated = &e;
    s.values[place(e.output)] = unit(registers);
    if (!e.unconditional) return;
    s.unconditional = true;
    s.values[place(*e.unconditional)] = unit(registers + 1);
  }

  void take(const Correct& c) {
    require(stretches_.size() > 1 && !stretches_.back().corrected,
            "make_onnx_graph: the plan corrects m", int{c.slot.index},
            stretches_.size() > 1 ? " after another correction" : " before its first model call",
            "; it may have one correction after each model call");
    begin_stretch().corrected = place(c.slot);
  }

  void take(const Draw& d) {
    Stretch& s = stretches_.back();
    s.values[place(d.target)] = unit(first_draw + s.draws.size());
    s.draws.push_back(d.draw);
  }

  void take(const Combine& c) {
    auto& values = stretches_.back().values;
    std::vector<std::vector<double>> sums(c.targets.size());
    for (std::size_t i = 0; i < c.targets.size(); ++i) {
      for (std::size_t j = 0; j < c.operands.size(); ++j) {
        const std::vector<double>& operand = values[place(c.operands[j])];
        if (operand.size() > sums[i].size()) sums[i].resize(operand.size(), 0.0);
        for (std::size_t k = 0; k < operand.size(); ++k) {
          if (operand[k] != 0.0) sums[i][k] += c.weight(i, j) * operand[k];
        }
      }
    }
    for (std::size_t i = 0; i < c.targets.size(); ++i) {
      values[place(c.targets[i])] = std::move(sums[i]);
    }
  }

  /// The rows of the table: registers whose value is read after a call or a correction.
  void find_rows() {
    std::array<bool, registers> live{};
    std::array<bool, registers> ever{};
    live[place(sample_register)] = true;
    ever = live;
    for (std::size_t s = stretches_.size(); s-- > 0;) {
      Stretch& stretch = stretches_[s];
      stretch.needed = live;
      std::array<bool, registers> before{};
      for (std::size_t r = 0; r < registers; ++r) {
        if (!live[r]) continue;
        ever[r] = true;
        const std::vector<double>& value = stretch.values[r];
        for (std::size_t k = 0; k < std::min(value.size(), registers); ++k) {
          if (value[k] != 0.0) before[k] = true;
        }
      }
      if (stretch.evaluated != nullptr) before[place(stretch.evaluated->input)] = true;
      if (stretch.corrected) before[*stretch.corrected] = true;
      live = before;
    }
    for (std::size_t r = 0; r < registers; ++r) {
      if (ever[r]) rows_.push_back(r);
    }
  }

  [[nodiscard]] std::size_t row_of(std::size_t r) const {
    return static_cast<std::size_t>(std::find(rows_.begin(), rows_.end(), r) - rows_.begin());
  }

  /// What a register is at the end of the stretch; nothing where nobody reads it.
  static std::vector<double> weights_of(const Stretch& s, std::size_t r) {
    std::vector<double> weights(first_draw + s.draws.size(), 0.0);
    if (s.needed[r]) std::copy(s.values[r].begin(), s.values[r].end(), weights.begin());
    return weights;
  }

  /// Appends the weights of the draws, of which a stretch has some that begin at number `skipped`.
  static void append_draws(const std::vector<double>& weights, std::size_t draws,
                           std::vector<double>& to, std::size_t skipped = 0) {
    to.insert(to.end(), skipped, 0.0);
    const std::size_t own = weights.size() - first_draw;
    to.insert(to.end(), weights.begin() + first_draw, weights.end());
    to.insert(to.end(), draws - skipped - own, 0.0);
  }

  void append_rows(const std::vector<double>& weights, std::vector<double>& to) const {
    for (const std::size_t r : rows_) to.push_back(weights[r]);
  }

  /// The stretch after a correction that follows the call at stretch `s`; null if there is none.
  [[nodiscard]] const Stretch* after_correction(std::size_t s) const {
    if (s + 1 == stretches_.size() || !stretches_[s + 1].corrected) return nullptr;
    return &stretches_[s + 1];
  }

  [[nodiscard]] PlanTable::Call call_of(std::size_t s) const {
    PlanTable::Call call;
    call.level = stretches_[s].evaluated->level;
    call.input = row_of(place(stretches_[s].evaluated->input));
    call.draws = stretches_[s].draws;
    if (const Stretch* after = after_correction(s)) {
      call.draws.insert(call.draws.end(), after->draws.begin(), after->draws.end());
    }
    return call;
  }

  void fill(const PlanTable& table, std::size_t s, PlanTable::Call& call) const {
    const Stretch& stretch = stretches_[s];
    for (const std::size_t r : rows_) {
      const std::vector<double> weights = weights_of(stretch, r);
      append_rows(weights, call.weights);
      for (std::size_t o = 0; o < table.outputs; ++o)
        call.weights.push_back(weights[registers + o]);
      append_draws(weights, table.draws, call.weights);
    }
    if (!table.corrects) return;
    const Stretch* const after = after_correction(s);
    if (after != nullptr) call.corrected = row_of(*after->corrected);
    for (const std::size_t r : rows_) {
      std::vector<double> weights(first_draw, 0.0);
      if (after != nullptr) {
        weights = weights_of(*after, r);
      } else if (stretch.needed[r]) {
        weights[r] = 1.0;
      }
      append_rows(weights, call.weights_after);
      append_draws(weights, table.draws, call.weights_after,
                   after != nullptr ? stretch.draws.size() : 0);
    }
  }

  std::vector<Stretch> stretches_;
  std::vector<std::size_t> rows_;
};

}  // namespace dpm::detail
