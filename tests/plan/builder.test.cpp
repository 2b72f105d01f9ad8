// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The builder of plans: what it adds up, what it refuses, and how few passes it makes.
#include "dpm/plan/builder.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <variant>

#include "dpm/dpm.hpp"
#include "dpm/plan/fuse.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/plans.hpp"

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
        const int allowed = correction == dpm::Correction::none ? 1 : 2;
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
                      "PlanBuilder: slot = 16; there are 16");
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

TEST_CASE("the builder refuses registers that do not exist") {
  const dpm::Level s = dpm::VpLinear().level(0.5);
  const dpm::Level t = dpm::VpLinear().level(0.25);
  for (const std::size_t slot : {std::size_t{16}, std::size_t{27}, std::size_t{255}}) {
    dpm::PlanBuilder builder(dpm::Prediction::noise);
    builder.set_space(dpm::Space::noise);
    builder.begin_step(s, t);
    builder.combine(dpm::sample_register,
                    {{dpm::sample_register, 1.0}, {dpm::prediction_register(slot), 1.0}});
    REQUIRE_THROWS_WITH(std::move(builder).finish(),
                        mentions("names register number " + std::to_string(slot)));
  }
}

}  // namespace builder_test
