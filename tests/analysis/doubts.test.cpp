// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What is legal in a run and rarely meant.
#include "dpm/analysis/doubts.hpp"

#include <Eigen/Core>
#include <string>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace doubts_test {

using namespace dpm_test;
using dpm::doubts;
using dpm::Prediction;
using Sentences = std::vector<std::string>;

namespace {

Sentences doubts_of(const dpm::AnySchedule& schedule, Prediction prediction) {
  return doubts(
      make_plan(dpm::DpmSolver{}, make_grid(dpm::UniformTime{}, schedule, 8), prediction));
}

const dpm::AnySchedule table = dpm::DiscreteSchedule(dpm::scaled_linear_betas());

}  // namespace

TEST_CASE("plans as they are usually made raise no doubt") {
  for (const auto prediction :
       {Prediction::noise, Prediction::data, Prediction::velocity, Prediction::score}) {
    REQUIRE(doubts_of(table, prediction).empty());
    REQUIRE(doubts_of(dpm::VpCosine(), prediction).empty());
    REQUIRE(doubts_of(dpm::VarianceExploding(), prediction).empty());
  }
  REQUIRE(doubts_of(dpm::Edm(), Prediction::edm).empty());
  REQUIRE(doubts_of(dpm::Edm(), Prediction::velocity).empty());
  REQUIRE(doubts_of(dpm::RectifiedFlow(3.0), Prediction::flow).empty());
  REQUIRE(doubts_of(dpm::RectifiedFlow(3.0), Prediction::velocity).empty());
  REQUIRE(doubts(dpm::make_plan(table, 20)).empty());
  REQUIRE(doubts(dpm::make_plan(table, 20, Prediction::velocity)).empty());
}

TEST_CASE("a prediction that networks on such levels do not make raises a doubt") {
  const Sentences found = doubts_of(dpm::VpLinear(), Prediction::flow);
  REQUIRE(found.size() == 1);
  REQUIRE_THAT(found[0],
               mentions("the model predicts flow at time 1, where alpha + sigma is 1.0065") &&
                   mentions("; networks that predict flow are trained where it is 1, as on "
                            "RectifiedFlow"));
  REQUIRE(doubts_of(dpm::VarianceExploding(), Prediction::flow).size() == 1);
  for (const auto prediction :
       {Prediction::noise, Prediction::data, Prediction::score, Prediction::flow}) {
    REQUIRE(doubts_of(dpm::Edm(), prediction) ==
            Sentences{"the model predicts " + std::string(name(prediction)) +
                      " at time 80, where its input is scaled; networks with scaled inputs mostly "
                      "predict edm or velocity"});
  }
  const dpm::Grid flow = make_grid(dpm::UniformTime{.start = 0.75}, dpm::RectifiedFlow(), 8);
  for (const auto prediction : {Prediction::noise, Prediction::score}) {
    REQUIRE(doubts(make_plan(dpm::DpmSolver{}, flow, prediction)) ==
            Sentences{"the model predicts " + std::string(name(prediction)) +
                      " at time 0.75, where alpha + sigma is 1, as on a flow; networks trained "
                      "there predict flow"});
  }
}

TEST_CASE("a weight beyond the digits of a float raises a doubt") {
  dpm::Plan plan = dpm::make_plan(table, 4);
  REQUIRE(doubts(plan).empty());
  for (dpm::Instruction& instruction : plan.steps[2].instructions) {
    if (auto* combine = std::get_if<dpm::Combine>(&instruction)) combine->weights[0] = -3e7;
  }
  REQUIRE(doubts(plan) ==
          Sentences{"step 3 has the weight -3e+07; float has 7 digits, and the rounding of what it "
                    "weighs grows with it"});
}

TEST_CASE("a start of another deviation than the plan's raises a doubt") {
  const dpm::Plan edm = dpm::make_plan(dpm::Heun{}, dpm::Edm(), 8, Prediction::edm);
  Eigen::ArrayXXf x(64, 4);
  dpm::NormalNoise{.seed = 1}.fill(x);
  const Sentences found = doubts(edm, x);
  REQUIRE(found.size() == 1);
  REQUIRE_THAT(found[0],
               mentions("the start has the root mean square ") &&
                   mentions(", and the plan starts where sigma is 79.99") &&
                   mentions("standard normal noise is to be multiplied by plan.start().sigma()"));
  const Eigen::ArrayXXf scaled = 80.0F * x;
  REQUIRE(doubts(edm, scaled).empty());
  const dpm::Plan vp = dpm::make_plan(table, 8);
  REQUIRE(doubts(vp, x).empty());
  REQUIRE(doubts(vp, scaled).size() == 1);
  // Data where an inversion starts: scaled as for training, or the bytes of a picture.
  const dpm::Plan inversion =
      make_plan(dpm::Ddim{}, make_grid(dpm::UniformTime{.start = 0.001, .end = 1.0}, table, 8));
  REQUIRE(doubts(inversion, x).empty());
  REQUIRE(doubts(inversion, Eigen::ArrayXXf(128.0F + 50.0F * x)).size() == 1);
  // In few values a deviation is chance; ranges are states as well.
  REQUIRE(doubts(edm, Eigen::Array2f(0.5F, -0.5F)).empty());
  REQUIRE(doubts(edm, std::vector<double>(31, 1.0)).empty());
  REQUIRE(doubts(edm, std::vector<double>(32, 1.0)).size() == 1);
}

}  // namespace doubts_test
