// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A law of every method: a step that is far shorter than its neighbours costs no digits.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"

namespace short_steps_test {

using namespace dpm_test;
using State = std::vector<double>;
using Times = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
const dpm::Gaussian gaussian({3.0}, {0.5});
constexpr double start = 0.7;

/// The end of the run over the times, in one type of number; draws are 0.
template <class Scalar>
double end_of(const NamedMethod& method, const Times& times) {
  using State = std::vector<Scalar>;
  State x{static_cast<Scalar>(start)};
  dpm::RunOptions<State> options;
  options.noise = [](State& z, const dpm::NoiseRequest&) { z[0] = 0; };
  dpm::sample(method(dpm::grid_of_times(schedule, times), dpm::Prediction::noise), gaussian, x,
              options);
  return static_cast<double>(x[0]);
}

/// The same grid of six steps with short steps after the second, after the start and before the
/// end, one or three in a row. At time 0.6 the gaps are 1e2 to 1e11 times shorter than the next
/// step.
std::vector<Times> with_short_steps() {
  std::vector<Times> all;
  for (const double gap : {1e-3, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12}) {
    all.push_back({1.0, 0.8, 0.6, 0.6 - gap, 0.4, 0.2, 0.05, 0.01});
    all.push_back({1.0, 0.8, 0.6, 0.6 - gap, 0.6 - 2 * gap, 0.6 - 3 * gap, 0.4, 0.2, 0.05, 0.01});
    all.push_back({1.0, 1.0 - gap, 0.8, 0.6, 0.4, 0.2, 0.05, 0.01});
    all.push_back({1.0, 0.8, 0.6, 0.4, 0.2, 0.05, 0.01 + gap, 0.01});
  }
  return all;
}

const Times six_steps{1.0, 0.8, 0.6, 0.4, 0.2, 0.05, 0.01};
const Times seven_steps{1.0, 0.8, 0.6, 0.5, 0.4, 0.2, 0.05, 0.01};

}  // namespace

TEST_CASE("a step that is far shorter than its neighbours does not spoil a method of the ODE") {
  const double exact =
      gaussian.solve_ode(std::vector{start}, schedule.level(1.0), schedule.level(0.01))[0];
  REQUIRE_THAT(exact, WithinAbs(3.338172, 1e-6));
  for (const NamedMethod& method : every_method()) {
    // Weights of equal steps are wrong by the steps' ratio on any such grid.
    if (method.stochastic || method.name.find("equal-step") != std::string::npos) continue;
    // Without the short step, or with one that is not short. Where the last steps have lower
    // orders, or a step takes several of the grid, one more changes which.
    const double usual = std::max(std::abs(end_of<double>(method, six_steps) - exact),
                                  std::abs(end_of<double>(method, seven_steps) - exact));
    REQUIRE(usual < 0.13);
    for (const Times& times : with_short_steps()) {
      CAPTURE(method.name, times);
      CHECK_THAT(end_of<double>(method, times), WithinAbs(exact, 3.0 * usual + 1e-3));
      CHECK_THAT(end_of<float>(method, times), WithinAbs(end_of<double>(method, times), 2e-3));
    }
  }
}

TEST_CASE("a step that is far shorter than its neighbours does not spoil a method of the SDE") {
  for (const NamedMethod& method : every_method()) {
    const dpm::Grid grid = dpm::grid_of_times(schedule, six_steps);
    const bool in_noise_space = method(grid, dpm::Prediction::noise).space == dpm::Space::noise;
    // With tau in noise space so few steps diverge anyway; churn adds less noise in more steps.
    const bool churned = method.name.find("churn") != std::string::npos;
    if (!method.stochastic || (has_tau(method) && in_noise_space) || churned) continue;
    const double usual = end_of<double>(method, six_steps);
    for (const Times& times : with_short_steps()) {
      CAPTURE(method.name, times);
      CHECK_THAT(end_of<double>(method, times), WithinAbs(usual, 0.03));
      CHECK_THAT(end_of<float>(method, times), WithinAbs(end_of<double>(method, times), 2e-3));
    }
  }
}

TEST_CASE("the default method goes through a step of any length") {
  const auto end_with = [](double gap) {
    State x{start};
    dpm::sample(
        make_plan(dpm::default_method, dpm::grid_of_times(schedule, Times{1.0, 0.8, 0.6, 0.6 - gap,
                                                                          0.4, 0.2, 0.05, 0.01})),
        gaussian, x);
    return x[0];
  };
  // The exact end is 3.3382. The prediction before a short step and the one after it differ by the
  // correction between them, which was once divided by the length of the step: 1.6 and -167 here.
  for (const double gap : {1e-1, 1e-2, 1e-3, 1e-6, 1e-8, 1e-12, 1e-15}) {
    CAPTURE(gap);
    CHECK_THAT(end_with(gap), WithinAbs(3.3382, 0.02));
  }
}

}  // namespace short_steps_test
