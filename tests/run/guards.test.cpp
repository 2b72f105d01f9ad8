// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What users hand in while a run goes on is not trusted: callbacks, outputs, views, written plans.
#include <Eigen/Core>
#include <stdexcept>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

using namespace dpm_test;
using Batch = Eigen::ArrayXXd;

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

TEST_CASE("registers that only a combination writes are counted") {
  const dpm::Register m5 = dpm::prediction_register(5);
  dpm::Plan plan;
  plan.steps.push_back({schedule.level(0.5), schedule.level(0.25), {}});
  auto& list = plan.steps[0].instructions;
  list.push_back(dpm::Combine{{m5, dpm::stage_register}, {dpm::sample_register}, {2.0, 3.0}});
  list.push_back(dpm::Combine{{dpm::sample_register}, {m5, dpm::stage_register}, {1.0, 1.0}});
  REQUIRE(plan.predictions() == 6);
  REQUIRE(plan.uses_stage());
  dpm::Stepper<std::vector<double>> stepper(plan, {1.0, -2.0});
  REQUIRE_FALSE(stepper.next().has_value());
  REQUIRE(stepper.sample() == std::vector<double>{5.0, -10.0});
  REQUIRE_THROWS_WITH(dpm::Stepper<std::vector<double>>(std::shared_ptr<const dpm::Plan>(), {1.0}),
                      mentions("the plan is a null pointer"));
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
