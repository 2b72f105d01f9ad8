// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs that go on with another plan, and runs that are followed step by step.
#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/test_network.hpp"

namespace replan_test {

using namespace dpm_test;

namespace {

using State = std::vector<double>;
using Stepper = dpm::Stepper<State>;
using Options = dpm::RunOptions<State>;
using Progress = dpm::Progress<State>;

const dpm::AnySchedule schedule = dpm::VpLinear();

Options options_for(const dpm::Plan& plan) {
  if (plan.draws() == 0) return {};
  return {.noise = &test_draw};
}

template <class Call>
void fill(const Call& call) {
  test_network(call.input, call.level.time, call.output);
}

State finish(Stepper run) {
  while (const auto call = run.next()) fill(*call);
  return run.sample();
}

/// Runs until `steps` steps of the run are done.
void finish_steps(Stepper& run, std::size_t steps) {
  while (run.steps_done() < steps) {
    while (const auto call = run.next_in_step()) fill(*call);
  }
}

/// An edit, and the same for a hook.
void mirror(State& x) {
  for (double& value : x) value = std::abs(value);
}

}  // namespace

TEST_CASE("step by step a run goes the same way as call by call") {
  for (const NamedMethod& method : every_method()) {
    INFO(method.name);
    const dpm::Plan plan = method(method.grid(schedule, 1.0, 1e-3, 6), dpm::Prediction::noise);
    Stepper run(plan, test_start(), options_for(plan));
    std::size_t steps = 0;
    while (!run.finished()) {
      CHECK(run.level() == plan.steps[steps].from);
      while (const auto call = run.next_in_step()) {
        CHECK(run.steps_done() == steps);
        fill(*call);
      }
      ++steps;
      CHECK(run.steps_done() == steps);
      CHECK(run.progress().step == steps);
      CHECK(run.progress().steps == plan.steps.size());
      CHECK(run.progress().model_calls == run.model_calls());
      CHECK(run.level() == plan.steps[steps - 1].to);
    }
    CHECK(steps == plan.steps.size());
    CHECK_FALSE(run.next_in_step());
    CHECK(run.sample() == finish(Stepper(plan, test_start(), options_for(plan))));
  }
}

TEST_CASE("a run that is replanned by hand is the run with that edit") {
  for (const NamedMethod& method : every_method()) {
    // Their steps are not those of the grid.
    if (method.name.find("stages on the grid") != std::string::npos) continue;
    const dpm::Grid grid = method.grid(schedule, 1.0, 1e-3, 8);
    const dpm::Plan plan = method(grid, dpm::Prediction::noise);
    if (plan.steps.size() != 8 || method.name == "PNDM") continue;
    INFO(method.name);
    const dpm::Plan rest = method(grid.from(5), dpm::Prediction::noise);
    // In two runs; the second counts its draws on.
    Stepper first(plan, test_start(), options_for(plan));
    finish_steps(first, 5);
    State expected = first.sample();
    mirror(expected);
    const auto draws_before = static_cast<std::uint32_t>(
        plan.draws() == 0 ? 0 : 5 * plan.draws() / static_cast<int>(plan.steps.size()));
    Options later = options_for(rest);
    if (later.noise) {
      later.noise = [draws_before](State& z, dpm::NoiseRequest request) {
        request.draw += draws_before;
        test_draw(z, request);
      };
    }
    const bool draws_each_step = plan.draws() == 8 || plan.draws() == 0;
    expected = finish(Stepper(rest, expected, later));

    Stepper run(plan, test_start(), options_for(plan));
    finish_steps(run, 5);
    const int calls = run.model_calls();
    State edited = run.sample();
    mirror(edited);
    run.replan(rest, edited);
    CHECK(run.steps_done() == 5);
    CHECK(run.model_calls() == calls);
    CHECK(run.progress().steps == 5 + rest.steps.size());
    CHECK(run.progress().total_model_calls == calls + rest.model_calls());
    Stepper copy = run;
    Stepper fork = run.fork(options_for(plan));
    Stepper loaded = dpm::load(dpm::save(run), rest, State(edited.size()), options_for(plan));
    while (const auto call = run.next()) fill(*call);
    CHECK(run.steps_done() == 5 + rest.steps.size());
    CHECK(run.model_calls() == calls + rest.model_calls());
    if (draws_each_step) CHECK(run.sample() == expected);
    CHECK(finish(std::move(copy)) == run.sample());
    CHECK(finish(std::move(fork)) == run.sample());
    CHECK(loaded.steps_done() == 5);
    CHECK(finish(std::move(loaded)) == run.sample());
  }
}

TEST_CASE("a replanned run that is pulled is sample_with_edits to the bit") {
  const dpm::DpmSolver method{.order = 3, .tau = 0.5};
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 9);
  State x = test_start();
  const auto hook = [](State& at, const Progress& progress) {
    if (progress.step % 3 != 0) return false;
    mirror(at);
    return true;
  };
  const dpm::RunReport report = dpm::sample_with_edits(
      method, grid, [](const State& in, double t, State& out) { test_network(in, t, out); }, x,
      hook, dpm::Prediction::noise, {.noise = &test_draw});

  Stepper run(make_plan(method, grid), test_start(), {.noise = &test_draw});
  State last;
  while (!run.finished()) {
    while (const auto call = run.next_in_step()) fill(*call);
    last = run.sample();
    if (run.steps_done() % 3 != 0) continue;
    mirror(last);
    if (!run.finished()) run.replan(make_plan(method, grid.from(run.steps_done())), last);
  }
  CHECK(last == x);
  CHECK(run.steps_done() == report.steps);
  CHECK(run.model_calls() == report.model_calls);
}

TEST_CASE("a plan that follows keeps the sample where it is, in more registers or fewer") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 12);
  const dpm::Plan small = make_plan(dpm::Ddim{}, grid);
  const dpm::Plan large = make_plan(dpm::UniPc{.order = 3}, grid.from(4));
  const dpm::Plan again = make_plan(dpm::Ddim{}, grid.from(8));
  Stepper run(small, test_start());
  finish_steps(run, 4);
  const State at_four = run.sample();
  run.replan(large);
  CHECK(run.sample() == at_four);
  finish_steps(run, 8);
  const State at_eight = run.sample();
  run.replan(again);
  CHECK(run.sample() == at_eight);
  CHECK(finish(run) == finish(Stepper(again, at_eight)));
}

TEST_CASE("replan refuses plans that the run cannot go on with, and leaves it as it was") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 6);
  const dpm::Plan plan = make_plan(dpm::DpmSolver{}, grid);
  const State expected = finish(Stepper(plan, test_start()));
  Stepper run(plan, test_start());
  finish_steps(run, 2);
  const dpm::Plan rest = make_plan(dpm::DpmSolver{}, grid.from(2));
  CHECK_THROWS_WITH(run.replan(std::shared_ptr<const dpm::Plan>()),
                    mentions("the plan is a null pointer"));
  CHECK_THROWS_WITH(run.replan(plan), mentions("Stepper: the new plan starts at time 1 and the "
                                               "sample stands at time"));
  CHECK_THROWS_WITH(
      run.replan(rest, State(3)),
      mentions("Stepper: the sample x is 3 x 1; it must have the shape of the sample"));
  State bad = run.sample();
  bad[1] = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(run.replan(rest, bad), dpm::NonFinite);
  CHECK_THROWS_WITH(run.replan(make_plan(dpm::Ddpm{}, grid.from(2))), mentions("draws noise"));
  dpm::Plan reads = rest;
  reads.live = {dpm::prediction_register(0)};
  reads.steps[0].instructions.insert(
      reads.steps[0].instructions.begin(),
      dpm::Combine{{dpm::sample_register}, {dpm::prediction_register(0)}, {1.0}});
  CHECK_THROWS_WITH(run.replan(reads), mentions("reads m0, a register that nothing has written"));
  CHECK(finish(run) == expected);
}

TEST_CASE("what a finished plan declares live is there for the next, and nothing else is") {
  const dpm::Level at = schedule.level(0.5);
  const dpm::Level to = schedule.level(0.4);
  const dpm::Register m0 = dpm::prediction_register(0);
  dpm::Plan first;
  first.steps.push_back({at, at, {dpm::Evaluate{m0, dpm::sample_register, at}}});
  first.live = {m0};
  dpm::Plan second;
  second.steps.push_back({at, to, {dpm::Combine{{dpm::sample_register}, {m0}, {2.0}}}});
  second.live = {m0};
  CHECK_THROWS_WITH(Stepper(second, test_start()), mentions("that nothing has written"));
  Stepper run(first, test_start());
  const auto call = run.next();
  REQUIRE(call);
  CHECK_THROWS_WITH(run.replan(second), mentions("that nothing has written"));  // not finished
  fill(*call);
  const State prediction = call->output;
  CHECK_FALSE(run.next());
  CHECK(run.steps_done() == 0);  // a trial
  CHECK(run.value(m0) == prediction);
  run.replan(second);
  CHECK_FALSE(run.next());
  CHECK(run.steps_done() == 1);
  CHECK(run.sample()[3] == 2.0 * prediction[3]);
  CHECK_THROWS_WITH(run.reset(test_start()), mentions("that nothing has written"));
  second.live.clear();
  CHECK_THROWS_WITH(dpm::check(second), mentions("that nothing has written"));
  second.live = {dpm::noise_register};
  CHECK_THROWS_WITH(dpm::check(second), mentions("lets the sample or the noise live on"));
  second.live = {dpm::stage_register};
  CHECK_THROWS_AS(dpm::check(second), dpm::InvalidArgument);
}

}  // namespace replan_test
