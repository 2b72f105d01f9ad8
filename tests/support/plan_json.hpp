// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Plans to write as JSON, and JSON damaged in every place and in many ways.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <vector>

#include "dpm/dpm.hpp"

namespace dpm_test {

/// A short plan with every kind of instruction and several registers.
inline dpm::Plan rich_plan() {
  return dpm::make_plan(dpm::DpmSolver{.order = 2, .tau = 1.0}, dpm::VpLinear(), 2,
                        dpm::Prediction::noise, dpm::Correction::data);
}

/// The first plan of an adaptive run: a trial, four of whose registers live on.
inline dpm::Plan trial_plan() {
  return dpm::AdaptiveRun<std::vector<double>>(dpm::AdaptiveDpmSolver{}, dpm::VpLinear(),
                                               {1.0, 2.0})
      .stepper()
      .plan();
}

/// x <- weight x for each weight, in one step between two levels.
inline dpm::Plan weighing(const std::vector<double>& weights, const dpm::Level& from,
                          const dpm::Level& to) {
  dpm::Plan plan;
  plan.steps.push_back({from, to, {}});
  for (const double weight : weights) {
    plan.steps[0].instructions.push_back(
        dpm::Combine{{dpm::sample_register}, {dpm::sample_register}, {weight}});
  }
  return plan;
}

inline const dpm::Level noisy_level{1.0, -4.0, -0.1, 999.0};
inline const dpm::Level clean_level{};

namespace detail {

inline void add_places(const nlohmann::json& value, const nlohmann::json::json_pointer& at,
                       std::vector<nlohmann::json::json_pointer>& places) {
  places.push_back(at);
  if (value.is_object()) {
    for (const auto& entry : value.items()) add_places(entry.value(), at / entry.key(), places);
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) add_places(value[i], at / i, places);
  }
}

}  // namespace detail

/// Copies of `whole` with one change each: a value replaced, left out, put in or put in twice.
inline std::vector<nlohmann::json> alterations(const nlohmann::json& whole) {
  using nlohmann::json;
  std::vector<json::json_pointer> places;
  detail::add_places(whole, json::json_pointer(), places);
  const std::vector<json> others{
      nullptr,          true,          -1,  0,   1,    0.5,   1e300,  "",
      "-inf",           "noise",       "x", "z", "m0", "m16", "draw", json::array(),
      json::array({1}), json::object()};
  std::vector<json> all;
  const auto altered = [&](const json::json_pointer& at) -> json& {
    all.push_back(whole);
    return all.back()[at];
  };
  for (const auto& at : places) {
    for (const json& other : others) altered(at) = other;
    if (whole[at].is_object()) {
      altered(at)["more"] = 1;
      for (const auto& entry : whole[at].items()) altered(at).erase(entry.key());
    } else if (whole[at].is_array()) {
      for (std::size_t i = 0; i < whole[at].size(); ++i) {
        altered(at).erase(i);
        altered(at).push_back(whole[at][i]);
      }
    }
  }
  return all;
}

}  // namespace dpm_test
