// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Models and callbacks that fail in the middle of an adaptive run.
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/run/adaptive.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

namespace adaptive_failures_test {

using namespace dpm_test;
using dpm::Prediction;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
const dpm::AdaptiveDpmSolver tight{.tolerance = {.absolute = 1e-4, .relative = 1e-3}};

/// A run whose model misbehaves in its call number `bad`: x must not move.
template <class Error, class Misbehave>
void stops_at(int bad, Misbehave misbehave, const std::string& message) {
  State x = test_start();
  int calls = 0;
  const auto model = [&](const State& in, const dpm::Level& at, State& out) {
    test_network(in, at.time, out);
    if (++calls == bad) misbehave(out);
  };
  REQUIRE_THROWS_AS(dpm::sample_adaptive(tight, schedule, model, x), Error);
  REQUIRE(calls == bad);
  calls = 0;
  REQUIRE_THROWS_WITH(dpm::sample_adaptive(tight, schedule, model, x), mentions(message));
  REQUIRE(x == test_start());
}

}  // namespace

TEST_CASE("a model that fails in the middle of a run leaves x untouched") {
  for (const int bad : {1, 2, 3, 17}) {
    stops_at<std::runtime_error>(
        bad, [](State&) { throw std::runtime_error("out of memory"); }, "out of memory");
    for (const double value : {double(INFINITY), double(NAN)}) {
      stops_at<dpm::NonFinite>(
          bad, [&](State& out) { out[5] = value; }, ": the model's output (time ");
    }
    stops_at<dpm::InvalidArgument>(
        bad, [](State& out) { out.resize(3); },
        ") is 3 x 1; it must have the shape of the sample, 8 x 1");
  }
}

TEST_CASE("an output that nobody fills and callbacks that fail are noticed in adaptive runs") {
  State x = test_start();
  const auto lazy = [](const State&, double, State&) {};
  REQUIRE_THROWS_WITH(dpm::sample_adaptive(tight, schedule, lazy, x),
                      mentions("step 1: the model's output (time 1, timestep 1)"));
  const auto unchecked = [&] {
    const auto nan = [](const State&, double, State& out) { out[5] = NAN; };
    dpm::sample_adaptive(tight, schedule, nan, x, Prediction::noise, {.check_finite = false});
  };
  REQUIRE_THROWS_WITH(unchecked(), mentions("trial 1: the estimate of its error (time "));
  const auto bad_correction = [](State& data, const dpm::Level&) { data[0] = NAN; };
  REQUIRE_THROWS_WITH(dpm::sample_adaptive(tight, schedule, test_model(Prediction::noise), x,
                                           Prediction::noise, {.correction = bad_correction}),
                      mentions("step 1: the corrected data prediction (time "));
  const auto observer = [](const dpm::Progress<State>& progress) {
    if (progress.step == 5) throw std::runtime_error("enough");
  };
  REQUIRE_THROWS_WITH(dpm::sample_adaptive(tight, schedule, test_model(Prediction::noise), x,
                                           Prediction::noise, {.observer = observer}),
                      "enough");
  REQUIRE(x == test_start());
}

TEST_CASE("a tolerance in which an error cannot be counted is named") {
  State x = test_start();
  const dpm::AdaptiveDpmSolver tiny{.tolerance = {.absolute = 1e-300, .relative = 0.0}};
  REQUIRE_THROWS_WITH(dpm::sample_adaptive(tiny, schedule, test_model(Prediction::noise), x),
                      mentions("trial 1: the estimate of its error (time ") &&
                          mentions(") is inf tolerances of at least 1e-300; it must be finite"));
  REQUIRE(x == test_start());
}

}  // namespace adaptive_failures_test
