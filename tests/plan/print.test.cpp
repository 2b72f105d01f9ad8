// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// How plans print.
#include "dpm/plan/print.hpp"

#include <clocale>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace print_test {

using namespace dpm_test;
using dpm::Level;
using dpm::Plan;
using dpm::Prediction;

namespace {

/// alpha = 1 and sigma = t, so that lambda = -log t and the papers' weights are short numbers.
struct GrowingNoise {
  [[nodiscard]] Level level(double time) const { return {time, 0.0, std::log(time), time}; }
  [[nodiscard]] double time_of_lambda(double lambda) const { return std::exp(-lambda); }
  [[nodiscard]] double first_time() const { return 0.25; }
  [[nodiscard]] double last_time() const { return 16.0; }
};

dpm::Grid geometric_grid(const std::vector<double>& times) {
  return dpm::grid_of_times(GrowingNoise{}, times);
}

}  // namespace

TEST_CASE("a printed plan of DPM-Solver++(2M) reads as its algorithm") {
  // arXiv 2211.01095, Alg. 2: with sigma falling by 4 in each step, e^(-h) = 1/4 and r = 1, so
  // x = x / 4 + (1 - 1/4) D, where D = m_0 first and then 3/2 of the new less 1/2 of the old.
  const Plan plan =
      make_plan(dpm::DpmSolver{}, geometric_grid({16.0, 4.0, 1.0, 0.25}), Prediction::data);
  const std::string expected =
      "3 steps, 3 model calls, 0 noise draws; data space, the model predicts data\n"
      "step       time     lambda   instructions\n"
      "   1         16   -2.77259   m0 = model(x, timestep 16)  at time 16\n"
      "                             x = 0.25 x + 0.75 m0\n"
      "   2          4   -1.38629   m1 = model(x, timestep 4)  at time 4\n"
      "                             x = 0.25 x + 1.125 m1 - 0.375 m0\n"
      "   3          1          0   m0 = model(x, timestep 1)  at time 1\n"
      "                             x = 0.25 x + 1.125 m0 - 0.375 m1\n"
      " end       0.25    1.38629\n";
  REQUIRE(to_string(plan) == expected);
  std::ostringstream stream;
  stream << plan;
  REQUIRE(stream.str() == expected);
}

TEST_CASE("a printed plan of DPM-Solver-2 reads as its algorithm") {
  // arXiv 2206.00927, Alg. 1: u = x - (sigma_mid - sigma_s) ..., with alpha = 1 and the middle of
  // lambda at the geometric mean of the times; then x takes the prediction at the middle.
  const dpm::DpmSolver method{
      .order = 2, .form = dpm::DpmSolver::Form::singlestep, .space = dpm::Space::noise};
  REQUIRE(to_string(make_plan(method, geometric_grid({16.0, 4.0, 0.0}))) ==
          "2 steps, 3 model calls, 0 noise draws; noise space, the model predicts noise\n"
          "step       time     lambda   instructions\n"
          "   1         16   -2.77259   m0 = model(x, timestep 16)  at time 16\n"
          "                             y = 1 x - 8 m0\n"
          "                             m1 = model(y, timestep 8)  at time 8\n"
          "                             x = 1 x - 12 m1\n"
          "   2          4   -1.38629   m0 = model(x, timestep 4)  at time 4\n"
          "                             x = 1 x - 4 m0\n"
          " end          0        inf\n");
}

TEST_CASE("a printed plan shows draws, corrections and merged combinations") {
  // arXiv 2010.02502, Eq. 12 and 16 with eta = 1 from sigma = 5 to 3: the fresh noise has
  // 3 sqrt(1 - 9/25) = 2.4, sqrt(3^2 - 2.4^2) = 1.8 of the old remains: x = 9/25 x + 16/25 x_0.
  REQUIRE(
      to_string(make_plan(dpm::Ddim{.eta = 1.0}, geometric_grid({5.0, 3.0, 0.0}), Prediction::noise,
                          dpm::Correction::data)) ==
      "2 steps, 2 model calls, 1 noise draw, 2 corrections; data space, the model predicts noise\n"
      "step       time     lambda   instructions\n"
      "   1          5   -1.60944   z = normal draw 0\n"
      "                             m0 = model(x, timestep 5)  at time 5\n"
      "                             m0 = 1 x - 5 m0\n"
      "                             m0 = correct(m0)\n"
      "                             x = 0.36 x + 0.64 m0 + 2.4 z\n"
      "   2          3   -1.09861   m0 = model(x, timestep 3)  at time 3\n"
      "                             m0 = 1 x - 3 m0\n"
      "                             m0 = correct(m0)\n"
      "                             x = 1 m0\n"
      " end          0        inf\n");
  // The prediction is converted for later steps and used in this one, in one pass.
  REQUIRE(to_string(make_plan(dpm::DpmSolver{}, geometric_grid({16.0, 4.0, 1.0}))) ==
          "2 steps, 2 model calls, 0 noise draws; data space, the model predicts noise\n"
          "step       time     lambda   instructions\n"
          "   1         16   -2.77259   m0 = model(x, timestep 16)  at time 16\n"
          "                             x = 1 x - 12 m0;  m0 = 1 x - 16 m0\n"
          "   2          4   -1.38629   m1 = model(x, timestep 4)  at time 4\n"
          "                             x = 1.375 x - 4.5 m1 - 0.375 m0\n"
          " end          1          0\n");
}

TEST_CASE("a printed plan has decimal points in every locale") {
  // The text of a number as a locale may have it, its mark of one byte or of several.
  REQUIRE(dpm::detail::with_point("-1,25e-05") == "-1.25e-05");
  REQUIRE(dpm::detail::with_point("0\xD9\xAB"
                                  "5") == "0.5");
  for (const std::string text : {"-1.25e-05", "12", "1e+20", "inf", "-nan"}) {
    REQUIRE(dpm::detail::with_point(text) == text);
  }
  // Where such a locale is installed, the whole plan.
  const Plan plan = make_plan(dpm::DpmSolver{}, geometric_grid({16.0, 4.0, 1.0, 0.25}));
  const std::string expected = to_string(plan);
  for (const char* const comma : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"}) {
    if (std::setlocale(LC_NUMERIC, comma) == nullptr) continue;
    const std::string printed = to_string(plan);
    std::setlocale(LC_NUMERIC, "C");
    REQUIRE(printed == expected);
  }
}

TEST_CASE("a printed plan is in columns whatever the numbers") {
  REQUIRE(dpm::detail::number(0.5, 10) == "       0.5");
  REQUIRE(dpm::detail::number(-1.234567e-10, 10) == "-1.23457e-10");
  REQUIRE(dpm::detail::number(123456789.0) == "1.23457e+08");
}

TEST_CASE("a printed plan names every prediction and both spaces") {
  REQUIRE(dpm::name(Prediction::noise) == "noise");
  REQUIRE(dpm::name(Prediction::data) == "data");
  REQUIRE(dpm::name(Prediction::velocity) == "velocity");
  REQUIRE(dpm::name(Prediction::score) == "score");
  REQUIRE(dpm::name(dpm::Space::noise) == "noise");
  REQUIRE(dpm::name(dpm::Space::data) == "data");
  REQUIRE(to_string(Plan{}) ==
          "0 steps, 0 model calls, 0 noise draws; noise space, the model predicts noise\n"
          "step       time     lambda   instructions\n");
}

}  // namespace print_test
