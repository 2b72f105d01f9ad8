// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Classifier-free guidance: exact on a labelled mixture, in every form, scale and state.
#include "dpm/guidance/classifier_free_guidance.hpp"

#include <Eigen/Core>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/guidance/classifier_guidance.hpp"
#include "support/catch.hpp"
#include "support/labelled_mixture.hpp"
#include "support/test_network.hpp"

namespace classifier_free_guidance_test {

using namespace dpm_test;
using dpm::BatchedClassifierFreeGuidance;
using dpm::ClassifierFreeGuidance;
using State = std::vector<double>;
using Batch = Eigen::ArrayXXd;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
const std::vector<double> some_times{1.0, 0.7, 0.3, 0.1, 0.02, 1e-3};
const std::vector<double> some_scales{0.0, 0.4, 1.0, 1.5, 7.5};

template <class Model, class X>
X output_of(Model&& model, const X& x, const dpm::Level& at) {
  X out = x;
  model(x, at, out);
  return out;
}

/// A network that guides on a doubled batch: timestep for the first half, all data for the second.
const auto both_halves = [](const State& x, const dpm::Level& at, State& out) {
  const auto half = static_cast<std::ptrdiff_t>(x.size() / 2);
  const State first = output_of(mixture_of_label(), State(x.begin(), x.begin() + half), at);
  const State second = output_of(mixture_of_all(), State(x.begin() + half, x.end()), at);
  std::copy(first.begin(), first.end(), out.begin());
  std::copy(second.begin(), second.end(), out.begin() + half);
};

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

TEST_CASE("the guided noise prediction of a labelled mixture is the closed form") {
  for (const double scale : some_scales) {
    ClassifierFreeGuidance guided(mixture_of_label(), mixture_of_all(), scale);
    BatchedClassifierFreeGuidance batched(both_halves, scale);
    for (const double time : some_times) {
      CAPTURE(scale, time);
      const dpm::Level at = schedule.level(time);
      const State expected =
          output_of(guided_network(dpm::Prediction::noise, scale), some_samples(), at);
      CHECK(relative_difference(output_of(guided, some_samples(), at), expected) < 1e-12);
      CHECK(relative_difference(output_of(batched, some_samples(), at), expected) < 1e-12);
    }
  }
}

TEST_CASE("guidance is the same in every prediction type") {
  using enum dpm::Prediction;
  for (const auto prediction : {noise, data, velocity, score, flow, edm}) {
    const dpm::AnySchedule process = prediction == edm ? dpm::AnySchedule(dpm::Edm()) : schedule;
    ClassifierFreeGuidance guided(guided_network(prediction, 1.0), guided_network(prediction, 0.0),
                                  3.0);
    const auto closed = guided_network(prediction, 3.0);
    for (const double time : {0.9, 0.3, 0.02}) {
      CAPTURE(int(prediction), time);
      const dpm::Level at = process.level(time);
      CHECK(relative_difference(output_of(guided, some_samples(), at),
                                output_of(closed, some_samples(), at)) < 1e-12);
    }
    // A whole run, also over a network that guides in terms of the noise. Twenty steps of rounding
    // that the guided steps enlarge: a thousand epsilons.
    const dpm::Plan plan = make_plan(dpm::DpmSolver{}, process, 20, prediction);
    State start = some_samples();
    for (double& v : start) v *= plan.start().sigma();
    State x = start;
    dpm::sample(plan, guided, x);
    State expected = start;
    dpm::sample(make_plan(dpm::DpmSolver{}, process, 20, noise), guided_network(noise, 3.0),
                expected);
    CHECK(relative_difference(x, expected) < 1e-12);
  }
}

TEST_CASE("a doubled batch has the conditional half first, bit for bit as with two models") {
  // By value, because g++ 12 suspects Eigen's assignment of a free that it does not make.
  const auto conditional = [](const auto& x, const dpm::Level&, auto& out) {
    for (Eigen::Index k = 0; k < x.size(); ++k) out.data()[k] = std::sin(x.data()[k]);
  };
  const auto unconditional = [](const auto& x, const dpm::Level&, auto& out) {
    for (Eigen::Index k = 0; k < x.size(); ++k) out.data()[k] = 0.3 * x.data()[k];
  };
  const auto check = [&](auto x) {
    using X = decltype(x);
    const auto both = [&](const X& in, const dpm::Level& at, X& out) {
      REQUIRE(in.rows() == x.rows());
      REQUIRE(in.cols() == 2 * x.cols());
      REQUIRE((in.leftCols(x.cols()) == x).all());
      REQUIRE((in.rightCols(x.cols()) == x).all());
      X part = x;
      conditional(x, at, part);
      out.leftCols(x.cols()) = part;
      unconditional(x, at, part);
      out.rightCols(x.cols()) = part;
    };
    for (const double phi : {0.0, 0.7}) {
      ClassifierFreeGuidance two(conditional, unconditional, 4.0, {.phi = phi});
      BatchedClassifierFreeGuidance one(both, 4.0, {.phi = phi});
      const X expected = output_of(two, x, schedule.level(0.5));
      CHECK((output_of(one, x, schedule.level(0.5)) == expected).all());
      CHECK((expected != x).all());
    }
  };
  for (const auto& [rows, columns] : {std::pair{5, 3}, {1, 4}, {40, 1}, {1, 1}, {33, 35}}) {
    const Batch x = Batch::Random(rows, columns) + 1.5;
    check(x);
    check(Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>(x));
  }
  check(Eigen::Array<double, 2, Eigen::Dynamic>(Batch::Random(2, 7) + 1.5));
  check(Eigen::Array<double, 1, Eigen::Dynamic>(Batch::Random(1, 7) + 1.5));
}

TEST_CASE("a model may have any form, be move-only, or be shared") {
  const dpm::Level at = schedule.level(0.5);
  const State x{0.5, -1.0, 2.0};
  const auto quarter = [](const State& in, double) {
    State out = in;
    for (double& v : out) v *= 0.25;
    return out;
  };
  const auto check = [&](auto conditional) {
    ClassifierFreeGuidance guided(std::move(conditional), quarter, 2.0);
    State out(3);
    guided(x, at, out);
    CHECK(out == State{0.875, -1.75, 3.5});  // 2 x - x / 4, exactly
  };
  check([](const State& in, double) { return in; });
  check([](const State& in, double, State& out) { out = in; });
  check([](const State& in, const dpm::Level&) { return in; });
  check([](const State& in, const dpm::Level&, State& out) { out = in; });
  check([owned = std::make_unique<double>(1.0)](const State& in, double, State& out) {
    out = in;
    for (double& v : out) v *= *owned;
  });
  int calls = 0;
  auto counting = [&calls](const State& in, double timestep, State& out) mutable {
    ++calls;
    CHECK(timestep == dpm::VpLinear().level(0.5).timestep);
    out = in;
  };
  check(std::ref(counting));
  CHECK(calls == 1);
  void (*const function)(const State&, double, State&) = [](const State& in, double, State& out) {
    out = in;
  };
  check(function);
}

TEST_CASE("outside its interval guidance costs nothing, and neither does a scale of 1 or 0") {
  int conditional_calls = 0;
  int unconditional_calls = 0;
  const auto conditional = [&](const State& x, const dpm::Level& at, State& out) {
    ++conditional_calls;
    mixture_of_label()(x, at, out);
  };
  const auto unconditional = [&](const State& x, const dpm::Level& at, State& out) {
    ++unconditional_calls;
    mixture_of_all()(x, at, out);
  };
  const dpm::Plan plan = make_plan(dpm::Ddim{}, schedule, 20);
  const auto run = [&](const dpm::GuidanceScale& scale) {
    conditional_calls = unconditional_calls = 0;
    ClassifierFreeGuidance guided(conditional, unconditional, scale);
    State x = some_samples();
    CHECK(dpm::sample(plan, guided, x).model_calls == 20);
    return x;
  };
  State of_label = some_samples();
  dpm::sample(plan, mixture_of_label(), of_label);
  CHECK(run(1.0) == of_label);
  CHECK((conditional_calls == 20 && unconditional_calls == 0));
  run(0.0);
  CHECK((conditional_calls == 0 && unconditional_calls == 20));
  run(2.0);
  CHECK((conditional_calls == 20 && unconditional_calls == 20));

  int inside = 0;
  for (const dpm::Step& step : plan.steps) {
    const double ratio = step.from.sigma() / step.from.alpha();
    if (ratio > 0.3 && ratio <= 3.0) ++inside;
  }
  REQUIRE((inside > 3 && inside < 17));
  const State limited = run(dpm::GuidanceScale(2.0).within(0.3, 3.0));
  CHECK((conditional_calls == 20 && unconditional_calls == inside));
  const auto by_hand = [](const dpm::Level& at) {
    const double ratio = std::exp(-at.lambda());
    return ratio > 0.3 && ratio <= 3.0 ? 2.0 : 1.0;
  };
  CHECK(run(by_hand) == limited);
  CHECK((conditional_calls == 20 && unconditional_calls == inside));
}

TEST_CASE("buffers are kept from call to call, and follow type and shape") {
  std::set<const double*> places;
  const auto model = [&](const auto& x, const dpm::Level&, auto& out) {
    places.insert(x.data());
    places.insert(out.data());
    std::copy_n(x.data(), x.size(), out.data());
  };
  ClassifierFreeGuidance two(std::ref(model), std::ref(model), 3.0);
  BatchedClassifierFreeGuidance one(std::ref(model), 3.0);
  const auto run = [&](auto& guided, auto x) {
    auto out = x;
    places.clear();
    for (const double time : some_times) guided(x, schedule.level(time), out);
    for (decltype(x.size()) i = 0; i < x.size(); ++i) {
      CHECK_THAT(out.data()[i], WithinRel(x.data()[i], 1e-14));  // 3 x - 2 x
    }
    return places.size();
  };
  const std::vector<std::size_t> sizes{5, 50, 3};
  for (const std::size_t size : sizes) {
    CHECK(run(two, State(size, 0.5)) == 3);  // x, out and the unconditional output
    CHECK(run(one, State(size, 0.5)) == 2);  // the doubled input and output
  }
  for (const std::size_t size : sizes) {
    const Batch x = Batch::Constant(static_cast<Eigen::Index>(size), 3, 0.5);
    CHECK(run(two, x) == 3);
    CHECK(run(one, x) == 2);
  }
  CHECK(run(two, Eigen::Array2d(0.5, 0.6)) == 3);
}

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

TEST_CASE("a guided run refuses outputs that are not filled or not finite") {
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

}  // namespace classifier_free_guidance_test
