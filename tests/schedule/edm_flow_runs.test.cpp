// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Networks of EDM and of flows: what they see, what their outputs mean, and whole runs.
#include <Eigen/Core>
#include <cmath>
#include <vector>

#include "dpm/analysis/convergence.hpp"
#include "dpm/dpm.hpp"
#include "support/catch.hpp"

using namespace dpm_test;
using dpm::DpmSolver;
using dpm::Edm;
using dpm::Level;
using dpm::Prediction;
using dpm::RectifiedFlow;
using Batch = Eigen::ArrayXXd;

namespace {

double apply(const dpm::Conversion& by, double x, double output) {
  return by.input * x + by.output * output;
}

// Data N(mean, stddev^2) in each dimension, and its exact networks, which are told no more than
// real ones are: the input and the timestep.
constexpr double mean = 0.3;
constexpr double stddev = 0.8;
constexpr double sigma_data = 0.5;

/// The expected data at x = alpha x0 + sigma epsilon.
Batch denoised(const Batch& x, double alpha, double sigma) {
  const double gain = alpha * stddev * stddev / (alpha * alpha * stddev * stddev + sigma * sigma);
  return mean + gain * (x - alpha * mean);
}

/// F of Karras et al. 2022 (arXiv 2206.00364), Eq. 7, at u = c_in x and timestep = log(sigma) / 4.
Batch edm_network(const Batch& u, double timestep) {
  const double sigma = std::exp(4.0 * timestep);
  const double norm = std::sqrt(sigma * sigma + sigma_data * sigma_data);
  const Batch x = u * norm;
  const double c_skip = sigma_data * sigma_data / (norm * norm);
  return (denoised(x, 1.0, sigma) - c_skip * x) * norm / (sigma * sigma_data);
}

/// E[epsilon - x0 | x] on the straight path, at timestep = 1000 sigma.
Batch flow_network(const Batch& x, double timestep) {
  const double sigma = timestep / 1000.0;
  const double alpha = 1.0 - sigma;
  const double variance = alpha * alpha * stddev * stddev + sigma * sigma;
  return sigma * (x - alpha * mean) / variance - denoised(x, alpha, sigma);
}

/// Where the diffusion ODE takes x between two levels.
Batch exact_end(const Batch& x, const Level& from, const Level& to) {
  const double growth =
      std::hypot(to.alpha() * stddev, to.sigma()) / std::hypot(from.alpha() * stddev, from.sigma());
  return to.alpha() * mean + growth * (x - from.alpha() * mean);
}

Batch start_at(const Level& from) {
  Batch x(2, 2);
  x << 0.4, -1.3, 2.1, -0.2;
  return from.sigma() * x;
}

/// Requires four slopes, none of them more than 0.15 below `order`.
void check_order(const dpm::Convergence& measured, double order) {
  REQUIRE(measured.slopes.size() == 4);
  for (const double slope : measured.slopes) {
    CAPTURE(order, slope);
    CHECK(slope > order - 0.15);
  }
}

}  // namespace

// What the network sees and returns ------------------------------------------

TEST_CASE("EDM's levels precondition its network as Table 1 of the paper has it") {
  const double sd = 0.7;
  const Edm schedule(0.002, 80.0, sd);
  for (const double s : {0.002, 0.7, 3.0, 80.0}) {
    CAPTURE(s);
    const Level at = schedule.level(s);
    const double total = s * s + sd * sd;
    CHECK_THAT(at.input_scale(), WithinRel(1 / std::sqrt(total), 1e-14));
    const dpm::Conversion data = dpm::to_data(Prediction::edm, at);
    CHECK_THAT(data.input, WithinRel(sd * sd / total, 1e-14));             // c_skip
    CHECK_THAT(data.output, WithinRel(s * sd / std::sqrt(total), 1e-14));  // c_out
    // epsilon = (x - D) / sigma = (1 - c_skip) x / sigma - c_out F / sigma.
    const dpm::Conversion noise = dpm::to_noise(Prediction::edm, at);
    CHECK_THAT(noise.input, WithinRel(s / total, 1e-14));
    CHECK_THAT(noise.output, WithinRel(-sd / std::sqrt(total), 1e-14));
  }
  // At sigma = 0 the denoiser is the identity, whatever the network says.
  const Level clean = schedule.level(0.0);
  CHECK_THAT(clean.input_scale(), WithinRel(1 / sd, 1e-15));
  CHECK_THAT(dpm::to_data(Prediction::edm, clean).input, WithinRel(1.0, 1e-15));
  CHECK(dpm::to_data(Prediction::edm, clean).output == 0.0);
}

TEST_CASE("a velocity with scaled inputs is the velocity of data of unit variance") {
  const double x0 = 0.7;
  const double epsilon = -0.4;
  for (const double sd : {0.2, 0.5, 3.0}) {
    for (const double log_alpha : {0.0, -0.5, -3.0}) {
      for (const double sigma : {0.01, 0.6, 5.0}) {
        CAPTURE(sd, log_alpha, sigma);
        const Level at{sigma, log_alpha, std::log(sigma), 0.0, sd};
        const double x = at.alpha() * x0 + sigma * epsilon;
        // In units of x's own standard deviation and of sd: x' = alpha' x0' + sigma' epsilon.
        const double norm = std::sqrt(std::pow(at.alpha() * sd, 2) + sigma * sigma);
        const double v = at.alpha() * sd / norm * epsilon - sigma / norm * (x0 / sd);
        // Rounding of x is as large as sigma over alpha times that of x0, and the other way round.
        const double ratio = sigma / at.alpha();
        CHECK_THAT(apply(dpm::to_data(Prediction::velocity, at), x, v),
                   WithinAbs(x0, 4e-15 * (1 + ratio)));
        CHECK_THAT(apply(dpm::to_noise(Prediction::velocity, at), x, v),
                   WithinAbs(epsilon, 4e-15 * (1 + 1 / ratio)));
      }
    }
  }
}

TEST_CASE("a flow gives data and noise at every level of its path, the ends included") {
  const double x0 = 0.7;
  const double epsilon = -0.4;
  for (const double time : {0.0, 1e-12, 0.2, 0.5, 0.9, 1 - 1e-12, 1.0}) {
    CAPTURE(time);
    const Level at = RectifiedFlow(3.0).level(time);
    const double x = at.alpha() * x0 + at.sigma() * epsilon;
    CHECK_THAT(apply(dpm::to_data(Prediction::flow, at), x, epsilon - x0), WithinAbs(x0, 1e-15));
    CHECK_THAT(apply(dpm::to_noise(Prediction::flow, at), x, epsilon - x0),
               WithinAbs(epsilon, 1e-15));
  }
  // On the straight path alpha + sigma = 1, so that x0 = x - sigma flow.
  const Level at = RectifiedFlow().level(0.25);
  CHECK_THAT(dpm::to_data(Prediction::flow, at).input, WithinRel(1.0, 1e-15));
  CHECK_THAT(dpm::to_data(Prediction::flow, at).output, WithinRel(-0.25, 1e-15));
  CHECK_THAT(dpm::to_noise(Prediction::flow, at).output, WithinRel(0.75, 1e-15));
}

// Whole runs ------------------------------------------------------------------

TEST_CASE("an EDM network is called on c_in x with c_noise, and its F is used as it is") {
  const double sigma = 3.0;
  const dpm::Grid grid =
      grid_of_times(Edm(0.002, 80.0, sigma_data), std::vector<double>{sigma, 0.5});
  const dpm::Plan plan = make_plan(dpm::Ddim{}, grid, Prediction::edm);
  const Batch x = start_at(grid.front());
  Batch sample = x;
  const auto network = [&](const Batch& u, double timestep) -> Batch {
    const double norm = std::sqrt(sigma * sigma + sigma_data * sigma_data);
    REQUIRE(((u - x / norm).abs() < 1e-15).all());
    REQUIRE_THAT(timestep, WithinRel(std::log(sigma) / 4.0, 1e-15));
    return Batch::Constant(2, 2, 0.25);
  };
  dpm::sample(plan, network, sample);
  const double total = sigma * sigma + sigma_data * sigma_data;
  const Batch data =
      sigma_data * sigma_data / total * x + sigma * sigma_data / std::sqrt(total) * 0.25;
  const Batch expected = data + 0.5 / sigma * (x - data);
  REQUIRE(((sample - expected).abs() < 4e-15).all());
}

TEST_CASE("DPM-Solver over EDM converges to the exact solution at its order") {
  const dpm::AnySchedule schedule = Edm(0.002, 80.0, sigma_data);
  const Batch x = start_at(schedule.level(80.0));
  const Batch exact = exact_end(x, schedule.level(80.0), schedule.level(0.002));
  for (const auto form : {DpmSolver::Form::singlestep, DpmSolver::Form::multistep}) {
    for (int order = 1; order <= 3; ++order) {
      CAPTURE(static_cast<int>(form));
      const auto plan_of = [&](int steps) {
        return make_plan(DpmSolver{.order = order, .form = form},
                         make_grid(dpm::UniformLambda{}, schedule, steps), Prediction::edm);
      };
      check_order(dpm::measure_order(plan_of, &edm_network, x, exact, {96, 4}), order);
    }
  }
}

TEST_CASE("where the data has the standard deviation that EDM assumes, its network is silent") {
  // F = 0 for data N(0, sigma_data^2): what is left of the run is c_skip.
  const dpm::AnySchedule schedule = Edm();
  const auto silent = [](const Batch& u, double) -> Batch { return 0.0 * u; };
  Batch x = start_at(schedule.level(80.0));
  const Batch exact = x * std::sqrt((0.25 + 0.002 * 0.002) / (0.25 + 80.0 * 80.0));
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 400);
  dpm::sample(make_plan(DpmSolver{.order = 3}, grid, Prediction::edm), silent, x);
  const double h = grid[1].lambda() - grid[0].lambda();
  CHECK(((x - exact).abs() < h * h * h * exact.abs()).all());
}

TEST_CASE("Euler's method along a flow is the sum of its steps") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, RectifiedFlow(3.0), 12);
  Batch by_hand = start_at(grid.front());
  Batch x = by_hand;
  dpm::sample(make_plan(dpm::Euler{}, grid, Prediction::flow), &flow_network, x);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const double sigma = grid[i].sigma();
    by_hand += (grid[i + 1].sigma() - sigma) * flow_network(by_hand, 1000.0 * sigma);
  }
  REQUIRE(((x - by_hand).abs() < 1e-13).all());
}

TEST_CASE("a flow is followed at the method's order, and at second order up to its very ends") {
  const dpm::AnySchedule schedule = RectifiedFlow(3.0);
  const auto measure = [&](auto method, double start, double end, int fewest_steps) {
    const auto plan_of = [&](int steps) {
      return make_plan(method, make_grid(dpm::UniformTime{start, end}, schedule, steps),
                       Prediction::flow);
    };
    const Batch x = start_at(schedule.level(start));
    const Batch exact = exact_end(x, schedule.level(start), schedule.level(end));
    return dpm::measure_order(plan_of, &flow_network, x, exact, {fewest_steps, 4});
  };
  REQUIRE(schedule.level(1.0).alpha() == 0.0);
  REQUIRE(schedule.level(0.0).sigma() == 0.0);
  check_order(measure(dpm::Euler{}, 1.0, 0.0, 64), 1.0);
  check_order(measure(DpmSolver{.order = 1}, 1.0, 0.0, 64), 1.0);
  for (const auto form : {DpmSolver::Form::singlestep, DpmSolver::Form::multistep}) {
    CAPTURE(static_cast<int>(form));
    for (int order = 1; order <= 3; ++order) {
      check_order(measure(DpmSolver{.order = order, .form = form}, 0.7, 0.2, 64), order);
    }
    // Steps that touch an end are of first order: a local error of second order, once at each end.
    check_order(measure(DpmSolver{.order = 3, .form = form}, 1.0, 0.0, 128), 2.0);
    // The k-th step from alpha = 0 is log(1 + 1/k) long in lambda however many there are, so that
    // it errs by n^-2 / k, and all of them by n^-2 log n: error n^2 grows evenly at each doubling.
    const auto second = measure(DpmSolver{.order = 2, .form = form}, 1.0, 0.0, 256);
    const auto scaled = [&](std::size_t k) { return second.errors[k] * std::pow(4.0, k); };
    REQUIRE(second.errors.size() == 5);
    for (std::size_t k = 2; k < 5; ++k) {
      CHECK_THAT(scaled(k) - scaled(k - 1), WithinRel(scaled(k - 1) - scaled(k - 2), 0.1));
    }
  }
}
