// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The method for those who choose none.
#include "dpm/method/default_method.hpp"

#include <Eigen/Core>
#include <cmath>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

namespace default_method_test {

using namespace dpm_test;
using State = std::vector<double>;

TEST_CASE("the default method makes exactly the calls asked for, over its own spacing") {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  for (const int calls : {1, 2, 5, 20, 100}) {
    const dpm::Plan plan = dpm::make_plan(schedule, calls);
    REQUIRE(plan.model_calls() == calls);
    REQUIRE(plan == dpm::make_plan(dpm::default_method, schedule, calls, dpm::PowerTime{4.0}));
  }
  REQUIRE_THROWS_WITH(dpm::make_plan(schedule, 0), "UniPc: model_calls = 0; it needs at least 1");
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
    const double noise =
        (0.7 * plan.start().sigma() - 2.0 * plan.start().alpha()) / plan.start().sigma();
    const dpm::Level& end = plan.end();
    REQUIRE_THAT(x[0], WithinRel(2.0 * end.alpha() + end.sigma() * noise, 1e-10));
  };
  run(dpm::Edm(), dpm::Prediction::edm);
  run(dpm::RectifiedFlow(3.0), dpm::Prediction::flow);
  run(dpm::VpCosine(), dpm::Prediction::velocity);
  const auto betas = dpm::rescale_zero_terminal_snr(dpm::linear_betas(1000));
  run(dpm::DiscreteSchedule(betas), dpm::Prediction::velocity);
}

}  // namespace default_method_test
