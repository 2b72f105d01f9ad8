// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Classifier guidance: exact on a labelled mixture in every prediction, and equal to
/// classifier-free guidance there.
#include "dpm/guidance/classifier_guidance.hpp"

#include <Eigen/Core>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/guidance/classifier_free_guidance.hpp"
#include "support/catch.hpp"
#include "support/labelled_mixture.hpp"
#include "support/test_network.hpp"

namespace classifier_guidance_test {

using namespace dpm_test;
using dpm::ClassifierFreeGuidance;
using dpm::ClassifierGuidance;
using enum dpm::Prediction;
using Batch = Eigen::ArrayXXd;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
const auto good = [](const Batch& x, double, Batch& out) { out = 0.5 * x; };
const auto fails = [](const Batch&, double, Batch&) { throw std::runtime_error("no memory"); };

template <class Model>
State output_of(Model&& model, const State& x, const dpm::Level& at) {
  State out = x;
  model(x, at, out);
  return out;
}

}  // namespace

TEST_CASE("the classifier's gradient is that of log p(y | x), by differences") {
  // Six values in steps of 1e-3: the error h^6 f^(7) / 140 and the rounding of long double are
  // below 1e-11, where the narrowest marginal is 0.3.
  const State points = some_samples();
  for (const double time : {1.0, 0.3, 0.02}) {
    const dpm::Level at = schedule.level(time);
    for (std::size_t first = 0; first < points.size(); first += 2) {
      const std::vector<Wide> x{points[first], points[first + 1]};
      for (std::size_t i = 0; i < 2; ++i) {
        const auto along = [&](Wide step) {
          std::vector<Wide> moved = x;
          moved[i] += step;
          return log_classifier(moved, at);
        };
        const Wide h = 1e-3L;
        const Wide slope = (45 * (along(h) - along(-h)) - 9 * (along(2 * h) - along(-2 * h)) +
                            (along(3 * h) - along(-3 * h))) /
                           (60 * h);
        const Wide exact = classifier_gradient(x, at)[i];
        CAPTURE(time, first, i);
        CHECK_THAT(static_cast<double>(exact), WithinAbs(static_cast<double>(slope), 1e-11));
      }
    }
  }
}

TEST_CASE("classifier guidance is exact in every prediction type") {
  for (const auto prediction : {noise, data, velocity, score, flow, edm}) {
    for (const bool scaled_inputs : {false, true}) {
      if (prediction == edm && !scaled_inputs) continue;
      const dpm::AnySchedule process =
          scaled_inputs ? dpm::AnySchedule(dpm::Edm()) : dpm::AnySchedule(schedule);
      for (const double scale : {0.0, 1.0, 3.0}) {
        ClassifierGuidance guided(guided_network(prediction, 0.0), classifier_of_input, scale,
                                  prediction);
        for (const double time : {0.9, 0.3, 0.02}) {
          CAPTURE(int(prediction), scaled_inputs, scale, time);
          const dpm::Level at = process.level(time);
          CHECK(relative_difference(
                    output_of(guided, some_samples(), at),
                    output_of(guided_network(prediction, scale), some_samples(), at)) < 1e-12);
        }
      }
    }
  }
}

TEST_CASE("guidance by the exact classifier is classifier-free guidance") {
  for (const double scale : {0.5, 1.0, 2.0, 7.5}) {
    ClassifierFreeGuidance free(mixture_of_label(), mixture_of_all(), scale);
    ClassifierGuidance by_classifier(mixture_of_all(), classifier_of_input, scale);
    for (const double time : {1.0, 0.7, 0.3, 0.1, 0.02, 1e-3}) {
      CAPTURE(scale, time);
      const dpm::Level at = schedule.level(time);
      CHECK(relative_difference(output_of(by_classifier, some_samples(), at),
                                output_of(free, some_samples(), at)) < 1e-12);
    }
  }
}

TEST_CASE("guided runs end at the same samples in every prediction type") {
  const auto run = [](const dpm::AnySchedule& process, auto model, dpm::Prediction prediction) {
    const dpm::Plan plan = make_plan(dpm::DpmSolver{}, process, 20, prediction);
    State x = some_samples();
    for (double& v : x) v *= plan.start().sigma();
    dpm::sample(plan, model, x);
    return x;
  };
  const auto guided = [](dpm::Prediction prediction) {
    return ClassifierGuidance(guided_network(prediction, 0.0), classifier_of_input, 3.0,
                              prediction);
  };
  const State exact = run(schedule, guided_network(noise, 3.0), noise);
  const State unguided = run(schedule, guided_network(noise, 0.0), noise);
  CHECK(relative_difference(exact, unguided) > 0.1);
  for (const auto prediction : {noise, data, velocity, score, flow}) {
    CAPTURE(int(prediction));
    CHECK(relative_difference(run(schedule, guided(prediction), prediction), exact) < 1e-12);
  }
  const State exact_edm = run(dpm::Edm(), guided_network(noise, 3.0), noise);
  for (const auto prediction : {noise, velocity, edm}) {
    CAPTURE(int(prediction));
    CHECK(relative_difference(run(dpm::Edm(), guided(prediction), prediction), exact_edm) < 1e-12);
  }
  // Rectified flow starts at alpha = 0, where a gradient cannot guide.
  const auto run_flow = [](auto model) {
    const dpm::Grid grid = make_grid(dpm::UniformTime{.start = 0.99}, dpm::RectifiedFlow(), 20);
    State x = some_samples();
    dpm::sample(make_plan(dpm::DpmSolver{}, grid, flow), model, x);
    return x;
  };
  CHECK(relative_difference(run_flow(guided(flow)), run_flow(guided_network(flow, 3.0))) < 1e-12);
}

TEST_CASE("a gradient has any form of a model, and is not called where the scale is 0") {
  const auto model = [](const State& x, double) { return x; };
  const dpm::Level at = schedule.level(0.5);
  int calls = 0;
  const auto check = [&](auto gradient) {
    ClassifierGuidance guided(model, std::move(gradient), 2.0, score);
    CHECK(output_of(guided, State{1.0, -2.0}, at) == State{2.0, -4.0});
    ++calls;
  };
  check([&](const State& x, double) { return State{x[0] / 2, x[1] / 2}; });
  check([&](const State& x, double, State& out) { out = {x[0] / 2, x[1] / 2}; });
  check([&](const State& x, const dpm::Level&) { return State{x[0] / 2, x[1] / 2}; });
  check([half = std::make_unique<double>(0.5)](const State& x, const dpm::Level&, State& out) {
    out = {x[0] * *half, x[1] * *half};
  });
  CHECK(calls == 4);

  int gradients = 0;
  const auto counting = [&](const State& x, double) {
    ++gradients;
    return x;
  };
  const auto early = [](const dpm::Level& level) { return level.time > 0.5 ? 1.0 : 0.0; };
  const dpm::Plan plan = make_plan(dpm::Ddim{}, make_grid(dpm::UniformTime{}, schedule, 10));
  int inside = 0;
  for (const dpm::Step& step : plan.steps) inside += step.from.time > 0.5 ? 1 : 0;
  REQUIRE((inside > 0 && inside < 10));
  ClassifierGuidance guided(mixture_of_all(), counting, early);
  State x = some_samples();
  CHECK(dpm::sample(plan, guided, x).model_calls == 10);
  CHECK(gradients == inside);
}

TEST_CASE("classifier guidance says where a gradient cannot guide") {
  // Pure noise is independent of the data: the gradient is 0 there and the data's share unknown.
  const dpm::AnySchedule flow_schedule = dpm::RectifiedFlow();
  const dpm::Level noise_end = flow_schedule.level(1.0);
  REQUIRE(noise_end.alpha() == 0.0);
  const Batch x = Batch::Constant(2, 3, 0.5);
  Batch out = x;
  for (const auto prediction : {data, velocity, flow, edm}) {
    dpm::ClassifierGuidance guided(good, good, 2.0, prediction);
    REQUIRE_THROWS_WITH(guided(x, noise_end, out),
                        "ClassifierGuidance: at time 1 alpha is 0, where the gradient says nothing "
                        "about the data; start below that time, or limit the scale by within(low, "
                        "high) with a finite high");
    dpm::ClassifierGuidance limited(good, fails, dpm::GuidanceScale(2.0).within(0.0, 50.0),
                                    prediction);
    limited(x, noise_end, out);
    REQUIRE((out == 0.5 * x).all());
  }
  for (const auto prediction : {noise, score}) {
    dpm::ClassifierGuidance guided(good, good, 2.0, prediction);
    guided(x, noise_end, out);
    REQUIRE((out == 0.5 * x + (prediction == noise ? -2.0 : 2.0) * 0.5 * x).all());
  }
  dpm::ClassifierGuidance no_scaling(good, good, 2.0, edm);
  REQUIRE_THROWS_WITH(no_scaling(x, schedule.level(0.5), out),
                      "ClassifierGuidance: Prediction::edm at time 0.5, where data_stddev is 0; it "
                      "needs a schedule that scales the model's input, such as Edm");
}

}  // namespace classifier_guidance_test
