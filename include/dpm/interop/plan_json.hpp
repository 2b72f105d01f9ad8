// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Plans as JSON, so that another process, language or device can run them. Needs nlohmann_json;
/// `dpm/dpm.hpp` does not include this.
#pragma once

#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/plan_json/reader.hpp"
#include "dpm/plan/check.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/plan/print.hpp"

namespace dpm {
namespace detail {

// The bindings below name every field: one that is added to a plan does not compile here until it
// is written as well.

inline json written(const Level& level) {
  const auto& [time, log_alpha, log_sigma, timestep, data_stddev] = level;
  const auto log_number = [](double value) {
    return std::isinf(value) ? json("-inf") : json(value);
  };
  json object = json::object();
  object["time"] = time;
  object["log_alpha"] = log_number(log_alpha);
  object["log_sigma"] = log_number(log_sigma);
  object["timestep"] = timestep;
  object["data_stddev"] = data_stddev;
  return object;
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
    json row = json::array();
    for (std::size_t j = 0; j < operands.size(); ++j) row.push_back(combine.weight(i, j));
    rows.push_back(std::move(row));
  }
  return json::array({"combine", written_list(targets), written_list(operands), std::move(rows)});
}

inline json written(const Evaluate& evaluate) {
  const auto& [output, input, level] = evaluate;
  return json::array({"evaluate", name(output), name(input), written(level)});
}

inline json written(const Correct& correct) {
  const auto& [slot, level] = correct;
  return json::array({"correct", name(slot), written(level)});
}

inline json written(const Draw& draw) {
  const auto& [target, number] = draw;
  return json::array({"draw", name(target), number});
}

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
  const auto& [prediction, space, steps] = plan;
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [from, to, instructions] : steps) {
    nlohmann::json entries = nlohmann::json::array();
    for (const Instruction& instruction : instructions) {
      entries.push_back(std::visit([](const auto& i) { return detail::written(i); }, instruction));
    }
    nlohmann::json step = nlohmann::json::object();
    step["from"] = detail::written(from);
    step["to"] = detail::written(to);
    step["instructions"] = std::move(entries);
    list.push_back(std::move(step));
  }
  nlohmann::json whole = nlohmann::json::object();
  whole["format"] = "dpm-plan";
  whole["version"] = plan_json_version;
  whole["prediction"] = name(prediction);
  whole["space"] = name(space);
  whole["steps"] = std::move(list);
  return whole;
}

/// The plan that `plan_to_json` has written. Refuses with `InvalidArgument`, naming the step and
/// the instruction (both count from 0), keys that are missing or unknown, values of another type,
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
  for (const char* key : {"format", "version", "prediction", "space"}) {
    text += '"' + std::string(key) + "\": " + whole[key].dump() + ", ";
  }
  text += "\"steps\": [";
  const char* before_step = "\n";
  for (const nlohmann::json& step : whole["steps"]) {
    text += before_step + ("{\"from\": " + step["from"].dump()) +
            ",\n \"to\": " + step["to"].dump() + ",\n \"instructions\": [";
    const char* before_instruction = "\n  ";
    for (const nlohmann::json& instruction : step["instructions"]) {
      text += before_instruction + instruction.dump();
      before_instruction = ",\n  ";
    }
    text += "]}";
    before_step = ",\n";
  }
  return text + "]}\n";
}

/// The plan in such a text, however it is spaced. Refuses what is not JSON, and what
/// `plan_from_json` refuses, and a key that an object has twice: readers differ in which counts.
[[nodiscard]] inline Plan plan_from_text(std::string_view text) {
  std::vector<std::set<std::string>> keys;  // so far, of the objects that are open
  std::string twice;
  const auto note_keys = [&](int, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key) {
      const auto key = parsed.get<std::string>();
      if (!keys.back().insert(key).second) twice = key;
    }
    return true;
  };
  const auto json = nlohmann::json::parse(text, note_keys, false);
  detail::require(!json.is_discarded(), "plan_from_text: the text of ", text.size(),
                  " characters is not JSON; it must be one object");
  detail::require(twice.empty(), "plan_from_text: an object has the key \"", twice,
                  "\" twice; it may have it once");
  return plan_from_json(json);
}

}  // namespace dpm
