// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// docs/plan.schema.json describes what is written, and tells apart what is read.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/interop/plan_json.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/plan_json.hpp"

namespace plan_schema_test {

using namespace dpm_test;
using nlohmann::json;

namespace {

const json& schema() {
  static const json whole =
      json::parse(std::ifstream(DPM_TEST_DATA "/../../../docs/plan.schema.json"));
  return whole;
}

bool is_type(const json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "number") return value.is_number();
  if (type == "integer") {
    return value.is_number() && std::floor(value.get<double>()) == value.get<double>();
  }
  FAIL("the schema has the type " << type);
  return false;
}

bool is_valid(const json& value, const json& rules);

bool has_valid_members(const json& object, const json& rules) {
  if (!object.is_object()) return true;
  for (const json& key : rules.value("required", json::array())) {
    if (!object.contains(key.get<std::string>())) return false;
  }
  for (const auto& member : object.items()) {
    const json& properties = rules["properties"];
    if (!properties.contains(member.key())) return false;
    if (!is_valid(member.value(), properties[member.key()])) return false;
  }
  return true;
}

bool has_valid_items(const json& list, const json& rules) {
  if (!list.is_array()) return true;
  if (list.size() < rules.value("minItems", std::size_t{0})) return false;
  if (list.size() > rules.value("maxItems", list.size())) return false;
  if (rules.value("uniqueItems", false)) {
    for (auto i = list.begin(); i != list.end(); ++i) {
      if (std::find(list.begin(), i, *i) != i) return false;
    }
  }
  const json first = rules.value("prefixItems", json::array());
  for (std::size_t i = 0; i < list.size(); ++i) {
    const json& rule = i < first.size() ? first[i] : rules["items"];
    if (!is_valid(list[i], rule)) return false;
  }
  return true;
}

/// JSON Schema 2020-12 as far as the plan's schema uses it.
bool is_valid(const json& value, const json& rules) {
  if (rules.is_boolean()) return rules.get<bool>();
  for (const auto& rule : rules.items()) {
    const std::string& key = rule.key();
    const json& is = rule.value();
    const auto allows = [&value](const json& other) { return is_valid(value, other); };
    const auto bounds = [&](auto holds) {
      return !value.is_number() || holds(value.get<double>(), is.get<double>());
    };
    bool valid = true;
    if (key == "$ref")
      valid = allows(schema().at(json::json_pointer(is.get<std::string>().substr(1))));
    if (key == "type") valid = is_type(value, is);
    if (key == "const") valid = value == is;
    if (key == "enum") valid = std::find(is.begin(), is.end(), value) != is.end();
    if (key == "anyOf") valid = std::any_of(is.begin(), is.end(), allows);
    if (key == "minimum") valid = bounds(std::greater_equal<>());
    if (key == "maximum") valid = bounds(std::less_equal<>());
    if (!valid) return false;
  }
  const bool has_members = rules.contains("properties");
  const bool has_items = rules.contains("items");
  return (!has_members || has_valid_members(value, rules)) &&
         (!has_items || has_valid_items(value, rules));
}

bool is_valid(const json& plan) { return is_valid(plan, schema()); }

/// Calls `visit` with each schema inside `rules`, itself first.
template <class Visit>
void for_each_schema(const json& rules, Visit visit) {
  if (!rules.is_object()) return;
  visit(rules);
  for (const char* key : {"properties", "$defs", "prefixItems", "anyOf"}) {
    for (const json& part : rules.value(key, json())) for_each_schema(part, visit);
  }
  for_each_schema(rules.value("items", json()), visit);
}

}  // namespace

TEST_CASE("the plan's schema uses only what is checked here, and allows no other key or item") {
  const std::set<std::string> known{
      "$schema",    "$defs",      "$ref",     "title",   "description", "type",
      "required",   "properties", "const",    "enum",    "anyOf",       "additionalProperties",
      "items",      "minItems",   "maxItems", "minimum", "maximum",     "prefixItems",
      "uniqueItems"};
  int schemas = 0;
  for_each_schema(schema(), [&](const json& rules) {
    ++schemas;
    CAPTURE(rules.dump());
    for (const auto& rule : rules.items()) REQUIRE(known.count(rule.key()) == 1);
    if (rules.contains("properties")) {
      REQUIRE(rules["additionalProperties"] == false);
      std::set<std::string> keys;
      for (const auto& property : rules["properties"].items()) keys.insert(property.key());
      REQUIRE(rules["required"].get<std::set<std::string>>() == keys);
    }
    if (rules.contains("prefixItems")) {
      REQUIRE(rules["items"] == false);
      REQUIRE(rules["minItems"] == rules["prefixItems"].size());
    }
    const json type = rules.value("type", json());
    REQUIRE((type == "array") == rules.contains("items"));
    REQUIRE((type == "object") == rules.contains("properties"));
  });
  REQUIRE(schemas > 40);
}

TEST_CASE("the plan's schema has the library's limits") {
  const json& defs = schema()["$defs"];
  const json& combine = defs["combine"]["prefixItems"];
  REQUIRE(schema()["properties"]["version"]["const"] == dpm::plan_json_version);
  REQUIRE(combine[1]["maxItems"] == dpm::Combine::max_targets);
  REQUIRE(combine[2]["maxItems"] == dpm::Combine::max_operands);
  REQUIRE(combine[3]["maxItems"] == dpm::Combine::max_targets);
  REQUIRE(combine[3]["items"]["maxItems"] == dpm::Combine::max_operands);
  const json& slots = defs["prediction_register"]["enum"];
  REQUIRE(slots.size() == dpm::max_predictions);
  for (std::size_t k = 0; k < slots.size(); ++k) REQUIRE(slots[k] == "m" + std::to_string(k));
}

TEST_CASE("the plans of every method follow the schema") {
  const dpm::AnySchedule schedule = dpm::Edm();  // whose models are given a scaled input
  for (const NamedMethod& method : every_method()) {
    if (method.name.find("rule of flows") != std::string::npos) continue;  // sigma is above 1
    CAPTURE(method.name);
    const dpm::Grid grid = method.grid(schedule, schedule.last_time(), schedule.first_time(), 5);
    const dpm::Plan plan = method.plan(grid, dpm::Prediction::edm, dpm::Correction::data);
    REQUIRE(is_valid(dpm::plan_to_json(plan)));
  }
  // And those whose model hands over two predictions.
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, dpm::VpLinear(), 3);
  json both = dpm::plan_to_json(make_plan(dpm::CfgPlusPlus{}, grid));
  REQUIRE(is_valid(both));
  json& call = both["steps"][0]["instructions"][0];
  REQUIRE(call.size() == 5);
  for (const json& second : {json("x"), json("m16"), json(3)}) {
    call[4] = second;
    REQUIRE_FALSE(is_valid(both));
    REQUIRE_THROWS_AS(dpm::plan_from_json(both), dpm::InvalidArgument);
  }
  REQUIRE(is_valid(dpm::plan_to_json(weighing({-0.0, 1e300}, noisy_level, clean_level))));
  REQUIRE(is_valid(dpm::plan_to_json(trial_plan())));
}

TEST_CASE("the schema allows a list of live registers exactly if it is read") {
  json whole = dpm::plan_to_json(trial_plan());
  std::size_t read = 0;
  for (const char* r : {"x", "y", "z", "u", "e", "l", "h", "p", "m0", "m15", "m16", "q", ""}) {
    for (const json& live :
         {json::array({r}), json::array({"m0", r}), json::array({r, r}), json(r)}) {
      whole["live"] = live;
      CAPTURE(live.dump());
      bool is_read = true;
      try {
        (void)dpm::plan_from_json(whole);
      } catch (const dpm::InvalidArgument& error) {
        is_read = false;
        // What the trial's plan reads must live on; that is beyond a schema.
        if (std::string(error.what()).find("reads ") != std::string::npos) continue;
      }
      REQUIRE(is_valid(whole) == is_read);
      read += is_read ? 1 : 0;
    }
  }
  REQUIRE(read > 10);
}

TEST_CASE("the schema allows an altered plan exactly if its form is that of a plan") {
  std::size_t allowed = 0;
  std::size_t runnable = 0;
  std::vector<json> all = alterations(dpm::plan_to_json(rich_plan()));
  for (const json& altered : alterations(dpm::plan_to_json(trial_plan()))) all.push_back(altered);
  for (const json& altered : all) {
    INFO(altered.dump());
    std::string sentence;
    try {
      (void)dpm::plan_from_json(altered);
    } catch (const dpm::InvalidArgument& error) {
      sentence = error.what();
    }
    INFO(sentence);
    const bool beyond_a_schema =
        sentence.rfind("check: ", 0) == 0 || sentence.find("weights has ") != std::string::npos;
    if (is_valid(altered)) {
      ++allowed;
      REQUIRE((sentence.empty() || beyond_a_schema));
    } else {
      REQUIRE(!sentence.empty());
    }
    runnable += sentence.empty() ? 1 : 0;
  }
  REQUIRE(allowed > runnable);
  REQUIRE(runnable > 100);
}

}  // namespace plan_schema_test
