// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The method for those who choose none.
#include "dpm/method/default_method.hpp"

#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

namespace default_method_test {

using namespace dpm_test;
using State = std::vector<double>;

TEST_CASE("the default plan makes exactly the calls asked for and ends at clean data") {
  const auto of_table = [](dpm::TimestepType type) {
    return dpm::DiscreteSchedule(dpm::scaled_linear_betas(1000), type);
  };
  struct Case {
    dpm::AnySchedule schedule;
    dpm::Prediction prediction;
  };
  const Case cases[] = {
      {of_table(dpm::TimestepType::continuous), dpm::Prediction::noise},
      {of_table(dpm::TimestepType::discrete), dpm::Prediction::noise},
      {dpm::LogSigmaTable(of_table(dpm::TimestepType::continuous)), dpm::Prediction::noise},
      {dpm::DiscreteSchedule(dpm::rescale_zero_terminal_snr(dpm::linear_betas(1000))),
       dpm::Prediction::velocity},
      {dpm::VpLinear(), dpm::Prediction::noise},
      {dpm::VpLinear(0.1, 20.0, 0.0), dpm::Prediction::noise},
      {dpm::VpCosine(), dpm::Prediction::noise},
      {dpm::Edm(), dpm::Prediction::edm},
      {dpm::VarianceExploding(0.01, 50.0), dpm::Prediction::noise},
      {dpm::RectifiedFlow(3.0), dpm::Prediction::flow},
  };
  for (const auto& [schedule, prediction] : cases) {
    for (const int calls : {1, 2, 5, 20, 100}) {
      const dpm::Plan plan = dpm::make_plan(schedule, calls, prediction);
      REQUIRE(plan.model_calls() == calls);
      REQUIRE(plan.steps.size() == static_cast<std::size_t>(calls));
      REQUIRE(plan.start() == schedule.level(schedule.last_time()));
      REQUIRE(plan.end() == schedule.level(0.0));
      REQUIRE(plan.end().sigma() == 0.0);
      // The last call is above the first time, where the table has its least noise.
      REQUIRE(plan.steps.back().from.time > schedule.first_time());
    }
  }
  REQUIRE_THROWS_WITH(dpm::make_plan(cases[0].schedule, 0),
                      "UniPc: model_calls = 0; it needs at least 1");
}

TEST_CASE(
    "the default spacing is a power of time, but lambda where time is sigma and time on flows") {
  const auto plan_over = [](const dpm::AnySchedule& schedule, int calls, const auto& spacing,
                            dpm::Prediction prediction) {
    return dpm::make_plan(dpm::default_method, schedule, calls, spacing, prediction);
  };
  constexpr auto instead = dpm::FinalSigma::zero_instead;
  const dpm::PowerTime power{.power = 2.0, .final = instead};
  for (const int calls : {1, 7, 30}) {
    const dpm::AnySchedule table = dpm::DiscreteSchedule(dpm::linear_betas(1000));
    REQUIRE(dpm::make_plan(table, calls) == plan_over(table, calls, power, dpm::Prediction::noise));
    const dpm::AnySchedule cosine = dpm::VpCosine();
    REQUIRE(dpm::make_plan(cosine, calls, dpm::Prediction::velocity) ==
            plan_over(cosine, calls, power, dpm::Prediction::velocity));
    const dpm::AnySchedule to_pure_noise =
        dpm::DiscreteSchedule(dpm::rescale_zero_terminal_snr(dpm::linear_betas(1000)));
    REQUIRE(dpm::make_plan(to_pure_noise, calls, dpm::Prediction::data) ==
            plan_over(to_pure_noise, calls, power, dpm::Prediction::data));
    const dpm::AnySchedule edm = dpm::Edm();
    REQUIRE(dpm::make_plan(edm, calls, dpm::Prediction::edm) ==
            plan_over(edm, calls, dpm::UniformLambda{.final = instead}, dpm::Prediction::edm));
    const dpm::AnySchedule flow = dpm::RectifiedFlow(3.0);
    REQUIRE(dpm::make_plan(flow, calls, dpm::Prediction::flow) ==
            plan_over(flow, calls, dpm::UniformTime{}, dpm::Prediction::flow));
  }
}

/// A user's schedule with alpha = 1 and sigma = t^2.
struct OwnExploding {
  double first;
  double first_time() const { return first; }
  static double last_time() { return 9.0; }
  static dpm::Level level(double t) {
    return {.time = t, .log_sigma = 2.0 * std::log(t), .timestep = t};
  }
  static double time_of_lambda(double lambda) { return std::exp(-0.5 * lambda); }
};

TEST_CASE(
    "on a user's schedule with alpha 1 the default is even in lambda if its ends are finite") {
  constexpr auto instead = dpm::FinalSigma::zero_instead;
  const auto over = [](const dpm::AnySchedule& schedule, const auto& spacing) {
    return dpm::make_plan(dpm::default_method, schedule, 10, spacing, dpm::Prediction::noise);
  };
  const dpm::AnySchedule above = OwnExploding{0.1};
  const dpm::Plan even = dpm::make_plan(above, 10);
  REQUIRE(even == over(above, dpm::UniformLambda{.final = instead}));
  REQUIRE(even != over(above, dpm::default_method_spacing));
  // With sigma = 0 at its first time, lambda has no end there.
  const dpm::AnySchedule to_zero = OwnExploding{0.0};
  REQUIRE(dpm::make_plan(to_zero, 10) == over(to_zero, dpm::default_method_spacing));
  for (const dpm::AnySchedule& schedule : {above, to_zero}) {
    const dpm::Plan plan = dpm::make_plan(schedule, 10);
    REQUIRE(plan.model_calls() == 10);
    REQUIRE(plan.end().sigma() == 0.0);
    State x{0.7 * plan.start().sigma()};
    const auto model = [](const State& now, const dpm::Level& at, State& out) {
      out[0] = (now[0] - 2.0) / at.sigma();  // data at 2 with no spread
    };
    dpm::sample(plan, model, x);
    REQUIRE_THAT(x[0], WithinRel(2.0, 1e-12));
  }
}

TEST_CASE("sample without a method is the default method, with every option of a run") {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  State x = test_start();
  State y = test_start();
  const auto report = dpm::sample(schedule, 12, test_model(dpm::Prediction::velocity), x,
                                  dpm::Prediction::velocity, {.correction = dpm::Clip(2.0)});
  REQUIRE(report.model_calls == 12);
  dpm::sample(dpm::make_plan(schedule, 12, dpm::Prediction::velocity, dpm::Correction::data),
              test_model(dpm::Prediction::velocity), y, {.correction = dpm::Clip(2.0)});
  REQUIRE(x == y);
}

TEST_CASE("the default method runs on every schedule: EDM, flows, tables down to pure noise") {
  // Data at 2 with no spread: the data prediction is 2 everywhere, and so is the end.
  const auto run = [](const dpm::AnySchedule& schedule, dpm::Prediction prediction) {
    const dpm::Plan plan = dpm::make_plan(schedule, 10, prediction);
    REQUIRE(plan.model_calls() == 10);
    const auto model = [&](const State& x, const dpm::Level& at, State& out) {
      // x is the model's input, which EDM's levels scale.
      const double sample = x[0] / at.input_scale();
      if (prediction == dpm::Prediction::flow) out[0] = (sample - 2.0) / at.sigma();
      if (prediction == dpm::Prediction::noise) {
        out[0] = (sample - 2.0 * at.alpha()) / at.sigma();
      }
      if (prediction == dpm::Prediction::velocity) {
        const double noise = (sample - 2.0 * at.alpha()) / at.sigma();
        out[0] = at.alpha() * noise - at.sigma() * 2.0;
      }
      if (prediction == dpm::Prediction::edm) {
        const dpm::Conversion c = dpm::to_data(prediction, at);
        out[0] = (2.0 - c.input * sample) / c.output;
      }
    };
    State x{0.7 * plan.start().sigma()};
    dpm::sample(plan, model, x);
    REQUIRE_THAT(x[0], WithinRel(2.0, 1e-12));  // the data themselves, with no noise left
  };
  run(dpm::Edm(), dpm::Prediction::edm);
  run(dpm::RectifiedFlow(3.0), dpm::Prediction::flow);
  run(dpm::VpCosine(), dpm::Prediction::velocity);
  run(dpm::VpLinear(), dpm::Prediction::noise);
  run(dpm::DiscreteSchedule(dpm::scaled_linear_betas(1000)), dpm::Prediction::noise);
  const auto betas = dpm::rescale_zero_terminal_snr(dpm::linear_betas(1000));
  run(dpm::DiscreteSchedule(betas), dpm::Prediction::velocity);
}

}  // namespace default_method_test
