// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Fresh noise: its target, what it keeps, and refusals.
#include <cmath>
#include <string>
#include <vector>

#include "dpm/analysis/affine_state.hpp"
#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace ancestral_step_test {

using namespace dpm_test;
using dpm::AncestralTarget;
using dpm::Ddim;
using dpm::DpmSolver;
using dpm::FreshNoise;
using dpm::Level;
using Rule = FreshNoise::Rule;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

constexpr auto singlestep = DpmSolver::Form::singlestep;

/// The variance that the solver leaves and the draw adds.
double variance_of(const AncestralTarget& target) {
  return std::pow(target.down.sigma(), 2) + std::pow(target.noise_stddev, 2);
}

}  // namespace

TEST_CASE("the solver's noise and the draw's add up to the noise of the next level") {
  for (const double eta : {0.0, 0.3, 1.0}) {
    for (const Rule rule : {Rule::diffusion, Rule::flow}) {
      for (const double end : {0.9, 0.5, 0.1, 1e-6}) {
        for (const dpm::AnySchedule& on : {schedule, dpm::AnySchedule(dpm::RectifiedFlow(3.0))}) {
          const Level s = on.level(0.95);
          const Level t = on.level(end);
          const AncestralTarget target = ancestral_target({.eta = eta, .rule = rule}, s, t);
          CAPTURE(eta, static_cast<int>(rule), end);
          REQUIRE_THAT(variance_of(target), WithinRel(t.sigma() * t.sigma(), 1e-13));
          REQUIRE((target.noise_stddev > 0.0) == (eta > 0.0));
          REQUIRE(target.down.log_alpha == t.log_alpha);
        }
      }
    }
  }
}

TEST_CASE("the rule of diffusion is get_ancestral_step in sigma over alpha") {
  const Level s = schedule.level(0.7);
  const Level t = schedule.level(0.4);
  const double from = std::exp(-s.lambda());
  const double to = std::exp(-t.lambda());
  const AncestralTarget target = ancestral_target({.eta = 0.6}, s, t);
  const double up = 0.6 * std::sqrt(to * to * (from * from - to * to) / (from * from));
  REQUIRE_THAT(target.noise_stddev / t.alpha(), WithinRel(up, 1e-13));
  REQUIRE_THAT(std::exp(-target.down.lambda()), WithinRel(std::sqrt(to * to - up * up), 1e-13));
}

TEST_CASE("the rule of flows goes to the flow's level of less noise and is scaled to alpha") {
  const dpm::RectifiedFlow flow;
  const Level s = flow.level(0.8);
  const Level t = flow.level(0.5);
  const double down = 0.5 * (1.0 + (0.5 / 0.8 - 1.0) * 0.7);
  const double scale = (1.0 - 0.5) / (1.0 - down);
  const AncestralTarget target = ancestral_target({.eta = 0.7, .rule = Rule::flow}, s, t);
  REQUIRE_THAT(target.down.sigma(), WithinRel(down * scale, 1e-14));
  REQUIRE_THAT(target.noise_stddev,
               WithinRel(std::sqrt(0.25 - down * down * scale * scale), 1e-14));
}

TEST_CASE("on a flow the rule of flows keeps the marginals of Gaussian data in the limit") {
  // Each step solves the ODE down and adds what is missing, so only the solver errs.
  const dpm::AnySchedule flow = dpm::RectifiedFlow(3.0);
  const dpm::Gaussian gaussian({0.4}, {0.6});
  const auto error_of = [&](int steps) {
    const DpmSolver third{
        .order = 3, .form = singlestep, .fresh = {.eta = 1.0, .rule = Rule::flow}};
    const dpm::Grid grid = make_grid(dpm::UniformLambda{.start = 0.999, .end = 0.01}, flow, steps);
    const dpm::Moments made =
        dpm::output_moments(make_plan(third, grid, dpm::Prediction::noise), gaussian);
    const Level& end = grid.back();
    const double mean = std::abs(made.mean[0] - end.alpha() * 0.4);
    return std::max(mean, std::abs(made.stddev[0] - gaussian.marginal_stddev(0, end)));
  };
  REQUIRE(error_of(64) < 1e-4);
  REQUIRE(error_of(2048) < 1e-8);
}

TEST_CASE("a flow that starts at pure noise keeps the variance of one-point data") {
  // Of variance 1 at the start; with the data fixed at 0.4 the noise alone is left.
  const dpm::AnySchedule flow = dpm::RectifiedFlow();
  for (const Rule rule : {Rule::diffusion, Rule::flow}) {
    for (const double eta : {0.5, 1.0}) {
      const dpm::Grid grid = make_grid(dpm::UniformTime{.start = 1.0, .end = 0.1}, flow, 9);
      REQUIRE(grid.front().alpha() == 0.0);
      const dpm::Plan plan = make_plan(Ddim{.eta = eta, .rule = rule}, grid, dpm::Prediction::data);
      dpm::RunOptions<dpm::AffineState> options;
      options.noise = [](dpm::AffineState& z, const dpm::NoiseRequest& request) {
        z.set_to_draw(request.draw);
      };
      dpm::Stepper<dpm::AffineState> stepper(
          plan, dpm::AffineState(1, static_cast<std::size_t>(plan.draws())), options);
      while (const auto call = stepper.next()) {
        call->output.set_to_affine_of(call->input, 0, 0.0, 0.0);
        call->output.one(0) = 0.4;
      }
      const dpm::AffineState& x = stepper.sample();
      double variance = x.start(0) * x.start(0);
      for (const double weight : x.draws(0)) variance += weight * weight;
      REQUIRE_THAT(variance, WithinRel(0.01, 1e-12));
      REQUIRE_THAT(x.one(0), WithinRel(0.9 * 0.4, 1e-12));
    }
  }
}

TEST_CASE("without fresh noise an ancestral method is its solver to the bit") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 10);
  for (const Rule rule : {Rule::diffusion, Rule::flow}) {
    const FreshNoise none{.eta = 0.0, .scale = 7.0, .rule = rule, .least = 0.5};
    REQUIRE(make_plan(Ddim{.noise_scale = 7.0, .rule = rule}, grid) == make_plan(Ddim{}, grid));
    for (const auto form : {singlestep, DpmSolver::Form::multistep}) {
      for (const auto space : {dpm::Space::noise, dpm::Space::data}) {
        DpmSolver solver{.order = 2, .form = form, .space = space};
        const dpm::Plan plain = make_plan(solver, grid);
        solver.fresh = none;
        REQUIRE(make_plan(solver, grid) == plain);
      }
    }
  }
}

TEST_CASE("the scale of the draws is a factor on them, and 0 draws nothing") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 10);
  const auto spread = [&](double scale) {
    const dpm::Plan plan = make_plan(Ddim{.eta = 1.0, .noise_scale = scale}, grid);
    State x = test_start();
    State without = test_start();
    dpm::RunOptions<State> options;
    options.noise = &test_draw;
    const auto zero = [](const State&, double, State& out) { out.assign(out.size(), 0.0); };
    dpm::sample(plan, zero, x, options);
    options.noise = [](State& z, const dpm::NoiseRequest&) { z.assign(z.size(), 0.0); };
    dpm::sample(plan, zero, without, options);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= without[i];
    return x;
  };
  const State one = spread(1.0);
  State half = spread(0.5);
  for (double& value : half) value *= 2.0;
  REQUIRE(relative_difference(half, one) < 1e-13);
  REQUIRE(make_plan(Ddim{.eta = 1.0, .noise_scale = 0.0}, grid).draws() == 0);
}

TEST_CASE("the solver of an ancestral step goes no further than to the least level") {
  const Level s = schedule.level(0.7);
  const Level t = schedule.level(0.1);
  const AncestralTarget usual = ancestral_target({.eta = 1.0}, s, t);
  const double least = 1.5 * std::exp(-usual.down.lambda());
  const AncestralTarget target = ancestral_target({.eta = 1.0, .least = least}, s, t);
  REQUIRE_THAT(std::exp(-target.down.lambda()), WithinRel(least, 1e-13));
  REQUIRE_THAT(variance_of(target), WithinRel(t.sigma() * t.sigma(), 1e-13));
  // Not further up than the next level, where it draws nothing.
  const AncestralTarget none = ancestral_target({.eta = 1.0, .least = 100.0}, s, t);
  REQUIRE_THAT(none.down.log_sigma, WithinAbs(t.log_sigma, 1e-14));
  REQUIRE_THAT(none.noise_stddev, WithinAbs(0.0, 1e-7 * t.sigma()));
}

TEST_CASE("a step to clean data has no draw, whatever the rule") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{.end = 0.0}, dpm::RectifiedFlow(), 6);
  for (const Rule rule : {Rule::diffusion, Rule::flow}) {
    const dpm::Plan plan = make_plan(Ddim{.eta = 1.0, .rule = rule}, grid, dpm::Prediction::flow);
    REQUIRE(plan.draws() == 5);
  }
}

TEST_CASE("fresh noise is refused where its numbers make no sense") {
  const dpm::Grid grid = dpm::grid_of_times(schedule, std::vector<double>{1.0, 0.5, 0.25});
  const dpm::Grid up = grid.reversed();
  for (const auto& row : {std::pair{-1.0, "-1"}, {infinity, "inf"}, {not_a_number, "nan"}}) {
    const double bad = row.first;
    const std::string range = std::string(row.second) + "; it must be finite and at least 0";
    refused([&] { (void)make_plan(Ddim{.eta = bad}, grid); }, "Ddim: eta = " + range);
    refused([&] { (void)make_plan(Ddim{.noise_scale = bad}, grid); },
            "Ddim: the scale of the fresh noise is " + range);
    refused([&] { (void)make_plan(DpmSolver{.fresh = {.eta = bad}}, grid); },
            "DpmSolver: eta = " + range);
    refused([&] { (void)make_plan(DpmSolver{.fresh = {.scale = bad}}, grid); },
            "DpmSolver: the scale of the fresh noise is " + range);
    refused([&] { (void)make_plan(DpmSolver{.fresh = {.least = bad}}, grid); },
            "DpmSolver: the least sigma / alpha of fresh noise is " + range);
  }
  refused([&] { (void)make_plan(Ddim{.eta = 1.0}, up); },
          "make_plan: the step from time 0.25 to time 0.5 runs towards more noise with eta = 1; "
          "inversion needs eta = 0");
  const dpm::AnySchedule flow = dpm::RectifiedFlow();
  const auto plan_of_flow = [&](double eta, std::vector<double> times) {
    (void)make_plan(Ddim{.eta = eta, .rule = Rule::flow}, dpm::grid_of_times(flow, times),
                    dpm::Prediction::flow);
  };
  const std::string range =
      "; with the rule of flows it must be at most 1, and sigma must fall below 1";
  refused(
      [&] {
        plan_of_flow(1.5, {1.0, 0.5});
      },
      "make_plan: eta = 1.5 over the step from sigma 1 to 0.5" + range);
  refused(
      [&] {
        plan_of_flow(0.5, {0.25, 0.5});
      },
      "make_plan: eta = 0.5 over the step from sigma 0.25 to 0.5" + range);
  refused([&] { (void)make_plan(DpmSolver{.tau = 1.0, .fresh = {.eta = 0.5}}, grid); },
          "DpmSolver: fresh.eta = 0.5 with tau = 1; one of them must be 0");
  refused(
      [&] {
        (void)make_plan(
            DpmSolver{
                .form = singlestep, .stages = DpmSolver::Stages::on_grid, .fresh = {.eta = 0.5}},
            grid);
      },
      "DpmSolver: fresh.eta = 0.5 with stages on the grid; ancestral steps have theirs at ratios");
}

TEST_CASE("the declared order of ancestral steps is the solver's, but of multistep ones 1") {
  for (int order = 1; order <= 3; ++order) {
    const FreshNoise fresh{.eta = 1.0};
    REQUIRE(convergence_order(DpmSolver{.order = order, .form = singlestep, .fresh = fresh}) ==
            order);
    REQUIRE(convergence_order(DpmSolver{.order = order, .fresh = fresh}) == 1);
  }
}

}  // namespace ancestral_step_test
