// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a prediction says about data and noise.
#include "dpm/plan/conversion.hpp"

#include <cmath>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace conversion_test {

using namespace dpm_test;
using dpm::Level;
using dpm::Plan;
using dpm::Prediction;
using dpm::Register;
using dpm::sample_register;

TEST_CASE("every prediction turns into the data and the noise that it stands for") {
  const double data = 0.7;
  const double noise = -0.4;
  // Variance preserving near both ends, and not variance preserving at all.
  const std::vector<Level> levels{dpm::VpLinear().level(0.9),
                                  dpm::VpLinear().level(1e-3),
                                  {0.5, 0.0, std::log(3.0), 0.5},
                                  {0.5, std::log(0.25), std::log(2.0), 0.5}};
  for (const Level& at : levels) {
    const double alpha = at.alpha();
    const double sigma = at.sigma();
    const double x = alpha * data + sigma * noise;
    const std::vector<std::pair<Prediction, double>> outputs{
        {Prediction::noise, noise},
        {Prediction::data, data},
        {Prediction::velocity, alpha * noise - sigma * data},
        {Prediction::score, -noise / sigma},
        {Prediction::flow, noise - data}};
    for (const auto& [prediction, output] : outputs) {
      CAPTURE(alpha, sigma, dpm::name(prediction));
      const dpm::Conversion to_data = dpm::to_data(prediction, at);
      const dpm::Conversion to_noise = dpm::to_noise(prediction, at);
      // Dividing by the smaller of alpha and sigma multiplies rounding by it.
      REQUIRE_THAT(to_data.input * x + to_data.output * output, WithinAbs(data, 1e-15 / alpha));
      REQUIRE_THAT(to_noise.input * x + to_noise.output * output, WithinAbs(noise, 1e-15 / sigma));
    }
  }
}

TEST_CASE("a model with scaled inputs predicts in the units that it is trained in") {
  // EDM's preconditioning as its paper prints it (arXiv 2206.00364, Table 1), with alpha = 1.
  const double d = 0.5;
  for (const double sigma : {0.002, 0.3, 1.0, 80.0}) {
    Level at{sigma, 0.0, std::log(sigma), 0.25 * std::log(sigma), d};
    const double data = 0.7;
    const double noise = -0.4;
    const double x = data + sigma * noise;
    const double total = sigma * sigma + d * d;
    const double c_skip = d * d / total;
    const double c_out = sigma * d / std::sqrt(total);
    REQUIRE_THAT(at.input_scale(), WithinRel(1.0 / std::sqrt(total), 1e-14));
    const double f = (data - c_skip * x) / c_out;
    const dpm::Conversion to_data = dpm::to_data(Prediction::edm, at);
    const dpm::Conversion to_noise = dpm::to_noise(Prediction::edm, at);
    REQUIRE_THAT(to_data.input, WithinRel(c_skip, 1e-13));
    REQUIRE_THAT(to_data.output, WithinRel(c_out, 1e-13));
    REQUIRE_THAT(to_data.input * x + to_data.output * f, WithinAbs(data, 1e-13));
    REQUIRE_THAT(to_noise.input * x + to_noise.output * f, WithinAbs(noise, 1e-13 / sigma));
    // F is minus the velocity.
    REQUIRE(dpm::to_data(Prediction::velocity, at).output == -to_data.output);
    REQUIRE(dpm::to_noise(Prediction::velocity, at).output == -to_noise.output);
  }
  const Level unscaled{0.5, 0.0, 0.0, 0.5};
  REQUIRE(unscaled.input_scale() == 1.0);
  REQUIRE_THROWS_WITH(dpm::to_data(Prediction::edm, unscaled),
                      "make_plan: Prediction::edm at time 0.5, where data_stddev is 0; it needs a "
                      "schedule that scales the model's input, such as Edm");
}

TEST_CASE("the model is given the scaled input, and the sample stays as it is") {
  dpm::PlanBuilder builder(Prediction::noise);
  builder.set_space(dpm::Space::data);
  const Level from{2.0, 0.0, std::log(2.0), 0.0, 0.5};
  builder.begin_step(from, {1.0, 0.0, 0.0, 0.0, 0.5});
  const Register m = builder.evaluate(0, sample_register, from);
  builder.combine(sample_register, {{sample_register, 0.5}, {m, 0.5}});
  const Plan plan = std::move(builder).finish();
  REQUIRE(plan.uses_input());
  double seen = 0.0;
  std::vector<double> x{3.0};
  dpm::sample(
      plan,
      [&](const std::vector<double>& input, double, std::vector<double>& noise) {
        seen = input[0];
        noise[0] = 0.25;
      },
      x);
  REQUIRE_THAT(seen, WithinRel(3.0 / std::sqrt(4.25), 1e-15));
  REQUIRE_THAT(x[0], WithinRel(0.5 * 3.0 + 0.5 * (3.0 - 2.0 * 0.25), 1e-15));
}

TEST_CASE("conversions exist at the singular ends or are refused") {
  const Level pure_noise{1.0, -infinity, 0.0, 999.0};
  const Level clean_data{};
  // There v = -x_0 and v = epsilon.
  REQUIRE(dpm::to_data(Prediction::velocity, pure_noise).input == 0.0);
  REQUIRE(dpm::to_data(Prediction::velocity, pure_noise).output == -1.0);
  REQUIRE(dpm::to_noise(Prediction::velocity, clean_data).input == 0.0);
  REQUIRE(dpm::to_noise(Prediction::velocity, clean_data).output == 1.0);
  // The same with epsilon - x_0.
  REQUIRE(dpm::to_data(Prediction::flow, pure_noise).output == -1.0);
  REQUIRE(dpm::to_noise(Prediction::flow, clean_data).output == 1.0);
  // Clean data is the sample itself, pure noise too.
  for (const Prediction prediction :
       {Prediction::noise, Prediction::velocity, Prediction::score, Prediction::flow}) {
    REQUIRE(dpm::to_data(prediction, clean_data).input == 1.0);
    REQUIRE(dpm::to_data(prediction, clean_data).output == 0.0);
  }
  for (const Prediction prediction : {Prediction::data, Prediction::velocity}) {
    REQUIRE(dpm::to_noise(prediction, pure_noise).input == 1.0);
    REQUIRE(dpm::to_noise(prediction, pure_noise).output == 0.0);
  }
  for (const Prediction prediction : {Prediction::noise, Prediction::score}) {
    REQUIRE_THROWS_AS(dpm::to_data(prediction, pure_noise), dpm::InvalidArgument);
    REQUIRE_THROWS_WITH(
        dpm::to_data(prediction, pure_noise),
        "make_plan: at time 1 alpha is 0, where a prediction of the noise or the score says "
        "nothing about the data; use a data, velocity or flow prediction, or start below that "
        "time");
  }
  REQUIRE_THROWS_AS(dpm::to_noise(Prediction::data, clean_data), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(
      dpm::to_noise(Prediction::data, clean_data),
      "make_plan: at time 0 sigma is 0, where a prediction of the data says nothing about the "
      "noise; use a noise or velocity prediction, or leave that time out");
}

}  // namespace conversion_test
