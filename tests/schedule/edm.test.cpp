// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Variance exploding and EDM: levels, refusals, and whole runs of an EDM network.
#include "dpm/schedule/edm.hpp"

#include <Eigen/Core>
#include <cmath>
#include <vector>

#include "dpm/analysis/convergence.hpp"
#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/gaussian_networks.hpp"
#include "support/refused.hpp"

namespace edm_test {

using namespace dpm_test;
using dpm::DpmSolver;
using dpm::Edm;
using dpm::Level;
using dpm::Prediction;
using dpm::VarianceExploding;

namespace {

const std::vector<double> sigmas{1e-300, 1e-30, 1e-9, 0.002, 0.3, 0.5, 1.0, 7.0, 49.9, 50.0};

}  // namespace

TEST_CASE("variance exploding and EDM keep alpha at 1 and have sigma as their time") {
  for (const double sigma : sigmas) {
    CAPTURE(sigma);
    for (const Level& level : {VarianceExploding().level(sigma), Edm().level(sigma)}) {
      CHECK(level.time == sigma);
      CHECK(level.log_alpha == 0.0);
      CHECK_THAT(level.log_sigma, WithinRel(std::log(sigma), 1e-15));
      CHECK(level.lambda() == -level.log_sigma);
    }
    CHECK(VarianceExploding().level(sigma).timestep == sigma);
    CHECK(VarianceExploding().level(sigma).input_scale() == 1.0);
    CHECK_THAT(Edm().level(sigma).timestep, WithinRel(std::log(sigma) / 4.0, 1e-15));  // c_noise
  }
  CHECK(VarianceExploding().first_time() == 0.01);
  CHECK(VarianceExploding().last_time() == 50.0);
  CHECK(Edm().first_time() == 0.002);
  CHECK(Edm().last_time() == 80.0);
  CHECK(Edm(0.1, 10.0).first_time() == 0.1);
  CHECK(Edm(0.1, 10.0).last_time() == 10.0);
}

TEST_CASE("clean data is a legal end of EDM") {
  for (const Level& clean : {VarianceExploding().level(0.0), Edm().level(0.0)}) {
    CHECK(clean.alpha() == 1.0);
    CHECK(clean.sigma() == 0.0);
    CHECK(clean.lambda() == infinity);
  }
  CHECK(VarianceExploding().level(0.0).timestep == 0.0);
  CHECK(Edm().level(0.0).timestep == Edm().level(0.002).timestep);  // as c_noise would be infinite
}

TEST_CASE("time_of_lambda inverts EDM over the whole range") {
  for (const double sigma : sigmas) {
    CAPTURE(sigma);
    // Half a unit in the last place of log(1e-300) = -691 is 6e-14.
    CHECK_THAT(VarianceExploding().time_of_lambda(-std::log(sigma)), WithinRel(sigma, 1e-13));
    CHECK_THAT(Edm().time_of_lambda(-std::log(sigma)), WithinRel(sigma, 1e-13));
  }
  CHECK(VarianceExploding().time_of_lambda(infinity) == 0.0);
  CHECK(Edm().time_of_lambda(infinity) == 0.0);
}

TEST_CASE("a lambda past sigma_max by rounding alone is sigma_max") {
  const double least = Edm().level(80.0).lambda();
  CHECK(Edm().time_of_lambda(least) == 80.0);
  CHECK(Edm().time_of_lambda(least - 4e-12) == 80.0);  // 1e-12 of its size is allowed
  CHECK_THROWS_AS(Edm().time_of_lambda(least - 5e-12), dpm::InvalidArgument);
  CHECK_THROWS_AS(VarianceExploding(0.5, 1.0).time_of_lambda(-1.1e-12), dpm::InvalidArgument);
  CHECK(VarianceExploding(0.5, 1.0).time_of_lambda(-0.9e-12) == 1.0);
}

TEST_CASE("EDM refuses times and lambdas outside its domain") {
  for (const double time : {-1e-300, 80.5, infinity, -infinity, not_a_number}) {
    CAPTURE(time);
    CHECK_THROWS_AS(VarianceExploding().level(time), dpm::InvalidArgument);
    CHECK_THROWS_AS(Edm().level(time), dpm::InvalidArgument);
  }
  refused([] { (void)VarianceExploding().level(50.5); },
          "VarianceExploding: time, which is sigma, must be in [0, 50] and is 50.5");
  refused([] { (void)Edm().level(-1.0); },
          "Edm: time, which is sigma, must be in [0, 80] and is -1");
  CHECK_THROWS_WITH(
      VarianceExploding().time_of_lambda(-6.0),
      mentions("VarianceExploding: lambda must be in [-3.91") && mentions(", inf] and is -6"));
  CHECK_THROWS_WITH(Edm().time_of_lambda(-6.0),
                    mentions("Edm: lambda must be in [-4.38") && mentions(", inf] and is -6"));
  CHECK_THROWS_AS(Edm().time_of_lambda(not_a_number), dpm::InvalidArgument);
}

TEST_CASE("EDM refuses parameters out of range") {
  refused([] { (void)VarianceExploding(0.0, 50.0); },
          "VarianceExploding: sigma_min must be in (0, 50) and is 0");
  refused([] { (void)VarianceExploding(50.0, 50.0); },
          "VarianceExploding: sigma_min must be in (0, 50) and is 50");
  refused([] { (void)VarianceExploding(not_a_number, 50.0); },
          "VarianceExploding: sigma_min must be in (0, 50) and is nan");
  refused([] { (void)VarianceExploding(0.5, infinity); },
          "VarianceExploding: sigma_max must be finite and is inf");
  refused([] { (void)Edm(0.5, not_a_number); }, "Edm: sigma_min must be in (0, nan) and is 0.5");
  refused([] { (void)Edm(-0.5, 80.0); }, "Edm: sigma_min must be in (0, 80) and is -0.5");
  refused([] { (void)Edm(0.5, infinity); }, "Edm: sigma_max must be finite and is inf");
  refused([] { (void)Edm(0.5, 80.0, 0.0); }, "Edm: sigma_data must be in (0, inf) and is 0");
  refused([] { (void)Edm(0.5, 80.0, infinity); }, "Edm: sigma_data must be in (0, inf) and is inf");
  refused([] { (void)Edm(0.5, 80.0, not_a_number); },
          "Edm: sigma_data must be in (0, inf) and is nan");
}

namespace {

double apply(const dpm::Conversion& by, double x, double output) {
  return by.input * x + by.output * output;
}

}  // namespace

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

}  // namespace edm_test
