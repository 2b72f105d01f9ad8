// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Starts, outputs, noise and corrections that are empty, of another shape or not finite.
#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused_runs.hpp"

namespace check_values_test {

using namespace dpm_test;
using Batch = Eigen::ArrayXXd;

namespace {

using Floats = std::vector<float>;
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("a start that holds nothing is refused") {
  for (const std::string& message : {invalid(plan_of_three_steps(), Floats{}),
                                     invalid(plan_of_three_steps(), Eigen::ArrayXXf(0, 3)),
                                     invalid(plan_of_three_steps(), Eigen::ArrayXXf(3, 0)),
                                     invalid(plan_of_three_steps(), std::span<double>())}) {
    REQUIRE_THAT(message, mentions("start x is empty"));
    REQUIRE_THAT(message, mentions("at least one value"));
  }
  REQUIRE(invalid(plan_of_three_steps(), Floats{1.0F}).empty());
}

TEST_CASE("a start that is not finite is refused") {
  for (const float bad : {not_a_number, -not_a_number, infinity, -infinity}) {
    for (std::size_t place = 0; place < 3; ++place) {
      Floats x{0.5F, 0.5F, 0.5F};
      x[place] = bad;
      const std::string message = refusal<dpm::NonFinite>(plan_of_three_steps(), x, Shrink{});
      REQUIRE_THAT(message, mentions("the start x holds a NaN or an infinity"));
      int calls = 0;
      const auto model = [&](const Floats&, double, Floats&) { ++calls; };
      REQUIRE_THROWS_AS(dpm::sample(plan_of_three_steps(), model, x), dpm::NonFinite);
      REQUIRE(calls == 0);
    }
  }
}

TEST_CASE("a prediction that is not finite is refused with its step and level") {
  const char* const where[] = {"step 1 of 3: the model's output (time 1, timestep 1)",
                               "step 2 of 3: the model's output (time 0.5, timestep 0.5)",
                               "step 3 of 3: the model's output (time 0.25, timestep 0.25)"};
  for (int step = 0; step < 3; ++step) {
    for (const float bad : {not_a_number, infinity, -infinity}) {
      int calls = 0;
      const auto model = [&](const Floats& x, double timestep, Floats& out) {
        Shrink{}(x, timestep, out);
        if (calls++ == step) out.back() = bad;
      };
      const std::string message =
          refusal<dpm::NonFinite>(plan_of_three_steps(), Floats{0.5F, 0.5F}, model);
      REQUIRE_THAT(message, mentions(where[step]));
      REQUIRE_THAT(message, mentions("holds a NaN or an infinity"));
      REQUIRE(calls == step + 1);
    }
  }
}

TEST_CASE("the step is named when its second model call is the bad one") {
  const dpm::DpmSolver method{.order = 2, .form = dpm::DpmSolver::Form::singlestep};
  const std::vector<double> times{1.0, 0.5, 0.25};
  const dpm::Plan plan = make_plan(method, dpm::grid_of_times(dpm::VpLinear(), times));
  int calls = 0;
  const auto model = [&](const Floats& x, double timestep, Floats& out) {
    Shrink{}(x, timestep, out);
    if (++calls == 4) out[0] = not_a_number;
  };
  const std::string message = refusal<dpm::NonFinite>(plan, Floats{0.5F}, model);
  REQUIRE_THAT(message, mentions("step 2 of 2: the model's output"));
  const auto inner = std::get<dpm::Evaluate>(plan.steps[1].instructions[2]).level;
  REQUIRE(inner.time < 0.5);
  REQUIRE(inner.time > 0.25);
  REQUIRE_THAT(message, mentions(dpm::detail::sentence("time ", inner.time, ",")));
}

TEST_CASE("a sample that overflows at the end is refused with the last level") {
  // Finite predictions of the largest size are blown up where sigma / alpha is large.
  const auto model = [](const Floats&, double, Floats& out) {
    out.assign(out.size(), -std::numeric_limits<float>::max());
  };
  const std::string message =
      refusal<dpm::NonFinite>(plan_of_three_steps(dpm::Correction::none), Floats{0.5F}, model);
  REQUIRE_THAT(message, mentions("step 3 of 3: the sample after it (time 0.125, timestep 0.125)"));

  SECTION("in the stepper, which says so each time it is asked") {
    dpm::Stepper stepper(plan_of_three_steps(), Floats{0.5F});
    for (int call = 0; call < 3; ++call) {
      const auto pending = stepper.next();
      model(pending->input, pending->level.timestep, pending->output);
    }
    REQUIRE_THROWS_AS(stepper.next(), dpm::NonFinite);
    REQUIRE_THROWS_AS(stepper.next(), dpm::NonFinite);
    REQUIRE(stepper.steps_done() == 2);
  }
}

TEST_CASE("without check_finite the same runs go through") {
  Floats x{0.5F, infinity};
  dpm::sample(plan_of_three_steps(), Shrink{}, x, {.check_finite = false});
  REQUIRE(dpm::all_finite(Floats{x[0]}));
  REQUIRE_FALSE(dpm::all_finite(Floats{x[1]}));

  int calls = 0;
  const auto sometimes = [&](const Floats& in, double timestep, Floats& out) {
    Shrink{}(in, timestep, out);
    if (++calls == 2) out[0] = not_a_number;
  };
  x = {0.5F, 0.5F};
  dpm::sample(plan_of_three_steps(), sometimes, x, {.check_finite = false});
  REQUIRE(calls == 3);
  REQUIRE_FALSE(dpm::all_finite(Floats{x[0]}));
  REQUIRE(dpm::all_finite(Floats{x[1]}));

  const auto huge = [](const Floats&, double, Floats& out) {
    out.assign(out.size(), -std::numeric_limits<float>::max());
  };
  x = {0.5F, 0.5F};
  dpm::sample(plan_of_three_steps(), huge, x, {.check_finite = false});
  REQUIRE_FALSE(dpm::all_finite(x));
}

TEST_CASE("a prediction of another shape is refused with both shapes") {
  SECTION("a vector") {
    const auto longer = [](const Floats& x, double) { return Floats(x.size() + 1, 0.0F); };
    const std::string message =
        refusal<dpm::InvalidArgument>(plan_of_three_steps(), Floats(4), longer);
    REQUIRE_THAT(message, mentions("the model's output (time 1, timestep 1) is 5 x 1"));
    REQUIRE_THAT(message, mentions("the shape of the sample, 4 x 1"));
    const auto nothing = [](const Floats&, double) { return Floats(); };
    REQUIRE_THAT(refusal<dpm::InvalidArgument>(plan_of_three_steps(), Floats(4), nothing),
                 mentions("the model's output (time 1, timestep 1) is 0 x 1"));
  }
  SECTION("an Eigen array, transposed") {
    const auto transposed = [](const Eigen::ArrayXXf& x, double) -> Eigen::ArrayXXf {
      return x.transpose();
    };
    const std::string message = refusal<dpm::InvalidArgument>(
        plan_of_three_steps(), Eigen::ArrayXXf::Zero(4, 3).eval(), transposed);
    REQUIRE_THAT(message, mentions("the model's output (time 1, timestep 1) is 3 x 4"));
    REQUIRE_THAT(message, mentions("the shape of the sample, 4 x 3"));
  }
  SECTION("with checks of the values off, too") {
    const auto resizes = [](const Eigen::ArrayXXf&, double, Eigen::ArrayXXf& out) {
      out.setZero(2, 2);
    };
    REQUIRE_THAT(
        refusal<dpm::InvalidArgument>(plan_of_three_steps(), Eigen::ArrayXXf::Zero(4, 3).eval(),
                                      resizes, {.check_finite = false}),
        mentions("the model's output (time 1, timestep 1) is 2 x 2"));
  }
}

TEST_CASE("an error of the model's own comes through as it is") {
  struct NotAnException {
    int value;
  };
  const auto model = [](const Floats&, double, Floats&) { throw NotAnException{17}; };
  Floats x(4);
  try {
    dpm::sample(plan_of_three_steps(), model, x);
    FAIL("nothing was thrown");
  } catch (const NotAnException& error) {
    REQUIRE(error.value == 17);
  }
}

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
const dpm::Gaussian network({0.5, -1.0}, {0.4, 0.8});

}  // namespace

TEST_CASE("a noise source or a correction that changes the shape is refused") {
  const Batch start = Batch::Constant(2, 3, 0.5);
  Batch x = start;
  const auto wrong_noise = [](Batch& z, const dpm::NoiseRequest&) { z = Batch::Zero(4, 5); };
  REQUIRE_THROWS_WITH(
      dpm::sample(make_plan(dpm::Ddpm{}, schedule, 5), network, x, {.noise = wrong_noise}),
      "step 1 of 5: the noise (time 1, timestep 1) is 4 x 5; it must have the shape of the sample, "
      "2 "
      "x 3");
  const auto wrong_data = [](Batch& m, const dpm::Level&) { m = Batch::Zero(1, 1); };
  REQUIRE_THROWS_WITH(
      dpm::sample(dpm::Ddim{}, schedule, 5, network, x, dpm::Prediction::noise,
                  {.correction = wrong_data}),
      mentions(
          "step 1 of 5: the corrected data prediction (time 1, timestep 1) is 1 x 1; it must"));
  REQUIRE((x == start).all());
}

TEST_CASE("a NaN is blamed on the callback that made it") {
  Batch x = Batch::Constant(2, 3, 0.5);
  const auto bad = [](Batch& m, const dpm::Level&) { m(0, 0) = NAN; };
  REQUIRE_THROWS_WITH(dpm::sample(dpm::Ddim{}, schedule, 5, network, x, dpm::Prediction::noise,
                                  {.correction = bad}),
                      mentions("step 1 of 5: the corrected data prediction"));
  const auto bad_noise = [](Batch& z, const dpm::NoiseRequest&) { z(1, 2) = INFINITY; };
  REQUIRE_THROWS_WITH(
      dpm::sample(make_plan(dpm::Ddpm{}, schedule, 5), network, x, {.noise = bad_noise}),
      mentions("step 1 of 5: the noise"));
}

TEST_CASE("an output that nobody fills is noticed") {
  Batch x = Batch::Constant(2, 3, 0.5);
  const auto by_value = [](const Batch& in, double, Batch out) { out = in; };
  REQUIRE_THROWS_AS(dpm::sample(dpm::Ddim{}, schedule, 5, by_value, x), dpm::NonFinite);
  dpm::Stepper stepper(make_plan(dpm::Ddim{}, schedule, 5), x);
  REQUIRE(stepper.next().has_value());
  REQUIRE_THROWS_AS(stepper.next(), dpm::NonFinite);
}

TEST_CASE("a callback that throws is asked again") {
  std::vector<std::uint32_t> draws;
  bool thrown = false;
  const auto noise = [&](std::vector<double>& z, const dpm::NoiseRequest& request) {
    if (request.draw == 1 && !thrown) {
      thrown = true;
      throw std::runtime_error("no entropy");
    }
    draws.push_back(request.draw);
    z.assign(z.size(), 0.25);
  };
  dpm::Stepper<std::vector<double>> stepper(make_plan(dpm::Ddpm{}, schedule, 4), {0.5, 0.5},
                                            {.noise = noise});
  const auto first = stepper.next();
  network(first->input, first->level, first->output);
  REQUIRE_THROWS_WITH(stepper.next(), "no entropy");
  while (const auto call = stepper.next()) network(call->input, call->level, call->output);
  REQUIRE(draws == std::vector<std::uint32_t>{0, 1, 2, 3});
}

TEST_CASE("views with gaps are filled in their own places") {
  Batch whole = Batch::Zero(3, 4);
  dpm::NormalNoise{.seed = 3}.fill(whole);
  Batch part = Batch::Zero(3, 4);
  dpm::NormalNoise{.seed = 3}.fill(part.topRows(2));
  REQUIRE((part.topRows(2) == whole.topRows(2)).all());
  REQUIRE((part.row(2) == 0.0).all());
  REQUIRE_THROWS_WITH(dpm::all_finite(part.topRows(2)), mentions("a view with gaps"));
}

TEST_CASE("solving the ODE from a view leaves what it views alone") {
  std::vector<double> values{0.3, -0.4};
  const Eigen::Map<const Eigen::ArrayXd> view(values.data(), 2);
  const Eigen::ArrayXd end = network.solve_ode(view, schedule.level(1.0), schedule.level(1e-3));
  REQUIRE(values == std::vector<double>{0.3, -0.4});
  REQUIRE(end[0] != 0.3);
}

}  // namespace check_values_test
