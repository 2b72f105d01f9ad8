// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Exact moments of the output from runs over affine states.
#include "dpm/analysis/affine_state.hpp"

#include <Eigen/Core>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace affine_state_test {

using namespace dpm_test;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
dpm::Gaussian gaussian() { return {{1.0, -0.5, 0.2}, {0.3, 0.8, 2.0}}; }

/// Mean and standard deviation after steps of DDIM, straight from its formula (arXiv 2010.02502,
/// Eq. 12 and 16) and the affine noise prediction of Gaussian data.
struct Moments {
  double mean;
  double stddev;
};

Moments ddim_moments(double data_mean, double data_stddev, double eta, const dpm::Grid& grid) {
  const dpm::Level& start = grid.front();
  double mean = start.alpha() * data_mean;
  double variance = std::pow(start.alpha() * data_stddev, 2) + std::pow(start.sigma(), 2);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const dpm::Level& s = grid[i];
    const dpm::Level& t = grid[i + 1];
    const double d =
        eta * t.sigma() / s.sigma() * std::sqrt(1.0 - std::pow(s.alpha() / t.alpha(), 2));
    const double epsilon_weight = std::sqrt(t.sigma() * t.sigma() - d * d);
    // epsilon = slope (x - alpha_s mu);  x_t = alpha_t (x - sigma_s epsilon) / alpha_s + ...
    const double slope =
        s.sigma() / (std::pow(s.alpha() * data_stddev, 2) + std::pow(s.sigma(), 2));
    const double gain = t.alpha() / s.alpha() * (1.0 - s.sigma() * slope) + epsilon_weight * slope;
    mean = t.alpha() * data_mean + gain * (mean - s.alpha() * data_mean);
    variance = gain * gain * variance + d * d;
  }
  return {mean, std::sqrt(variance)};
}

}  // namespace

TEST_CASE("output_moments agrees with DDIM's closed form") {
  for (const double eta : {0.0, 0.5, 1.0}) {
    for (const int steps : {1, 2, 10}) {
      const dpm::Grid grid = make_grid(dpm::UniformTime{.start = 0.9, .end = 0.2}, schedule, steps);
      const dpm::Moments moments =
          dpm::output_moments(make_plan(dpm::Ddim{.eta = eta}, grid), gaussian());
      REQUIRE(moments.mean.size() == 3);
      REQUIRE(moments.stddev.size() == 3);
      for (std::size_t i = 0; i < 3; ++i) {
        const Moments expected =
            ddim_moments(gaussian().mean()[i], gaussian().stddev()[i], eta, grid);
        CAPTURE(eta, steps, i);
        REQUIRE_THAT(moments.mean[i], WithinAbs(expected.mean, 1e-13));
        REQUIRE_THAT(moments.stddev[i], WithinRel(expected.stddev, 1e-13));
      }
    }
  }
}

TEST_CASE("output_moments of exact steps are those of the data") {
  // As the steps shrink, the output has the distribution of the last level.
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 2000);
  const dpm::Moments moments = dpm::output_moments(make_plan(dpm::DpmSolver{}, grid), gaussian());
  for (std::size_t i = 0; i < 3; ++i) {
    REQUIRE_THAT(moments.mean[i], WithinAbs(grid.back().alpha() * gaussian().mean()[i], 1e-5));
    REQUIRE_THAT(moments.stddev[i], WithinRel(gaussian().marginal_stddev(i, grid.back()), 1e-5));
  }
}

TEST_CASE("output_moments refuses plans that it cannot run") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 4);
  for (const auto prediction :
       {dpm::Prediction::data, dpm::Prediction::velocity, dpm::Prediction::score}) {
    const dpm::Plan plan = make_plan(dpm::Ddim{}, grid, prediction);
    refused([&] { (void)dpm::output_moments(plan, gaussian()); },
            "output_moments: the plan is for a model that does not predict noise; make it with "
            "Prediction::noise");
  }
  const dpm::Plan corrected =
      make_plan(dpm::Ddim{}, grid, dpm::Prediction::noise, dpm::Correction::data);
  refused([&] { (void)dpm::output_moments(corrected, gaussian()); },
          "Stepper: the plan asks for 4 corrections and no correction was given; make the plan "
          "with Correction::data exactly if one is given");
}

TEST_CASE("an affine state is a start, a constant and draws") {
  dpm::AffineState x(2, 3);
  REQUIRE(x.dimensions() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    REQUIRE(x.start(i) == 1.0);
    REQUIRE(x.one(i) == 0.0);
    REQUIRE(x.draws(i).size() == 3);
    for (const double c : x.draws(i)) REQUIRE(c == 0.0);
  }
  dpm::AffineState z = x;
  z.set_to_draw(1);
  for (std::size_t i = 0; i < 2; ++i) {
    REQUIRE(z.start(i) == 0.0);
    REQUIRE(z.one(i) == 0.0);
    REQUIRE(State(z.draws(i).begin(), z.draws(i).end()) == State{0.0, 1.0, 0.0});
  }
  // 2 (x - 3) in one dimension leaves the other alone.
  dpm::AffineState y = z;
  y.set_to_affine_of(x, 1, 2.0, 3.0);
  REQUIRE(y.start(1) == 2.0);
  REQUIRE(y.one(1) == -6.0);
  REQUIRE(y.draws(0)[1] == 1.0);
  REQUIRE(y.draws(1)[1] == 0.0);
  // x <- 0.5 x + 4 z, and at once y <- z - y.
  const std::vector<double> weights{0.5, 0.0, 4.0, 0.0, -1.0, 1.0};
  const std::array<dpm::AffineState*, 2> targets{&x, &y};
  const std::array<const dpm::AffineState*, 3> operands{&x, &y, &z};
  combine(dpm::Weights(weights.data(), 3), std::span<dpm::AffineState* const>(targets),
          std::span<const dpm::AffineState* const>(operands));
  REQUIRE(x.start(1) == 0.5);
  REQUIRE(x.draws(0)[1] == 4.0);
  REQUIRE(y.start(1) == -2.0);
  REQUIRE(y.one(1) == 6.0);
  REQUIRE(y.draws(1)[1] == 1.0);
}

}  // namespace affine_state_test
