// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Guided models that answer wrongly, in the middle of a run and outside one.
#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>

#include "dpm/dpm.hpp"
#include "dpm/guidance/classifier_free_guidance.hpp"
#include "dpm/guidance/classifier_guidance.hpp"
#include "support/catch.hpp"

using namespace dpm_test;
using Batch = Eigen::ArrayXXd;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
const auto good = [](const Batch& x, double, Batch& out) { out = 0.5 * x; };
const auto wrong_shape = [](const Batch&, double, Batch& out) { out = Batch::Zero(4, 5); };
const auto fills_nothing = [](const Batch&, double, Batch) {};
const auto fails = [](const Batch&, double, Batch&) { throw std::runtime_error("no memory"); };

/// A number as a state, which counts what is done to it.
struct Counted {
  double value = 0.0;
  inline static int passes = 0;

  friend void combine(const dpm::Weights& weights, std::span<Counted* const> targets,
                      std::span<const Counted* const> operands) {
    ++passes;
    double sum = 0.0;
    for (std::size_t j = 0; j < operands.size(); ++j) sum += weights(0, j) * operands[j]->value;
    targets[0]->value = sum;
  }
};

}  // namespace

TEST_CASE("outputs of another shape are refused before they are combined") {
  const Batch start = Batch::Constant(2, 3, 0.5);
  Batch x = start;
  const auto check = [&](auto model, const std::string& sentence) {
    REQUIRE_THROWS_AS(dpm::sample(schedule, 6, model, x), dpm::InvalidArgument);
    REQUIRE_THROWS_WITH(dpm::sample(schedule, 6, model, x), sentence);
    REQUIRE((x == start).all());
  };
  const std::string shape = " is 4 x 5; it must have the shape of the model's input, ";
  check(dpm::ClassifierFreeGuidance(wrong_shape, good, 2.0),
        "ClassifierFreeGuidance: at time 1 the conditional output" + shape + "2 x 3");
  check(dpm::ClassifierFreeGuidance(good, wrong_shape, 2.0),
        "ClassifierFreeGuidance: at time 1 the unconditional output" + shape + "2 x 3");
  check(dpm::BatchedClassifierFreeGuidance(wrong_shape, 2.0),
        "BatchedClassifierFreeGuidance: at time 1 the model's output" + shape + "2 x 6");
  check(dpm::ClassifierGuidance(wrong_shape, good, 2.0),
        "ClassifierGuidance: at time 1 the model's output" + shape + "2 x 3");
  check(dpm::ClassifierGuidance(good, wrong_shape, 2.0),
        "ClassifierGuidance: at time 1 the gradient" + shape + "2 x 3");
  // A model of a doubled batch that fills one half only, as one that does not know of it would.
  check(dpm::BatchedClassifierFreeGuidance(
            [](const Batch& in, double) -> Batch { return in.leftCols(in.cols() / 2); }, 2.0),
        "BatchedClassifierFreeGuidance: at time 1 the model's output is 2 x 3; it must have the "
        "shape "
        "of the model's input, 2 x 6");
  Batch too_small(2, 2);
  REQUIRE_THROWS_WITH(
      dpm::BatchedClassifierFreeGuidance(good, 2.0)(start, schedule.level(0.5), too_small),
      "BatchedClassifierFreeGuidance: at time 0.5 the output to be filled is 2 x 2; it must have "
      "the "
      "shape of the model's input, 2 x 3");
}

TEST_CASE("what is not filled, or not finite, is found by the run") {
  const Batch start = Batch::Constant(2, 3, 0.5);
  Batch x = start;
  const auto check = [&](auto model) {
    REQUIRE_THROWS_AS(dpm::sample(schedule, 6, model, x), dpm::NonFinite);
    REQUIRE_THROWS_WITH(dpm::sample(schedule, 6, model, x),
                        mentions("step 1 of 6: the model's output"));
    REQUIRE((x == start).all());
  };
  check(dpm::ClassifierFreeGuidance(fills_nothing, good, 2.0));
  check(dpm::ClassifierFreeGuidance(good, fills_nothing, 2.0));
  check(dpm::ClassifierGuidance(fills_nothing, good, 2.0));
  check(dpm::ClassifierGuidance(good, fills_nothing, 2.0));
  check(dpm::BatchedClassifierFreeGuidance(fills_nothing, 2.0));
  for (const Eigen::Index unfilled : {0, 3}) {
    const auto one_half = [unfilled](const Batch& in, double, Batch& out) {
      out.middleCols(3 - unfilled, 3) = in.middleCols(3 - unfilled, 3);
    };
    check(dpm::BatchedClassifierFreeGuidance(one_half, 2.0));
    check(dpm::BatchedClassifierFreeGuidance(one_half, 2.0, {.phi = 0.7}));
  }
  const auto infinite = [](const Batch& in, double, Batch& out) {
    out = in;
    out(1, 2) = INFINITY;
  };
  check(dpm::ClassifierFreeGuidance(good, infinite, 2.0));
  check(dpm::ClassifierFreeGuidance(infinite, good, 2.0, {.phi = 0.7}));
}

TEST_CASE("a guided model that throws, or a scale that is refused, leaves x as it was") {
  const Batch start = Batch::Constant(2, 3, 0.5);
  Batch x = start;
  REQUIRE_THROWS_WITH(dpm::sample(schedule, 6, dpm::ClassifierFreeGuidance(good, fails, 2.0), x),
                      "no memory");
  REQUIRE_THROWS_WITH(dpm::sample(schedule, 6, dpm::ClassifierGuidance(good, fails, 2.0), x),
                      "no memory");
  const auto late = [](const dpm::Level& at) { return at.time > 0.5 ? 2.0 : -1.0; };
  REQUIRE_THROWS_WITH(dpm::sample(schedule, 6, dpm::ClassifierFreeGuidance(good, good, late), x),
                      mentions("GuidanceScale: scale = -1 at time 0."));
  REQUIRE((x == start).all());
}

TEST_CASE("classifier guidance says where a gradient cannot guide") {
  // Pure noise is independent of the data: the gradient is 0 there and the data's share unknown.
  using enum dpm::Prediction;
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

TEST_CASE("a state of another kind is guided in one pass of its own combine") {
  const auto twice = [](const Counted& x, double) { return Counted{2.0 * x.value}; };
  const auto shifted = [](const Counted& x, double) { return Counted{x.value - 5.0}; };
  const Counted x{10.0};
  Counted out;
  dpm::ClassifierFreeGuidance(twice, shifted, 3.0)(x, schedule.level(0.5), out);
  REQUIRE(out.value == 3.0 * 20.0 - 2.0 * 5.0);
  REQUIRE(Counted::passes == 1);
  dpm::ClassifierGuidance(twice, shifted, 3.0, dpm::Prediction::score)(x, schedule.level(0.5), out);
  REQUIRE(out.value == 20.0 + 3.0 * 5.0);
  REQUIRE(Counted::passes == 2);
  dpm::ClassifierFreeGuidance rescaled(twice, shifted, 3.0, {.phi = 0.7});
  REQUIRE_THROWS_WITH(rescaled(x, schedule.level(0.5), out),
                      "ClassifierFreeGuidance: phi = 0.7; it must be 0 for a state that is not "
                      "dense");
}
