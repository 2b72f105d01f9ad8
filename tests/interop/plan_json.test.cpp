// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Plans as JSON: every bit comes back.
#include "dpm/interop/plan_json.hpp"

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/plan_json.hpp"

namespace plan_json_test {

using namespace dpm_test;
using dpm::Correction;
using dpm::Level;
using dpm::Plan;
using dpm::Prediction;
using nlohmann::json;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Every double of a plan, as bits: `==` takes -0 for 0.
std::vector<std::uint64_t> bits(const Plan& plan) {
  std::vector<std::uint64_t> all;
  const auto add = [&all](double value) { all.push_back(std::bit_cast<std::uint64_t>(value)); };
  const auto add_level = [&add](const Level& at) {
    for (const double v : {at.time, at.log_alpha, at.log_sigma, at.timestep, at.data_stddev})
      add(v);
  };
  for (const dpm::Step& step : plan.steps) {
    add_level(step.from);
    add_level(step.to);
    for (const dpm::Instruction& instruction : step.instructions) {
      if (const auto* c = std::get_if<dpm::Combine>(&instruction)) {
        for (const double weight : c->weights) add(weight);
      } else if (const auto* e = std::get_if<dpm::Evaluate>(&instruction)) {
        add_level(e->level);
      } else if (const auto* corrected = std::get_if<dpm::Correct>(&instruction)) {
        add_level(corrected->level);
      }
    }
  }
  return all;
}

void require_return(const Plan& plan) {
  for (const Plan& back :
       {dpm::plan_from_json(dpm::plan_to_json(plan)), dpm::plan_from_text(dpm::plan_to_text(plan)),
        dpm::plan_from_text(dpm::plan_to_json(plan).dump())}) {
    REQUIRE(back == plan);
    REQUIRE(bits(back) == bits(plan));
  }
}

}  // namespace

TEST_CASE("the plans of every method come back from JSON to the bit") {
  for (const dpm::AnySchedule& schedule :
       {dpm::AnySchedule(dpm::VpLinear()), dpm::AnySchedule(dpm::Edm())}) {
    for (const NamedMethod& method : every_method()) {
      const bool of_flows = method.name.find("rule of flows") != std::string::npos;
      if (of_flows && schedule.last_time() > 1.0) continue;  // EDM's sigma is above 1
      const dpm::Grid grid = method.grid(schedule, schedule.last_time(), schedule.first_time(), 7);
      for (const auto prediction : {Prediction::noise, Prediction::velocity, Prediction::edm}) {
        if (prediction == Prediction::edm && grid.levels()[0].data_stddev == 0.0) continue;
        for (const auto correction : {Correction::none, Correction::data}) {
          INFO(method.name << ", a model of the " << dpm::name(prediction));
          require_return(method.plan(grid, prediction, correction));
        }
      }
    }
  }
}

TEST_CASE("every prediction and both spaces come back from JSON") {
  Plan plan = weighing({1.0}, noisy_level, clean_level);
  for (const auto prediction : {Prediction::noise, Prediction::data, Prediction::velocity,
                                Prediction::score, Prediction::flow, Prediction::edm}) {
    for (const auto space : {dpm::Space::noise, dpm::Space::data}) {
      plan.prediction = prediction;
      plan.space = space;
      require_return(plan);
    }
  }
}

TEST_CASE("every register comes back from JSON") {
  Plan plan = weighing({1.0}, noisy_level, clean_level);
  std::vector<dpm::Register> registers{dpm::stage_register,  dpm::input_register,
                                       dpm::error_register,  dpm::lower_register,
                                       dpm::higher_register, dpm::previous_register};
  for (std::size_t k = 0; k < dpm::max_predictions; ++k) {
    registers.push_back(dpm::prediction_register(k));
  }
  for (const dpm::Register r : registers) {
    plan.steps[0].instructions.push_back(dpm::Combine{{r}, {dpm::sample_register}, {1.0}});
    plan.steps[0].instructions.push_back(dpm::Combine{{dpm::sample_register}, {r}, {1.0}});
  }
  require_return(plan);
}

TEST_CASE("every plan of an adaptive run comes back from JSON, with what lives on") {
  using State = std::vector<double>;
  for (const bool denoise_to_zero : {false, true}) {
    dpm::AdaptiveRun<State> run({.order = 2, .denoise_to_zero = denoise_to_zero}, dpm::VpLinear(),
                                State{1.0, 2.0});
    int parts = 0;
    while (auto call = run.next()) {
      const Plan& plan = run.stepper().plan();
      REQUIRE((plan.live.empty() || plan.steps[0].is_trial()));
      require_return(plan);
      for (std::size_t i = 0; i < 2; ++i) call->output[i] = 0.5 * call->input[i];
      parts += plan.live.empty() ? 0 : 1;
    }
    require_return(run.stepper().plan());  // an acceptance, or the step to sigma = 0
    REQUIRE(parts > 10);
    REQUIRE(run.report().accepted > 2);
  }
}

TEST_CASE("awkward doubles come back from JSON to the bit") {
  using Limits = std::numeric_limits<double>;
  std::vector<double> weights{0.0,
                              -0.0,
                              0.1 + 0.2,
                              1.0 / 3.0,
                              1e22,
                              1e23,
                              9007199254740993.0,
                              5e-324,
                              -5e-324,
                              2.2250738585072011e-308,
                              Limits::min(),
                              Limits::max(),
                              Limits::lowest(),
                              Limits::epsilon(),
                              1.0,
                              123456789.0};
  std::mt19937_64 random(1);
  while (weights.size() < 20000) {
    const auto value = std::bit_cast<double>(random());
    if (std::isfinite(value)) weights.push_back(value);
  }
  require_return(weighing(weights, noisy_level, clean_level));
}

TEST_CASE("both singular ends of a process come back from JSON") {
  const Level pure_noise{1.0, -infinity, 0.0, 1.0};
  const Plan plan = weighing({0.5}, pure_noise, clean_level);
  require_return(plan);
  const json written = dpm::plan_to_json(plan);
  REQUIRE(written["steps"][0]["from"]["log_alpha"] == "-inf");
  REQUIRE(written["steps"][0]["to"]["log_sigma"] == "-inf");
}

TEST_CASE("a plan's text has a line for each instruction, and any layout of it is read") {
  const Plan plan = weighing({1.0, 0.25}, noisy_level, clean_level);
  REQUIRE(
      dpm::plan_to_text(plan) ==
      R"({"format": "dpm-plan", "version": 2, "prediction": "noise", "space": "noise", "live": [], "steps": [
{"from": {"data_stddev":0.0,"log_alpha":-4.0,"log_sigma":-0.1,"time":1.0,"timestep":999.0},
 "to": {"data_stddev":0.0,"log_alpha":0.0,"log_sigma":"-inf","time":0.0,"timestep":0.0},
 "instructions": [
  ["combine",["x"],["x"],[[1.0]]],
  ["combine",["x"],["x"],[[0.25]]]]}]}
)");
  // As languages write it whose numbers are all of one type.
  REQUIRE(plan ==
          dpm::plan_from_text(R"( {"version": 2.0, "live": [], "steps": [ { "instructions": [
      ["combine", ["x"], ["x"], [[1]]], ["combine", ["x"], ["x"], [[25e-2]]] ],
      "to": {"time": 0, "log_alpha": 0, "log_sigma": "-inf", "timestep": 0, "data_stddev": 0},
      "from": {"time": 1, "log_alpha": -4, "log_sigma": -0.1, "timestep": 999, "data_stddev": 0} } ],
      "space": "noise", "prediction": "noise", "format": "dpm-plan"} )"));
  REQUIRE(rich_plan() == dpm::plan_from_text(dpm::plan_to_json(rich_plan()).dump(4)));
}

}  // namespace plan_json_test
