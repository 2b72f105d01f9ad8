// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// DPM-Solver and DPM-Solver++: what they integrate exactly, their last steps, refusals.
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/gaussian_runs.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace dpm_solver_test {

using namespace dpm_test;
using dpm::DpmSolver;
using dpm::Level;
using dpm::Plan;
using dpm::Prediction;
using dpm::Space;
using State = std::vector<double>;

namespace {

constexpr auto singlestep = DpmSolver::Form::singlestep;
constexpr auto multistep = DpmSolver::Form::multistep;
constexpr auto taylor = DpmSolver::Update::taylor;
constexpr auto midpoint = DpmSolver::Update::midpoint;
constexpr auto on_grid = DpmSolver::Stages::on_grid;
const dpm::AnySchedule schedule = dpm::VpLinear();

const std::vector<Prediction> predictions{Prediction::noise, Prediction::data, Prediction::velocity,
                                          Prediction::score};

}  // namespace

TEST_CASE("DPM-Solver refuses options out of range") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 5);
  const auto refuses = [&](const DpmSolver& solver, const std::string& sentence) {
    refused([&] { (void)make_plan(solver, grid); }, sentence);
    refused([&] { (void)make_plan(solver, schedule, 10); }, sentence);
  };
  for (const int order : {0, 4, -1}) {
    refuses({.order = order},
            "DpmSolver: order = " + std::to_string(order) + "; it must be 1, 2 or 3");
  }
  const std::vector<std::pair<double, std::string>> not_ratios{
      {0.0, "0"}, {1.0, "1"}, {-0.5, "-0.5"}, {1.5, "1.5"}, {not_a_number, "nan"}};
  for (const auto& [r1, text] : not_ratios) {
    refuses({.form = singlestep, .r1 = r1},
            "DpmSolver: r1 = " + text + "; it must lie between 0 and 1");
  }
  const std::vector<std::pair<double, std::string>> not_above_r1{
      {0.5, "0.5"}, {0.25, "0.25"}, {1.0, "1"}, {not_a_number, "nan"}};
  for (const auto& [r2, text] : not_above_r1) {
    refuses({.order = 3, .form = singlestep, .r1 = 0.5, .r2 = r2},
            "DpmSolver: r2 = " + text + "; it must lie between r1 = 0.5 and 1");
  }
  refuses({.form = singlestep, .model_calls = -1},
          "DpmSolver: model_calls = -1; it must be 0 (as many as the steps need) or positive");
  refuses({.model_calls = 7},
          "DpmSolver: model_calls = 7 with the multistep form; it shares out calls over singlestep "
          "steps only");
}

namespace {

/// The antiderivative of e^(sign l) l^degree, for degrees up to 2.
double antiderivative(double sign, int degree, double l) {
  double polynomial = 1.0;
  if (degree == 1) polynomial = l - sign;
  if (degree == 2) polynomial = l * l - 2.0 * sign * l + 2.0;
  return sign * std::exp(sign * l) * polynomial;
}

/// x at t where the prediction is lambda^degree whatever x is: the integrals of arXiv 2206.00927,
/// Eq. 3.4 (noise space) and arXiv 2211.01095, Eq. 8 (data space).
double exact_polynomial(Space space, int degree, double x, const Level& s, const Level& t) {
  const double sign = space == Space::noise ? -1.0 : 1.0;
  const double integral =
      antiderivative(sign, degree, t.lambda()) - antiderivative(sign, degree, s.lambda());
  return space == Space::noise ? t.alpha() / s.alpha() * x - t.alpha() * integral
                               : t.sigma() / s.sigma() * x + t.sigma() * integral;
}

/// Error at grid[last] of a run whose prediction is lambda^degree, against the exact solution
/// through what the run itself has at grid[first].
double polynomial_error(const DpmSolver& solver, const dpm::Grid& grid, int degree,
                        std::size_t first, std::size_t last) {
  const Prediction prediction = solver.space == Space::noise ? Prediction::noise : Prediction::data;
  std::vector<double> values{0.8};
  dpm::RunOptions<State> options;
  options.observer = [&](const dpm::Progress<State>& p) { values.push_back(p.sample[0]); };
  State x{values[0]};
  dpm::sample(
      make_plan(solver, grid, prediction),
      [&](const State&, const Level& at, State& out) { out[0] = std::pow(at.lambda(), degree); }, x,
      options);
  const double exact =
      exact_polynomial(solver.space, degree, values.at(first), grid[first], grid[last]);
  return std::abs(values.at(last) - exact);
}

/// What rounding may leave of an exact result, and what no inexact one comes near.
constexpr double rounding = 1e-13;
constexpr double inexact = 1e-4;

/// Requires that steps first .. last - 1 are exact for polynomials up to `degree` and no further.
void require_degree(const DpmSolver& solver, const dpm::Grid& grid, int degree, std::size_t first,
                    std::size_t last) {
  CAPTURE(solver.space == Space::noise, solver.form == singlestep, solver.order, degree, first);
  for (int d = 0; d <= degree; ++d) {
    REQUIRE(polynomial_error(solver, grid, d, first, last) < rounding);
  }
  if (degree < 2) REQUIRE(polynomial_error(solver, grid, degree + 1, first, last) > inexact);
}

/// `steps` uneven steps within lambda = -2 .. 2, where no weight is above 8.
dpm::Grid uneven_grid(int steps) {
  return make_grid(dpm::QuadraticTime{.start = 0.65, .end = 0.02}, schedule, steps);
}

}  // namespace

TEST_CASE("singlestep integrates polynomials in lambda exactly") {
  // Taylor updates use every value: degree order - 1. The midpoint update of order 2 is exact for
  // constants only, and order 3 proper takes its derivative from two values: degree 1.
  const auto check = [](DpmSolver solver, int degree) {
    for (const auto space : {Space::noise, Space::data}) {
      solver.form = singlestep;
      solver.space = space;
      require_degree(solver, uneven_grid(3), degree, 0,
                     solver.stages == on_grid ? 1 : 3);  // on the grid, three are one step
    }
  };
  check({.order = 1}, 0);
  check({.order = 2}, 0);
  check({.order = 3}, 1);
  check({.order = 2, .update = taylor}, 1);
  check({.order = 3, .update = taylor}, 2);
  check({.order = 2, .update = taylor, .r1 = 0.3}, 1);
  check({.order = 3, .update = taylor, .r1 = 0.2, .r2 = 0.9}, 2);
  check({.order = 3, .r1 = 0.2, .r2 = 0.5}, 1);
}

TEST_CASE("multistep integrates polynomials in lambda exactly once it has its history") {
  const auto check = [](DpmSolver solver, int degree) {
    for (const auto space : {Space::noise, Space::data}) {
      solver.space = space;
      require_degree(solver, uneven_grid(6), degree, static_cast<std::size_t>(solver.order - 1), 6);
    }
  };
  check({.order = 1}, 0);
  check({.order = 2}, 0);
  check({.order = 2, .update = taylor}, 1);
  check({.order = 3}, 2);
  check({.order = 3, .start = DpmSolver::Start::lower_order}, 2);
  check({.order = 3, .halved_second_difference = true}, 1);
}

TEST_CASE("third-order multistep starts with steps that keep its order") {
  for (const auto space : {Space::noise, Space::data}) {
    for (int steps = 1; steps <= 3; ++steps) {
      // Two steps of second order, which with Taylor updates are exact for straight lines.
      CAPTURE(steps);
      const dpm::Grid grid = uneven_grid(steps);
      const auto last = static_cast<std::size_t>(steps);
      DpmSolver solver{.order = 3, .space = space, .update = taylor};
      REQUIRE(make_plan(solver, grid).model_calls() == steps + 1);
      require_degree(solver, grid, 1, 0, last);
      // The second is that in any case: its first value is as good as Taylor needs it.
      solver.update = midpoint;
      if (steps >= 2) require_degree(solver, grid, 1, 1, 2);
      if (steps >= 3) require_degree(solver, grid, 2, 2, 3);

      solver.start = DpmSolver::Start::lower_order;
      REQUIRE(make_plan(solver, grid).model_calls() == steps);
      require_degree(solver, grid, 0, 0, 1);
    }
    // One step is the singlestep method of second order.
    const DpmSolver second{.order = 2, .form = singlestep, .space = space};
    const Plan plan = make_plan(DpmSolver{.order = 3, .space = space}, uneven_grid(1));
    REQUIRE(relative_difference(states_of(plan).back(),
                                states_of(make_plan(second, uneven_grid(1))).back()) < 1e-13);
  }
}

TEST_CASE("lower orders at the end are what they are called") {
  for (const auto space : {Space::noise, Space::data}) {
    for (const auto form : {singlestep, multistep}) {
      const DpmSolver solver{
          .order = 3, .form = form, .space = space, .update = taylor, .lower_order_final = true};
      const dpm::Grid grid = uneven_grid(6);
      require_degree(solver, grid, 0, 5, 6);
      require_degree(solver, grid, 1, 4, 5);
      require_degree(solver, grid, 2, 3, 4);
    }
  }
}

TEST_CASE("denoise_to_zero is one more step of the grid") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 6);
  for (const Space space : {Space::noise, Space::data}) {
    for (const auto form : {singlestep, multistep}) {
      for (int order = 1; order <= 3; ++order) {
        for (const Prediction prediction : predictions) {
          CAPTURE(space == Space::noise, form == singlestep, order);
          DpmSolver solver{.order = order, .form = form, .space = space};
          const Plan longer = make_plan(solver, grid.then(0.0), prediction);
          solver.denoise_to_zero = true;
          const Plan denoised = make_plan(solver, grid, prediction);
          REQUIRE(denoised.model_calls() == longer.model_calls());
          REQUIRE(denoised.steps.back().to == schedule.level(0.0));
          REQUIRE(relative_difference(states_of(denoised).back(), states_of(longer).back()) <
                  1e-15);
        }
      }
    }
  }
  // With stages on the grid too, where the added step is not one of a group.
  const DpmSolver solver{
      .order = 3, .form = singlestep, .stages = on_grid, .denoise_to_zero = true};
  const Plan plan = make_plan(solver, grid);
  REQUIRE(calls_of_steps(plan) == std::vector<int>{3, 3, 1});
  const std::vector<State> states = states_of(plan);
  require_data_prediction(states[2], states[1], grid.back());
}

TEST_CASE("a group of grid points that ends or starts at infinity is refused") {
  // A step of order 2 or 3 needs its whole interval to be finite in lambda.
  const dpm::Grid to_data = make_grid(dpm::UniformTime{.end = 0.0}, schedule, 12);
  const dpm::Grid from_noise = make_grid(dpm::UniformTime{}, zero_terminal(), 12);
  for (const int order : {2, 3}) {
    const DpmSolver solver{.order = order, .form = singlestep, .stages = on_grid};
    REQUIRE_THROWS_AS(make_plan(solver, to_data), dpm::InvalidArgument);
    REQUIRE_THROWS_AS(make_plan(solver, from_noise, Prediction::velocity), dpm::InvalidArgument);
  }
}

TEST_CASE("denoise_to_zero is refused where there is nothing left to remove") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 5);
  for (const DpmSolver& method : {DpmSolver{.denoise_to_zero = true},
                                  DpmSolver{.form = singlestep, .denoise_to_zero = true}}) {
    REQUIRE_THROWS_WITH(make_plan(method, grid.then(0.0)),
                        mentions("must run towards clean data and stop short of it"));
    REQUIRE_THROWS_WITH(make_plan(method, grid.reversed()),
                        mentions("denoise_to_zero over a grid from time 0.001 to time 1"));
  }
}

TEST_CASE("the default options of DpmSolver are second-order multistep DPM-Solver++") {
  const DpmSolver method;
  REQUIRE(method.order == 2);
  REQUIRE(method.form == multistep);
  REQUIRE(method.space == Space::data);
}

TEST_CASE("the last step alone is of first order where that is asked for") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 12);
  const Plan plain = make_plan(DpmSolver{}, grid);
  const Plan changed = make_plan(DpmSolver{.first_order_final = true}, grid);
  const Plan first_order = make_plan(DpmSolver{.order = 1}, grid);
  for (std::size_t i = 0; i + 1 < 12; ++i) REQUIRE(plain.steps[i].to == changed.steps[i].to);
  const auto last = [](const Plan& plan) {
    return std::get<dpm::Combine>(plan.steps.back().instructions.back());
  };
  REQUIRE(last(changed).operands.size() == 2);
  REQUIRE(last(plain).operands.size() == 3);
  REQUIRE(last(changed).weights == last(first_order).weights);
}

TEST_CASE("DPM-Solver refuses a tau out of range, or one with the singlestep form") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 8);
  for (const auto& [bad, text] : {std::pair{-1.0, "-1"}, {not_a_number, "nan"}}) {
    refused([&, tau = bad] { (void)make_plan(DpmSolver{.tau = tau}, grid); },
            std::string("DpmSolver: tau = ") + text + "; it must be finite and at least 0");
  }
  refused(
      [&] { (void)make_plan(DpmSolver{.form = DpmSolver::Form::singlestep, .tau = 1.0}, grid); },
      "DpmSolver: tau = 1 with the singlestep form; only multistep draws noise");
}

}  // namespace dpm_solver_test
