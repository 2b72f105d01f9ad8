// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The weights of the exponential integrator, against the integrals and near the ends.
#include <cmath>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/gaussian_runs.hpp"

namespace exponential_step_test {

using namespace dpm_test;
using dpm::Level;
using dpm::Plan;
using dpm::Prediction;
using dpm::Space;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

const std::vector<Prediction> predictions{Prediction::noise, Prediction::data, Prediction::velocity,
                                          Prediction::score};

}  // namespace

TEST_CASE("the exponential step's weights are the integrals that they stand for") {
  // weight(n) = alpha_t or sigma_t times the integral of e^(-+l) (l - lambda_s)^n / n!, by
  // Simpson's rule in long double: over 2000 panels of at most 0.005, an error below 1e-11
  // relative.
  using Wide = long double;
  const auto integral = [](Wide sign, int n, Wide a, Wide b) {
    const auto f = [&](Wide l) {
      return std::exp(sign * l) * std::pow(l - a, static_cast<Wide>(n)) / (n == 2 ? 2.0L : 1.0L);
    };
    constexpr int panels = 2000;
    const Wide width = (b - a) / panels;
    Wide sum = 0.0L;
    for (int i = 0; i < panels; ++i) {
      const Wide left = a + width * static_cast<Wide>(i);
      sum += f(left) + 4.0L * f(left + width / 2.0L) + f(left + width);
    }
    return static_cast<double>(sum * width / 6.0L);
  };
  const std::vector<double> times{1.0, 0.99, 0.6, 0.3, 0.29, 0.01, 0.001, 1e-5};
  for (const double from : times) {
    for (const double to : times) {
      if (from == to) continue;
      const Level s = schedule.level(from);
      const Level t = schedule.level(to);
      CAPTURE(from, to);
      const dpm::ExponentialStep noise(Space::noise, s, t);
      const dpm::ExponentialStep data(Space::data, s, t);
      REQUIRE_THAT(noise.linear(), WithinRel(t.alpha() / s.alpha(), 1e-13));
      REQUIRE_THAT(data.linear(), WithinRel(t.sigma() / s.sigma(), 1e-13));
      for (int n = 0; n <= 2; ++n) {
        CAPTURE(n);
        REQUIRE_THAT(noise.weight(n),
                     WithinRel(-t.alpha() * integral(-1.0L, n, s.lambda(), t.lambda()), 1e-10));
        REQUIRE_THAT(data.weight(n),
                     WithinRel(t.sigma() * integral(1.0L, n, s.lambda(), t.lambda()), 1e-10));
      }
    }
  }
}

TEST_CASE("weights stay finite and right as the ends are approached") {
  // One step from nearly pure noise to nearly clean data, then all methods on such grids.
  const dpm::AnySchedule cosine = dpm::VpCosine(0.008, 1.0);
  for (const double end : {1e-3, 1e-12, 1e-100, 1e-300}) {
    CAPTURE(end);
    const Level s = cosine.level(1.0 - 1e-12);
    const Level t = cosine.level(end);
    const dpm::ExponentialStep noise(Space::noise, s, t);
    const dpm::ExponentialStep data(Space::data, s, t);
    // x_t = alpha_t x_0 + sigma_t epsilon, for the pair that makes x_s.
    REQUIRE_THAT(data.linear() * (s.alpha() * 0.7 + s.sigma() * 0.3) + data.weight(0) * 0.7,
                 WithinRel(t.alpha() * 0.7 + t.sigma() * 0.3, 1e-12));
    REQUIRE_THAT(noise.linear() * s.alpha(), WithinRel(t.alpha(), 1e-12));
    REQUIRE_THAT(noise.weight(0), WithinRel(t.sigma() - t.alpha() / s.alpha() * s.sigma(), 1e-12));

    for (const NamedMethod& method : every_method()) {
      INFO(method.name);
      const dpm::Grid grid =
          make_grid(dpm::UniformTime{.start = 1.0 - 1e-12, .end = end}, cosine, 12);
      for (const Prediction prediction : predictions) {
        const Plan plan = method(grid, prediction);
        require_finite_weights(plan);
        require_finite(states_of(plan).back());
      }
    }
  }
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

TEST_CASE("the noise of a step almost to clean data does not overflow") {
  const dpm::RectifiedFlow flow;
  const dpm::ExponentialStep step(dpm::Space::noise, flow.level(0.5), flow.level(1e-160), 1.0);
  REQUIRE_THAT(step.noise_stddev(), WithinRel(1.0, 1e-14));
}

}  // namespace exponential_step_test
