// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// UniPC, DEIS, SA-Solver, iPNDM and the SDE solvers: costs, singular ends, refusals.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/math/gauss_legendre.hpp"
#include "dpm/plan/fuse.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

using namespace dpm_test;
using dpm::Deis;
using dpm::DpmSolver;
using dpm::Ipndm;
using dpm::Level;
using dpm::Plan;
using dpm::Prediction;
using dpm::SaSolver;
using dpm::Space;
using dpm::UniPc;
using State = std::vector<double>;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
const dpm::AnySchedule schedule = dpm::VpLinear();

State run(const Plan& plan) {
  State x = test_start();
  dpm::RunOptions<State> options;
  if (plan.draws() > 0) options.noise = &test_draw;
  dpm::sample(plan, test_model(plan.prediction), x, options);
  return x;
}

template <class Method>
State run(const Method& method, const dpm::Grid& grid) {
  return run(make_plan(method, grid));
}

void refused(const std::function<void()>& call, const std::string& sentence) {
  REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(call(), sentence);
}

}  // namespace

TEST_CASE("the predictor-corrector methods call the model once a step") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 12);
  for (int order = 1; order <= 4; ++order) {
    for (const bool corrector : {false, true}) {
      const Plan plan = make_plan(UniPc{.order = order, .corrector = corrector}, grid);
      REQUIRE(plan.model_calls() == 12);
      REQUIRE(plan.predictions() == static_cast<std::size_t>(corrector ? order + 1 : order));
      REQUIRE(!plan.uses_stage());
    }
    const Plan plan = make_plan(SaSolver{.predictor_order = order}, grid);
    REQUIRE(plan.model_calls() == 12);
    REQUIRE(plan.draws() == 12);
  }
  REQUIRE(dpm::make_plan(UniPc{}, schedule, 10).model_calls() == 10);
  REQUIRE(dpm::make_plan(SaSolver{}, schedule, 10).model_calls() == 10);
  REQUIRE(dpm::make_plan(Deis{}, schedule, 10).model_calls() == 10);
  REQUIRE(dpm::make_plan(Ipndm{}, schedule, 10).model_calls() == 10);
}

TEST_CASE("a step of a predictor-corrector method is one pass over memory") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 12);
  const auto most_combinations = [](const Plan& plan) {
    std::ptrdiff_t most = 0;
    for (const dpm::Step& step : plan.steps) {
      most = std::max(most, std::count_if(step.instructions.begin(), step.instructions.end(),
                                          [](const dpm::Instruction& i) {
                                            return std::holds_alternative<dpm::Combine>(i);
                                          }));
    }
    return most;
  };
  REQUIRE(most_combinations(make_plan(UniPc{.order = 3}, grid)) == 1);
  REQUIRE(most_combinations(make_plan(SaSolver{}, grid)) == 1);
}

TEST_CASE("SA-Solver draws noise in the steps where tau is above 0") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{.end = 0.0}, schedule, 10);
  const SaSolver middle{
      .tau = [](const Level& at) { return at.time > 0.25 && at.time < 0.75 ? 1.0 : 0.0; }};
  const Plan plan = make_plan(middle, grid);
  REQUIRE(plan.draws() == 5);  // from times 0.7, 0.6, 0.5, 0.4, 0.3
  for (const double value : run(plan)) REQUIRE(std::isfinite(value));
}

TEST_CASE("iPNDM has the classical weights on equal steps and others elsewhere") {
  // Once it has its history, iPNDM of order 4 mixes as PNDM does after its warm-up.
  const auto mix = [](const dpm::Grid& grid) {
    const Plan plan = make_plan(Ipndm{}, grid);
    const dpm::ExponentialStep step(Space::noise, grid[6], grid[7]);
    std::vector<double> weights;
    for (const dpm::Instruction& i : plan.steps[6].instructions) {
      if (const auto* c = std::get_if<dpm::Combine>(&i)) {
        for (std::size_t k = 0; k < 4; ++k) {
          const dpm::Register m = dpm::prediction_register((6 - k) % 4);
          weights.push_back(dpm::detail::weight_of(*c, 0, m) / step.weight(0));
        }
      }
    }
    return weights;
  };
  const std::vector<double> classical{55.0 / 24.0, -59.0 / 24.0, 37.0 / 24.0, -9.0 / 24.0};
  REQUIRE(relative_difference(mix(make_grid(dpm::UniformTime{}, schedule, 12)), classical) < 1e-12);
  const std::vector<double> unequal = mix(make_grid(dpm::QuadraticTime{}, schedule, 12));
  REQUIRE(relative_difference(unequal, classical) > 0.05);
  REQUIRE_THAT(unequal[0] + unequal[1] + unequal[2] + unequal[3], WithinAbs(1.0, 1e-12));
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

TEST_CASE("the SDE's exact step keeps the marginals of a point mass") {
  // With the constant data prediction mu, x_s ~ N(alpha_s mu, sigma_s^2) becomes the same at t.
  for (const double tau : {0.3, 1.0, 2.0}) {
    for (const Space space : {Space::noise, Space::data}) {
      for (const auto& [from, to] : {std::pair{1.0, 0.5}, {0.5, 0.49}, {0.3, 1e-3}}) {
        const Level s = schedule.level(from);
        const Level t = schedule.level(to);
        const dpm::ExponentialStep step(space, s, t, tau);
        CAPTURE(tau, from, to, dpm::name(space));
        if (space == Space::data) {
          const double variance =
              std::pow(step.linear() * s.sigma(), 2) + std::pow(step.noise_stddev(), 2);
          REQUIRE_THAT(variance, WithinRel(t.sigma() * t.sigma(), 1e-12));
          REQUIRE_THAT(step.linear() * s.alpha() + step.weight(0), WithinRel(t.alpha(), 1e-12));
        } else {
          // In noise space a step of first order holds epsilon, not the data: the limit only.
          const double h = t.lambda() - s.lambda();
          REQUIRE_THAT(step.noise_stddev(),
                       WithinRel(tau * t.sigma() * std::sqrt(std::expm1(2.0 * h)), 1e-12));
          REQUIRE_THAT(step.weight(0),
                       WithinRel(-(1.0 + tau * tau) * t.sigma() * std::expm1(h), 1e-11));
        }
      }
    }
  }
}

TEST_CASE("the multistep methods refuse options out of range") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 8);
  const auto order = [](const std::string& name, int value) {
    return name + std::to_string(value) + "; it must be 1 to 4";
  };
  for (const int bad : {-1, 0, 5}) {
    refused([&] { (void)make_plan(UniPc{.order = bad}, grid); }, order("UniPc: order = ", bad));
    refused([&] { (void)make_plan(Deis{.order = bad}, grid); }, order("Deis: order = ", bad));
    refused([&] { (void)make_plan(Ipndm{.order = bad}, grid); }, order("Ipndm: order = ", bad));
    refused([&] { (void)make_plan(SaSolver{.predictor_order = bad}, grid); },
            order("SaSolver: predictor_order = ", bad));
  }
  for (const int bad : {-1, 1, 6}) {
    refused([&] { (void)make_plan(SaSolver{.corrector_order = bad}, grid); },
            "SaSolver: corrector_order = " + std::to_string(bad) +
                "; it must be 2 to 5, or 0 for none");
  }
  refused([&] { (void)make_plan(SaSolver{.tau = nullptr}, grid); },
          "SaSolver: tau is empty; it must be a function");
  for (const auto& [bad, text] : {std::pair{-1.0, "-1"}, {not_a_number, "nan"}}) {
    refused(
        [&, tau = bad] {
          (void)make_plan(SaSolver{.tau = [=](const Level&) { return tau; }}, grid);
        },
        std::string("SaSolver: tau is ") + text + " at time 1; it must be finite and at least 0");
    refused([&, tau = bad] { (void)make_plan(DpmSolver{.tau = tau}, grid); },
            std::string("DpmSolver: tau = ") + text + "; it must be finite and at least 0");
  }
  refused(
      [&] { (void)make_plan(DpmSolver{.form = DpmSolver::Form::singlestep, .tau = 1.0}, grid); },
      "DpmSolver: tau = 1 with the singlestep form; only multistep draws noise");
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

TEST_CASE("the multistep methods refuse fewer calls than one") {
  for (const int bad : {0, -3}) {
    const std::string text = std::to_string(bad) + "; it needs at least 1";
    refused([&] { (void)dpm::make_plan(UniPc{}, schedule, bad); }, "UniPc: model_calls = " + text);
    refused([&] { (void)dpm::make_plan(Deis{}, schedule, bad); }, "Deis: model_calls = " + text);
    refused([&] { (void)dpm::make_plan(SaSolver{}, schedule, bad); },
            "SaSolver: model_calls = " + text);
    refused([&] { (void)dpm::make_plan(Ipndm{}, schedule, bad); }, "Ipndm: model_calls = " + text);
  }
}

TEST_CASE("Gauss-Legendre quadrature is exact for polynomials and converged for exponentials") {
  const auto power = [](double x) { return std::pow(x, 40); };
  REQUIRE_THAT(dpm::detail::gauss_legendre(0.0, 2.0, power),
               WithinRel(std::pow(2.0, 41) / 41.0, 1e-13));
  const auto exponential = [](double x) { return std::exp(-x); };
  REQUIRE_THAT(dpm::detail::gauss_legendre(-5.0, 5.0, exponential),
               WithinRel(2.0 * std::sinh(5.0), 1e-13));
  REQUIRE_THAT(dpm::detail::gauss_legendre(5.0, -5.0, exponential),
               WithinRel(-2.0 * std::sinh(5.0), 1e-13));
}

TEST_CASE("the noise of a step almost to clean data does not overflow") {
  const dpm::RectifiedFlow flow;
  const dpm::ExponentialStep step(dpm::Space::noise, flow.level(0.5), flow.level(1e-160), 1.0);
  REQUIRE_THAT(step.noise_stddev(), WithinRel(1.0, 1e-14));
}
