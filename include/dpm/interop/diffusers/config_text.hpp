// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// From the text of a scheduler_config.json to JSON.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "dpm/error.hpp"
#include "dpm/interop/json_text.hpp"

namespace dpm::diffusers::detail {

using dpm::detail::require;
using nlohmann::json;

/// A text as it stands in a message: not more than its beginning.
inline std::string shortened(std::string_view text) {
  constexpr std::size_t most = 40;
  return text.size() <= most ? std::string(text) : std::string(text.substr(0, most)) + "...";
}

/// A value as it stands in a message. Lists and objects are named by their kind alone.
inline std::string shown(const json& value) {
  if (value.is_structured()) return value.is_array() ? "a list" : "an object";
  if (value.is_number_float()) return dpm::detail::sentence(value.get<double>());
  const auto written = [](const json& short_value) {
    return short_value.dump(-1, ' ', false, json::error_handler_t::replace);
  };
  if (value.is_string()) return written(shortened(value.get_ref<const std::string&>()));
  return shortened(written(value));
}

/// Python writes -Infinity, Infinity and NaN into JSON; this puts them in quotes.
inline std::string quote_non_finite(std::string_view text) {
  std::string quoted;
  bool in_text = false;
  while (!text.empty()) {
    if (text[0] == '"') in_text = !in_text;
    std::size_t length = in_text && text[0] == '\\' ? 2 : 1;
    const char* quote = "";
    for (const std::string_view word : {"-Infinity", "Infinity", "NaN"}) {
      if (in_text || !text.starts_with(word)) continue;
      length = word.size();
      quote = "\"";
    }
    const std::string_view token = text.substr(0, length);
    quoted.append(quote).append(token).append(quote);
    text.remove_prefix(token.size());
  }
  return quoted;
}

/// The text as JSON. Refuses what is no JSON, lists in lists without end, and a key that stands
/// twice in one object, of which the last would win.
inline json parse_config(std::string_view text) {
  const std::string quoted = quote_non_finite(text);
  dpm::detail::JsonTextChecker checker;
  const bool is_json = json::sax_parse(quoted, &checker);
  require(!checker.too_deep(), "diffusers: the text has lists or objects more than ",
          dpm::detail::JsonTextChecker::most_depth, " deep; a scheduler_config.json has 2");
  require(is_json, "diffusers: the text is not JSON; give the file's contents, not its name");
  if (const std::string* key = checker.twice()) {
    require(false, "diffusers: the key ", shortened(*key),
            " stands twice in one object; leave one of the two out");
  }
  return json::parse(quoted, nullptr, false);
}

}  // namespace dpm::diffusers::detail
