// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs that go on with another plan, and runs that are followed step by step.
#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <span>
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

/// A state whose memory may run out.
struct Scarce {
  explicit Scarce(double first) : value(first) {}
  Scarce(const Scarce& other) : value(other.value) {
    if (left-- <= 0) throw std::bad_alloc();
  }
  Scarce& operator=(const Scarce&) = default;
  ~Scarce() = default;

  double value;
  static inline int left = 1000;
};

void combine(const dpm::Weights& weights, std::span<Scarce* const> targets,
             std::span<const Scarce* const> operands) {
  std::vector<double> sums(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    for (std::size_t j = 0; j < operands.size(); ++j) {
      sums[i] += weights(i, j) * operands[j]->value;
    }
  }
  for (std::size_t i = 0; i < targets.size(); ++i) targets[i]->value = sums[i];
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

TEST_CASE("whatever plan follows, the run goes on as one that begins with it") {
  const dpm::DpmSolver more{.order = 3, .form = dpm::DpmSolver::Form::singlestep};
  for (const NamedMethod& method : every_method()) {
    for (const bool first : {true, false}) {
      INFO(method.name << (first ? " and then DPM-Solver-3" : " after DDIM"));
      const dpm::Grid grid = method.grid(schedule, 1.0, 0.2, 5);
      const dpm::Grid rest = method.grid(schedule, 0.2, 1e-3, 5);
      const dpm::Plan early =
          first ? method(grid, dpm::Prediction::noise) : make_plan(dpm::Ddim{}, grid);
      const dpm::Plan late = first ? make_plan(more, rest) : method(rest, dpm::Prediction::noise);
      Options options;
      if (early.draws() + late.draws() > 0) options.noise = &test_draw;
      Stepper run(early, test_start(), options);
      finish_steps(run, early.steps.size());
      const State between = run.sample();
      run.replan(late);
      Stepper loaded =
          dpm::load(dpm::save(run), std::make_shared<dpm::Plan>(late), between, options);
      if (options.noise) {
        options.noise = [before = static_cast<std::uint32_t>(early.draws())](
                            State& z, dpm::NoiseRequest request) {
          request.draw += before;
          test_draw(z, request);
        };
      }
      const State expected = finish(Stepper(late, between, options));
      CHECK(finish(run) == expected);
      CHECK(finish(std::move(loaded)) == expected);
    }
  }
}

TEST_CASE("a flow that is edited goes on in registers that its first plan did not need") {
  // At alpha = 0 the first step is one of first order, which has no inner stage.
  const dpm::RectifiedFlow flow(3.0);
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, flow, 8);
  const dpm::DpmSolver method{.order = 3};
  const auto network = [](const State& in, const dpm::Level& at, State& out) {
    test_network(in, at.time, out);
  };
  State x = test_start();
  const auto edit = [](State& at, const Progress& progress) {
    if (progress.step == 3) mirror(at);
    return progress.step == 3;
  };
  dpm::sample_with_edits(method, grid, network, x, edit, dpm::Prediction::flow);

  Stepper run(make_plan(method, grid, dpm::Prediction::flow), test_start());
  finish_steps(run, 3);
  State expected = run.sample();
  mirror(expected);
  dpm::sample(make_plan(method, grid.from(3), dpm::Prediction::flow), network, expected);
  CHECK(x == expected);
}

TEST_CASE("a run for whose new registers there is no memory is as it was") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 6);
  const dpm::Plan later = make_plan(dpm::UniPc{.order = 3}, grid.from(2));
  dpm::Stepper<Scarce> run(make_plan(dpm::Ddim{}, grid), Scarce(0.5));
  while (run.steps_done() < 2) {
    while (const auto call = run.next_in_step()) call->output.value = 0.3 * call->input.value;
  }
  const double before = run.sample().value;
  Scarce::left = 3;
  CHECK_THROWS_AS(run.replan(later), std::bad_alloc);
  CHECK(run.sample().value == before);
  CHECK(run.level() == grid[2]);
  const Scarce another(0.25);
  Scarce::left = 3;
  CHECK_THROWS_AS(run.replan(later, another), std::bad_alloc);
  Scarce::left = 1000;
  CHECK_THROWS_WITH(run.next(), mentions("cannot go on"));
  run.replan(later, another);
  while (const auto call = run.next()) call->output.value = 0.3 * call->input.value;
  CHECK(run.steps_done() == 6);
}

TEST_CASE("a run does not go on from a sample that overflowed") {
  using Floats = std::vector<float>;
  const dpm::Grid grid =
      dpm::grid_of_times(dpm::VpLinear(), std::vector<double>{1.0, 0.5, 0.25, 0.125});
  dpm::Stepper<Floats> run(make_plan(dpm::Ddim{}, grid), Floats(40, 0.5F));
  const auto overflow = [&] {
    while (const auto call = run.next()) {
      for (float& value : call->output) value = -std::numeric_limits<float>::max();
    }
  };
  CHECK_THROWS_WITH(overflow(), mentions("step 3 of 3: the sample after it"));
  CHECK(run.level() == grid[2]);
  const dpm::Plan rest = make_plan(dpm::Ddim{}, grid.from(2));
  CHECK_THROWS_WITH(run.replan(rest), mentions("Stepper: the sample x holds a NaN or an infinity"));
  run.replan(rest, Floats(40, 0.25F));
  const auto call = run.next();
  REQUIRE(call);
  CHECK(call->input == Floats(40, 0.25F));
}

TEST_CASE("a run tells only of registers that it has") {
  const dpm::Plan plan = make_plan(dpm::Ddim{}, make_grid(dpm::UniformLambda{}, schedule, 3));
  const Stepper run(plan, test_start());
  CHECK(run.value(dpm::sample_register) == test_start());
  CHECK_THROWS_WITH(run.value(dpm::stage_register), mentions("has no register of kind 1"));
  CHECK_THROWS_WITH(run.value(dpm::prediction_register(7)), mentions("with number 7"));
  const dpm::Stepper<Eigen::Array2d> in_place(plan, Eigen::Array2d(0.5, 0.6));
  CHECK_THROWS_WITH(in_place.value(dpm::Register{dpm::Register::Kind::prediction, 99}),
                    mentions("with number 99"));
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

TEST_CASE("a plan reads what the finished plan before it declares live, and nothing else") {
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
