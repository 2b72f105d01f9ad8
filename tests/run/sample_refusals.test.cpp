// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a run in one call is refused before it begins.
#include <Eigen/Core>
#include <functional>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refusals.hpp"
#include "support/test_network.hpp"

namespace sample_refusals_test {

using namespace dpm_test;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
using State = std::vector<double>;
const auto network = test_model(dpm::Prediction::noise);

}  // namespace

TEST_CASE("a run in one call refuses bad models, starts, calls and orders, and leaves x alone") {
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
       "make_plan: model_calls = 7 over a grid from time 1 to time 0.001, where 4 steps make 8 "
       "calls; ask for a number that whole steps make, unless the method's for_model_calls has "
       "named the wrong number of steps"},
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

}  // namespace sample_refusals_test
