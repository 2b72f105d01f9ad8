// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The builder of plans: what it adds up, what it refuses, and how few passes it makes.
#include "dpm/plan/builder.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/plan/fuse.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/plans.hpp"
#include "support/refused.hpp"

namespace builder_test {

using namespace dpm_test;
using dpm::Combine;
using dpm::Evaluate;
using dpm::Instruction;
using dpm::Plan;
using dpm::Prediction;

TEST_CASE("no method makes more than one pass for each model call") {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  for (const NamedMethod& method : every_method()) {
    for (const Prediction prediction :
         {Prediction::noise, Prediction::data, Prediction::velocity, Prediction::score}) {
      const dpm::Grid grid = method.grid(schedule, 1.0, 1e-3, 12);
      for (const auto correction : {dpm::Correction::none, dpm::Correction::data}) {
        const Plan plan = method.plan(grid, prediction, correction);
        INFO(method.name << ", a model of the " << dpm::name(prediction) << "\n" << plan);
        // A correction stands between two passes: the data prediction is formed for it, then used.
        // So does the draw of noise that a step begins with.
        const bool noise_first =
            method.name.find("churn") != std::string::npos || method.name == "Restart";
        const int allowed = (correction == dpm::Correction::none ? 1 : 2) + (noise_first ? 1 : 0);
        int passes = allowed;  // nothing before the first call
        for (const Instruction& i : flattened(plan)) {
          if (std::holds_alternative<Evaluate>(i)) passes = 0;
          if (std::holds_alternative<Combine>(i)) ++passes;
          REQUIRE(passes <= allowed);
        }
        REQUIRE(dead_targets(plan) == 0);
        REQUIRE(idle_operands(plan) == 0);
      }
    }
  }
}

TEST_CASE("the builder adds up repeated registers and refuses what it cannot hold") {
  const dpm::Level s = dpm::VpLinear().level(0.5);
  const dpm::Level t = dpm::VpLinear().level(0.25);
  dpm::PlanBuilder builder(dpm::Prediction::noise);
  builder.set_space(dpm::Space::noise);
  REQUIRE_THROWS_WITH(builder.evaluate(0, dpm::sample_register, s), mentions("no step has begun"));
  builder.begin_step(s, t);
  REQUIRE_THROWS_WITH(builder.set_space(dpm::Space::data),
                      "PlanBuilder: set_space after begin_step; a plan has one space");
  REQUIRE_THROWS_WITH(dpm::PlanBuilder(dpm::Prediction::noise).begin_step(s, t),
                      "PlanBuilder: no space is set; call set_space before begin_step");
  REQUIRE_THROWS_WITH(builder.evaluate(dpm::max_predictions, dpm::sample_register, s),
                      "prediction_register: slot = 16; it must be below 16");
  const dpm::Register m = builder.evaluate(0, dpm::sample_register, s);
  builder.combine(dpm::sample_register, {{dpm::sample_register, 1.0}, {dpm::sample_register, 2.0}});
  builder.combine(dpm::sample_register, {{dpm::sample_register, 1.0}, {m, 1.0}});
  const dpm::Plan plan = std::move(builder).finish();
  const auto& c = std::get<dpm::Combine>(plan.steps[0].instructions.back());
  REQUIRE(dpm::detail::weight_of(c, 0, dpm::sample_register) == 3.0);
  REQUIRE(dpm::detail::weight_of(c, 0, m) == 1.0);

  dpm::Plan twice = plan;
  auto& damaged = std::get<dpm::Combine>(twice.steps[0].instructions.back());
  damaged.operands[1] = damaged.operands[0];
  REQUIRE_THROWS_WITH(check(twice), mentions("reads one register twice"));
}

namespace {

/// A builder in whose one step a method may go wrong.
dpm::PlanBuilder begun() {
  dpm::PlanBuilder builder(dpm::Prediction::noise);
  builder.set_space(dpm::Space::noise);
  builder.begin_step(dpm::VpLinear().level(0.5), dpm::VpLinear().level(0.25));
  return builder;
}

}  // namespace

TEST_CASE("a prediction register that does not exist cannot be named") {
  static_assert(dpm::prediction_register(15).index == 15);
  for (const std::size_t slot : {16U, 27U, 255U, 256U, 65536U}) {
    const std::string sentence =
        "prediction_register: slot = " + std::to_string(slot) + "; it must be below 16";
    refused([&] { (void)dpm::prediction_register(slot); }, sentence);
    refused([&] { begun().evaluate(slot, dpm::sample_register, dpm::VpLinear().level(0.5)); },
            sentence);
    refused([&] { begun().correct(slot, dpm::VpLinear().level(0.5)); }, sentence);
  }
}

TEST_CASE("the builder refuses a register that does not exist, wherever it comes from") {
  for (const std::size_t slot : {16U, 27U, 255U}) {
    dpm::PlanBuilder builder = begun();
    builder.combine(dpm::sample_register, {{dpm::sample_register, 1.0}, {m(slot), 1.0}});
    REQUIRE_THROWS_WITH(std::move(builder).finish(),
                        mentions("names register number " + std::to_string(slot)));
  }
}

TEST_CASE("the builder refuses a combination of no terms, and one of too many registers") {
  const dpm::Register x = dpm::sample_register;
  refused([&] { begun().combine(x, {}); },
          "PlanBuilder: combine has no terms; it must have at least one");
  std::vector<dpm::Term> terms;
  for (std::size_t k = 0; k < 9; ++k) terms.push_back({m(k), 1.0});
  refused([&] { begun().combine(x, terms); },
          "PlanBuilder: combine has terms of more than 8 registers, the most it may; combine some "
          "before");
  terms[8] = {m(0), 1.0};  // of a register that it has already
  terms.push_back({m(9), 0.0});
  dpm::PlanBuilder builder = begun();
  for (std::size_t k = 0; k < 8; ++k) builder.evaluate(k, x, dpm::VpLinear().level(0.5));
  builder.combine(x, terms);
  const Plan plan = std::move(builder).finish();
  REQUIRE(std::get<Combine>(plan.steps[0].instructions.back()).operands.size() == 8);
}

TEST_CASE("the builder refuses a step between two levels that never writes the sample") {
  const dpm::Level s = dpm::VpLinear().level(0.5);
  const dpm::Level t = dpm::VpLinear().level(0.25);
  const std::string sentence = " never writes the sample; combine into sample_register";
  refused([] { (void)begun().finish(); }, "PlanBuilder: step 1" + sentence);
  refused(
      [&] {
        dpm::PlanBuilder builder = begun();
        const dpm::Register now = builder.evaluate(0, dpm::sample_register, s);
        builder.combine(dpm::sample_register, {{dpm::sample_register, 0.5}, {now, 0.5}});
        builder.begin_step(t, s);
        builder.combine(dpm::stage_register, {{dpm::sample_register, 1.0}, {now, 0.5}});
        (void)std::move(builder).finish();
      },
      "PlanBuilder: step 2" + sentence);
  // One that stays at its level may: a trial does.
  dpm::PlanBuilder builder = begun();
  builder.combine(dpm::sample_register, {{dpm::sample_register, 0.5}});
  builder.begin_step(t, t);
  builder.combine(dpm::stage_register, {{dpm::sample_register, 1.0}});
  REQUIRE(std::move(builder).finish().steps.size() == 2);
}

TEST_CASE("the builder refuses a plan without steps by what must be written") {
  dpm::PlanBuilder builder(dpm::Prediction::noise);
  builder.set_space(dpm::Space::noise);
  refused([&] { (void)std::move(builder).finish(); },
          "PlanBuilder: the plan has no steps; write must call begin_step, then evaluate and "
          "combine, for each interval of the grid");
}

}  // namespace builder_test
