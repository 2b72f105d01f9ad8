// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Every deterministic plan has a multistep form that makes the same samples.
#include "dpm/calibration/multistep_form.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

namespace multistep_form_test {

using namespace dpm_test;
using dpm::DpmSolver;
using State = std::vector<double>;

namespace {

/// What a plan makes of the test's start, with outputs that are read as whatever the plan says.
State samples_of(const dpm::Plan& plan) {
  State x = test_start();
  for (double& value : x) value *= plan.start().sigma();
  const auto model = [](const State& input, const dpm::Level& at, State& out) {
    test_network(input, at.time, out);
  };
  dpm::sample(plan, model, x);
  return x;
}

void require_same_samples(const dpm::Plan& plan) {
  const dpm::MultistepForm form = dpm::multistep_form(plan);
  const dpm::Plan again = dpm::plan_of(form);
  REQUIRE(again.model_calls() == plan.model_calls());
  REQUIRE(again.steps.size() == std::size_t(plan.model_calls()));
  REQUIRE(again.start() == plan.start());
  REQUIRE(again.end() == plan.end());
  REQUIRE(again.space == plan.space);
  REQUIRE(again.prediction == plan.prediction);
  // Weights of noise predictions as data predictions are up to 152 here.
  REQUIRE(relative_difference(samples_of(again), samples_of(plan)) < 1e-11);
}

template <class Method>
void require_form(const Method& method) {
  for (const auto prediction : {dpm::Prediction::noise, dpm::Prediction::velocity}) {
    CAPTURE(Method::name, int(prediction));
    const dpm::Grid grid = make_grid(dpm::UniformLambda{}, dpm::VpLinear(), 7);
    require_same_samples(dpm::make_plan(method, grid, prediction));
  }
}

void refused(const dpm::Plan& plan, const std::string& sentence) {
  REQUIRE_THROWS_AS(dpm::multistep_form(plan), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(dpm::multistep_form(plan), mentions(sentence));
}

dpm::Plan usual_plan() { return dpm::make_plan(dpm::VpLinear(), 5); }

}  // namespace

TEST_CASE("multistep methods keep their samples in multistep form") {
  require_form(dpm::Ddim{});
  require_form(DpmSolver{.order = 2, .space = dpm::Space::noise});
  require_form(DpmSolver{.order = 3, .start = DpmSolver::Start::lower_order});
  require_form(dpm::Deis{.order = 4});
  require_form(dpm::Ipndm{});
}

TEST_CASE("correctors become weights of the step after them") {
  require_form(dpm::UniPc{.order = 4});
  require_form(dpm::UniPc{.order = 3, .space = dpm::Space::noise, .lower_order_final = true});
  require_form(dpm::SaSolver{.predictor_order = 3,
                             .corrector_order = 5,
                             .tau = [](const dpm::Level& /*at*/) { return 0.0; }});
}

TEST_CASE("stages of singlestep methods become samples at their levels") {
  require_form(DpmSolver{.order = 3, .form = DpmSolver::Form::singlestep});
  require_form(dpm::Heun{});
  require_form(dpm::RungeKutta{.order = 4});
  require_form(dpm::Pndm{.warmup = dpm::Pndm::Warmup::plms});
}

TEST_CASE("scaled inputs and singular ends keep their samples in multistep form") {
  require_same_samples(dpm::make_plan(dpm::UniPc{}, dpm::Edm(), 6, dpm::Prediction::edm));
  require_same_samples(
      dpm::make_plan(dpm::UniPc{.order = 3}, dpm::RectifiedFlow(), 6, dpm::Prediction::flow));
  require_same_samples(dpm::make_plan(DpmSolver{}, dpm::VpLinear(), 6,
                                      dpm::UniformTime{.final = dpm::FinalSigma::zero}));
}

TEST_CASE("the form of a multistep method has the weights of its formula") {
  const dpm::Plan plan =
      dpm::make_plan(DpmSolver{.order = 2}, dpm::VpLinear(), 3, dpm::Prediction::data);
  const dpm::MultistepForm form = dpm::multistep_form(plan);
  REQUIRE(form.steps.size() == 3);
  for (std::size_t j = 0; j < 3; ++j) {
    const dpm::MultistepForm::Step& step = form.steps[j];
    REQUIRE(step.from == plan.steps[j].from);
    REQUIRE(step.to == plan.steps[j].to);
    REQUIRE(step.asked == step.from);
    // The plan of a model that predicts data shows its formula: m_j, then x, then the new x.
    const auto& combine = std::get<dpm::Combine>(plan.steps[j].instructions.back());
    REQUIRE(step.predictions.size() == (j == 0 ? 1U : 2U));
    REQUIRE_THAT(step.sample, WithinRel(combine.weight(0, 0), 1e-13));
    for (std::size_t k = 0; k < step.predictions.size(); ++k) {
      REQUIRE_THAT(step.predictions[k], WithinRel(combine.weight(0, 1 + k), 1e-13));
    }
  }
}

TEST_CASE("a form may tell the model another level than where the sample is") {
  dpm::MultistepForm form = dpm::multistep_form(usual_plan());
  form.steps[2].asked = dpm::VpLinear().level(0.2);
  const dpm::Plan plan = dpm::plan_of(form);
  std::vector<double> times;
  State x = test_start();
  dpm::sample(
      plan,
      [&](const State& input, const dpm::Level& at, State& out) {
        times.push_back(at.time);
        test_network(input, at.time, out);
      },
      x);
  REQUIRE(times[2] == 0.2);
  REQUIRE(times[1] == form.steps[1].from.time);
  REQUIRE(plan.steps[2].from == form.steps[2].from);
}

TEST_CASE("a form comes back from its plan with what the model is told") {
  for (const bool scaled : {false, true}) {
    const dpm::AnySchedule schedule =
        scaled ? dpm::AnySchedule(dpm::Edm()) : dpm::AnySchedule(dpm::VpLinear());
    const auto prediction = scaled ? dpm::Prediction::edm : dpm::Prediction::noise;
    dpm::MultistepForm form = dpm::multistep_form(dpm::make_plan(schedule, 5, prediction));
    for (const std::size_t j : {0U, 2U, 3U}) {
      // Between two levels; and at the last of the three beyond the next, as data are neared.
      const double time = form.steps[j].from.time;
      const double next = form.steps[j].to.time;
      form.steps[j].asked = schedule.level(j == 3 ? 0.9 * next : 0.5 * (time + next));
    }
    const dpm::MultistepForm back = dpm::multistep_form(dpm::plan_of(form));
    REQUIRE(back.steps.size() == 5);
    for (std::size_t j = 0; j < 5; ++j) {
      CAPTURE(scaled, j);
      REQUIRE(back.steps[j].from == form.steps[j].from);
      REQUIRE(back.steps[j].to == form.steps[j].to);
      REQUIRE(back.steps[j].asked == form.steps[j].asked);
      // To sigma = 0 the weight of the sample is 0, but for rounding.
      REQUIRE_THAT(back.steps[j].sample, WithinRel(form.steps[j].sample, 1e-10) ||
                                             WithinAbs(form.steps[j].sample, 1e-15));
      REQUIRE(back.steps[j].predictions.size() == form.steps[j].predictions.size());
      for (std::size_t k = 0; k < form.steps[j].predictions.size(); ++k) {
        REQUIRE_THAT(back.steps[j].predictions[k], WithinRel(form.steps[j].predictions[k], 1e-8));
      }
    }
  }
}

TEST_CASE("plans without a multistep form are refused") {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  refused(dpm::make_plan(dpm::Ddim{.eta = 1.0}, schedule, 5),
          "calibrate: the plan draws noise 5 times; only deterministic methods");
  refused(dpm::make_plan(schedule, 5, std::nullopt, dpm::Correction::data),
          "calibrate: the plan asks for 5 corrections");
  refused(dpm::make_plan(dpm::CfgPlusPlus{}, schedule, 5),
          "calibrate: the plan asks for two predictions in one call (CFG++)");
  refused(dpm::make_plan(dpm::UniPc{.space = dpm::Space::noise},
                         make_grid(dpm::UniformLambda{}, schedule, 5).reversed()),
          "where there is more noise; it must lead from noise to data");
  refused({}, "check: the plan has no steps");

  dpm::Plan part = usual_plan();
  part.live.push_back(dpm::prediction_register(0));
  refused(part, "calibrate: the plan is a part of a run");

  dpm::Plan flow = usual_plan();
  flow.space = dpm::Space::flow;
  refused(flow, "calibrate: the plan keeps the flow prediction");

  dpm::Plan idle = usual_plan();
  for (dpm::Step& step : idle.steps) {
    std::erase_if(step.instructions, [](const dpm::Instruction& i) {
      return !std::holds_alternative<dpm::Combine>(i);
    });
    for (dpm::Instruction& i : step.instructions) {
      auto& combine = std::get<dpm::Combine>(i);
      combine = dpm::Combine{{dpm::sample_register}, {dpm::sample_register}, {1.0}};
    }
  }
  refused(idle, "calibrate: the plan never calls the model");

  dpm::Plan doubled = usual_plan();
  doubled.steps[0].instructions.insert(
      doubled.steps[0].instructions.begin(),
      dpm::Combine{{dpm::sample_register}, {dpm::sample_register}, {2.0}});
  refused(doubled, "calibrate: the plan changes the start before it calls the model");

  dpm::Plan forgetful = usual_plan();
  auto& combine = std::get<dpm::Combine>(forgetful.steps[1].instructions.back());
  for (std::size_t j = 0; j < combine.operands.size(); ++j) combine.weights[j] = 0.0;
  refused(forgetful, "does not depend on the start");
}

TEST_CASE("a plan that weighs more predictions than a combination can is refused") {
  // Each slope of the three steps that warm PNDM up is a mean of four predictions.
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, dpm::VpLinear(), 7);
  refused(
      dpm::make_plan(dpm::Pndm{}, grid),
      "calibrate: the step after model call 13 weighs the predictions of 13 calls; it may weigh "
      "7 at most");
}

}  // namespace multistep_form_test
