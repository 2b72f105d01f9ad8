// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Plans as JSON, so that another process, language or device can run them. Needs nlohmann_json;
/// `dpm/dpm.hpp` does not include this.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/json_text.hpp"
#include "dpm/plan/check.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/plan/print.hpp"

namespace dpm {

/// The version of the format that is written and read.
inline constexpr int plan_json_version = 2;

namespace detail {

using nlohmann::json;

// The bindings below name every field: one that is added to a plan does not compile here until it
// is written as well.

inline json written(const Level& level) {
  const auto& [time, log_alpha, log_sigma, timestep, data_stddev] = level;
  const auto log = [](double value) { return std::isinf(value) ? json("-inf") : json(value); };
  return {{"time", time},
          {"log_alpha", log(log_alpha)},
          {"log_sigma", log(log_sigma)},
          {"timestep", timestep},
          {"data_stddev", data_stddev}};
}

template <class Registers>
json written_list(const Registers& registers) {
  json list = json::array();
  for (const Register r : registers) list.push_back(name(r));
  return list;
}

inline json written(const Combine& combine) {
  const auto& [targets, operands, weights] = combine;
  json rows = json::array();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const double* const row = weights.begin() + i * operands.size();
    rows.push_back(std::vector<double>(row, row + operands.size()));
  }
  return json::array({"combine", written_list(targets), written_list(operands), std::move(rows)});
}

inline json written(const Evaluate& evaluate) {
  const auto& [output, input, level, unconditional] = evaluate;
  json list = json::array({"evaluate", name(output), name(input), written(level)});
  if (unconditional) list.push_back(name(*unconditional));
  return list;
}

inline json written(const Correct& correct) {
  const auto& [slot, level] = correct;
  return json::array({"correct", name(slot), written(level)});
}

inline json written(const Draw& draw) {
  const auto& [target, number] = draw;
  return json::array({"draw", name(target), number});
}

/// Reads a plan. It knows the place where it is, which every refusal names.
class PlanReader {
 public:
  [[nodiscard]] Plan plan(const json& whole) {
    require_header(whole);
    require_keys(whole, "the plan", {"format", "version", "prediction", "space", "live", "steps"});
    Plan plan;
    plan.prediction = one_of(whole["prediction"], "prediction",
                             {Prediction::noise, Prediction::data, Prediction::velocity,
                              Prediction::score, Prediction::flow, Prediction::edm});
    plan.space = one_of(whole["space"], "space", {Space::noise, Space::data, Space::flow});
    require_array(whole["live"], "live");
    for (const json& r : whole["live"]) plan.live.push_back(one_register(r, "an entry of live"));
    require_array(whole["steps"], "steps");
    for (const json& step : whole["steps"]) {
      const std::string place = place_ = sentence("step ", plan.steps.size() + 1);
      require_keys(step, "it", {"from", "to", "instructions"});
      plan.steps.push_back({level(step["from"], "from"), level(step["to"], "to"), {}});
      require_array(step["instructions"], "instructions");
      for (const json& entry : step["instructions"]) {
        auto& instructions = plan.steps.back().instructions;
        place_ = sentence(place, ", instruction ", instructions.size() + 1);
        instructions.push_back(instruction(entry));
      }
    }
    return plan;
  }

 private:
  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail<InvalidArgument>(
        sentence("plan_from_json: ", place_, place_.empty() ? "" : ": ", parts...));
  }

  /// A value for a message. Arrays and objects are named by their kind, long texts are cut.
  static std::string shown(const json& value) {
    if (value.is_structured()) return value.is_array() ? "an array" : "an object";
    const std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
    return text.size() <= 40 ? text : text.substr(0, 40) + "...";
  }

  void require_header(const json& whole) const {
    if (!whole.is_object()) refuse("the plan is ", shown(whole), "; it must be an object");
    const auto must_be = [&](const char* key, const json& value, const std::string& what) {
      if (whole.contains(key) && whole[key] == value) return;
      refuse(key, " is ", whole.contains(key) ? shown(whole[key]) : "missing", "; ", what);
    };
    must_be("format", "dpm-plan", "it must be \"dpm-plan\"");
    must_be("version", plan_json_version,
            sentence("this library reads version ", plan_json_version));
  }

  /// Refuses what is not an object with exactly these keys.
  void require_keys(const json& object, std::string_view what,
                    std::initializer_list<const char*> keys) const {
    if (!object.is_object()) refuse(what, " is ", shown(object), "; it must be an object");
    for (const char* key : keys) {
      if (!object.contains(key)) refuse(what, " has no key ", key);
    }
    for (const auto& entry : object.items()) {
      if (std::find(keys.begin(), keys.end(), entry.key()) == keys.end()) {
        refuse(what, " has the unknown key ", shown(entry.key()));
      }
    }
  }

  template <class Choice>
  Choice one_of(const json& value, std::string_view key,
                std::initializer_list<Choice> choices) const {
    std::string names;
    for (const Choice choice : choices) {
      if (is_text(value, name(choice))) return choice;
      names += (names.empty() ? "" : ", ") + std::string(name(choice));
    }
    refuse(key, " is ", shown(value), "; it must be one of ", names);
  }

  static bool is_text(const json& value, std::string_view text) {
    return value.is_string() && value.get_ref<const std::string&>() == text;
  }

  [[nodiscard]] double finite(const json& value, std::string_view what,
                              std::string_view or_else = "") const {
    if (value.is_number() && std::isfinite(value.get<double>())) return value.get<double>();
    refuse(what, " is ", shown(value), "; it must be a finite number", or_else);
  }

  [[nodiscard]] Level level(const json& object, std::string_view what) const {
    require_keys(object, what, {"time", "log_alpha", "log_sigma", "timestep", "data_stddev"});
    const auto at = [&](const char* key) {
      const json& value = object[key];
      const bool is_log = std::string_view(key).substr(0, 4) == "log_";
      if (is_log && is_text(value, "-inf")) return -std::numeric_limits<double>::infinity();
      return finite(value, sentence(key, " of ", what), is_log ? " or \"-inf\"" : "");
    };
    return {at("time"), at("log_alpha"), at("log_sigma"), at("timestep"), at("data_stddev")};
  }

  [[nodiscard]] Register one_register(const json& value, std::string_view what) const {
    for (std::size_t k = 0; k < register_kinds - 1 + max_predictions; ++k) {
      // Predictions are the last kind, and the only one with several registers.
      const auto kind = std::min(static_cast<Register::Kind>(k), Register::Kind::prediction);
      const Register r{kind, static_cast<std::uint8_t>(k - static_cast<std::size_t>(kind))};
      if (is_text(value, name(r))) return r;
    }
    refuse(what, " is ", shown(value), "; a register is x, y, z, u, e, l, h, p or m0 to m",
           max_predictions - 1);
  }

  [[nodiscard]] Instruction instruction(const json& list) const {
    if (is_made_of(list, {"combine", "targets", "operands", "weights"})) {
      return combine(list[1], list[2], list[3]);
    }
    const bool two = list.is_array() && list.size() == 5 && is_text(list[0], "evaluate");
    if (two) {
      return Evaluate{one_register(list[1], "output"), one_register(list[2], "input"),
                      level(list[3], "level"), one_register(list[4], "unconditional")};
    }
    if (is_made_of(list, {"evaluate", "output", "input", "level"})) {
      return Evaluate{one_register(list[1], "output"), one_register(list[2], "input"),
                      level(list[3], "level")};
    }
    if (is_made_of(list, {"correct", "slot", "level"})) {
      return Correct{one_register(list[1], "slot"), level(list[2], "level")};
    }
    if (is_made_of(list, {"draw", "target", "number"})) {
      return Draw{one_register(list[1], "target"), draw_number(list[2])};
    }
    refuse("it must be an array that begins with ",
           R"("combine", "evaluate", "correct" or "draw")");
  }

  /// Whether the list begins with the first of `items`. Refuses one that then has another length.
  [[nodiscard]] bool is_made_of(const json& list,
                                std::initializer_list<std::string_view> items) const {
    if (!list.is_array() || list.empty() || !is_text(list[0], *items.begin())) return false;
    if (list.size() == items.size()) return true;
    std::string names;
    for (const auto item : items) names += (names.empty() ? "" : ", ") + std::string(item);
    refuse("it has ", list.size(), " items; it must have ", items.size(), ": ", names);
  }

  [[nodiscard]] std::uint32_t draw_number(const json& value) const {
    const double number = value.is_number() ? value.get<double>() : -1.0;
    const bool fits = number >= 0.0 && number <= std::numeric_limits<std::uint32_t>::max();
    if (fits && number == std::floor(number)) return static_cast<std::uint32_t>(number);
    refuse("number is ", shown(value), "; it must be a whole number from 0");
  }

  void require_array(const json& value, std::string_view what, std::size_t least = 0,
                     std::size_t most = std::numeric_limits<std::size_t>::max()) const {
    if (!value.is_array()) refuse(what, " is ", shown(value), "; it must be an array");
    if (value.size() < least || value.size() > most) {
      const std::string range = least == most ? "" : sentence(least, " to ");
      refuse(what, " has ", value.size(), " entries; it must have ", range, most);
    }
  }

  [[nodiscard]] Combine combine(const json& targets, const json& operands,
                                const json& weights) const {
    require_array(targets, "targets", 1, Combine::max_targets);
    require_array(operands, "operands", 1, Combine::max_operands);
    require_array(weights, "weights", targets.size(), targets.size());
    Combine c;
    for (const json& r : targets) c.targets.push_back(one_register(r, "a target"));
    for (const json& r : operands) c.operands.push_back(one_register(r, "an operand"));
    for (const json& row : weights) {
      require_array(row, "a row of weights", operands.size(), operands.size());
      for (const json& value : row) c.weights.push_back(finite(value, "a weight"));
    }
    return c;
  }

  std::string place_;
};

}  // namespace detail

/// The plan as a JSON value, as docs/plan.schema.json describes it. Nothing is lost: doubles are
/// written with the digits that lead back to the same bits. Refuses what `check` refuses.
///
///     std::ofstream("plan.json") << dpm::plan_to_text(plan);
///     const dpm::Plan same = dpm::plan_from_text(text_of_the_file);
///
/// Instructions are arrays that begin with their name, so that their parts have an order in any
/// JSON library and a reader of some forty lines can run them: see examples/saved_plan.
[[nodiscard]] inline nlohmann::json plan_to_json(const Plan& plan) {
  check(plan);
  const auto& [prediction, space, steps, live] = plan;
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [from, to, instructions] : steps) {
    nlohmann::json entries = nlohmann::json::array();
    for (const Instruction& instruction : instructions) {
      entries.push_back(std::visit([](const auto& i) { return detail::written(i); }, instruction));
    }
    list.push_back({{"from", detail::written(from)},
                    {"to", detail::written(to)},
                    {"instructions", std::move(entries)}});
  }
  return {{"format", "dpm-plan"},
          {"version", plan_json_version},
          {"prediction", name(prediction)},
          {"space", name(space)},
          {"live", detail::written_list(live)},
          {"steps", std::move(list)}};
}

/// The plan that `plan_to_json` has written. Refuses with `InvalidArgument`, naming the step and
/// the instruction (both count from 1), keys that are missing or unknown, values of another type,
/// registers that do not exist, another version of the format, and at last what `check` refuses.
[[nodiscard]] inline Plan plan_from_json(const nlohmann::json& json) {
  Plan plan = detail::PlanReader().plan(json);
  check(plan);
  return plan;
}

/// The text of that JSON, one instruction a line.
[[nodiscard]] inline std::string plan_to_text(const Plan& plan) {
  const nlohmann::json whole = plan_to_json(plan);
  std::string text = "{";
  for (const char* key : {"format", "version", "prediction", "space", "live"}) {
    text += '"' + std::string(key) + "\": " + whole[key].dump() + ", ";
  }
  text += "\"steps\": [";
  for (const nlohmann::json& step : whole["steps"]) {
    text += text.ends_with('[') ? "\n" : ",\n";
    text += "{\"from\": " + step["from"].dump() + ",\n \"to\": " + step["to"].dump() +
            ",\n \"instructions\": [";
    for (const nlohmann::json& instruction : step["instructions"]) {
      text += text.ends_with('[') ? "\n  " : ",\n  ";
      text += instruction.dump();
    }
    text += "]}";
  }
  return text + "]}\n";
}

/// The plan in such a text, however it is spaced. Refuses what is not JSON, what nests deeper than
/// any plan, a key that an object has twice (readers differ in which counts), and what
/// `plan_from_json` refuses. Cost: linear in the length of the text.
[[nodiscard]] inline Plan plan_from_text(std::string_view text) {
  detail::JsonTextChecker checker;
  const bool is_json = nlohmann::json::sax_parse(text, &checker);
  detail::require(!checker.too_deep(), "plan_from_text: the text of ", text.size(),
                  " characters has arrays and objects that lie more than ", checker.most_depth,
                  " deep in each other; a plan has 7 at most");
  detail::require(is_json, "plan_from_text: the text of ", text.size(),
                  " characters is not JSON; it must be one object");
  if (const std::string* const twice = checker.twice()) {
    detail::require(false, "plan_from_text: an object has the key \"", *twice,
                    "\" twice; it may have it once");
  }
  return plan_from_json(nlohmann::json::parse(text));
}

}  // namespace dpm
