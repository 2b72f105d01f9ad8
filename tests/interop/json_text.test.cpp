// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Keys that an object has twice, and depth.
#include "dpm/interop/json_text.hpp"

#include <cstddef>
#include <string>

#include "support/catch.hpp"

namespace json_text_test {

using dpm::detail::JsonTextChecker;

namespace {

/// The key that an object of the text has twice; empty if there is none.
std::string twice(const std::string& text) {
  JsonTextChecker checker;
  REQUIRE(nlohmann::json::sax_parse(text, &checker));
  REQUIRE(!checker.too_deep());
  return checker.twice() != nullptr ? *checker.twice() : "";
}

}  // namespace

TEST_CASE("the first key that an object of a JSON text has twice is found") {
  REQUIRE(twice(R"({"a": 1, "b": [true, null, -2, 3e5, "a"]})").empty());
  REQUIRE(twice(R"({"a": 1, "b": {"a": 1, "b": {"a": 2}}, "c": [{"a": 3}, {"a": 4}]})").empty());
  REQUIRE(twice(R"({"a": 1, "a": 1})") == "a");
  REQUIRE(twice(R"([{"x": {"a": 1}, "b": [1, 2], "b": 1, "x": 2}])") == "b");
  REQUIRE(twice(R"({"x": {"a": {}, "c": [], "a": 1}, "x": 2})") == "a");
  REQUIRE(twice(R"({"a": 1, "\u0061": 1})") == "a");
  JsonTextChecker checker;
  REQUIRE(nlohmann::json::sax_parse(std::string(R"({"": 1, "": 2})"), &checker));
  REQUIRE((checker.twice() != nullptr && checker.twice()->empty()));
}

TEST_CASE("a JSON text may nest as deep as the limit and no deeper") {
  const auto passes = [](std::size_t depth, JsonTextChecker& checker) {
    const std::string text = std::string(depth, '[') + std::string(depth, ']');
    return nlohmann::json::sax_parse(text, &checker);
  };
  JsonTextChecker deep;
  REQUIRE(passes(JsonTextChecker::most_depth, deep));
  REQUIRE(!deep.too_deep());
  JsonTextChecker deeper;
  REQUIRE(!passes(JsonTextChecker::most_depth + 1, deeper));
  REQUIRE(deeper.too_deep());
  JsonTextChecker broken;
  REQUIRE(!nlohmann::json::sax_parse(std::string("[1, }"), &broken));
  REQUIRE(!broken.too_deep());
}

}  // namespace json_text_test
