// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A plan as text, to read and to compare with a paper.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <ostream>
#include <string>
#include <string_view>
#include <variant>

#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"

namespace dpm {

[[nodiscard]] constexpr std::string_view name(Prediction prediction) {
  constexpr std::string_view names[] = {"noise", "data", "velocity", "score", "flow", "edm"};
  return prediction <= Prediction::edm ? names[static_cast<int>(prediction)] : "?";
}

[[nodiscard]] constexpr std::string_view name(Space space) {
  constexpr std::string_view names[] = {"noise", "data", "flow"};
  return space <= Space::flow ? names[static_cast<int>(space)] : "?";
}

namespace detail {

/// The register's name in a printed plan: x, y, m0.
std::string name(Register r);

/// `printed`, the text of one number, with a point for the decimal mark of any locale.
std::string with_point(std::string_view printed);

/// `value` with six significant digits, right-aligned in `width` columns.
std::string number(double value, std::size_t width = 0);

}  // namespace detail

/// The plan as text: one line of totals, then for each step its levels and its instructions.
[[nodiscard]] std::string to_string(const Plan& plan);

std::ostream& operator<<(std::ostream& out, const Plan& plan);

#if DPM_DEFINE

namespace detail {

DPM_INLINE std::string with_point(std::string_view printed) {
  std::string text;
  for (const char c : printed) {
    const bool is_mark = std::string_view("0123456789+-einfa").find(c) == std::string_view::npos;
    if (!is_mark) text += c;
    if (is_mark && !text.ends_with('.')) text += '.';  // a mark may have several bytes
  }
  return text;
}

DPM_INLINE std::string number(double value, std::size_t width) {
  char printed[40];
  std::snprintf(printed, sizeof printed, "%.6g", value);
  const std::string text = with_point(printed);
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

/// "1 step", "2 steps".
template <class Count>
std::string counted(Count count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

DPM_INLINE std::string name(Register r) {
  if (r.kind >= Register::Kind::prediction) return std::string("m").append(std::to_string(r.index));
  return {"xyzuelhp"[static_cast<int>(r.kind)]};  // in the order of Register::Kind
}

inline std::string describe(const Combine& c) {
  std::string text;
  for (std::size_t i = 0; i < c.targets.size(); ++i) {
    if (i > 0) text += ";  ";
    text += name(c.targets[i]) + " =";
    bool first = true;
    for (std::size_t j = 0; j < c.operands.size(); ++j) {
      const double weight = c.weight(i, j);
      if (weight == 0.0) continue;
      text += weight < 0.0 ? " - " : (first ? " " : " + ");
      text += number(weight < 0.0 ? -weight : weight) + " " + name(c.operands[j]);
      first = false;
    }
    if (first) text += " 0";
  }
  return text;
}

inline std::string describe(const Evaluate& e) {
  const std::string both = e.unconditional ? ", " + name(*e.unconditional) : std::string();
  return name(e.output) + both + " = model(" + name(e.input) + ", timestep " +
         number(e.level.timestep) + ")  at time " + number(e.level.time);
}

inline std::string describe(const Correct& c) {
  return name(c.slot) + " = correct(" + name(c.slot) + ")";
}

inline std::string describe(const Draw& d) {
  return name(d.target) + " = normal draw " + std::to_string(d.draw);
}

}  // namespace detail

DPM_INLINE std::string to_string(const Plan& plan) {
  std::string text = detail::counted(plan.steps.size(), "step") + ", " +
                     detail::counted(plan.model_calls(), "model call") + ", " +
                     detail::counted(plan.draws(), "noise draw");
  if (plan.corrections() > 0) text += ", " + detail::counted(plan.corrections(), "correction");
  text += "; " + std::string(name(plan.space)) + " space, the model predicts " +
          std::string(name(plan.prediction)) + "\nstep       time     lambda   instructions\n";
  int number_of_step = 0;
  for (const Step& step : plan.steps) {
    const std::string count = std::to_string(++number_of_step);
    std::string head = std::string(4 - std::min<std::size_t>(4, count.size()), ' ') + count + ' ' +
                       detail::number(step.from.time, 10) + ' ' +
                       detail::number(step.from.lambda(), 10) + "   ";
    for (const Instruction& instruction : step.instructions) {
      text += head + std::visit([](const auto& i) { return detail::describe(i); }, instruction);
      text += '\n';
      head.assign(29, ' ');
    }
  }
  if (!plan.steps.empty()) {
    text += " end " + detail::number(plan.end().time, 10) + " " +
            detail::number(plan.end().lambda(), 10) + "\n";
  }
  return text;
}

DPM_INLINE std::ostream& operator<<(std::ostream& out, const Plan& plan) {
  return out << to_string(plan);
}

#endif

}  // namespace dpm
