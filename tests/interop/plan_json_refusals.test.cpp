// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What is refused in place of a plan, and by what sentence.
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>

#include "dpm/interop/plan_json.hpp"
#include "support/catch.hpp"
#include "support/plan_json.hpp"

namespace plan_json_refusals_test {

using namespace dpm_test;
using dpm::Plan;
using nlohmann::json;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void refused(const json& altered, const std::string& message) {
  REQUIRE_THROWS_AS(dpm::plan_from_json(altered), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(dpm::plan_from_json(altered), mentions(message));
}

/// The rich plan with the value at a place replaced.
json with(const std::string& place, const json& value) {
  json altered = dpm::plan_to_json(rich_plan());
  altered[json::json_pointer(place)] = value;
  return altered;
}
json without(const std::string& place, const std::string& key) {
  json altered = dpm::plan_to_json(rich_plan());
  altered[json::json_pointer(place)].erase(key);
  return altered;
}

}  // namespace

TEST_CASE("plan_from_json refuses what is not a plan, and names the place") {
  refused(json::array(), "plan_from_json: the plan is an array; it must be an object");
  refused(with("/format", "dmp-plan"), "format is \"dmp-plan\"; it must be \"dpm-plan\"");
  refused(without("", "format"), "format is missing; it must be \"dpm-plan\"");
  refused(with("/version", 1), "version is 1; this library reads version 2");
  refused(with("/version", true), "version is true");
  refused(without("", "version"), "version is missing; this library reads version 2");
  refused(without("", "space"), "plan_from_json: the plan has no key space");
  refused(with("/author", "me"), "the plan has the unknown key \"author\"");
  refused(with("/prediction", "score "),
          "prediction is \"score \"; it must be one of noise, data, velocity, score, flow, edm");
  refused(with("/space", nullptr), "space is null; it must be one of noise, data");
  refused(with("/steps", json::object()), "steps is an object; it must be an array");
  refused(with("/steps", json::array()), "check: the plan has no steps");
  refused(with("/steps/1", 3), "plan_from_json: step 2: it is 3; it must be an object");
  refused(without("/steps/1", "to"), "step 2: it has no key to");
  refused(with("/steps/1/To", 1), "step 2: it has the unknown key \"To\"");
  refused(with("/steps/1/to", 0.5), "step 2: to is 0.5; it must be an object");
  refused(without("/steps/0/from", "timestep"), "step 1: from has no key timestep");
  refused(with("/steps/0/from/t", 1), "step 1: from has the unknown key \"t\"");
  refused(with("/steps/0/from/time", "-inf"),
          "step 1: time of from is \"-inf\"; it must be a finite number");
  refused(with("/steps/0/to/log_sigma", "inf"),
          "log_sigma of to is \"inf\"; it must be a finite number or \"-inf\"");
  refused(with("/steps/0/to/log_alpha", -infinity), "log_alpha of to is null");
  refused(with("/steps/0/instructions", "x"), "step 1: instructions is \"x\"; it must be an array");
}

TEST_CASE("plan_from_json refuses what is not an instruction, and names the place") {
  // The instructions are: draw, evaluate, combine (m0, x), correct, combine. Sentences count
  // from 1.
  const std::string at = "/steps/0/instructions/";
  const std::string head = "plan_from_json: step 1, instruction ";
  const std::string names =
      "it must be an array that begins with \"combine\", \"evaluate\", \"correct\" or \"draw\"";
  for (const json& none : {json("draw"), json::array(), json::array({"Draw", "z", 0}),
                           json::array({json::array({"draw"})}), json::object()}) {
    refused(with(at + "0", none), head + "1: " + names);
  }
  refused(with(at + "0", {"draw", "z"}), head + "1: it has 2 items; it must have 3: draw, target,");
  refused(with(at + "1/4", 1), "2: unconditional is 1; a register is x, y, z, u, e,");
  refused(with(at + "3/3", 1), "4: it has 4 items; it must have 3: correct, slot, level");
  refused(with(at + "2/4", 1), "it must have 4: combine, targets, operands, weights");
  refused(with(at + "0/1", "m16"),
          "target is \"m16\"; a register is x, y, z, u, e, l, h, p or m0 to m15");
  refused(with(at + "1/1", "m00"),
          "output is \"m00\"; a register is x, y, z, u, e, l, h, p or m0 to m15");
  refused(with(at + "1/2", 0), "input is 0; a register is");
  refused(with(at + "3/1", "M0"), "slot is \"M0\"; a register is");
  for (const json& number : {json(-1), json(0.5), json(4294967296), json("0"), json(infinity)}) {
    refused(with(at + "0/2", number), "; it must be a whole number from 0");
  }
  refused(with(at + "3/2/timestep", "a"),
          head + "4: timestep of level is \"a\"; it must be a finite");
  refused(with(at + "2/1", "x"), head + "3: targets is \"x\"; it must be an array");
  refused(with(at + "2/1", json::array()), "targets has 0 entries; it must have 1 to 3");
  refused(with(at + "2/1", {"x", "y", "m0", "m1"}), "targets has 4 entries; it must have 1 to 3");
  refused(with(at + "2/2", json(9, "x")), "operands has 9 entries; it must have 1 to 8");
  refused(with(at + "2/1/0", "q"), "a target is \"q\"");
  refused(with(at + "2/2/0", nullptr), "an operand is null");
  refused(with(at + "2/3", json(4, json::array())), "weights has 4 entries; it must have ");
  refused(with(at + "2/3/0", 1), "a row of weights is 1; it must be an array");
  refused(with(at + "2/3/0", {1, 2, 3, 4, 5, 6, 7}),
          "a row of weights has 7 entries; it must have");
  refused(with(at + "2/3/0/0", "1"), "a weight is \"1\"; it must be a finite number");
  refused(with(at + "2/3/0/0", std::nan("")), "a weight is null; it must be a finite number");
  refused(with(at + "0/2", 1), "check: step 1 has draw number 1");  // what a run needs comes last
}

TEST_CASE("plan_from_json refuses registers that a plan may not let live on") {
  const json whole = dpm::plan_to_json(trial_plan());
  REQUIRE(whole["live"] == json({"m0", "l", "h", "p"}));
  REQUIRE_NOTHROW(dpm::plan_from_json(whole));
  const auto refused_live = [&](const json& live, const std::string& sentence) {
    json altered = whole;
    altered["live"] = live;
    REQUIRE_THROWS_AS(dpm::plan_from_json(altered), dpm::InvalidArgument);
    REQUIRE_THROWS_WITH(dpm::plan_from_json(altered), sentence);
    REQUIRE_THROWS_WITH(dpm::plan_from_text(altered.dump()), sentence);
  };
  const std::string registers = "; a register is x, y, z, u, e, l, h, p or m0 to m15";
  for (const auto& [entry, text] : {std::pair{json("q"), "\"q\""},
                                    {json("m16"), "\"m16\""},
                                    {json("M0"), "\"M0\""},
                                    {json("mean"), "\"mean\""},
                                    {json(""), "\"\""},
                                    {json(0), "0"},
                                    {json(0.5), "0.5"},
                                    {json(nullptr), "null"},
                                    {json(true), "true"},
                                    {json::array({"m0"}), "an array"},
                                    {json::object(), "an object"}}) {
    refused_live({"m0", entry},
                 "plan_from_json: an entry of live is " + std::string(text) + registers);
  }
  for (const auto& [live, text] : {std::pair{json("m0"), "\"m0\""},
                                   {json(1), "1"},
                                   {json(nullptr), "null"},
                                   {json::object(), "an object"}}) {
    refused_live(live, "plan_from_json: live is " + std::string(text) + "; it must be an array");
  }
  for (const char* r : {"x", "z"}) {
    refused_live({"m0", r},
                 "check: the plan lets the sample or the noise live on; the sample always does, "
                 "and each plan draws its own noise");
  }
  refused_live({"m0", "l", "h", "p", "l"},
               "check: the plan lets l live on twice; it must name each register once");
  json altered = whole;
  altered.erase("live");
  REQUIRE_THROWS_WITH(dpm::plan_from_json(altered), "plan_from_json: the plan has no key live");
}

TEST_CASE("long and ill-formed texts are quoted in part, and nested values not at all") {
  refused(with("/space", std::string(1000, 'a')), "space is \"" + std::string(39, 'a') + "...; it");
  refused(with("/space", "\xff"), "space is \"\xEF\xBF\xBD\"; it must be");
  REQUIRE_THROWS_WITH(dpm::plan_from_text("[]"), mentions("the plan is an array"));
}

TEST_CASE("a text that nests deeper than any plan is refused before the rest of it is read") {
  for (const std::string& text :
       {std::string(100000, '[') + std::string(100000, ']'), std::string(100000, '['),
        "{\"format\":\"dpm-plan\",\"version\":" + std::string(65, '[')}) {
    REQUIRE_THROWS_AS(dpm::plan_from_text(text), dpm::InvalidArgument);
    REQUIRE_THROWS_WITH(dpm::plan_from_text(text),
                        "plan_from_text: the text of " + std::to_string(text.size()) +
                            " characters has arrays and objects that lie more than 64 deep in "
                            "each other; a plan has 7 at most");
  }
  // One that is as deep as it may be is refused for what it is.
  const std::string deep = std::string(64, '[') + std::string(64, ']');
  REQUIRE_THROWS_WITH(dpm::plan_from_text(deep), mentions("the plan is an array"));
}

TEST_CASE("a plan of very many steps is read from its text, and one of empty steps is refused") {
  dpm::Plan plan = rich_plan();
  for (int i = 0; i < 20000; ++i) plan.steps.push_back({plan.end(), plan.end(), {}});
  REQUIRE(dpm::plan_from_text(dpm::plan_to_text(plan)) == plan);
  json altered = dpm::plan_to_json(rich_plan());
  altered["steps"] = json(100000, json::object());
  REQUIRE_THROWS_WITH(dpm::plan_from_text(altered.dump()),
                      "plan_from_json: step 1: it has no key from");
}

TEST_CASE("a text that is not JSON, and a plan that cannot be run, are refused") {
  for (const std::string text : {"", "{", "plan", "{} {}", "{\"version\": 1e999}", "[NaN]"}) {
    REQUIRE_THROWS_AS(dpm::plan_from_text(text), dpm::InvalidArgument);
    REQUIRE_THROWS_WITH(dpm::plan_from_text(text),
                        "plan_from_text: the text of " + std::to_string(text.size()) +
                            " characters is not JSON; it must be one object");
  }
  REQUIRE_THROWS_WITH(dpm::plan_to_json(Plan{}), mentions("check: the plan has no steps"));
  REQUIRE_THROWS_WITH(dpm::plan_to_text(weighing({infinity}, noisy_level, clean_level)),
                      mentions("check: step 1 has the weight inf"));
}

TEST_CASE("an altered plan is refused or read as it stands") {
  std::size_t read = 0;
  std::size_t refusals = 0;
  for (const json& altered : alterations(dpm::plan_to_json(rich_plan()))) {
    INFO(altered.dump());
    try {
      const Plan plan = dpm::plan_from_json(altered);
      REQUIRE(dpm::plan_to_json(plan) == altered);
      ++read;
    } catch (const dpm::InvalidArgument&) {
      ++refusals;
    }
  }
  REQUIRE(read > 100);
  REQUIRE(refusals > 1000);
}

TEST_CASE("a plan's text that is cut short or has another letter is refused or read as it stands") {
  const std::string text = dpm::plan_to_text(rich_plan());
  std::size_t read = 0;
  for (std::size_t length = 0; length + 2 < text.size(); ++length) {
    REQUIRE_THROWS_AS(dpm::plan_from_text(text.substr(0, length)), dpm::InvalidArgument);
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char other : std::string("\0\"[],{}0-1ex\x80", 13)) {
      std::string altered = text;
      altered[i] = other;
      INFO(altered);
      try {
        const Plan plan = dpm::plan_from_text(altered);
        REQUIRE(dpm::plan_to_json(plan) == json::parse(altered));
        ++read;
      } catch (const dpm::InvalidArgument&) {
        continue;
      }
    }
  }
  REQUIRE(read > 100);
}

TEST_CASE(
    "a key that an object of a plan's text has twice is refused, and one in two objects is not") {
  const std::string text = dpm::plan_to_text(rich_plan());
  REQUIRE_NOTHROW(dpm::plan_from_text(text));
  for (const std::string key : {"format", "steps", "timestep", "from"}) {
    INFO(key);
    std::string altered = text;
    const std::size_t at = altered.rfind('"' + key + '"');
    altered.insert(at, '"' + key + "\": 7, ");
    REQUIRE_THROWS_WITH(dpm::plan_from_text(altered),
                        mentions("plan_from_text: an object has the key \"" + key +
                                 "\" twice; it may have it once"));
  }
}

}  // namespace plan_json_refusals_test
