// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Noise before a step: how much, where, and refusals.
#include <cmath>
#include <string>
#include <vector>

#include "dpm/analysis/affine_state.hpp"
#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace churn_test {

using namespace dpm_test;
using dpm::Churn;
using dpm::Ddim;
using dpm::DpmSolver;
using dpm::Heun;
using dpm::HeunPlusPlus;
using dpm::Level;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

constexpr auto singlestep = DpmSolver::Form::singlestep;

double ratio(const Level& level) { return std::exp(-level.lambda()); }

}  // namespace

TEST_CASE("churn raises sigma over alpha by at most the square root of two, between its ends") {
  const dpm::Grid grid = make_grid(dpm::Karras{.start = 0.9}, schedule, 10);
  const Churn some{.amount = 2.0, .least = 0.1, .most = 10.0};
  const Churn most{.amount = 1000.0, .least = 0.1, .most = 10.0};
  int raised = 0;
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const double at = ratio(grid[i]);
    if (at < 0.1 || at > 10.0) {
      REQUIRE(churned_level(some, grid, i) == grid[i]);
      continue;
    }
    ++raised;
    REQUIRE_THAT(ratio(churned_level(some, grid, i)), WithinRel(1.2 * at, 1e-12));
    REQUIRE_THAT(ratio(churned_level(most, grid, i)), WithinRel(std::sqrt(2.0) * at, 1e-12));
  }
  REQUIRE(raised > 3);
  REQUIRE(make_plan(Heun{.churn = some}, grid).draws() == raised);
}

TEST_CASE("no churn is no churn to the bit") {
  const dpm::Grid grid = make_grid(dpm::Karras{}, schedule, 8);
  const Churn none{.amount = 0.0, .least = 1.0, .most = 2.0, .scale = 3.0};
  REQUIRE(make_plan(Ddim{.churn = none}, grid) == make_plan(Ddim{}, grid));
  REQUIRE(make_plan(Heun{.churn = none}, grid) == make_plan(Heun{}, grid));
  REQUIRE(make_plan(HeunPlusPlus{.churn = none}, grid) == make_plan(HeunPlusPlus{}, grid));
  const DpmSolver solver{.order = 2, .form = singlestep};
  DpmSolver churned = solver;
  churned.churn = none;
  REQUIRE(make_plan(churned, grid) == make_plan(solver, grid));
}

TEST_CASE("churn keeps the marginals of Gaussian data in the limit, and costs no model call") {
  const dpm::Gaussian gaussian({0.4}, {0.6});
  const Churn churn{.amount = 5.0, .most = 10.0};
  const auto error_of = [&](const auto& method, int steps) {
    const dpm::Grid grid = make_grid(dpm::Karras{.end = 0.01}, schedule, steps);
    const dpm::Plan plan = make_plan(method, grid);
    const dpm::Moments made = dpm::output_moments(plan, gaussian);
    return std::abs(made.stddev[0] - gaussian.marginal_stddev(0, grid.back()));
  };
  // Of order p the error of twice the steps is 2^-p of the one before, here with a tenth to spare.
  const auto falls = [&](const auto& method) {
    return error_of(method, 800) / error_of(method, 400);
  };
  REQUIRE(falls(Heun{.churn = churn}) < 0.275);
  REQUIRE(falls(Ddim{.churn = churn}) < 0.55);
  REQUIRE(falls(HeunPlusPlus{.churn = churn}) < 0.55);
  const DpmSolver dpm_2{.order = 2, .form = singlestep, .space = dpm::Space::noise, .churn = churn};
  REQUIRE(falls(dpm_2) < 0.275);
  const dpm::Grid grid = make_grid(dpm::Karras{}, schedule, 9);
  REQUIRE(make_plan(Heun{.churn = churn}, grid).model_calls() == 18);
  REQUIRE(make_plan(dpm_2, grid).model_calls() == 18);
}

TEST_CASE("the scale of churn is a factor on its draw") {
  const dpm::Grid grid = dpm::grid_of_times(schedule, std::vector<double>{0.5, 0.25});
  const auto weight_of_draw = [&](double scale) {
    const dpm::Plan plan = make_plan(Ddim{.churn = {.amount = 0.1, .scale = scale}}, grid);
    State x{0.0};
    dpm::RunOptions<State> options;
    options.noise = [](State& z, const dpm::NoiseRequest&) { z[0] = 1.0; };
    dpm::sample(
        plan, [](const State&, double, State& out) { out[0] = 0.0; }, x, options);
    return x[0];
  };
  const Level s = grid[0];
  const Level raised = churned_level({.amount = 0.1}, grid, 0);
  const double added = std::sqrt(std::pow(ratio(raised), 2) - std::pow(ratio(s), 2));
  REQUIRE_THAT(weight_of_draw(1.0), WithinRel(grid[1].alpha() * added, 1e-12));
  REQUIRE_THAT(weight_of_draw(0.5), WithinRel(0.5 * weight_of_draw(1.0), 1e-13));
}

TEST_CASE("churn goes above the end of a table that goes on, and of no other schedule") {
  const dpm::DiscreteSchedule table(dpm::scaled_linear_betas());
  const Heun churned{.churn = {.amount = 40.0}};
  REQUIRE(make_plan(churned, make_grid(dpm::Karras{}, dpm::LogSigmaTable(table), 10)).draws() ==
          10);
  const std::string end = sentence_of<dpm::InvalidArgument>([&] {
    (void)make_plan(churned, make_grid(dpm::Karras{}, dpm::Edm(0.002, 80.0), 10),
                    dpm::Prediction::edm);
  });
  REQUIRE_THAT(end, mentions("make_plan: churn at time 80 goes up to sigma / alpha = 113.1370849"));
  REQUIRE_THAT(end, mentions("; let churn.most be at most 56.56854249"));
}

TEST_CASE("churn is refused where its numbers make no sense or it cannot be added") {
  const dpm::Grid grid = dpm::grid_of_times(schedule, std::vector<double>{0.5, 0.25, 0.125});
  for (const auto& row : {std::pair{-1.0, "-1"}, {infinity, "inf"}, {not_a_number, "nan"}}) {
    const double bad = row.first;
    const std::string range = std::string(row.second) + "; it must be finite and at least 0";
    refused([&] { (void)make_plan(Ddim{.churn = {.amount = bad}}, grid); },
            "Ddim: churn.amount = " + range);
    refused([&] { (void)make_plan(Heun{.churn = {.amount = bad}}, grid); },
            "Heun: churn.amount = " + range);
    refused([&] { (void)make_plan(HeunPlusPlus{.churn = {.amount = bad}}, grid); },
            "HeunPlusPlus: churn.amount = " + range);
    refused([&] { (void)make_plan(DpmSolver{.form = singlestep, .churn = {.scale = bad}}, grid); },
            "DpmSolver: churn.scale = " + range);
  }
  const std::string range = "; its range must start at 0 or above and not end before";
  refused([&] { (void)make_plan(Ddim{.churn = {.least = -1.0}}, grid); },
          "Ddim: churn from -1 to inf" + range);
  refused([&] { (void)make_plan(Heun{.churn = {.least = 2.0, .most = 1.0}}, grid); },
          "Heun: churn from 2 to 1" + range);
  refused([&] { (void)make_plan(Ddim{.eta = 1.0, .churn = {.amount = 2.0}}, grid); },
          "Ddim: eta = 1 with churn.amount = 2; one of them must be 0");
  const std::string form =
      "DpmSolver: churn.amount = 2; only singlestep steps with stages at ratios have churn";
  refused([&] { (void)make_plan(DpmSolver{.churn = {.amount = 2.0}}, grid); }, form);
  refused(
      [&] {
        (void)make_plan(
            DpmSolver{
                .form = singlestep, .stages = DpmSolver::Stages::on_grid, .churn = {.amount = 2.0}},
            grid);
      },
      form);
  const dpm::Grid from_noise = make_grid(dpm::UniformTime{.end = 0.5}, dpm::RectifiedFlow(), 2);
  refused(
      [&] { (void)make_plan(Ddim{.churn = {.amount = 2.0}}, from_noise, dpm::Prediction::flow); },
      "make_plan: churn at time 1, where alpha is 0 and no noise can be added; let churn.most be "
      "finite");
}

}  // namespace churn_test
