// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The controller of k-diffusion's adaptive steps.
#include "dpm/method/pid_controller.hpp"

#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "dpm/run/adaptive.hpp"
#include "dpm/schedule/vp_linear.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace pid_controller_test {

using namespace dpm_test;
using dpm::PidController;
using dpm::detail::length_factor;

TEST_CASE("An error of one tolerance keeps the length of steps and smaller ones lengthen it") {
  const PidController pid;
  for (const double order : {1.5, 2.0, 3.0}) {
    const auto factor = [&](double error) {
      return length_factor(pid, order, {error, error, error});
    };
    CHECK_THAT(factor(1.0), WithinAbs(1.0, 1e-8));
    // With the integral alone x = e^(-1/k), so at most 1 + pi / 2 and at least 1 - pi / 4.
    CHECK_THAT(factor(0.25), WithinRel(1.0 + std::atan(std::pow(0.25, -1.0 / order) - 1.0), 1e-7));
    CHECK_THAT(factor(1e-300), WithinAbs(2.5707963, 0.005));
    CHECK_THAT(factor(1e300), WithinAbs(0.2146018, 1e-7));
  }
}

TEST_CASE("Earlier errors count by the proportional and the derivative part") {
  const PidController pid{.proportional = 0.3, .integral = 0.7, .derivative = 0.1};
  // b = (1.1, -0.5, 0.1) / k.
  const double x = std::pow(0.5, -1.1 / 3.0) * std::pow(2.0, 0.5 / 3.0) * std::pow(4.0, -0.1 / 3.0);
  CHECK_THAT(length_factor(pid, 3.0, {0.5, 2.0, 4.0}), WithinRel(1.0 + std::atan(x - 1.0), 1e-7));
}

TEST_CASE("Errors at the ends of what a double holds leave a factor that is a number") {
  for (const double proportional : {-100.0, 100.0}) {
    const PidController pid{.proportional = proportional, .integral = 100.0, .derivative = 100.0};
    for (const double a : {0.0, 1.0, 1e308}) {
      for (const double b : {0.0, 1.0, 1e308}) {
        for (const double c : {0.0, 1.0, 1e308}) {
          const double factor = length_factor(pid, 1.5, {a, b, c});
          CHECK(factor >= 0.2);
          CHECK(factor <= 2.6);
        }
      }
    }
  }
}

TEST_CASE("A controller refuses coefficients and a safety out of range") {
  const auto wrong = [](const std::function<void(PidController&)>& set,
                        const std::string& sentence) {
    dpm::AdaptiveDpmSolver method{.pid = PidController{}};
    set(*method.pid);
    refused([&] { (void)dpm::AdaptiveRun(method, dpm::VpLinear(), std::vector<double>(2, 0.5)); },
            "PidController: " + sentence);
  };
  wrong([](PidController& p) { p.proportional = 101.0; },
        "proportional = 101; it must be in [-100, 100]");
  wrong([](PidController& p) { p.proportional = not_a_number; },
        "proportional = nan; it must be in [-100, 100]");
  wrong([](PidController& p) { p.integral = 0.0; }, "integral = 0; it must be in (0, 100]");
  wrong([](PidController& p) { p.integral = -1.0; }, "integral = -1; it must be in (0, 100]");
  wrong([](PidController& p) { p.integral = infinity; }, "integral = inf; it must be in (0, 100]");
  wrong([](PidController& p) { p.derivative = -infinity; },
        "derivative = -inf; it must be in [-100, 100]");
  wrong([](PidController& p) { p.accept_safety = 0.0; },
        "accept_safety = 0; it must be in (0, 0.99]");
  wrong([](PidController& p) { p.accept_safety = 1.0; },
        "accept_safety = 1; it must be in (0, 0.99]");
  wrong([](PidController& p) { p.accept_safety = not_a_number; },
        "accept_safety = nan; it must be in (0, 0.99]");
}

}  // namespace pid_controller_test
