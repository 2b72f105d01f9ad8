// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What guidance is given and what guided models answer, when it is wrong: the sentence that each
/// gets.
#include <cstddef>
#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/guidance/classifier_free_guidance.hpp"
#include "dpm/guidance/classifier_guidance.hpp"
#include "support/catch.hpp"
#include "support/refusals.hpp"
#include "support/test_network.hpp"

namespace guidance_refusals_test {

using namespace dpm_test;

namespace {

using State = std::vector<double>;
using Model = std::function<void(const State&, const dpm::Level&, State&)>;

const dpm::AnySchedule schedule = dpm::VpLinear();
const Model network = test_model(dpm::Prediction::noise);

}  // namespace

TEST_CASE("guidance refuses bad models, scales and outputs, and stays usable") {
  // Each guidance lives on after it has been refused something, with the buffers that it keeps.
  std::function<void(State&)> spoil;
  int calls = 2;  // of which the second is spoilt
  const Model sometimes = [&](const State& x, const dpm::Level& at, State& out) {
    network(x, at, out);
    if (++calls == 2) spoil(out);
  };
  using Two = dpm::ClassifierFreeGuidance<Model, Model>;
  using Doubled = dpm::BatchedClassifierFreeGuidance<Model>;
  using ByGradient = dpm::ClassifierGuidance<Model, Model>;
  Two by_first(sometimes, network, 2.0);
  Two by_second(network, sometimes, 2.0, {.phi = 0.5});
  Doubled doubled(sometimes, 2.0);
  ByGradient by_model(sometimes, network, 2.0);
  ByGradient by_gradient(network, sometimes, 2.0);
  const dpm::Plan plan = make_plan(dpm::DpmSolver{}, three_steps());
  const auto sample_all = [&](State& x) {
    dpm::sample(plan, std::ref(by_first), x);
    dpm::sample(plan, std::ref(by_second), x);
    dpm::sample(plan, std::ref(doubled), x);
    dpm::sample(plan, std::ref(by_model), x);
    dpm::sample(plan, std::ref(by_gradient), x);
  };
  const auto spoilt = [&](auto& guided, const std::function<void(State&)>& how) {
    return [&, how](State& x) {
      spoil = how;
      calls = 0;
      dpm::sample(plan, std::ref(guided), x);
    };
  };
  const auto resizes = [](std::size_t size) { return [size](State& out) { out.resize(size); }; };
  const auto nan = [](State& out) { out.back() = not_a_number; };
  const std::string input = " x 1; it must have the shape of the model's input, ";
  const std::string not_finite =
      "NonFinite: step 2 of 3: the model's output (time 0.5, timestep 0.5) holds a NaN or an "
      "infinity";
  std::vector<Bad> table{
      {"a conditional output of another shape", spoilt(by_first, resizes(9)),
       "ClassifierFreeGuidance: at time 0.5 the conditional output is 9" + input + "8 x 1"},
      {"an unconditional output of another shape", spoilt(by_second, resizes(9)),
       "ClassifierFreeGuidance: at time 0.5 the unconditional output is 9" + input + "8 x 1"},
      {"an odd number of values for two halves", spoilt(doubled, resizes(15)),
       "BatchedClassifierFreeGuidance: at time 0.5 the model's output is 15" + input + "16 x 1"},
      {"one half of two", spoilt(doubled, resizes(8)),
       "BatchedClassifierFreeGuidance: at time 0.5 the model's output is 8" + input + "16 x 1"},
      {"a guided output of another shape", spoilt(by_model, resizes(4)),
       "ClassifierGuidance: at time 0.5 the model's output is 4" + input + "8 x 1"},
      {"a gradient of another shape", spoilt(by_gradient, resizes(12)),
       "ClassifierGuidance: at time 0.5 the gradient is 12" + input + "8 x 1"},
      {"a NaN in a conditional output", spoilt(by_first, nan), not_finite},
      {"a NaN in an unconditional output", spoilt(by_second, nan), not_finite},
      {"a NaN in the second half", spoilt(doubled, nan), not_finite},
      {"a NaN in a guided output", spoilt(by_model, nan), not_finite},
      {"a NaN in a gradient", spoilt(by_gradient, nan), not_finite},
      {"an edm prediction where inputs are not scaled",
       [&](State& x) {
         dpm::sample(plan, ByGradient(network, network, 2.0, dpm::Prediction::edm), x);
       },
       "ClassifierGuidance: Prediction::edm at time 1, where data_stddev is 0; it needs a schedule "
       "that scales the model's input, such as Edm"},
      {"a gradient where there is no signal",
       [](State& x) {
         dpm::sample(dpm::RectifiedFlow(), 4,
                     ByGradient(network, network, 2.0, dpm::Prediction::flow), x,
                     dpm::Prediction::flow);
       },
       "ClassifierGuidance: at time 1 alpha is 0, where the gradient says nothing about the data; "
       "start below that time, or limit the scale by within(low, high) with a finite high"},
      {"no function for a scale",
       [](State&) { dpm::GuidanceScale(std::function<double(const dpm::Level&)>()); },
       "GuidanceScale: the function is empty; it must return the scale at a level"},
      {"a scale that refers to no function",
       [](State&) {
         const std::function<double(const dpm::Level&)> none;
         dpm::GuidanceScale(std::ref(none));
       },
       "GuidanceScale: the function is empty; it must return the scale at a level"},
      {"a null pointer for a scale",
       [](State&) {
         double (*const none)(const dpm::Level&) = nullptr;
         dpm::GuidanceScale{none};
       },
       "GuidanceScale: the function is empty; it must return the scale at a level"}};
  // Models and gradients that are empty: functions, pointers, and references to such.
  Model no_model;
  void (*no_function)(const State&, const dpm::Level&, State&) = nullptr;
  const auto add_empty = [&](const std::string& wrong, const auto& none) {
    const auto add = [&](const std::string& who, const std::string& what,
                         const std::function<void()>& make) {
      table.push_back({wrong + ", " + what + " of " + who, [make](State&) { make(); },
                       who + ": " + what + " is empty; it must be callable"});
    };
    add("ClassifierFreeGuidance", "conditional",
        [=] { dpm::ClassifierFreeGuidance(none, network, 2.0); });
    add("ClassifierFreeGuidance", "unconditional",
        [=] { dpm::ClassifierFreeGuidance(network, none, 2.0); });
    add("BatchedClassifierFreeGuidance", "model",
        [=] { dpm::BatchedClassifierFreeGuidance(none, 2.0); });
    add("ClassifierGuidance", "model", [=] { dpm::ClassifierGuidance(none, network, 2.0); });
    add("ClassifierGuidance", "gradient", [=] { dpm::ClassifierGuidance(network, none, 2.0); });
  };
  add_empty("an empty function", no_model);
  add_empty("a null pointer", no_function);
  add_empty("a reference to an empty function", std::ref(no_model));
  add_empty("a reference to a null pointer", std::ref(no_function));
  for (const auto& [value, text] : std::vector<std::pair<double, std::string>>{
           {-1.0, "-1"}, {infinity, "inf"}, {not_a_number, "nan"}}) {
    table.push_back({"the scale " + text, [v = value](State&) { dpm::GuidanceScale{v}; },
                     "GuidanceScale: scale = " + text + "; it must be in [0, inf)"});
    table.push_back({"a scale that becomes " + text,
                     [&, v = value](State& x) {
                       const auto later = [v](const dpm::Level& at) {
                         return at.time == 0.5 ? v : 2.0;
                       };
                       dpm::sample(plan, Two(network, network, later), x);
                     },
                     "GuidanceScale: scale = " + text + " at time 0.5; it must be in [0, inf)"});
  }
  for (const auto& [low, high, text] : std::vector<std::tuple<double, double, std::string>>{
           {-0.5, 2.0, "low = -0.5 and high = 2"},
           {2.0, 2.0, "low = 2 and high = 2"},
           {3.0, 1.0, "low = 3 and high = 1"},
           {not_a_number, 1.0, "low = nan and high = 1"},
           {0.0, not_a_number, "low = 0 and high = nan"}}) {
    table.push_back({"an interval with " + text,
                     [l = low, h = high](State&) { (void)dpm::GuidanceScale(2.0).within(l, h); },
                     "GuidanceScale: " + text + "; they must be 0 <= low < high"});
  }
  for (const auto& [phi, text] : std::vector<std::pair<double, std::string>>{
           {-0.25, "-0.25"}, {1.5, "1.5"}, {not_a_number, "nan"}}) {
    const dpm::GuidanceRescale rescale{.phi = phi};
    const std::string sentence = "ClassifierFreeGuidance: phi = " + text + "; it must be in [0, 1]";
    table.push_back(
        {"a rescaling by " + text, [=](State&) { Two(network, network, 2.0, rescale); }, sentence});
    table.push_back({"a rescaling of two halves by " + text,
                     [=](State&) { Doubled(network, 2.0, rescale); }, "Batched" + sentence});
  }
  const dpm::GuidanceRescale threes{.phi = 0.5, .elements_per_sample = 3};
  const std::string whole =
      "ClassifierFreeGuidance: elements_per_sample = 3 for a state of 8 x 1; it must divide the "
      "size of a state with one column, and be 0 for others";
  table.push_back({"samples that x does not hold whole",
                   [&](State& x) { dpm::sample(plan, Two(network, network, 2.0, threes), x); },
                   whole});
  table.push_back({"samples that the halves do not hold whole",
                   [&](State& x) { dpm::sample(plan, Doubled(network, 2.0, threes), x); },
                   "Batched" + whole});
  refuses(table, sample_all);
}

}  // namespace guidance_refusals_test
