// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The stepper as a value: snapshots, forks, repairs, and plans that are shared.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <Eigen/Core>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/test_network.hpp"

namespace stepper_test {

using namespace dpm_test;

namespace {

using State = std::vector<double>;
using Stepper = dpm::Stepper<State>;

const dpm::AnySchedule schedule = dpm::VpLinear();

std::shared_ptr<const dpm::Plan> plan_of(const NamedMethod& method) {
  const dpm::Grid grid = method.grid(schedule, 1.0, 1e-3, 6);
  return std::make_shared<const dpm::Plan>(method(grid, dpm::Prediction::noise));
}

std::shared_ptr<const dpm::Plan> third_order_plan() {
  return plan_of(named("", dpm::DpmSolver{.order = 3}));
}

/// Three calls in each of its six steps.
std::shared_ptr<const dpm::Plan> singlestep_plan() {
  return plan_of(named("", dpm::DpmSolver{.order = 3, .form = dpm::DpmSolver::Form::singlestep}));
}

dpm::RunOptions<State> options_for(const dpm::Plan& plan) {
  if (plan.draws() == 0) return {};
  return {.noise = &test_draw};
}

Stepper start(const std::shared_ptr<const dpm::Plan>& plan) {
  return Stepper(plan, test_start(), options_for(*plan));
}

template <class Call>
void fill(const Call& call) {
  test_network(call.input, call.level.time, call.output);
}

/// Makes up to `calls` model calls and says how many there were.
int advance(Stepper& stepper, int calls) {
  int made = 0;
  while (made < calls) {
    const auto call = stepper.next();
    if (!call) break;
    fill(*call);
    ++made;
  }
  return made;
}

State finish(Stepper stepper) {
  while (const auto call = stepper.next()) fill(*call);
  REQUIRE(stepper.model_calls() == stepper.plan().model_calls());
  REQUIRE(stepper.steps_done() == stepper.plan().steps.size());
  return stepper.sample();
}

}  // namespace

TEST_CASE("a stepper hands out the plan's model calls and then nothing") {
  for (const NamedMethod& method : every_method()) {
    INFO(method.name);
    const auto plan = plan_of(method);
    std::vector<dpm::Level> levels;
    for (const dpm::Step& step : plan->steps) {
      for (const dpm::Instruction& instruction : step.instructions) {
        if (const auto* e = std::get_if<dpm::Evaluate>(&instruction)) levels.push_back(e->level);
      }
    }
    Stepper stepper = start(plan);
    REQUIRE(stepper.model_calls() == 0);
    REQUIRE(stepper.steps_done() == 0);
    REQUIRE(stepper.sample() == test_start());
    for (std::size_t i = 0; i < levels.size(); ++i) {
      const auto call = stepper.next();
      REQUIRE(call.has_value());
      REQUIRE(call->level == levels[i]);
      REQUIRE(call->input.size() == 8);
      REQUIRE(call->output.size() == 8);
      REQUIRE(stepper.model_calls() == static_cast<int>(i));
      fill(*call);
    }
    REQUIRE(stepper.steps_done() < plan->steps.size());
    for (int again = 0; again < 3; ++again) {
      REQUIRE_FALSE(stepper.next().has_value());
      REQUIRE(stepper.model_calls() == plan->model_calls());
      REQUIRE(stepper.steps_done() == plan->steps.size());
      REQUIRE(stepper.sample() == finish(start(plan)));
    }
  }
}

TEST_CASE("between model calls the sample is what the finished steps have made of it") {
  for (const NamedMethod& method : every_method()) {
    INFO(method.name);
    const auto plan = plan_of(method);
    std::vector<State> after_step{test_start()};
    for (std::size_t steps = 1; steps <= plan->steps.size(); ++steps) {
      dpm::Plan beginning = *plan;
      beginning.steps.resize(steps);
      after_step.push_back(finish(Stepper(beginning, test_start(), options_for(beginning))));
    }
    Stepper stepper = start(plan);
    while (const auto call = stepper.next()) {
      REQUIRE(stepper.sample() == after_step[stepper.steps_done()]);
      fill(*call);
      REQUIRE(stepper.sample() == after_step[stepper.steps_done()]);
    }
    REQUIRE(stepper.sample() == after_step.back());
  }
}

TEST_CASE("a singlestep run counts a step when its last call is taken") {
  Stepper stepper = start(singlestep_plan());
  for (int call = 0; call < 18; ++call) {
    REQUIRE(advance(stepper, 1) == 1);
    REQUIRE(stepper.steps_done() == static_cast<std::size_t>(call / 3));
    REQUIRE(stepper.model_calls() == call);
  }
  REQUIRE_FALSE(stepper.next());
  REQUIRE(stepper.steps_done() == 6);
  REQUIRE(stepper.model_calls() == 18);
}

TEST_CASE("a copy continues the run to the same bits, and so does the original") {
  for (const NamedMethod& method : every_method()) {
    INFO(method.name);
    const auto plan = plan_of(method);
    const State undisturbed = finish(start(plan));
    for (int calls = 0; calls <= plan->model_calls(); ++calls) {
      INFO("copied when the output of call " << calls << " had been filled, but not yet taken");
      Stepper original = start(plan);
      REQUIRE(advance(original, calls) == calls);
      const Stepper snapshot = original;
      REQUIRE(snapshot.steps_done() == original.steps_done());
      REQUIRE(snapshot.sample() == original.sample());
      REQUIRE(finish(snapshot) == undisturbed);
      REQUIRE(finish(snapshot) == undisturbed);
      REQUIRE(finish(std::move(original)) == undisturbed);
    }
  }
}

TEST_CASE("a copy of a finished run is finished") {
  Stepper stepper = start(third_order_plan());
  advance(stepper, 100);
  Stepper copy = stepper;
  REQUIRE_FALSE(copy.next());
  REQUIRE(copy.sample() == stepper.sample());
}

TEST_CASE("a fork that is given other predictions diverges and leaves the original alone") {
  const auto plan = third_order_plan();
  const State undisturbed = finish(start(plan));

  SECTION("forked between two calls") {
    Stepper original = start(plan);
    advance(original, 3);
    Stepper fork = original;
    const auto own = original.next();
    const auto other = fork.next();
    REQUIRE(own->input == other->input);
    REQUIRE(&own->input != &other->input);
    REQUIRE(&own->output != &other->output);
    fill(*own);
    fill(*other);
    for (double& value : other->output) value += 0.25;
    const State forked = finish(fork);
    REQUIRE(finish(original) == undisturbed);
    REQUIRE(relative_difference(forked, undisturbed) > 1e-3);
  }
  SECTION("forked while a call is pending") {
    Stepper original = start(plan);
    advance(original, 3);
    const auto call = original.next();
    fill(*call);
    for (double& value : call->output) value += 0.25;
    const Stepper fork = original;
    fill(*call);
    REQUIRE(finish(original) == undisturbed);
    REQUIRE(relative_difference(finish(fork), undisturbed) > 1e-3);
  }
  SECTION("the fork runs to its end while the original waits") {
    Stepper original = start(plan);
    advance(original, 4);
    const State standing = original.sample();
    Stepper fork = original;
    while (const auto call = fork.next()) call->output.assign(8, 1.0);
    REQUIRE(original.sample() == standing);
    REQUIRE(finish(original) == undisturbed);
  }
}

TEST_CASE("a copy of a run has a noise source of its own") {
  // A source with a state of its own is copied with the run, so both draw the same.
  struct Generator {
    std::mt19937 engine = std::mt19937(7);
    void operator()(State& z, const dpm::NoiseRequest&) {
      for (double& value : z) value = static_cast<double>(engine()) * 0x1p-31 - 1.0;
    }
  };
  const auto plan = plan_of(named("", dpm::Ddpm{}));
  const State undisturbed = finish(Stepper(plan, test_start(), {.noise = Generator{}}));
  Stepper original(plan, test_start(), {.noise = Generator{}});
  advance(original, 2);
  const Stepper fork = original;
  REQUIRE(finish(fork) == undisturbed);
  REQUIRE(finish(original) == undisturbed);
}

TEST_CASE("steppers move, and what was moved from can be assigned to and destroyed") {
  const auto plan = singlestep_plan();
  const State undisturbed = finish(start(plan));
  for (const int calls : {0, 1, 4, 17, 18}) {
    INFO("moved after " << calls << " calls");
    Stepper original = start(plan);
    advance(original, calls);
    Stepper constructed = std::move(original);
    Stepper assigned = start(third_order_plan());
    advance(assigned, 2);
    assigned = std::move(constructed);
    REQUIRE(finish(assigned) == undisturbed);
    original = start(third_order_plan());
    REQUIRE(finish(original) == finish(start(third_order_plan())));
    constructed = assigned;
    REQUIRE(finish(constructed) == undisturbed);
  }
}

TEST_CASE("an assigned-to stepper forgets its own run") {
  const auto plan = third_order_plan();
  Stepper a = start(plan);
  advance(a, 3);
  Stepper b(plan, State{0.4, 0.1, -0.3, 1.0});
  advance(b, 5);
  const Stepper& itself = a;
  a = itself;
  b = a;
  REQUIRE(b.model_calls() == a.model_calls());
  REQUIRE(finish(b) == finish(start(plan)));
}

TEST_CASE(
    "a run that read a prediction that is not finite ends there, and says so until its reset") {
  for (const NamedMethod& method : every_method()) {
    INFO(method.name);
    const auto plan = plan_of(method);
    const State undisturbed = finish(start(plan));
    for (int bad_call = 0; bad_call < plan->model_calls(); ++bad_call) {
      INFO("call " << bad_call);
      Stepper stepper = start(plan);
      std::optional<Stepper> before;
      int calls = 0;
      std::string step;
      try {
        while (const auto call = stepper.next()) {
          fill(*call);
          if (calls++ != bad_call) continue;
          before = stepper;
          step = "step " + std::to_string(stepper.steps_done() + 1) + " of " +
                 std::to_string(plan->steps.size()) + ": the model's output";
          call->output[3] = std::numeric_limits<double>::quiet_NaN();
        }
        FAIL("the run has not noticed");
      } catch (const dpm::NonFinite& error) {
        REQUIRE_THAT(error.what(), mentions(step));
      }
      REQUIRE(calls == bad_call + 1);
      REQUIRE_THROWS_WITH(stepper.next(), mentions("cannot go on; reset it"));
      REQUIRE_THROWS_WITH(stepper.replan(plan), mentions("cannot go on; reset it"));
      fill(*before->open_call());
      REQUIRE(finish(std::move(*before)) == undisturbed);
      stepper.reset(test_start());
      REQUIRE(finish(std::move(stepper)) == undisturbed);
    }
  }
}

TEST_CASE(
    "after a prediction that is not finite, the caller of a refillable run may fill it anew") {
  for (const NamedMethod& method : every_method()) {
    INFO(method.name);
    const auto plan = plan_of(method);
    const State undisturbed = finish(start(plan));
    dpm::RunOptions<State> options = options_for(*plan);
    options.refillable = true;
    Stepper stepper(plan, test_start(), options);
    int calls = 0;
    while (const auto call = stepper.next()) {
      const std::size_t steps = stepper.steps_done();
      fill(*call);
      const double good = call->output[3];
      for (const double bad :
           {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        call->output[3] = bad;
        REQUIRE_THROWS_AS(stepper.next(), dpm::NonFinite);
        REQUIRE_THROWS_AS(stepper.next(), dpm::NonFinite);
        REQUIRE(stepper.model_calls() == calls);
        REQUIRE(stepper.steps_done() == steps);
      }
      call->output[3] = good;
      ++calls;
    }
    REQUIRE(calls == plan->model_calls());
    REQUIRE(stepper.sample() == undisturbed);
  }
}

TEST_CASE("after a prediction of the wrong shape, the caller may shape it and go on") {
  const auto plan = singlestep_plan();
  const State undisturbed = finish(start(plan));
  Stepper stepper = start(plan);
  while (const auto call = stepper.next()) {
    call->output.resize(9);
    REQUIRE_THROWS_AS(stepper.next(), dpm::InvalidArgument);
    call->output.clear();
    REQUIRE_THROWS_AS(stepper.next(), dpm::InvalidArgument);
    call->output.resize(8);
    fill(*call);
  }
  REQUIRE(stepper.sample() == undisturbed);
}

TEST_CASE("an observer that throws stops the caller, not the run") {
  const auto plan = third_order_plan();
  struct Stop {};
  bool stop = true;
  Stepper stepper(plan, test_start(), {.observer = [&](const dpm::Progress<State>& now) {
                    if (stop && now.step == 3) throw Stop();
                  }});
  advance(stepper, 4);
  REQUIRE_THROWS_AS(stepper.next(), Stop);
  REQUIRE(stepper.steps_done() == 3);
  stop = false;
  REQUIRE(finish(stepper) == finish(start(plan)));
}

TEST_CASE("a noise source or a correction that throws is asked again") {
  struct Stop {};
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 6);
  const auto plan = std::make_shared<const dpm::Plan>(
      make_plan(dpm::Ddpm{}, grid, dpm::Prediction::noise, dpm::Correction::data));
  const auto run = [&](bool disturbed) {
    bool noise_stops = false;
    bool correction_stops = false;
    int stops = 0;
    dpm::RunOptions<State> options;
    options.noise = [&](State& z, const dpm::NoiseRequest& request) {
      noise_stops = !noise_stops && disturbed;
      if (noise_stops) throw Stop();
      test_draw(z, request);
    };
    options.correction = [&](State& data, const dpm::Level&) {
      correction_stops = !correction_stops && disturbed;
      if (correction_stops) throw Stop();
      for (double& value : data) value = std::tanh(value);
    };
    Stepper stepper(plan, test_start(), options);
    for (bool over = false; !over;) {
      try {
        const auto call = stepper.next();
        over = !call;
        if (call) fill(*call);
      } catch (const Stop&) {
        ++stops;
      }
    }
    REQUIRE(stops == (disturbed ? 12 : 0));
    REQUIRE(stepper.model_calls() == 6);
    return stepper.sample();
  };
  REQUIRE(run(true) == run(false));
}

TEST_CASE("steppers share a plan that is given to be shared, and copy one that is not") {
  const auto plan = third_order_plan();
  Stepper first = start(plan);
  Stepper second = start(plan);
  REQUIRE(&first.plan() == plan.get());
  REQUIRE(&second.plan() == plan.get());
  const State undisturbed = finish(start(plan));
  // Turn and turn about.
  while (advance(first, 1) == 1) REQUIRE(advance(second, 1) == 1);
  REQUIRE(advance(second, 1) == 0);
  REQUIRE(first.sample() == undisturbed);
  REQUIRE(second.sample() == undisturbed);

  auto mine = std::make_unique<dpm::Plan>(*plan);
  Stepper third(*mine, test_start());
  REQUIRE(&third.plan() != mine.get());
  advance(third, 2);
  const Stepper copy = third;
  REQUIRE(&copy.plan() == &third.plan());
  mine->steps.clear();
  mine.reset();
  REQUIRE(finish(third) == undisturbed);
}

TEST_CASE("a stepper keeps a shared plan alive") {
  std::weak_ptr<const dpm::Plan> plan;
  {
    Stepper stepper = [&] {
      auto made = third_order_plan();
      plan = made;
      return start(made);
    }();
    REQUIRE_FALSE(plan.expired());
    REQUIRE(finish(stepper) == finish(start(third_order_plan())));
  }
  REQUIRE(plan.expired());
}

TEST_CASE("steppers live in containers, each with a run of its own") {
  const auto plan = third_order_plan();
  std::vector<Stepper> steppers;  // grows, and so moves them in the middle of their runs
  std::vector<State> starts;
  for (int i = 0; i < 5; ++i) {
    State x = test_start();
    for (double& value : x) value += 0.1 * i;
    steppers.emplace_back(plan, x);
    starts.push_back(x);
    for (Stepper& stepper : steppers) advance(stepper, 1);
  }
  for (std::size_t i = 0; i < steppers.size(); ++i) {
    REQUIRE(steppers[i].model_calls() == 4 - static_cast<int>(i));
    REQUIRE(finish(steppers[i]) == finish(Stepper(plan, starts[i])));
  }
}

TEST_CASE("the type of the state is deduced from the start") {
  dpm::Stepper stepper(*third_order_plan(), Eigen::ArrayXXf::Constant(2, 3, 0.5F).eval());
  while (const auto call = stepper.next()) call->output = 0.1F * call->input;
  static_assert(std::is_same_v<decltype(stepper), dpm::Stepper<Eigen::ArrayXXf>>);
  REQUIRE(stepper.model_calls() == 7);
  REQUIRE((stepper.sample() == stepper.sample()(0, 0)).all());
}

TEST_CASE("threads may run one plan at the same time") {
  const auto plan = plan_of(named("", dpm::Ddpm{}));
  const dpm::NormalNoise noise{.seed = 11};
  const auto run = [&plan, &noise](double shift) {
    State x = test_start();
    for (double& value : x) value += shift;
    for (int again = 0; again < 50; ++again) {
      State sampled = x;
      const auto model = [](const State& in, double timestep, State& out) {
        test_network(in, timestep, out);
      };
      dpm::sample(*plan, model, sampled, {.noise = noise});
      Stepper stepper(plan, x, {.noise = noise});
      while (const auto call = stepper.next()) fill(*call);
      if (stepper.sample() != sampled) return State{};
      x = sampled;
    }
    return x;
  };
  std::vector<State> alone;
  std::vector<State> together(4);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) alone.push_back(run(0.1 * i));
  for (std::size_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] { together[i] = run(0.1 * static_cast<double>(i)); });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(alone[0].size() == 8);
  REQUIRE(alone[0] != alone[1]);
  REQUIRE(together == alone);
}

TEST_CASE("a prediction that is not finite is noticed where nobody reads it, too") {
  const dpm::Level from = schedule.level(0.5);
  const dpm::Level to = schedule.level(0.25);
  const dpm::Register m0 = dpm::prediction_register(0);
  const dpm::Register x = dpm::sample_register;
  const std::vector<dpm::Instruction> nothing{dpm::Evaluate{m0, x, from}};
  const std::vector<dpm::Instruction> twice{dpm::Evaluate{m0, x, from}, dpm::Evaluate{m0, x, from}};
  const std::vector<dpm::Instruction> overwritten{
      dpm::Evaluate{m0, x, from}, dpm::Combine{{m0, dpm::stage_register}, {x}, {1.0, 2.0}},
      dpm::Combine{{x}, {m0}, {1.0}}};
  for (const auto& instructions : {nothing, twice, overwritten}) {
    dpm::Plan plan;
    plan.steps.push_back({from, to, instructions});
    Stepper run(plan, test_start());
    const auto call = run.next();
    REQUIRE(call);
    fill(*call);
    call->output[5] = std::numeric_limits<double>::infinity();
    REQUIRE_THROWS_WITH(run.next(), mentions("step 1 of 1: the model's output (time 0.5"));
    REQUIRE_THROWS_WITH(run.next(), mentions("cannot go on"));
  }
}

}  // namespace stepper_test
