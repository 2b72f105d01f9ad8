// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What check refuses, each made from one plan that it passes.
#include "dpm/plan/check.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/plans.hpp"
#include "support/refused.hpp"

namespace check_test {

using namespace dpm_test;
using dpm::Combine;
using dpm::Correct;
using dpm::Draw;
using dpm::Evaluate;
using dpm::Level;
using dpm::noise_register;
using dpm::Plan;
using dpm::Register;
using dpm::sample_register;
using dpm::stage_register;

namespace {

void refused(const Plan& plan, const std::string& sentence) {
  REQUIRE_THROWS_AS(dpm::check(plan), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(dpm::check(plan), sentence);
}

void refused_combine(const Combine& last, const std::string& sentence) {
  Plan plan = good_plan();
  plan.steps[1].instructions.push_back(last);
  refused(plan, sentence);
}

}  // namespace

TEST_CASE("check passes the plan that the refusals below are made from") {
  Plan plan = good_plan();
  REQUIRE_NOTHROW(dpm::check(plan));
  REQUIRE(plan.steps.size() == 2);
  REQUIRE(plan.start() == dpm::VpLinear().level(0.9));
  REQUIRE(plan.end() == dpm::VpLinear().level(0.1));
  for (std::size_t step = 0; step < 2; ++step) {
    REQUIRE(plan.steps[step].instructions.size() == 5);
    REQUIRE(instruction<Draw>(plan, step, 0).draw == step);
    REQUIRE(instruction<Evaluate>(plan, step, 1).output == m(0));
    REQUIRE(instruction<Combine>(plan, step, 2).targets[0] == m(0));
    REQUIRE(instruction<Correct>(plan, step, 3).slot == m(0));
    REQUIRE(instruction<Combine>(plan, step, 4).targets[0] == sample_register);
  }
}

TEST_CASE("check refuses a plan without steps") {
  refused(Plan{}, "check: the plan has no steps; it must have at least one");
}

TEST_CASE("check refuses levels that do not join up") {
  Plan plan = good_plan();
  plan.steps[1].from.time += 1e-9;
  refused(plan, "check: step 2 starts at another level than the step before it ends at");
}

TEST_CASE("check refuses levels that are no point of a forward process") {
  const auto refused_with = [](const Level& bad, const std::string& numbers) {
    const std::string sentence =
        " has a level that is not a point of a forward process: " + numbers;
    Plan plan = good_plan();
    plan.steps[0].from = bad;
    refused(plan, "check: step 1" + sentence);
    plan = good_plan();
    plan.steps[1].to = bad;
    refused(plan, "check: step 2" + sentence);
    plan = good_plan();
    instruction<Evaluate>(plan, 0, 1).level = bad;
    refused(plan, "check: step 1" + sentence);
    plan = good_plan();
    instruction<Correct>(plan, 1, 3).level = bad;
    refused(plan, "check: step 2" + sentence);
  };
  refused_with({not_a_number, -1.0, -0.5, 3.0},
               "time nan, log alpha -1, log sigma -0.5, timestep 3");
  refused_with({infinity, -1.0, -0.5, 3.0}, "time inf, log alpha -1, log sigma -0.5, timestep 3");
  refused_with({0.5, not_a_number, -0.5, 3.0},
               "time 0.5, log alpha nan, log sigma -0.5, timestep 3");
  refused_with({0.5, infinity, -0.5, 3.0}, "time 0.5, log alpha inf, log sigma -0.5, timestep 3");
  refused_with({0.5, -1.0, not_a_number, 3.0}, "time 0.5, log alpha -1, log sigma nan, timestep 3");
  refused_with({0.5, -1.0, infinity, 3.0}, "time 0.5, log alpha -1, log sigma inf, timestep 3");
  refused_with({0.5, 800.0, -0.5, 3.0}, "time 0.5, log alpha 800, log sigma -0.5, timestep 3");
  refused_with({0.5, -1.0, 800.0, 3.0}, "time 0.5, log alpha -1, log sigma 800, timestep 3");
  refused_with({0.5, -infinity, -infinity, 3.0},
               "time 0.5, log alpha -inf, log sigma -inf, timestep 3");
  refused_with({0.5, -1.0, -0.5, not_a_number},
               "time 0.5, log alpha -1, log sigma -0.5, timestep nan");
  refused_with({0.5, -1.0, -0.5, -infinity},
               "time 0.5, log alpha -1, log sigma -0.5, timestep -inf");
}

TEST_CASE("check refuses levels that scale the model's input by no number") {
  for (const auto& [bad, number] :
       {std::pair{-0.5, "-0.5"}, {infinity, "inf"}, {not_a_number, "nan"}}) {
    Plan plan = good_plan();
    instruction<Evaluate>(plan, 0, 1).level.data_stddev = bad;
    refused(plan, std::string("check: step 1 has a level with data_stddev = ") + number +
                      "; it must be finite and at least 0");
  }
}

TEST_CASE("check refuses a plan for EDM's prediction at a level that is not EDM's") {
  Plan plan = good_plan();
  plan.prediction = dpm::Prediction::edm;
  refused(
      plan,
      "check: step 1 has an Evaluate with data_stddev = 0 in a plan for Prediction::edm; it must "
      "be above 0 there");
}

TEST_CASE("check passes both singular ends") {
  Plan plan = good_plan();
  plan.steps[0].from.log_alpha = -infinity;
  plan.steps[1].to.log_sigma = -infinity;
  REQUIRE_NOTHROW(dpm::check(plan));
}

TEST_CASE("check refuses a Combine that is not a matrix of finite weights") {
  refused_combine(combination({}, {sample_register}, {}),
                  "check: step 2 has a Combine without targets or operands");
  refused_combine(combination({sample_register}, {}, {}),
                  "check: step 2 has a Combine without targets or operands");
  refused_combine(
      combination({sample_register, stage_register}, {sample_register, m(0)}, {1.0, 2.0, 3.0}),
      "check: step 2 has a Combine of 2 targets and 2 operands with 3 weights; it "
      "needs one for each pair");
  refused_combine(combination({sample_register}, {sample_register}, {1.0, 2.0}),
                  "check: step 2 has a Combine of 1 targets and 1 operands with 2 weights; it "
                  "needs one for each pair");
  for (const auto& [weight, text] : {std::pair{not_a_number, "nan"}, {infinity, "inf"}}) {
    refused_combine(
        combination({sample_register}, {sample_register, m(0)}, {1.0, weight}),
        std::string("check: step 2 has the weight ") + text + "; weights must be finite");
  }
}

TEST_CASE("check refuses a Combine that writes twice or writes the noise") {
  refused_combine(combination({m(0), m(0)}, {sample_register}, {1.0, 2.0}),
                  "check: step 2 has a Combine that writes one register twice");
  refused_combine(combination({m(0), m(1), m(0)}, {sample_register}, {1.0, 2.0, 3.0}),
                  "check: step 2 has a Combine that writes one register twice");
  refused_combine(combination({noise_register}, {sample_register}, {1.0}),
                  "check: step 2 has a Combine that writes the noise register; only Draw may");
}

TEST_CASE("check refuses to read what nothing has written") {
  const auto sentence = [](const std::string& name) {
    return "check: step 2 reads " + name + ", a register that nothing has written";
  };
  refused_combine(combination({sample_register}, {m(1)}, {1.0}), sentence("m1"));
  refused_combine(combination({sample_register}, {sample_register, stage_register}, {1.0, 1.0}),
                  sentence("y"));
  // Operands are read before targets are written.
  refused_combine(combination({stage_register}, {stage_register}, {1.0}), sentence("y"));
  Plan plan = good_plan();
  instruction<Correct>(plan, 1, 3).slot = m(5);
  refused(plan, sentence("m5"));
  plan = good_plan();
  instruction<Evaluate>(plan, 1, 1).input = stage_register;
  refused(plan, sentence("y"));
  // Without the draw, the first step reads z before anything is in it.
  plan = good_plan();
  plan.steps[0].instructions.erase(plan.steps[0].instructions.begin());
  refused(plan, "check: step 1 reads z, a register that nothing has written");
}

TEST_CASE("check refuses to let live on what cannot, what nothing has written, and one twice") {
  const auto refused_live = [](const std::vector<Register>& live, const std::string& sentence) {
    Plan plan = good_plan();
    plan.live = live;
    refused(plan, "check: " + sentence);
  };
  for (const Register r : {sample_register, noise_register}) {
    refused_live({m(0), r},
                 "the plan lets the sample or the noise live on; the sample always does, and each "
                 "plan draws its own noise");
  }
  refused_live({m(0), dpm::lower_register, m(0)},
               "the plan lets m0 live on twice; it must name each register once");
  refused_live({dpm::lower_register, dpm::lower_register},
               "the plan lets l live on twice; it must name each register once");
  refused_live({m(16)}, "live names register number 16 of its kind; there are 16");
  refused_live(
      {{static_cast<Register::Kind>(9), 0}},
      "live names a register of kind number 9; it must be one that `Register::Kind` names");
  Plan plan = good_plan();
  plan.live = {m(0), m(3)};
  REQUIRE_NOTHROW(dpm::check(plan));  // m3 may hold what an earlier plan has left there
  REQUIRE_THROWS_WITH(dpm::detail::check(plan, {}),
                      "check: the plan lets m3 live on, a register that nothing has written");
}

TEST_CASE("check refuses registers out of range, wherever they stand") {
  const std::string prediction = " names register number 16 of its kind; there are 16";
  const std::string single = " names register number 1 of its kind; there are 1";
  refused_combine(combination({m(16)}, {sample_register}, {1.0}), "check: step 2" + prediction);
  refused_combine(combination({m(0)}, {m(16)}, {1.0}), "check: step 2" + prediction);
  REQUIRE_NOTHROW(dpm::check(good_plan()));
  for (const auto kind : {Register::Kind::sample, Register::Kind::stage, Register::Kind::noise}) {
    refused_combine(combination({m(0)}, {Register{kind, 1}}, {1.0}), "check: step 2" + single);
  }
  Plan plan = good_plan();
  instruction<Evaluate>(plan, 0, 1).output = m(16);
  refused(plan, "check: step 1" + prediction);
  plan = good_plan();
  instruction<Evaluate>(plan, 0, 1).input.index = 1;
  refused(plan, "check: step 1" + single);
  plan = good_plan();
  instruction<Correct>(plan, 0, 3).slot = m(255);
  refused(plan, "check: step 1 names register number 255 of its kind; there are 16");
  plan = good_plan();
  instruction<Draw>(plan, 0, 0).target.index = 1;
  refused(plan, "check: step 1" + single);
}

TEST_CASE("check refuses what no enumerator names") {
  const std::string kind =
      " names a register of kind number 9; it must be one that `Register::Kind` names";
  const Register strange{static_cast<Register::Kind>(9), 0};
  refused_combine(combination({strange}, {m(0)}, {1.0}), "check: step 2" + kind);
  refused_combine(combination({m(0)}, {strange}, {1.0}), "check: step 2" + kind);
  Plan plan = good_plan();
  instruction<Evaluate>(plan, 0, 1).input = strange;
  refused(plan, "check: step 1" + kind);
  plan = good_plan();
  plan.prediction = static_cast<dpm::Prediction>(6);
  refused(plan, "check: the plan's prediction is number 6; it must be one that `Prediction` names");
  plan = good_plan();
  plan.space = static_cast<dpm::Space>(3);
  refused(plan, "check: the plan's space is number 3; it must be one that `Space` names");
}

TEST_CASE("check refuses registers of the wrong kind") {
  Plan plan = good_plan();
  instruction<Evaluate>(plan, 0, 1).output = stage_register;
  refused(plan, "check: step 1 has an Evaluate whose output is not a prediction register");
  plan = good_plan();
  instruction<Evaluate>(plan, 0, 1).input = noise_register;
  refused(plan,
          "check: step 1 has an Evaluate whose input is none of the sample, stage and input "
          "registers");
  plan = good_plan();
  instruction<Correct>(plan, 0, 3).slot = sample_register;
  refused(plan, "check: step 1 has a Correct of a register that is not a prediction");
  plan = good_plan();
  instruction<Draw>(plan, 0, 0).target = stage_register;
  refused(plan, "check: step 1 has a Draw into a register that is not the noise register");
}

TEST_CASE("check refuses draws out of order") {
  Plan plan = good_plan();
  instruction<Draw>(plan, 0, 0).draw = 1;
  refused(plan,
          "check: step 1 has draw number 1; draws are numbered in order and this one is number 0");
  plan = good_plan();
  instruction<Draw>(plan, 1, 0).draw = 0;
  refused(plan,
          "check: step 2 has draw number 0; draws are numbered in order and this one is number 1");
}

}  // namespace check_test
