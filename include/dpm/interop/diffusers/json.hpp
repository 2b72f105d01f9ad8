// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Reads and writes a scheduler_config.json.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/diffusers/fields.hpp"
#include "dpm/interop/diffusers/options.hpp"

namespace dpm::diffusers::detail {

using nlohmann::json;

/// Keys that say nothing about the result: notes of diffusers, options of classes that are not
/// understood here, and options that a pipeline reads, not the scheduler.
inline constexpr std::array<std::string_view, 24> ignored_keys{"timestep_values",
                                                               "tensor_format",
                                                               "_diffusers_version",
                                                               "_use_default_values",
                                                               "_name_or_path",
                                                               "_commit_hash",
                                                               "base_image_seq_len",
                                                               "base_shift",
                                                               "max_image_seq_len",
                                                               "max_shift",
                                                               "original_inference_steps",
                                                               "timestep_scaling",
                                                               "use_timestep_alignment",
                                                               "noise_sampler_seed",
                                                               "s_churn",
                                                               "s_noise",
                                                               "s_tmin",
                                                               "s_tmax",
                                                               "clip_model_output",
                                                               "order",
                                                               "use_noise_sampler",
                                                               "set_alpha_to_zero",
                                                               "solver_p",
                                                               "tau_func"};

/// Every key that some class has, and those to be ignored.
inline const std::set<std::string, std::less<>>& known_keys() {
  static const std::set<std::string, std::less<>> keys = [] {
    std::set<std::string, std::less<>> all(ignored_keys.begin(), ignored_keys.end());
    for (const auto& [kind, name] : class_names) {
      Options options = options_of(kind);
      visit_options(options, [&all](const char* key, auto&&...) { all.insert(key); });
    }
    all.insert("_class_name");
    return all;
  }();
  return keys;
}

/// A number, or the texts in which JSON can carry what it has no numbers for.
inline std::optional<double> as_number(const json& value) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (value.is_number()) return value.get<double>();
  if (value == "Infinity") return infinity;
  if (value == "-Infinity") return -infinity;
  return std::nullopt;
}

/// Takes each option out of a JSON object.
class Reader {
 public:
  explicit Reader(const json& config) : config_(config) {}

  void operator()(const char* key, bool& target) const {
    const json* value = find(key);
    if (value == nullptr) return;
    require(value->is_boolean() || value->is_null(), complaint(key, *value), "true or false");
    target = value->is_boolean() && value->get<bool>();
  }
  void operator()(const char* key, int& target) const {
    const json* value = find(key);
    if (value == nullptr) return;
    target = whole_number(key, *value);
  }
  void operator()(const char* key, double& target) const {
    const json* value = find(key);
    if (value == nullptr) return;
    if (value->is_null() && std::isinf(target)) return;
    const auto number = as_number(*value);
    require(number.has_value(), complaint(key, *value), "a number");
    target = *number;
  }
  void operator()(const char* key, std::optional<double>& target) const {
    const json* value = find(key);
    if (value == nullptr) return;
    target = as_number(*value);
    require(target.has_value() || value->is_null(), complaint(key, *value), "a number or null");
  }
  void operator()(const char* key, std::vector<double>& target) const {
    const json* value = find(key);
    if (value == nullptr || value->is_null()) return;
    require(value->is_array(), complaint(key, *value), "a list of numbers or null");
    target.clear();
    for (const json& entry : *value) {
      require(entry.is_number(), complaint(key, entry), "numbers only");
      target.push_back(entry.get<double>());
    }
  }
  void operator()(const char* key, std::vector<int>& target) const {
    const json* value = find(key);
    if (value == nullptr || value->is_null()) return;
    require(value->is_array(), complaint(key, *value), "a list of whole numbers or null");
    target.clear();
    for (const json& entry : *value) target.push_back(whole_number(key, entry));
  }
  void operator()(const char* key, std::string& target, const Choices& choices) const {
    const json* value = find(key);
    if (value == nullptr) return;
    std::string names;
    for (const auto name : choices.allowed) {
      names += (names.empty() ? "" : ", ") + (name.empty() ? "null" : std::string(name));
    }
    require(value->is_string() || value->is_null(), complaint(key, *value), "one of ", names);
    const std::string text = value->is_null() ? "" : value->get<std::string>();
    const auto is_text = [&text](std::string_view name) { return name == text; };
    if (std::any_of(choices.replaced.begin(), choices.replaced.end(), is_text)) {
      target = *choices.allowed.begin();
      return;
    }
    require(std::any_of(choices.allowed.begin(), choices.allowed.end(), is_text),
            complaint(key, *value), "one of ", names);
    target = text;
  }

 private:
  [[nodiscard]] const json* find(const char* key) const {
    const auto at = config_.find(key);
    return at == config_.end() ? nullptr : &*at;
  }
  static std::string complaint(const char* key, const json& value) {
    return std::string("diffusers: ") + key + " is " +
           value.dump(-1, ' ', false, json::error_handler_t::replace) + "; it must be ";
  }
  static int whole_number(const char* key, const json& value) {
    require(value.is_number_integer() && std::abs(value.get<double>()) < 1e9, complaint(key, value),
            "a whole number below 1e9");
    return value.get<int>();
  }

  const json& config_;
};

/// Puts each option into a JSON object.
class Writer {
 public:
  explicit Writer(json& config) : config_(config) {}

  void operator()(const char* key, double& value) const {
    if (std::isfinite(value)) {
      config_[key] = value;
    } else if (value > 0.0) {
      config_[key] = "Infinity";  // JSON has no number for it; minus infinity is the default
    }
  }
  void operator()(const char* key, std::optional<double>& value) const {
    config_[key] = value ? json(*value) : json();
  }
  void operator()(const char* key, std::vector<double>& value) const {
    config_[key] = value.empty() ? json() : json(value);
  }
  void operator()(const char* key, std::string& value, const Choices& /*choices*/) const {
    config_[key] = value.empty() ? json() : json(value);
  }
  template <class Value>
  void operator()(const char* key, Value& value) const {
    config_[key] = value;
  }

 private:
  json& config_;
};

/// Reads the options of the class that `_class_name` names. Refuses, by name, keys that no class
/// of diffusers has, and values that the class does not allow.
inline Options read_options(const json& config) {
  require(config.is_object(), "diffusers: the configuration is ", config.type_name(),
          "; it must be an object");
  const auto name = config.find("_class_name");
  require(name != config.end() && name->is_string(),
          "diffusers: the configuration has no text _class_name; it must name the scheduler");
  Options options = options_of(kind_of(name->get<std::string>()));
  for (const auto& entry : config.items()) {
    require(known_keys().contains(entry.key()), "diffusers: the key ", entry.key(), " of ",
            name->get<std::string>(), " is not known; remove it if it cannot change the result");
  }
  for (const char* key : {"solver_p", "tau_func"}) {
    require(!config.contains(key) || config[key].is_null(), "diffusers: ", key,
            " holds code; it must be null");
  }
  visit_options(options, Reader(config));
  return options;
}

inline json write_options(Options options) {
  json config = json::object();
  config["_class_name"] = std::string(class_name(options.kind));
  visit_options(options, Writer(config));
  return config;
}

/// Python writes -Infinity, Infinity and NaN into JSON; this puts them in quotes.
inline std::string quote_non_finite(std::string_view text) {
  std::string quoted;
  bool in_text = false;
  for (std::size_t i = 0; i < text.size();) {
    if (in_text && text[i] == '\\') {
      quoted += text.substr(i, 2);
      i += 2;
      continue;
    }
    if (text[i] == '"') in_text = !in_text;
    std::string_view word;
    for (const std::string_view candidate : {"-Infinity", "Infinity", "NaN"}) {
      if (!in_text && word.empty() && text.substr(i, candidate.size()) == candidate) {
        word = candidate;
      }
    }
    if (word.empty()) {
      quoted += text[i++];
    } else {
      quoted += '"' + std::string(word) + '"';
      i += word.size();
    }
  }
  return quoted;
}

}  // namespace dpm::diffusers::detail
