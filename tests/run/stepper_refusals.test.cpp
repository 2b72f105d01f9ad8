// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a stepper, its copies and its new starts are refused.
#include <Eigen/Core>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refusals.hpp"
#include "support/refused_runs.hpp"
#include "support/test_network.hpp"

namespace stepper_refusals_test {

using namespace dpm_test;

namespace {

using Floats = std::vector<float>;
using Options = dpm::RunOptions<Floats>;

dpm::Plan plan_with_draws() {
  const std::vector<double> times{1.0, 0.5, 0.25, 0.125};
  return make_plan(dpm::Ddpm{}, dpm::grid_of_times(dpm::VpLinear(), times));
}

}  // namespace

TEST_CASE("a plan that draws noise needs a noise source") {
  const std::string message = invalid(plan_with_draws(), Floats(4));
  REQUIRE_THAT(message, mentions("the plan draws noise 3 times"));
  REQUIRE_THAT(message, mentions("NormalNoise"));
  REQUIRE(invalid(plan_with_draws(), Floats(4), {.noise = dpm::NormalNoise{}}).empty());
  // One that is not needed does no harm.
  REQUIRE(invalid(plan_of_three_steps(), Floats(4), {.noise = dpm::NormalNoise{}}).empty());
}

TEST_CASE("a plan and a run must agree on whether there is a correction") {
  const Options with_correction{.correction = [](Floats&, const dpm::Level&) {}};
  const dpm::Plan corrected = plan_of_three_steps(dpm::Correction::data);
  const std::string missing = invalid(corrected, Floats(4));
  REQUIRE_THAT(missing, mentions("the plan asks for 3 corrections and no correction was given"));
  REQUIRE_THAT(missing, mentions("Correction::data"));
  const std::string unasked = invalid(plan_of_three_steps(), Floats(4), with_correction);
  REQUIRE_THAT(unasked, mentions("the plan asks for 0 corrections and a correction was given"));
  REQUIRE_THAT(unasked, mentions("Correction::data"));
  REQUIRE(invalid(corrected, Floats(4), with_correction).empty());
}

TEST_CASE("a stepper refuses a plan that someone has damaged") {
  const dpm::Plan good = make_plan(dpm::DpmSolver{.order = 3}, dpm::VpLinear(), 8);
  const auto refusal_of = [](const dpm::Plan& plan) {
    return sentence_of<dpm::InvalidArgument>([&] { dpm::Stepper(plan, Floats(4)); });
  };
  REQUIRE(refusal_of(good).empty());
  SECTION("no steps") { REQUIRE_THAT(refusal_of({}), mentions("the plan has no steps")); }
  SECTION("a weight that is not finite") {
    dpm::Plan plan = good;
    std::get<dpm::Combine>(plan.steps[2].instructions.back()).weights[1] =
        std::numeric_limits<double>::quiet_NaN();
    REQUIRE_THAT(refusal_of(plan), mentions("has the weight nan"));
  }
  SECTION("levels that do not join up") {
    dpm::Plan plan = good;
    std::swap(plan.steps[3], plan.steps[4]);
    REQUIRE_THAT(refusal_of(plan), mentions("starts at another level"));
  }
  SECTION("a register that nothing has written") {
    dpm::Plan plan = good;
    std::get<dpm::Combine>(plan.steps[1].instructions.back()).operands[0] = dpm::noise_register;
    REQUIRE_THAT(refusal_of(plan), mentions("step 2 reads z, a register that nothing has written"));
  }
  SECTION("a register that does not exist") {
    dpm::Plan plan = good;
    std::get<dpm::Evaluate>(plan.steps[0].instructions.front()).output =
        dpm::Register{dpm::Register::Kind::prediction, dpm::max_predictions};
    REQUIRE_THAT(refusal_of(plan), mentions("names register number 16"));
  }
}

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

}  // namespace

TEST_CASE("registers that only a combination writes are counted") {
  const dpm::Register m5 = dpm::prediction_register(5);
  dpm::Plan plan;
  plan.steps.push_back({schedule.level(0.5), schedule.level(0.25), {}});
  auto& list = plan.steps[0].instructions;
  list.push_back(dpm::Combine{{m5, dpm::stage_register}, {dpm::sample_register}, {2.0, 3.0}});
  list.push_back(dpm::Combine{{dpm::sample_register}, {m5, dpm::stage_register}, {1.0, 1.0}});
  REQUIRE(plan.predictions() == 6);
  REQUIRE(plan.uses_stage());
  dpm::Stepper<std::vector<double>> stepper(plan, {1.0, -2.0});
  REQUIRE_FALSE(stepper.next().has_value());
  REQUIRE(stepper.sample() == std::vector<double>{5.0, -10.0});
  REQUIRE_THROWS_WITH(dpm::Stepper<std::vector<double>>(std::shared_ptr<const dpm::Plan>(), {1.0}),
                      mentions("the plan is a null pointer"));
}

namespace {

using State = std::vector<double>;
using Stepper = dpm::Stepper<State>;
using Shared = std::shared_ptr<const dpm::Plan>;
const auto network = test_model(dpm::Prediction::noise);
dpm::Grid six_steps() { return make_grid(dpm::UniformLambda{}, schedule, 6); }

template <class Method>
Shared plan_of(const Method& method, dpm::Correction correction = dpm::Correction::none) {
  return std::make_shared<const dpm::Plan>(
      make_plan(method, six_steps(), dpm::Prediction::noise, correction));
}

}  // namespace

TEST_CASE("a stepper refuses a bad plan, start, noise source or correction, and stays usable") {
  const Shared plan = plan_of(dpm::UniPc{});
  const Shared drawing = plan_of(dpm::Ddpm{});
  const Shared corrected = plan_of(dpm::UniPc{}, dpm::Correction::data);
  const std::string not_finite = "NonFinite: Stepper: the start x holds a NaN or an infinity";
  const std::string agree =
      " was given; make the plan with Correction::data exactly if one is given";
  const auto spoilt = [&](double value) {
    return [&plan, value](State& x) {
      const Spoilt with(x, value);
      Stepper(plan, x);
    };
  };
  refuses({{"no plan", [](State& x) { Stepper(Shared(), x); },
            "Stepper: the plan is a null pointer; it must point to a plan"},
           {"an empty plan", [](State& x) { Stepper(dpm::Plan{}, x); },
            "check: the plan has no steps; it must have at least one"},
           {"an empty x", [&](State&) { Stepper(plan, State{}); },
            "Stepper: the start x is empty; it must hold at least one value"},
           {"a NaN in x", spoilt(not_a_number), not_finite},
           {"an infinity in x", spoilt(infinity), not_finite},
           {"a negative infinity in x", spoilt(-infinity), not_finite},
           {"no noise", [&](State& x) { Stepper(drawing, x); },
            "Stepper: the plan draws noise 6 times; give the run a noise source, such as "
            "NormalNoise{seed}"},
           {"no correction", [&](State& x) { Stepper(corrected, x, {.noise = draws}); },
            "Stepper: the plan asks for 6 corrections and no correction" + agree},
           {"a correction too many", [&](State& x) { Stepper(plan, x, {.correction = corrects}); },
            "Stepper: the plan asks for 0 corrections and a correction" + agree}},
          [&](State& x) {
            Stepper run(plan, x);
            answer(run);
            x = run.sample();
          });
}

TEST_CASE("a fork refuses hooks that its run does not have, or lacks") {
  Stepper plain(plan_of(dpm::Ddpm{}), test_start(), {.noise = draws});
  Stepper run(plan_of(dpm::Ddpm{}, dpm::Correction::data), test_start(),
              {.noise = draws, .correction = corrects});
  answer(run, 3);
  const std::string correction = "; it must have one exactly if the run has";
  const auto good = [&run](State& x) {
    Stepper fork = run.fork({.noise = draws, .correction = corrects});
    answer(fork);
    x = fork.sample();
  };
  refuses({{"no noise", [&](State&) { (void)run.fork({.correction = corrects}); },
            "Stepper: the fork of a run with a noise source has none; give it one"},
           {"no correction", [&](State&) { (void)run.fork({.noise = draws}); },
            "Stepper: the fork has no correction and the run has one" + correction},
           {"a correction too many",
            [&](State&) { (void)plain.fork({.noise = draws, .correction = corrects}); },
            "Stepper: the fork has a correction and the run has none" + correction}},
          good);
  State forked;
  good(forked);
  answer(run);
  REQUIRE(run.sample() == forked);
}

TEST_CASE("a stepper refuses a new start of another shape or not finite, and goes on") {
  Stepper run(plan_of(dpm::UniPc{}), test_start());
  Stepper undisturbed = run;
  answer(undisturbed);
  const auto call = run.next();
  const auto spoilt = [&](double value) {
    return [&run, value](State& x) {
      const Spoilt with(x, value);
      run.reset(x);
    };
  };
  const std::string shape = "; it must have the shape of the sample, 8 x 1";
  const std::string not_finite = "NonFinite: Stepper: the start x holds a NaN or an infinity";
  const auto good = [&run](State& x) {  // the run that stands where it stood
    Stepper copy = run.fork({});
    answer(copy);
    x = copy.sample();
  };
  refuses({{"longer", [&](State&) { run.reset(State(9, 0.5)); },
            "Stepper: the start x is 9 x 1" + shape},
           {"empty", [&](State&) { run.reset({}); }, "Stepper: the start x is 0 x 1" + shape},
           {"a NaN", spoilt(not_a_number), not_finite},
           {"an infinity", spoilt(infinity), not_finite}},
          good);
  REQUIRE(&run.open_call()->output == &call->output);
  network(call->input, call->level, call->output);
  answer(run);
  REQUIRE(run.sample() == undisturbed.sample());
  run.reset(test_start());
  answer(run);
  REQUIRE(run.sample() == undisturbed.sample());
}

TEST_CASE("a stepper that was moved from refuses to go on") {
  const std::string sentence = "Stepper: it was moved from and holds no run; assign another to it";
  const dpm::Plan plan = plan_with_draws();
  const auto check = [&](auto run, const auto& x) {
    const auto output = [&] {  // the first call is open
      auto call = run.next();
      call->output = call->input;
    };
    output();
    auto taken = std::move(run);
    REQUIRE(taken.next().has_value());
    for (const auto& use : std::vector<std::function<void()>>{
             [&] { (void)run.next(); }, [&] { (void)run.next_in_step(); }, [&] { run.reset(x); },
             [&] { run.replan(plan); }, [&] { run.replan(plan, x); }, [&] { (void)run.sample(); },
             [&] { (void)run.level(); }, [&] { (void)run.plan(); }, [&] { (void)run.finished(); },
             [&] { (void)run.steps_done(); }, [&] { (void)run.progress(); },
             [&] { (void)run.fork(run.options()); }}) {
      REQUIRE_THROWS_AS(use(), dpm::InvalidArgument);
      REQUIRE_THROWS_WITH(use(), sentence);
    }
    REQUIRE(!run.open_call().has_value());
    run = taken;
    REQUIRE(run.open_call().has_value());
  };
  const Floats x(4, 0.5F);
  check(dpm::Stepper<Floats>(plan, x, {.noise = dpm::NormalNoise{}}), x);
  const Eigen::Array2f two(0.5F, -0.5F);  // whose registers lie in place
  check(dpm::Stepper<Eigen::Array2f>(plan, two, {.noise = dpm::NormalNoise{}}), two);
}

TEST_CASE("an adaptive run that was moved from refuses to go on") {
  const Floats x(4, 0.5F);
  dpm::AdaptiveRun<Floats> run(dpm::AdaptiveDpmSolver{}, dpm::VpLinear(), x);
  const dpm::AdaptiveRun<Floats> taken = std::move(run);
  REQUIRE_THROWS_WITH(run.next(), mentions("it was moved from and holds no run"));
  REQUIRE_THROWS_WITH(run.reset(x), mentions("it was moved from and holds no run"));
  REQUIRE_THROWS_WITH(run.sample(), mentions("it was moved from and holds no run"));
  run = taken;
  REQUIRE(run.next().has_value());
}

}  // namespace stepper_refusals_test
