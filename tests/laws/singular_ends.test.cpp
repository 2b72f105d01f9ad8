// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Every method at sigma = 0 and at alpha = 0: the limit, or a refusal that says why there is none.
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/gaussian_runs.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace singular_ends_test {

using namespace dpm_test;
using dpm::Correction;
using dpm::Ddim;
using dpm::Ddpm;
using dpm::Deis;
using dpm::DpmSolver;
using dpm::Ipndm;
using dpm::Level;
using dpm::Plan;
using dpm::Pndm;
using dpm::Prediction;
using dpm::SaSolver;
using dpm::Space;
using dpm::UniPc;
using State = std::vector<double>;

namespace {

constexpr auto singlestep = DpmSolver::Form::singlestep;
constexpr auto multistep = DpmSolver::Form::multistep;
const dpm::AnySchedule schedule = dpm::VpLinear();

const std::vector<Prediction> predictions{Prediction::noise, Prediction::data, Prediction::velocity,
                                          Prediction::score};

}  // namespace

TEST_CASE("a step that ends at sigma = 0 draws no noise") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{.end = 0.0}, schedule, 12);
  REQUIRE(make_plan(Ddim{.eta = 1.0}, grid).draws() == 11);
  REQUIRE(make_plan(Ddpm{}, grid).draws() == 11);
  REQUIRE(make_plan(Ddpm{.variance = Ddpm::Variance::beta}, grid).draws() == 11);
}

TEST_CASE("a grid that ends at sigma = 0 ends at the data prediction") {
  const std::vector<dpm::AnySchedule> schedules{schedule, dpm::VpCosine(),
                                                dpm::DiscreteSchedule(dpm::linear_betas(1000))};
  for (const dpm::AnySchedule& on : schedules) {
    for (const NamedMethod& method : every_method()) {
      if (method.name.find("stages on the grid") != std::string::npos) continue;  // refused there
      INFO(method.name);
      const dpm::Grid above = method.grid(on, on.last_time(), 0.01, 11);
      // Refused: black-box solvers, and in noise space SDEs, which would leave noise in clean data.
      const Space space = method(above, Prediction::data).space;
      if (!method.exact_on_constants || (has_tau(method) && space == Space::noise)) continue;
      const dpm::Grid grid = above.then(0.0);
      for (const Prediction prediction : predictions) {
        const Plan plan = method(grid, prediction);
        const std::vector<State> states = states_of(plan);
        require_finite(states.back());
        // PNDM mixes earlier predictions into every step, and UniPC in noise space and PECE take
        // their last step from a corrected sample; all others end with one of first order.
        if (method.name.rfind("PNDM", 0) == 0) continue;
        if (method.name.rfind("UniPC", 0) == 0 && plan.space == Space::noise) continue;
        if (method.name == "SA-Solver, PECE") continue;
        require_data_prediction(states.back(), states[states.size() - 2], grid[11]);
      }
    }
  }
}

TEST_CASE("one step of first order from pure noise to clean data is the data prediction") {
  const dpm::Grid grid = dpm::grid_of_times(schedule, std::vector<double>{1.0, 0.0});
  for (const Space space : {Space::noise, Space::data}) {
    for (const auto form : {singlestep, multistep}) {
      for (int order = 1; order <= 3; ++order) {
        const DpmSolver solver{.order = order, .form = form, .space = space};
        const Plan plan = make_plan(solver, grid);
        REQUIRE(plan.model_calls() == 1);
        require_data_prediction(states_of(plan).back(), test_start(), grid.front());
      }
    }
  }
  for (const double eta : {0.0, 0.5, 1.0}) {
    require_data_prediction(states_of(make_plan(Ddim{.eta = eta}, grid)).back(), test_start(),
                            grid.front());
  }
}

namespace {

/// The method's plan where nothing is singular, to see which space it works in.
Plan usual_plan(const NamedMethod& method, Prediction prediction, Correction correction) {
  return method.plan(make_grid(dpm::UniformTime{}, schedule, 12), prediction, correction);
}

}  // namespace

TEST_CASE("a table that ends in pure noise is sampled from its very end") {
  const dpm::AnySchedule table = zero_terminal();
  const dpm::Gaussian gaussian({mean}, {stddev});
  const State exact = gaussian.solve_ode(test_start(), table.level(1.0), table.level(1e-3));
  for (const NamedMethod& method : every_method()) {
    if (method.name.find("stages on the grid") != std::string::npos) continue;  // refused there
    INFO(method.name);
    for (const Prediction prediction : {Prediction::data, Prediction::velocity}) {
      if (usual_plan(method, prediction, Correction::none).space == Space::noise) continue;
      const auto plan_of = [&](int steps) {
        return method(make_grid(dpm::UniformTime{}, table, steps), prediction);
      };
      require_finite_weights(plan_of(12));
      require_finite(states_of(plan_of(12)).back());
      if (method.stochastic) continue;
      const double coarse = relative_difference(states_of(plan_of(100)).back(), exact);
      const double fine = relative_difference(states_of(plan_of(400)).back(), exact);
      REQUIRE(coarse < 0.02);
      REQUIRE(fine < 0.5 * coarse);
    }
  }
}

TEST_CASE("at pure noise, a prediction of the noise or the score is refused") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, zero_terminal(), 12);
  const std::string says_nothing =
      "make_plan: at time 1 alpha is 0, where a prediction of the noise or the score says nothing "
      "about the data; use a data, velocity or flow prediction, or start below that time";
  const std::string no_solution =
      "make_plan: the step from time 1 starts at alpha = 0, where noise space has no solution; use "
      "a method in data space, such as UniPc or DpmSolver, with a model that predicts data, "
      "velocity "
      "or flow";
  constexpr auto npos = std::string::npos;
  for (const NamedMethod& method : every_method()) {
    INFO(method.name);
    for (const Prediction prediction : predictions) {
      const bool about_noise = prediction == Prediction::noise || prediction == Prediction::score;
      for (const Correction correction : {Correction::none, Correction::data}) {
        const auto call = [&] { (void)method.plan(grid, prediction, correction); };
        if (method.name.find("on the grid") != npos) {  // no third-order step starts there at all
          REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
          continue;
        }
        if (usual_plan(method, prediction, correction).space == Space::data) {
          if (about_noise) refused(call, says_nothing);
        } else if (correction == Correction::none && method.exact_on_constants &&
                   method.name.rfind("PNDM", 0) != 0) {
          refused(call, no_solution);
        } else {
          REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);  // whichever is met first
        }
      }
    }
  }
}

TEST_CASE("inversion starts at clean data where the noise can be predicted there") {
  const dpm::Grid up = make_grid(dpm::UniformTime{.end = 0.0}, schedule, 400).reversed();
  const dpm::Gaussian gaussian({mean}, {stddev});
  const State exact = gaussian.solve_ode(test_start(), up.front(), up.back());
  std::vector<DpmSolver> in_noise_space;
  for (const auto form : {singlestep, multistep}) {
    for (int order = 1; order <= 3; ++order) {
      in_noise_space.push_back({.order = order, .form = form, .space = Space::noise});
    }
  }
  for (const Prediction prediction : {Prediction::noise, Prediction::velocity, Prediction::score}) {
    REQUIRE(relative_difference(states_of(make_plan(Ddim{}, up, prediction)).back(), exact) < 0.02);
    REQUIRE(relative_difference(states_of(make_plan(Pndm{}, up, prediction)).back(), exact) < 0.02);
    for (const DpmSolver& solver : in_noise_space) {
      const Plan plan = make_plan(solver, up, prediction);
      REQUIRE(relative_difference(states_of(plan).back(), exact) < 0.02);
    }
  }
  const std::string says_nothing =
      "make_plan: at time 0 sigma is 0, where a prediction of the data says nothing about the "
      "noise; use a noise or velocity prediction, or leave that time out";
  refused([&] { (void)make_plan(Ddim{}, up, Prediction::data); }, says_nothing);
  refused([&] { (void)make_plan(in_noise_space[0], up, Prediction::data); }, says_nothing);
  refused([&] { (void)make_plan(DpmSolver{}, up, Prediction::velocity); },
          "make_plan: the step from time 0 starts at sigma = 0, where data space has no solution; "
          "use noise space, with a model that predicts noise or velocity");
}

TEST_CASE("inversion ends at pure noise") {
  const dpm::AnySchedule table = zero_terminal();
  const dpm::Grid up = make_grid(dpm::UniformTime{}, table, 400).reversed();
  const State exact =
      dpm::Gaussian({mean}, {stddev}).solve_ode(test_start(), up.front(), up.back());
  for (const Prediction prediction : predictions) {
    const Plan ddim = make_plan(Ddim{}, up, prediction);
    REQUIRE(relative_difference(states_of(ddim).back(), exact) < 0.02);
    for (const Space space : {Space::noise, Space::data}) {
      const Plan plan = make_plan(DpmSolver{.space = space}, up, prediction);
      REQUIRE(relative_difference(states_of(plan).back(), exact) < 0.02);
    }
  }
}

TEST_CASE("the multistep methods end at sigma = 0 with the data prediction there") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{.end = 0.0}, schedule, 8);
  const auto require_data_prediction = [](const Plan& plan) {
    dpm::RunOptions<State> options;
    if (plan.draws() > 0) options.noise = &test_draw;
    State data;
    State x = test_start();
    dpm::sample(
        plan,
        [&](const State& in, const Level& at, State& noise) {
          test_model(Prediction::noise)(in, at, noise);
          data = in;
          for (std::size_t i = 0; i < in.size(); ++i) {
            data[i] = (in[i] - at.sigma() * noise[i]) / at.alpha();
          }
        },
        x, options);
    REQUIRE(relative_difference(x, data) < 1e-13);
  };
  require_data_prediction(make_plan(UniPc{.order = 3}, grid));
  require_data_prediction(make_plan(Deis{}, grid));
  require_data_prediction(make_plan(Deis{.variable = Deis::Variable::time}, grid));
  require_data_prediction(make_plan(Ipndm{}, grid));
  require_data_prediction(make_plan(SaSolver{}, grid));
  require_data_prediction(make_plan(DpmSolver{.order = 3, .tau = 1.0}, grid));
}

TEST_CASE("the multistep methods start at pure noise where the model can predict data there") {
  const dpm::AnySchedule zero_terminal =
      dpm::DiscreteSchedule(dpm::rescale_zero_terminal_snr(dpm::linear_betas(1000)));
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, zero_terminal, 8);
  for (const Plan& plan :
       {make_plan(UniPc{.order = 3}, grid, Prediction::velocity),
        make_plan(SaSolver{}, grid, Prediction::velocity),
        make_plan(DpmSolver{.order = 3, .tau = 1.0}, grid, Prediction::velocity)}) {
    State x = test_start();
    dpm::RunOptions<State> options;
    if (plan.draws() > 0) options.noise = &test_draw;
    dpm::sample(
        plan,
        [](const State& in, double timestep, State& out) {
          test_network(in, timestep / 1000.0, out);
        },
        x, options);
    for (const double value : x) REQUIRE(std::isfinite(value));
  }
  const std::string sentence =
      "make_plan: the step from time 1 starts at alpha = 0, where noise space has no solution; use "
      "a method in data space, such as UniPc or DpmSolver, with a model that predicts data, "
      "velocity "
      "or flow";
  refused([&] { (void)make_plan(Deis{}, grid); }, sentence);
  refused([&] { (void)make_plan(Ipndm{}, grid); }, sentence);
  refused([&] { (void)make_plan(UniPc{.space = Space::noise}, grid); }, sentence);
}

TEST_CASE("noise is refused where it would have to be taken back or could not go away") {
  const std::vector<double> times{0.25, 0.5};
  const dpm::Grid inversion = dpm::grid_of_times(schedule, times);
  refused([&] { (void)make_plan(DpmSolver{.tau = 1.0}, inversion); },
          "make_plan: the step from time 0.25 to time 0.5 runs towards more noise with tau = 1; "
          "inversion needs tau = 0");
  const dpm::Grid to_zero = make_grid(dpm::UniformTime{.start = 1.0, .end = 0.0}, schedule, 2);
  refused([&] { (void)make_plan(DpmSolver{.space = Space::noise, .tau = 1.0}, to_zero); },
          "make_plan: the step from time 0.5 to time 0 ends at sigma = 0 in noise space with tau = "
          "1; use data space, or end above that time");
}

}  // namespace singular_ends_test
