// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Every bad input that is refused before a run begins, and the sentence that it gets. What goes
/// wrong in a run that has begun is in refusals_outputs.test.cpp; edits, saved runs, adaptive steps
/// and guidance have files of their own, refusals_*.test.cpp; plans as JSON are in
/// plan_json_refusals.test.cpp.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refusals.hpp"
#include "support/test_network.hpp"

using namespace dpm_test;

namespace {

using State = std::vector<double>;
using Stepper = dpm::Stepper<State>;
using Shared = std::shared_ptr<const dpm::Plan>;

const dpm::AnySchedule schedule = dpm::VpLinear();
const auto network = test_model(dpm::Prediction::noise);

dpm::Grid six_steps() { return make_grid(dpm::UniformLambda{}, schedule, 6); }

template <class Method>
Shared plan_of(const Method& method, dpm::Correction correction = dpm::Correction::none) {
  return std::make_shared<const dpm::Plan>(
      make_plan(method, six_steps(), dpm::Prediction::noise, correction));
}

}  // namespace

TEST_CASE("refused, what a stepper is made of") {
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

TEST_CASE("refused, what a fork is given") {
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

TEST_CASE("refused, what a stepper is reset to") {
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

TEST_CASE("refused, what a run in one call is given") {
  using Model = std::function<void(const State&, const dpm::Level&, State&)>;
  const Model model = network;
  void (*const no_function)(const State&, double, State&) = nullptr;
  std::vector<Bad> table{
      {"no model", [](State& x) { dpm::sample(schedule, 6, Model(), x); },
       "sample: model is empty; it must be callable"},
      {"a null pointer for a model", [&](State& x) { dpm::sample(schedule, 6, no_function, x); },
       "sample: model is empty; it must be callable"},
      {"a reference to no model",
       [](State& x) {
         Model none;
         dpm::sample(schedule, 6, std::ref(none), x);
       },
       "sample: model is empty; it must be callable"},
      {"an empty x",
       [&](State&) {
         State none;
         dpm::sample(schedule, 6, model, none);
       },
       "Stepper: the start x is empty; it must hold at least one value"},
      {"a NaN in x",
       [&](State& x) {
         const Spoilt with(x, not_a_number);
         dpm::sample(schedule, 6, model, x);
       },
       "NonFinite: Stepper: the start x holds a NaN or an infinity"},
      {"no noise", [&](State& x) { dpm::sample(dpm::Ddpm{}, schedule, 6, model, x); },
       "Stepper: the plan draws noise 6 times; give the run a noise source, such as "
       "NormalNoise{seed}"},
      {"a prediction that is not the schedule's",
       [&](State& x) { dpm::sample(schedule, 6, model, x, dpm::Prediction::edm); },
       "make_plan: Prediction::edm at time 1, where data_stddev is 0; it needs a schedule that "
       "scales the model's input, such as Edm"},
      {"no calls", [&](State& x) { dpm::sample(schedule, 0, model, x); },
       "UniPc: model_calls = 0; it needs at least 1"},
      {"negative calls", [&](State& x) { dpm::sample(dpm::Ddim{}, schedule, -3, model, x); },
       "Ddim: model_calls = -3; it needs at least 1"},
      {"a million calls and one", [&](State& x) { dpm::sample(schedule, 1'000'001, model, x); },
       "UniPc: model_calls = 1000001; it makes at most 1000000"},
      {"half a step", [&](State& x) { dpm::sample(dpm::Heun{}, schedule, 7, model, x); },
       "Heun: model_calls = 7; it makes two calls a step"},
      {"no calls left after the start",
       [&](State& x) { dpm::sample(dpm::Pndm{}, schedule, 11, model, x); },
       "Pndm with the Runge-Kutta warm-up: model_calls = 11; it needs at least 12"}};
  const auto add_order = [&](const auto& method, const std::string& sentence) {
    table.push_back(
        {sentence, [=](State& x) { dpm::sample(method, schedule, 6, model, x); }, sentence});
  };
  using dpm::DpmSolver;
  for (const int order : {-1, 0, 5}) {
    const std::string is = "order = " + std::to_string(order) + "; it must be ";
    add_order(DpmSolver{.order = order}, "DpmSolver: " + is + "1, 2 or 3");
    add_order(DpmSolver{.order = order, .form = DpmSolver::Form::singlestep},
              "DpmSolver: " + is + "1, 2 or 3");
    add_order(dpm::UniPc{.order = order}, "UniPc: " + is + "1 to 4");
    add_order(dpm::Deis{.order = order}, "Deis: " + is + "1 to 4");
    add_order(dpm::Ipndm{.order = order}, "Ipndm: " + is + "1 to 4");
    add_order(dpm::RungeKutta{.order = order}, "RungeKutta: " + is + "2 or 4");
    add_order(dpm::SaSolver{.predictor_order = order}, "SaSolver: predictor_" + is + "1 to 4");
  }
  add_order(DpmSolver{.order = 4}, "DpmSolver: order = 4; it must be 1, 2 or 3");
  add_order(dpm::RungeKutta{.order = 3}, "RungeKutta: order = 3; it must be 2 or 4");
  for (const int order : {-1, 1, 6}) {
    add_order(dpm::SaSolver{.corrector_order = order},
              "SaSolver: corrector_order = " + std::to_string(order) +
                  "; it must be 2 to 5, or 0 for none");
  }
  refuses(table, [&](State& x) { dpm::sample(schedule, 6, model, x); });
}
