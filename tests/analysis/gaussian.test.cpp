// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Gaussian data: its score, its ODE, its marginals.
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"
#include "support/score.hpp"
#include "support/test_network.hpp"

namespace gaussian_test {

using namespace dpm_test;
using Component = dpm::GaussianMixture::Component;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
const std::vector<double> some_times{1.0, 0.7, 0.3, 0.1, 0.02, 1e-3};

}  // namespace

TEST_CASE("the Gaussian's noise prediction is -sigma times its score") {
  const std::vector<Component> alone{{1.0, gaussian()}};
  for (const double time : some_times) {
    for (const State& x : std::vector<State>{{0, 0, 0}, {1.2, -2.0, 0.4}, {-0.7, 0.9, 3.0}}) {
      require_score(gaussian(), alone, x, schedule.level(time));
    }
  }
}

TEST_CASE("solve_ode solves the diffusion ODE") {
  // dx/dt = x dlog(alpha)/dt - sigma epsilon dlambda/dt (arXiv 2206.00927, Eq. 2.7, with g^2 =
  // -2 sigma^2 dlambda/dt). Steps of 1e-3 t: truncation 1e-18, rounding epsilon / 1e-3.
  const State start{0.8, -1.4, 2.2};
  const dpm::Level from = schedule.level(1.0);
  for (const double time : {0.9, 0.5, 0.1, 0.01}) {
    const double h = 1e-3 * time;
    const auto level = [&](double step) { return schedule.level(time + step); };
    const double d_log_alpha = derivative([&](double e) { return level(e).log_alpha; }, h);
    const double d_lambda = derivative([&](double e) { return level(e).lambda(); }, h);
    const dpm::Level at = level(0.0);
    const State x = gaussian().solve_ode(start, from, at);
    const State noise = noise_at(gaussian(), x, at);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double dx =
          derivative([&](double e) { return gaussian().solve_ode(start, from, level(e))[i]; }, h);
      CAPTURE(time, i);
      REQUIRE_THAT(
          time * dx,
          WithinAbs(time * (d_log_alpha * x[i] - at.sigma() * d_lambda * noise[i]), 1e-11));
    }
  }
}

TEST_CASE("solve_ode is what samplers converge to") {
  const dpm::DpmSolver fine{.order = 3, .form = dpm::DpmSolver::Form::singlestep};
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 4000);
  State x{0.8, -1.4, 2.2};
  const State exact = gaussian().solve_ode(x, grid.front(), grid.back());
  dpm::sample(make_plan(fine, grid), gaussian(), x);
  // Third order with h = 9.6 / 4000 leaves 1.5e-11 (and 8 times as much with half the steps).
  REQUIRE(relative_difference(x, exact) < 2e-11);
}

TEST_CASE("solve_ode undoes itself, composes, and keeps places") {
  const State x{0.8, -1.4, 2.2, 0.0, 0.1, -3.0};
  for (const double a : some_times) {
    for (const double b : some_times) {
      const dpm::Level from = schedule.level(a);
      const dpm::Level to = schedule.level(b);
      const State y = gaussian().solve_ode(x, from, to);
      REQUIRE(relative_difference(gaussian().solve_ode(y, to, from), x) < 1e-14);
      const dpm::Level between = schedule.level(0.42);
      const State halfway = gaussian().solve_ode(x, from, between);
      REQUIRE(relative_difference(gaussian().solve_ode(halfway, between, to), y) < 1e-14);
      for (std::size_t k = 0; k < x.size(); ++k) {
        const std::size_t i = k % 3;
        const auto place = [&](double value, const dpm::Level& at) {
          return (value - at.alpha() * gaussian().mean()[i]) / gaussian().marginal_stddev(i, at);
        };
        REQUIRE_THAT(place(y[k], to), WithinAbs(place(x[k], from), 1e-13));
      }
    }
  }
}

TEST_CASE("the marginal has the variance of signal and noise") {
  const dpm::Level at = schedule.level(0.3);
  for (std::size_t i = 0; i < 3; ++i) {
    const double s = at.alpha() * gaussian().stddev()[i];
    REQUIRE_THAT(gaussian().marginal_stddev(i, at),
                 WithinRel(std::sqrt(s * s + at.sigma() * at.sigma()), 1e-15));
  }
  REQUIRE(gaussian().marginal_stddev(1, schedule.level(0.0)) == 0.8);
}

TEST_CASE("Gaussian refuses what is no distribution") {
  const auto made = [](std::vector<double> mean, std::vector<double> stddev) {
    return [=] { (void)dpm::Gaussian(mean, stddev); };
  };
  const std::string each = "; there must be one of each for every dimension";
  refused(made({}, {}), "Gaussian: 0 means and 0 standard deviations" + each);
  refused(made({1.0, 2.0}, {1.0}), "Gaussian: 2 means and 1 standard deviations" + each);
  refused(made({}, {1.0}), "Gaussian: 0 means and 1 standard deviations" + each);
  const std::string both = "; both must be finite and the latter positive";
  const std::vector<std::pair<std::pair<double, double>, std::string>> bad{
      {{not_a_number, 1.0}, "mean nan and standard deviation 1"},
      {{infinity, 1.0}, "mean inf and standard deviation 1"},
      {{2.0, 0.0}, "mean 2 and standard deviation 0"},
      {{2.0, -1.0}, "mean 2 and standard deviation -1"},
      {{2.0, not_a_number}, "mean 2 and standard deviation nan"},
      {{2.0, infinity}, "mean 2 and standard deviation inf"}};
  for (const auto& [numbers, text] : bad) {
    refused(made({0.0, numbers.first}, {1.0, numbers.second}),
            "Gaussian: dimension 1 has " + text + both);
  }
}

}  // namespace gaussian_test
