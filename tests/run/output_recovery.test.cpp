// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs that were stopped or have refused something, and how they go on: by themselves, as forks,
/// saved and loaded, or from a new start.
#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/run/save.hpp"
#include "support/catch.hpp"
#include "support/refusals.hpp"
#include "support/test_network.hpp"

namespace output_recovery_test {

using namespace dpm_test;

namespace {

using State = std::vector<double>;
using Options = dpm::RunOptions<State>;
using Stepper = dpm::Stepper<State>;

const auto network = test_model(dpm::Prediction::noise);

/// The end of a run, which must not stand before a stop.
State finish(Stepper run) {
  answer(run);
  REQUIRE_FALSE(run.stopped());
  return run.sample();
}

/// What may be wrong with values: another shape, no value at all, or no number.
const std::vector<std::function<void(State&)>> spoilers{
    [](State& values) { values.resize(3); }, [](State& values) { values.resize(4000, 0.5); },
    [](State& values) { values.clear(); }, [](State& values) { values[6] = not_a_number; }};

}  // namespace

TEST_CASE(
    "a stopped run refuses nothing, and stays stopped until it is resumed, forked or loaded") {
  const dpm::Plan plan = make_plan(dpm::DpmSolver{.order = 3, .tau = 1.0}, three_steps());
  const State expected = finish(Stepper(plan, test_start(), {.noise = draws}));
  for (int calls = 0; calls < 3; ++calls) {
    CAPTURE(calls);
    std::stop_source source;
    Stepper run(plan, test_start(), {.noise = draws, .stop = source.get_token()});
    answer(run, calls);
    source.request_stop();
    for (int again = 0; again < 3; ++again) {
      REQUIRE_FALSE(run.next());
      REQUIRE(run.stopped());
      REQUIRE_FALSE(run.open_call());
      REQUIRE(run.model_calls() == calls);
      REQUIRE((run.sample() == test_start()) == (calls == 0));
      run.resume(source.get_token());  // which is a request to stop still
    }
    Stepper fork = run.fork({.noise = draws});
    Stepper loaded = dpm::load(save(run), plan, State(8), {.noise = draws});
    run.resume();
    answer(run);
    REQUIRE(run.sample() == expected);
    REQUIRE(finish(fork) == expected);
    REQUIRE(finish(loaded) == expected);
    run.resume(source.get_token());  // a run that is over is not stopped
    REQUIRE_FALSE(run.next());
    REQUIRE_FALSE(run.stopped());
  }
}

TEST_CASE("noise that was refused is asked for again, in the shape of the sample") {
  const dpm::Plan plan = make_plan(dpm::Ddpm{}, three_steps());
  const State expected = finish(Stepper(plan, test_start(), {.noise = draws}));
  for (const auto& spoil : spoilers) {
    int failures = 2;
    const auto noise = [&](State& z, const dpm::NoiseRequest& request) {
      REQUIRE(z.size() == 8);
      draws(z, request);
      if (request.draw == 1 && --failures >= 0) spoil(z);
    };
    Stepper run(plan, test_start(), {.noise = noise});
    answer(run, 1);
    for (int again = 0; again < 2; ++again) {
      const std::string sentence = said([&] { (void)run.next(); });
      CHECK(sentence.find("step 2 of 3: the noise (time 0.5, timestep 0.5) ") != sentence.npos);
      CHECK(run.steps_done() == 1);
    }
    CHECK(finish(run.fork({.noise = draws})) == expected);
    CHECK(finish(dpm::load(save(run), plan, State(8), {.noise = draws})) == expected);
    CHECK(finish(run) == expected);
  }
}

TEST_CASE("an output of a wrong shape or not finite is asked for again by forks and saved runs") {
  const dpm::Plan plan = make_plan(dpm::DpmSolver{}, three_steps());
  const State expected = finish(Stepper(plan, test_start()));
  for (const auto& spoil : spoilers) {
    Stepper run(plan, test_start(), {.refillable = true});
    answer(run, 2);
    for (const bool refused : {false, true}) {
      const auto call = refused ? run.open_call() : run.next();
      REQUIRE(call);
      network(call->input, call->level, call->output);
      spoil(call->output);
      if (refused) CHECK(said([&] { (void)run.next(); }) != "nothing");
      CHECK(finish(run.fork({})) == expected);
      CHECK(finish(dpm::load(save(run), plan, State(8))) == expected);
      call->output.resize(8);
    }
    network(run.open_call()->input, run.open_call()->level, run.open_call()->output);
    CHECK(finish(run) == expected);
  }
}

TEST_CASE("a run whose correction has spoilt a prediction can start anew, and a copy go on") {
  const dpm::Plan plan =
      make_plan(dpm::DpmSolver{}, three_steps(), dpm::Prediction::noise, dpm::Correction::data);
  const State expected = finish(Stepper(plan, test_start(), {.correction = corrects}));
  for (const auto& spoil : spoilers) {
    bool spoils = true;
    const auto correction = [&](State& data, const dpm::Level& at) {
      corrects(data, at);
      if (spoils && at.time == 0.5) spoil(data);
    };
    Stepper run(plan, test_start(), {.correction = correction});
    answer(run, 2);
    Stepper copy = run;
    const std::string sentence = said([&] { (void)run.next(); });
    CHECK(sentence.find("step 2 of 3: the corrected data prediction (time 0.5, timestep 0.5) ") !=
          sentence.npos);
    spoils = false;
    CHECK(finish(copy) == expected);
    run.reset(test_start());
    CHECK(finish(run) == expected);
  }
}

TEST_CASE("a new start gives back its shape to a prediction that only combinations write") {
  dpm::Plan plan;
  const dpm::Level from = dpm::VpLinear().level(0.5);
  const dpm::Register m0 = dpm::prediction_register(0);
  const dpm::Register m1 = dpm::prediction_register(1);
  const std::vector<dpm::Instruction> instructions{
      dpm::Evaluate{m0, dpm::sample_register, from}, dpm::Combine{{m1}, {m0}, {2.0}},
      dpm::Correct{m1, from}, dpm::Combine{{dpm::sample_register}, {m1}, {1.0}}};
  plan.steps.push_back({from, dpm::VpLinear().level(0.25), instructions});
  const State expected = finish(Stepper(plan, test_start(), {.correction = corrects}));
  for (const auto& spoil : spoilers) {
    bool spoils = true;
    const auto correction = [&](State& data, const dpm::Level& at) {
      corrects(data, at);
      if (spoils) spoil(data);
    };
    Stepper run(plan, test_start(), {.correction = correction});
    answer(run, 1);
    CHECK(said([&] { (void)run.next(); }) != "nothing");
    spoils = false;
    run.reset(test_start());
    CHECK(finish(run) == expected);
  }
}

TEST_CASE("a run that its correction has spoilt is not saved, or not loaded") {
  const dpm::Plan plan =
      make_plan(dpm::DpmSolver{}, three_steps(), dpm::Prediction::noise, dpm::Correction::data);
  const auto spoilt_by = [&](const std::function<void(State&)>& spoil) {
    const auto correction = [spoil](State& data, const dpm::Level&) { spoil(data); };
    Stepper run(plan, test_start(), {.correction = correction});
    answer(run, 1);
    REQUIRE(said([&] { (void)run.next(); }) != "nothing");
    return run;
  };
  const std::string shape = "; it must have the shape of the sample, 8 x 1";
  const std::string made = "save: a correction has made a data prediction that is ";
  const auto saving = [](const Stepper& run) { return said([&] { (void)save(run); }); };
  CHECK(saving(spoilt_by(spoilers[0])) == made + "3 x 1" + shape);
  CHECK(saving(spoilt_by(spoilers[1])) == made + "4000 x 1" + shape);
  CHECK(saving(spoilt_by(spoilers[2])) == made + "0 x 1" + shape);
  const auto bytes = save(spoilt_by(spoilers[3]));
  const auto loading = [&](bool check_finite) {
    return said([&] {
      (void)dpm::load(bytes, plan, State(8),
                      {.correction = corrects, .check_finite = check_finite});
    });
  };
  CHECK(loading(true) ==
        "NonFinite: load: a register of the saved run, after 0 steps, holds a NaN or an infinity");
  CHECK(loading(false) == "nothing");
}

}  // namespace output_recovery_test
