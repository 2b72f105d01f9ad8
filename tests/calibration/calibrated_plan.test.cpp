// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A calibrated plan goes wherever a plan goes, and gives the same samples there.
#include <cmath>
#include <cstddef>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "dpm/calibration/calibrate.hpp"
#include "dpm/dpm.hpp"
#include "dpm/interop/plan_json.hpp"
#include "support/catch.hpp"

namespace calibrated_plan_test {

using namespace dpm_test;
using State = std::vector<float>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

const dpm::GaussianMixture& network() {
  static const dpm::GaussianMixture modes({{0.4, dpm::Gaussian({-1.0, 0.5}, {0.1, 0.4})},
                                           {0.6, dpm::Gaussian({1.0, -0.5}, {0.3, 0.2})}});
  return modes;
}

/// A plan with moved levels, another level told to the model, and weights that no method has.
const dpm::Plan& calibrated() {
  static const dpm::Plan plan = [] {
    std::vector<State> starts(24, State(2));
    for (std::size_t i = 0; i < starts.size(); ++i) {
      dpm::NormalNoise{.seed = 1, .first_sample = i}.fill(starts[i]);
    }
    const dpm::References<State> references(dpm::make_plan(schedule, 100), network(), starts);
    return dpm::calibrate(dpm::make_plan(schedule, 5), network(), references,
                          {.schedule = schedule, .sweeps = 2, .turns = 1})
        .plan;
  }();
  return plan;
}

State start() {
  State x(2);
  dpm::NormalNoise{.seed = 2}.fill(x);
  return x;
}

State sampled(const dpm::Plan& plan) {
  State x = start();
  dpm::sample(plan, network(), x);
  return x;
}

State finished(dpm::Stepper<State> run) {
  while (const auto call = run.next()) network()(call->input, call->level, call->output);
  return run.sample();
}

}  // namespace

TEST_CASE("a calibrated plan is not its base and passes the check") {
  const dpm::Plan base = dpm::make_plan(schedule, 5);
  REQUIRE_FALSE(calibrated() == base);
  bool told_another = false;
  for (const dpm::Step& step : calibrated().steps) {
    for (const dpm::Instruction& instruction : step.instructions) {
      const auto* const call = std::get_if<dpm::Evaluate>(&instruction);
      told_another = told_another || (call != nullptr && call->level != step.from);
    }
  }
  REQUIRE(told_another);
  REQUIRE_NOTHROW(dpm::check(calibrated()));
}

TEST_CASE("a calibrated plan goes through JSON as an object and as text") {
  REQUIRE(dpm::plan_from_json(dpm::plan_to_json(calibrated())) == calibrated());
  const dpm::Plan read = dpm::plan_from_text(dpm::plan_to_text(calibrated()));
  REQUIRE(read == calibrated());
  REQUIRE(sampled(read) == sampled(calibrated()));
}

TEST_CASE("a calibrated plan is printed step by step") {
  std::ostringstream out;
  out << calibrated();
  REQUIRE(out.str() == dpm::to_string(calibrated()));
  REQUIRE_THAT(out.str(), mentions("5 steps, 5 model calls"));
}

TEST_CASE("a run of a calibrated plan saved at any call and loaded again ends in the same bits") {
  const State expected = sampled(calibrated());
  dpm::Stepper<State> run(calibrated(), start());
  std::vector<std::vector<std::byte>> saved{dpm::save(run)};
  while (const auto call = run.next()) {
    saved.push_back(dpm::save(run));
    network()(call->input, call->level, call->output);
  }
  REQUIRE(run.sample() == expected);
  REQUIRE(saved.size() == 6);
  for (const auto& bytes : saved) {
    REQUIRE(finished(dpm::load(bytes, calibrated(), State(2))) == expected);
  }
}

TEST_CASE("a fork of a run of a calibrated plan ends in the same bits") {
  dpm::Stepper<State> run(calibrated(), start());
  for (int calls = 0; calls < 3; ++calls) {
    const auto call = run.next();
    network()(call->input, call->level, call->output);
  }
  REQUIRE(finished(run.fork({})) == sampled(calibrated()));
  REQUIRE(finished(run) == sampled(calibrated()));
}

TEST_CASE("a runtime with raw pointers runs a calibrated plan") {
  const auto session = [](const float* x, float timestep, float* noise) {
    for (std::size_t i = 0; i < 2; ++i) noise[i] = std::tanh(0.8F * x[i] + 0.002F * timestep);
  };
  dpm::Stepper<State> run(calibrated(), start());
  while (const auto call = run.next()) {
    session(call->input.data(), static_cast<float>(call->level.timestep), call->output.data());
  }
  State expected = start();
  dpm::sample(
      calibrated(),
      [&](const State& x, double timestep, State& noise) {
        session(x.data(), static_cast<float>(timestep), noise.data());
      },
      expected);
  REQUIRE(run.sample() == expected);
  REQUIRE(run.model_calls() == 5);
}

}  // namespace calibrated_plan_test
