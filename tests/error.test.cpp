// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a run refuses, and what it says then.
#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <Eigen/Core>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

using namespace dpm_test;

namespace {

using Floats = std::vector<float>;
using Options = dpm::RunOptions<Floats>;

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

/// Three steps, through times and so timesteps that print short.
dpm::Plan plan_of_three_steps(dpm::Correction correction = dpm::Correction::none) {
  const std::vector<double> times{1.0, 0.5, 0.25, 0.125};
  return make_plan(dpm::Ddim{}, dpm::grid_of_times(dpm::VpLinear(), times), dpm::Prediction::noise,
                   correction);
}

dpm::Plan plan_with_draws() {
  const std::vector<double> times{1.0, 0.5, 0.25, 0.125};
  return make_plan(dpm::Ddpm{}, dpm::grid_of_times(dpm::VpLinear(), times));
}

struct Shrink {
  template <class State>
  void operator()(const State& x, double /*timestep*/, State& out) const {
    for (decltype(x.size()) i = 0; i < x.size(); ++i) out.data()[i] = x.data()[i] / 2;
  }
};

/// The sentence with which `action` is refused; empty if it is not.
template <class Error, class Action>
std::string sentence_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

template <class Error, class X, class Model>
std::string refusal(const dpm::Plan& plan, X x, Model model,
                    dpm::RunOptions<dpm::OwnedState<X>> options = {}) {
  return sentence_of<Error>([&] { dpm::sample(plan, model, x, options); });
}

template <class X>
std::string invalid(const dpm::Plan& plan, X x, dpm::RunOptions<dpm::OwnedState<X>> options = {}) {
  return refusal<dpm::InvalidArgument>(plan, x, Shrink{}, options);
}

}  // namespace

TEST_CASE("errors are standard exceptions") {
  STATIC_REQUIRE(std::is_base_of_v<std::invalid_argument, dpm::InvalidArgument>);
  STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, dpm::NonFinite>);
  STATIC_REQUIRE(!std::is_base_of_v<dpm::InvalidArgument, dpm::NonFinite>);
  STATIC_REQUIRE(DPM_EXCEPTIONS == 1);
  REQUIRE(sentence_of<std::invalid_argument>([] {
            dpm::detail::require(false, "n = ", 3, ", x = ", 0.1, ", f = ", 0.1F,
                                 ", s = ", std::size_t{7}, ", i = ", -4, ", h = ", 1e-300);
          }) == "n = 3, x = 0.1, f = 0.1, s = 7, i = -4, h = 1e-300");
  REQUIRE(sentence_of<std::runtime_error>([] { dpm::detail::fail<dpm::NonFinite>("gone"); }) ==
          "gone");
  REQUIRE_NOTHROW(dpm::detail::require(true, "fine"));
}

TEST_CASE("the error handler is kept, returned and reset, and not called where errors are thrown") {
  static int calls = 0;
  const dpm::ErrorHandler count = [](const char*) { ++calls; };
  const dpm::ErrorHandler standard = dpm::set_error_handler(count);
  REQUIRE(standard != nullptr);
  REQUIRE_THROWS_AS(dpm::VpLinear(-1.0), dpm::InvalidArgument);
  REQUIRE(calls == 0);
  REQUIRE(dpm::set_error_handler(nullptr) == count);
  REQUIRE(dpm::set_error_handler(standard) == standard);
}

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

TEST_CASE("a plan that draws noise needs a noise source") {
  const std::string message = invalid(plan_with_draws(), Floats(4));
  REQUIRE_THAT(message, mentions("the plan draws noise 3 times"));
  REQUIRE_THAT(message, mentions("NormalNoise"));
  REQUIRE(invalid(plan_with_draws(), Floats(4), {.noise = dpm::NormalNoise{}}).empty());
  // One that is not needed does no harm.
  REQUIRE(invalid(plan_of_three_steps(), Floats(4), {.noise = dpm::NormalNoise{}}).empty());
}

TEST_CASE("a plan and a run must agree on whether there is a correction") {
  const Options with_correction{.correction = [](Floats&, const dpm::Level&) {}};
  const dpm::Plan corrected = plan_of_three_steps(dpm::Correction::data);
  const std::string missing = invalid(corrected, Floats(4));
  REQUIRE_THAT(missing, mentions("the plan asks for 3 corrections and no correction was given"));
  REQUIRE_THAT(missing, mentions("Correction::data"));
  const std::string unasked = invalid(plan_of_three_steps(), Floats(4), with_correction);
  REQUIRE_THAT(unasked, mentions("the plan asks for 0 corrections and a correction was given"));
  REQUIRE_THAT(unasked, mentions("Correction::data"));
  REQUIRE(invalid(corrected, Floats(4), with_correction).empty());
}

TEST_CASE("a stepper refuses a plan that someone has damaged") {
  const dpm::Plan good = make_plan(dpm::DpmSolver{.order = 3}, dpm::VpLinear(), 8);
  const auto refusal_of = [](const dpm::Plan& plan) {
    return sentence_of<dpm::InvalidArgument>([&] { dpm::Stepper(plan, Floats(4)); });
  };
  REQUIRE(refusal_of(good).empty());
  SECTION("no steps") { REQUIRE_THAT(refusal_of({}), mentions("the plan has no steps")); }
  SECTION("a weight that is not finite") {
    dpm::Plan plan = good;
    std::get<dpm::Combine>(plan.steps[2].instructions.back()).weights[1] =
        std::numeric_limits<double>::quiet_NaN();
    REQUIRE_THAT(refusal_of(plan), mentions("has the weight nan"));
  }
  SECTION("levels that do not join up") {
    dpm::Plan plan = good;
    std::swap(plan.steps[3], plan.steps[4]);
    REQUIRE_THAT(refusal_of(plan), mentions("starts at another level"));
  }
  SECTION("a register that nothing has written") {
    dpm::Plan plan = good;
    std::get<dpm::Combine>(plan.steps[1].instructions.back()).operands[0] = dpm::noise_register;
    REQUIRE_THAT(refusal_of(plan), mentions("reads a register that nothing has written"));
  }
  SECTION("a register that does not exist") {
    dpm::Plan plan = good;
    std::get<dpm::Evaluate>(plan.steps[0].instructions.front()).output =
        dpm::prediction_register(dpm::max_predictions);
    REQUIRE_THAT(refusal_of(plan), mentions("names register number 16"));
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
