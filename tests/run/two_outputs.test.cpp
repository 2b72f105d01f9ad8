// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Model calls that hand over two predictions: whole, wrong, forked, saved, and as data.
#include <cstddef>
#include <sstream>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/interop/plan_json.hpp"
#include "dpm/plan/hash.hpp"
#include "dpm/run/save.hpp"
#include "support/catch.hpp"
#include "support/plans.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace two_outputs_test {

using namespace dpm_test;
using dpm::CfgPlusPlus;
using dpm::Evaluate;
using dpm::Plan;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
const auto single = test_model(dpm::Prediction::noise);

void both(const State& x, const dpm::Level& at, State& out, State& unconditional) {
  single(x, at, out);
  for (std::size_t i = 0; i < x.size(); ++i) unconditional[i] = 0.5 * out[i];
}

Plan cfg_plan(int steps = 5) {
  const CfgPlusPlus method{.update = CfgPlusPlus::Update::exponential, .fresh = {.eta = 1.0}};
  return make_plan(method, make_grid(dpm::UniformLambda{}, schedule, steps));
}

dpm::RunOptions<State> with_noise() { return {.noise = &test_draw}; }

void answer_both(const dpm::Stepper<State>::Call& call) {
  both(call.input, call.level, call.output, *call.unconditional);
}

State finished(dpm::Stepper<State> run) {
  while (const auto call = run.next()) answer_both(*call);
  return run.sample();
}

/// The first model call of a plan.
Evaluate& first_call(Plan& plan) {
  for (dpm::Instruction& i : plan.steps[0].instructions) {
    if (auto* e = std::get_if<Evaluate>(&i)) return *e;
  }
  throw 0;
}

}  // namespace

TEST_CASE("a model hands over both predictions with a timestep or a level, and pull equals push") {
  State pushed = test_start();
  dpm::sample(cfg_plan(), &both, pushed, with_noise());
  REQUIRE(finished(dpm::Stepper<State>(cfg_plan(), test_start(), with_noise())) == pushed);
  State told_timestep = test_start();
  dpm::sample(
      cfg_plan(),
      [](const State& x, double timestep, State& out, State& unconditional) {
        test_network(x, timestep, out);
        for (std::size_t i = 0; i < x.size(); ++i) unconditional[i] = 0.5 * out[i];
      },
      told_timestep, with_noise());
  REQUIRE(told_timestep == pushed);
  REQUIRE(dpm::TwoOutputModelFor<decltype(&both), State>);
  REQUIRE_FALSE(dpm::TwoOutputModelFor<decltype(single), State>);
}

TEST_CASE("a plan and a model that differ in their number of predictions are told so") {
  State x = test_start();
  refused([&] { dpm::sample(cfg_plan(), single, x, with_noise()); },
          "sample: the plan asks for the prediction without condition as well (CFG++); the model "
          "must be callable as model(x, timestep, out, unconditional)");
  REQUIRE(x == test_start());
  const Plan one = make_plan(dpm::Ddim{}, make_grid(dpm::UniformLambda{}, schedule, 3));
  refused([&] { dpm::sample(one, &both, x); },
          "sample: the model hands over two predictions and the plan asks for one; use a CFG++ "
          "method, or a model of model(x, timestep, out)");
  REQUIRE(x == test_start());
  dpm::Stepper<State> run(one, test_start());
  REQUIRE(run.next()->unconditional == nullptr);
}

TEST_CASE("an output that is not finite or not filled is told by its name") {
  const auto spoilt = [](bool second, double value) {
    return sentence_of<dpm::NonFinite>([&] {
      State x = test_start();
      dpm::sample(
          cfg_plan(),
          [&](const State& at, const dpm::Level& level, State& out, State& unconditional) {
            both(at, level, out, unconditional);
            (second ? unconditional : out)[3] = value;
          },
          x, with_noise());
    });
  };
  for (const double value : {infinity, not_a_number}) {
    REQUIRE_THAT(spoilt(true, value), mentions("the model's unconditional output"));
    REQUIRE_THAT(spoilt(false, value), mentions("the model's output"));
  }
  const std::string unfilled = sentence_of<dpm::NonFinite>([&] {
    State x = test_start();
    dpm::sample(
        cfg_plan(),
        [](const State& at, const dpm::Level& level, State& out, State&) {
          single(at, level, out);
        },
        x, with_noise());
  });
  REQUIRE_THAT(unfilled, mentions("the model's unconditional output"));
}

TEST_CASE("a second output of another shape is refused") {
  State x = test_start();
  const std::string sentence = sentence_of<dpm::InvalidArgument>([&] {
    dpm::sample(
        cfg_plan(),
        [](const State& at, const dpm::Level& level, State& out, State& unconditional) {
          both(at, level, out, unconditional);
          unconditional.pop_back();
        },
        x, with_noise());
  });
  REQUIRE_THAT(sentence, mentions("the model's unconditional output"));
}

TEST_CASE("a run forked or saved within a call for both ends in the same bits") {
  const State expected = finished(dpm::Stepper<State>(cfg_plan(), test_start(), with_noise()));
  dpm::Stepper<State> run(cfg_plan(), test_start(), with_noise());
  while (const auto call = run.next()) {
    dpm::Stepper<State> fork = run;
    const auto open = fork.open_call();
    REQUIRE(open->unconditional != nullptr);
    REQUIRE(open->unconditional != call->unconditional);
    answer_both(*open);
    REQUIRE(finished(fork) == expected);
    const std::vector<std::byte> bytes = save(run);
    REQUIRE(finished(dpm::load<State>(bytes, cfg_plan(), test_start(), with_noise())) == expected);
    answer_both(*call);
  }
  REQUIRE(run.sample() == expected);
}

TEST_CASE("a call for both is printed, hashed and compared with its second register") {
  Plan plan = cfg_plan();
  std::ostringstream text;
  text << plan;
  REQUIRE_THAT(text.str(), mentions("m0, m1 = model(x"));
  Plan other = plan;
  first_call(other).unconditional = m(5);
  REQUIRE(other != plan);
  REQUIRE(dpm::detail::plan_hash(other) != dpm::detail::plan_hash(plan));
  first_call(other).unconditional.reset();
  REQUIRE(other != plan);
  REQUIRE(dpm::detail::plan_hash(other) != dpm::detail::plan_hash(plan));
}

TEST_CASE("a plan whose second output is no register of its own is refused") {
  for (const dpm::Register r : {m(0), dpm::stage_register, dpm::sample_register}) {
    Plan plan = cfg_plan();
    first_call(plan).unconditional = r;
    const std::string sentence = sentence_of<dpm::InvalidArgument>([&] { dpm::check(plan); });
    REQUIRE_THAT(sentence,
                 mentions("has an Evaluate whose unconditional output is not a prediction "
                          "register of its own"));
  }
}

TEST_CASE("a call for both comes back from JSON to the bit") {
  using Update = CfgPlusPlus::Update;
  for (const Update update : {Update::euler, Update::multistep, Update::gradient_estimation,
                              Update::exponential, Update::singlestep}) {
    const Plan plan =
        make_plan(CfgPlusPlus{.update = update}, make_grid(dpm::UniformLambda{}, schedule, 4),
                  dpm::Prediction::velocity);
    REQUIRE(dpm::plan_from_text(dpm::plan_to_text(plan)) == plan);
  }
}

TEST_CASE("guidance hands over the guided prediction and that without condition") {
  const auto conditional = [](const State& x, double, State& out) {
    for (std::size_t i = 0; i < x.size(); ++i) out[i] = 2.0 * x[i];
  };
  const auto unconditional = [](const State& x, double, State& out) { out = x; };
  dpm::ClassifierFreeGuidance guided(conditional, unconditional, 1.5);
  const State x = test_start();
  State out(x.size());
  State other(x.size());
  for (const double scale : {0.0, 1.0, 1.5}) {
    dpm::ClassifierFreeGuidance at_scale(conditional, unconditional, scale);
    at_scale(x, schedule.level(0.5), out, other);
    REQUIRE(other == x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      REQUIRE_THAT(out[i], WithinRel((1.0 + scale) * x[i], 1e-14));
    }
  }
  const auto doubled = [](const State& in, double, State& to) {
    for (std::size_t i = 0; i < in.size(); ++i) to[i] = i < in.size() / 2 ? 2.0 * in[i] : in[i];
  };
  dpm::BatchedClassifierFreeGuidance batched(doubled, 1.5);
  State batched_out(x.size());
  State batched_other(x.size());
  batched(x, schedule.level(0.5), batched_out, batched_other);
  guided(x, schedule.level(0.5), out, other);
  REQUIRE(batched_out == out);
  REQUIRE(batched_other == other);
  State too_short(x.size() - 1);
  REQUIRE_THROWS_AS(batched(x, schedule.level(0.5), batched_out, too_short), dpm::InvalidArgument);

  State one = test_start();
  State two = test_start();
  dpm::sample(cfg_plan(), guided, one, with_noise());
  dpm::sample(cfg_plan(), batched, two, with_noise());
  REQUIRE(one == two);
}

}  // namespace two_outputs_test
