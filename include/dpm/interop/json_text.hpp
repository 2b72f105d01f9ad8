// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// JSON text in which every object has each key once. Needs nlohmann_json.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace dpm::detail {

/// What one pass over a text finds: whether it is JSON, the first key that an object has twice, and
/// whether arrays and objects lie deeper in each other than `most_depth`, where the pass ends.
/// (nlohmann's own parser with a callback walks through an array at each of its entries' ends.)
class JsonTextChecker final : public nlohmann::json_sax<nlohmann::json> {
 public:
  static constexpr std::size_t most_depth = 64;

  [[nodiscard]] const std::string* twice() const { return has_twice_ ? &twice_ : nullptr; }
  [[nodiscard]] bool too_deep() const { return too_deep_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (!open_.back().insert(name).second && !has_twice_) {
      has_twice_ = true;
      twice_ = name;
    }
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

 private:
  bool open() {
    too_deep_ = open_.size() == most_depth;
    open_.emplace_back();
    return !too_deep_;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::vector<std::set<std::string>> open_;  // the keys so far; none for an array
  std::string twice_;
  bool has_twice_ = false;
  bool too_deep_ = false;
};

}  // namespace dpm::detail
