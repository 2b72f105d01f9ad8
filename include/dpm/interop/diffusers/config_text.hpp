// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// From the text of a scheduler_config.json to JSON.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dpm/error.hpp"

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

/// Reads a text without keeping it, and refuses what a parsed value no longer shows: a key that
/// stands twice in one object, of which the last would win, and lists in lists without end.
class TextCheck : public json::json_sax_t {
 public:
  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*size*/) override { return enter(); }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t /*size*/) override { return enter(); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    require(keys_.back().insert(name).second, "diffusers: the key ", shortened(name),
            " stands twice in one object; leave one of the two out");
    return true;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

 private:
  bool enter() {
    constexpr std::size_t deepest = 16;
    require(keys_.size() < deepest, "diffusers: the text has lists or objects more than ", deepest,
            " deep; a scheduler_config.json has 2");
    keys_.emplace_back();
    return true;
  }
  bool leave() {
    keys_.pop_back();
    return true;
  }

  std::vector<std::set<std::string>> keys_;  // of the objects and lists that are open
};

/// The text as JSON. Refuses what is no JSON, and what `TextCheck` refuses.
inline json parse_config(std::string_view text) {
  const std::string quoted = quote_non_finite(text);
  TextCheck check;
  require(json::sax_parse(quoted, &check),
          "diffusers: the text is not JSON; give the file's contents, not its name");
  return json::parse(quoted, nullptr, false);
}

}  // namespace dpm::diffusers::detail
