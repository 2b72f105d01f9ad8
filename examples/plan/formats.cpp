// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A plan as a table and as a C array.
#include "formats.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <dpm/plan/print.hpp>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace {

std::string printed(const char* format, double value) {
  char text[40];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string line_of(const std::string& head, const dpm::Level& level) {
  std::string line = head;
  for (const double value :
       {level.timestep, level.alpha(), level.sigma(), std::exp(-level.lambda()), level.lambda()}) {
    line += printed(" %12.6g", value);
  }
  return line + "\n";
}

/// Numbers the registers of a plan in the order of their first use; x is 0.
class Registers {
 public:
  int number(dpm::Register r) {
    const std::pair key{r.kind, r.index};
    return numbers_.emplace(key, static_cast<int>(numbers_.size())).first->second;
  }
  [[nodiscard]] std::size_t count() const { return numbers_.size(); }

 private:
  std::map<std::pair<dpm::Register::Kind, int>, int> numbers_{
      {{dpm::Register::Kind::sample, 0}, 0}};
};

/// "{a, b, c}"
template <class Values, class Text>
std::string list(const Values& values, Text text) {
  std::string all;
  for (const auto& value : values) all += (all.empty() ? "" : ", ") + text(value);
  return "{" + all + "}";
}

struct Writer {
  Registers& registers;

  [[nodiscard]] std::string numbered(const std::vector<dpm::Register>& used) const {
    return list(used, [&](dpm::Register r) { return std::to_string(registers.number(r)); });
  }

  std::string operator()(const dpm::Combine& c) const {
    return "{dpm_combine, " + std::to_string(c.targets.size()) + ", " +
           std::to_string(c.operands.size()) + ", " +
           numbered({c.targets.begin(), c.targets.end()}) + ", " +
           numbered({c.operands.begin(), c.operands.end()}) + ", " +
           list(c.weights, [](double weight) { return printed("%.17g", weight); }) + ", 0}";
  }
  std::string operator()(const dpm::Evaluate& e) const {
    std::vector<dpm::Register> outputs{e.output};
    if (e.unconditional) outputs.push_back(*e.unconditional);
    return "{dpm_evaluate, " + std::to_string(outputs.size()) + ", 1, " + numbered(outputs) + ", " +
           numbered({e.input}) + ", {0}, " + printed("%.17g", e.level.timestep) + "}";
  }
  std::string operator()(const dpm::Draw& d) const {
    return "{dpm_draw, 1, 0, " + numbered({d.target}) + ", {0}, {0}, 0}";
  }
  std::string operator()(const dpm::Correct& /*correct*/) const {
    throw std::invalid_argument("a C array has no corrections");
  }
};

}  // namespace

std::string as_table(const dpm::Plan& plan, const std::string& start) {
  std::string text = "step     timestep        alpha        sigma  sigma/alpha       lambda\n";
  int number = 0;
  for (const dpm::Step& step : plan.steps) {
    const std::string count = std::to_string(++number);
    text +=
        line_of(std::string(4 - std::min<std::size_t>(4, count.size()), ' ') + count, step.from);
  }
  return text + line_of(" end", plan.end()) + "\nx is at first " + start + ".\n" + to_string(plan);
}

std::string as_c_array(const dpm::Plan& plan, const std::string& title, const std::string& start) {
  Registers registers;
  std::string rows;
  int number = 0;
  for (const dpm::Step& step : plan.steps) {
    rows += "  /* step " + std::to_string(++number) + " */\n";
    for (const dpm::Instruction& instruction : step.instructions) {
      rows += "  " + std::visit(Writer{registers}, instruction) + ",\n";
    }
  }
  const std::string prediction(name(plan.prediction));
  return "/* " + title + "\n\n   Register 0 holds the sample, at first " + start + R"(.
   The other registers are buffers of the same size. In order:
     dpm_combine   to[i] = the sum over j of weights[i * operands + j] * from[j]; all of from is
                   read before any of to is written
     dpm_evaluate  to[0] = the network at from[0], which is told the timestep; with two targets
                   to[1] is its prediction without condition
     dpm_draw      to[0] = standard normal noise
   The network predicts: )" +
         prediction +
         " */\nenum { dpm_combine, dpm_evaluate, dpm_draw };\nenum { dpm_registers = " +
         std::to_string(registers.count()) + R"( };
struct dpm_instruction {
  int what, targets, operands;
  int to[3], from[8];
  double weights[24];
  double timestep;
};
static const struct dpm_instruction dpm_plan[] = {
)" + rows +
         "};\n";
}
