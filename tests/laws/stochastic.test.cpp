// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Law 1 for stochastic methods, and law 6: exact distributions by way of formal affine states.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "dpm/analysis/affine_state.hpp"
#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/test_network.hpp"

namespace stochastic_test {

using namespace dpm_test;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
constexpr int steps = 12;  // a multiple of 2 and 3, for stages on the grid

/// What a plan for one dimension makes of its start and its draws where the prediction is c.
dpm::AffineState run_on_constant(const dpm::Plan& plan, double c) {
  dpm::RunOptions<dpm::AffineState> options;
  options.noise = [](dpm::AffineState& z, const dpm::NoiseRequest& r) { z.set_to_draw(r.draw); };
  dpm::Stepper<dpm::AffineState> stepper(
      plan, dpm::AffineState(1, static_cast<std::size_t>(plan.draws())), options);
  while (const auto call = stepper.next()) {
    call->output.set_to_affine_of(call->input, 0, 0.0, 0.0);
    call->output.one(0) = c;
  }
  return stepper.sample();
}

double variance_of_draws(const dpm::AffineState& x) {
  double sum = 0.0;
  for (const double weight : x.draws(0)) sum += weight * weight;
  return sum;
}

}  // namespace

TEST_CASE("law 1 for stochastic methods: data at one point stays there") {
  // A point mass has the constant data prediction mu; the exact marginal is N(alpha mu, sigma^2).
  const double mu = 0.7;
  const dpm::Gaussian point({mu}, {1e-9});
  for (const NamedMethod& method : every_method()) {
    if (!method.stochastic || method.name == "DDPM, beta variance") continue;
    INFO(method.name);
    const dpm::Grid grid = method.grid(schedule, 1.0, 0.05, steps);
    const dpm::Plan plan = method(grid, dpm::Prediction::noise);
    if (plan.space == dpm::Space::noise && has_tau(method)) continue;  // the next case is theirs
    const dpm::Moments moments = dpm::output_moments(plan, point);
    REQUIRE_THAT(moments.mean[0], WithinAbs(mu * grid.back().alpha(), 1e-12));
    REQUIRE_THAT(moments.stddev[0], WithinRel(grid.back().sigma(), 1e-12));
  }
}

TEST_CASE("law 1 for stochastic methods: data at one point stays there from pure noise on") {
  // A flow that starts at alpha = 0, with the constant data prediction mu.
  const double mu = 0.7;
  const dpm::Grid grid =
      make_grid(dpm::UniformTime{.start = 1.0, .end = 0.05}, dpm::RectifiedFlow(), steps);
  REQUIRE(grid.front().alpha() == 0.0);
  int asked = 0;
  for (const NamedMethod& method : every_method()) {
    if (!method.stochastic || method.name == "DDPM, beta variance") continue;
    const auto usual = method.grid(schedule, 1.0, 0.05, steps);
    if (method(usual, dpm::Prediction::data).space == dpm::Space::noise) continue;  // refused there
    INFO(method.name);
    const dpm::AffineState x = run_on_constant(method(grid, dpm::Prediction::data), mu);
    const double variance = x.start(0) * x.start(0) + variance_of_draws(x);
    REQUIRE_THAT(x.one(0), WithinRel(mu * grid.back().alpha(), 1e-12));
    REQUIRE_THAT(variance, WithinRel(grid.back().sigma() * grid.back().sigma(), 1e-12));
    ++asked;
  }
  REQUIRE(asked > 20);
}

TEST_CASE("law 1 for SDEs: over a constant prediction in the plan's space, many steps are one") {
  // The SDE is then solved exactly, mean and variance, however its interval is divided.
  for (const NamedMethod& method : every_method()) {
    if (!has_tau(method) || method.name == "SA-Solver, tau within") continue;  // tau of the steps
    INFO(method.name);
    const dpm::Grid grid = method.grid(schedule, 1.0, 0.05, steps);
    const bool in_noise = method(grid, dpm::Prediction::noise).space == dpm::Space::noise;
    const auto prediction = in_noise ? dpm::Prediction::noise : dpm::Prediction::data;
    const std::vector<double> ends{1.0, 0.05};
    const dpm::AffineState many = run_on_constant(method(grid, prediction), 0.7);
    const dpm::AffineState one =
        run_on_constant(method(dpm::grid_of_times(schedule, ends), prediction), 0.7);
    REQUIRE_THAT(many.start(0), WithinRel(one.start(0), 1e-12));
    REQUIRE_THAT(many.one(0), WithinRel(one.one(0), 1e-12));
    REQUIRE_THAT(variance_of_draws(many), WithinRel(variance_of_draws(one), 1e-12));
  }
}

TEST_CASE("DDPM's beta variance is exact for standard normal data") {
  // The two variances are the extremes (arXiv 2006.11239, Sec. 3.2): the posterior's is right for
  // data at one point, beta for standard normal data.
  const dpm::Gaussian normal({0.0}, {1.0});
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, steps);
  const auto stddev = [&](dpm::Ddpm method) {
    return dpm::output_moments(make_plan(method, grid), normal).stddev[0];
  };
  REQUIRE_THAT(stddev({.variance = dpm::Ddpm::Variance::beta}), WithinRel(1.0, 1e-12));
  REQUIRE(stddev({}) < 0.99);
}

TEST_CASE("law 6: the affine state is the sample as a function of start and draws") {
  // The same plan on numbers and on formal states: x = start x_T + one + sum of draw coefficients.
  const dpm::Gaussian gaussian({0.4}, {0.6});
  for (const NamedMethod& method : every_method()) {
    INFO(method.name);
    const dpm::Plan plan = method(method.grid(schedule, 1.0, 1e-3, steps), dpm::Prediction::noise);
    State x{1.3};
    dpm::RunOptions<State> options;
    if (method.stochastic) options = dpm::RunOptions<State>{.noise = &test_draw};
    dpm::sample(plan, gaussian, x, options);

    dpm::RunOptions<dpm::AffineState> formal;
    formal.noise = [](dpm::AffineState& z, const dpm::NoiseRequest& r) { z.set_to_draw(r.draw); };
    dpm::Stepper<dpm::AffineState> stepper(
        plan, dpm::AffineState(1, static_cast<std::size_t>(plan.draws())), formal);
    while (const auto call = stepper.next()) {
      const double deviation = gaussian.marginal_stddev(0, call->level);
      call->output.set_to_affine_of(call->input, 0, call->level.sigma() / (deviation * deviation),
                                    call->level.alpha() * 0.4);
    }
    const dpm::AffineState& affine = stepper.sample();
    double value = affine.start(0) * 1.3 + affine.one(0);
    for (std::uint32_t k = 0; k < affine.draws(0).size(); ++k) {
      State z{0.0};
      test_draw(z, {k, {}, {}});
      value += affine.draws(0)[k] * z[0];
    }
    // In noise space SDE solvers amplify on so coarse a grid, to thousands.
    REQUIRE_THAT(x[0], WithinAbs(value, 1e-12 * std::max(1.0, std::abs(value))));
  }
}

}  // namespace stochastic_test
