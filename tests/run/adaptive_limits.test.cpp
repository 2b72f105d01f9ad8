// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Adaptive runs are refused at once or always end: at the cap, or at steps that cannot shrink.
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/run/adaptive.hpp"
#include "support/adaptive_case.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

namespace adaptive_limits_test {

using namespace dpm_test;
using dpm::AdaptiveDpmSolver;
using dpm::Prediction;
using AtCap = AdaptiveDpmSolver::AtCap;
using State = std::vector<double>;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const dpm::AnySchedule schedule = dpm::VpLinear();
const AdaptiveDpmSolver tight{.tolerance = {.absolute = 1e-4, .relative = 1e-3}};

dpm::AdaptiveReport run(const AdaptiveDpmSolver& method, State& x) {
  return dpm::sample_adaptive(method, schedule, test_model(Prediction::noise), x);
}

/// A run that must be refused before its first model call.
template <class Error = dpm::InvalidArgument>
void refuses(const AdaptiveDpmSolver& method, const std::string& message,
             const State& start = test_start(), const dpm::AnySchedule& on = schedule) {
  INFO(message);
  State x = start;
  int calls = 0;
  const auto model = [&](const State& in, double, State& out) {
    ++calls;
    out = in;
  };
  REQUIRE_THROWS_AS(dpm::sample_adaptive(method, on, model, x), Error);
  REQUIRE_THROWS_WITH(dpm::sample_adaptive(method, on, model, x), mentions(message));
  REQUIRE(calls == 0);
  REQUIRE(std::equal(x.begin(), x.end(), start.begin(),
                     [](double a, double b) { return a == b || (a != a && b != b); }));
}

}  // namespace

TEST_CASE("adaptive options out of range are refused") {
  const std::string who = "AdaptiveDpmSolver: ";
  refuses({.order = 1}, who + "order = 1; it must be 2 or 3");
  refuses({.order = 4}, who + "order = 4; it must be 2 or 3");
  for (const double bad : {0.0, -1.0, infinity, double(NAN)}) {
    refuses({.tolerance = {.absolute = bad}}, who + "tolerance.absolute = ");
    refuses({.smallest_step = bad}, who + "smallest_step = ");
    refuses({.first_step = bad}, who + "first_step = ");
    refuses({.safety = bad}, who + "safety = ");
  }
  refuses({.tolerance = {.absolute = 0.0}}, "tolerance.absolute = 0; it must be in (0, inf)");
  refuses({.smallest_step = 9e-11}, "smallest_step = 9e-11; it must be in [1e-10, inf)");
  refuses({.first_step = 1e-9},
          "first_step = 1e-09; it must be finite and at least smallest_step = 1e-08");
  refuses({.safety = 1.0}, "safety = 1; it must be in (0, 1)");
  for (const double bad : {-1.0, infinity, double(NAN)}) {
    refuses({.tolerance = {.relative = bad}}, "; it must be in [0, inf)");
    refuses({.time_tolerance = bad}, who + "time_tolerance = ");
  }
  refuses({.max_model_calls = 2},
          who + "max_model_calls = 2; it must be at least 3, the calls of the shortest run");
  refuses({.max_model_calls = 3, .denoise_to_zero = true},
          "it must be at least 4, the calls of the shortest run");
  refuses({.order = 2, .max_model_calls = -7},
          "max_model_calls = -7; it must be at least 2, the calls of the shortest run");
}

TEST_CASE("ends between which no adaptive run exists are refused") {
  refuses({.end = 0.0}, "the end at time 0 has sigma = 0");
  refuses({}, "the start at time 1 has alpha = 0", test_start(), dpm::RectifiedFlow());
  refuses({.start = 0.2, .end = 0.3}, "from time 0.2 to time 0.3 lambda grows by -");
  refuses({.start = 0.2, .end = 0.2}, "from time 0.2 to time 0.2 lambda grows by 0");
  refuses({.start = 0.2 + 1e-12, .end = 0.2}, "lambda grow by at least smallest_step = 1e-08");
  refuses({.end = 0.25, .time_tolerance = 0.75}, "time_tolerance = 0.75; it must be below the");
  refuses({.start = 1.5}, "AdaptiveDpmSolver: start = 1.5; it must be in [0, 1]");
}

TEST_CASE("starts that are empty, not finite or not whole samples are refused") {
  refuses({}, "sample_adaptive: the start x is empty", State{});
  refuses({.tolerance = {.elements_per_sample = 3}}, "sample_adaptive: elements_per_sample = 3");
  for (const double bad : {infinity, double(NAN)}) {
    refuses<dpm::NonFinite>({}, "sample_adaptive: the start x holds a NaN", State{1.0, bad});
  }
}

TEST_CASE("the cap on model calls is never exceeded, and x is untouched where it fails") {
  for (const int order : {2, 3}) {
    for (const bool denoise : {false, true}) {
      AdaptiveDpmSolver method = tight;
      method.order = order;
      method.denoise_to_zero = denoise;
      State free = test_start();
      const auto report = run(method, free);
      const int least = order + (denoise ? 1 : 0);
      for (int cap = least; cap < report.model_calls; ++cap) {
        method.max_model_calls = cap;
        State x = test_start();
        int calls = 0;
        const auto counted = [&](const State& in, const dpm::Level& at, State& out) {
          ++calls;
          test_network(in, at.time, out);
        };
        REQUIRE_THROWS_WITH(dpm::sample_adaptive(method, schedule, counted, x),
                            mentions("sample_adaptive: max_model_calls = " + std::to_string(cap) +
                                     " are used up at time "));
        REQUIRE(calls <= cap);
        REQUIRE(x == test_start());
      }
      method.max_model_calls = report.model_calls;
      State x = test_start();
      run(method, x);
      REQUIRE(x == free);
    }
  }
}

TEST_CASE("a capped run may finish in one step and says that it did") {
  for (const int order : {2, 3}) {
    for (const bool denoise : {false, true}) {
      AdaptiveDpmSolver method = tight;
      method.order = order;
      method.denoise_to_zero = denoise;
      State free = test_start();
      const int needed = run(method, free).model_calls;
      method.at_cap = AtCap::finish;
      for (int cap = order + (denoise ? 1 : 0); cap < needed + order; ++cap) {
        CAPTURE(order, denoise, cap, needed);
        method.max_model_calls = cap;
        State x = test_start();
        const auto report = run(method, x);
        // Less than one trial is left over.
        REQUIRE(report.model_calls <= cap);
        if (cap < needed) REQUIRE(report.model_calls > cap - order);
        const dpm::AdaptiveTrial& last = report.trials.back();
        REQUIRE(last.accepted);
        REQUIRE(last.to == schedule.level(1e-3));
        REQUIRE(report.within_tolerance == (last.error <= 1.0));
        if (cap < needed / 2) REQUIRE_FALSE(report.within_tolerance);
        State fixed = test_start();
        dpm::sample(make_plan(fixed_method(method), accepted_grid(report, schedule)),
                    test_model(Prediction::noise), fixed);
        REQUIRE(relative_difference(x, fixed) < 1e-13);
      }
      State x = test_start();
      method.max_model_calls = needed + order;
      REQUIRE(run(method, x).within_tolerance);
      REQUIRE(x == free);
    }
  }
}

TEST_CASE("a step that cannot get smaller is an error") {
  AdaptiveDpmSolver method = tight;
  method.smallest_step = method.first_step = 0.3;
  State x = test_start();
  REQUIRE_THROWS_WITH(run(method, x), mentions("sample_adaptive: at time ") &&
                                          mentions("may not be shorter than smallest_step = 0.3; "
                                                   "loosen the tolerance"));
  REQUIRE(x == test_start());

  // What the model says jumps from call to call, so that no step is short enough.
  method = {.tolerance = {.absolute = 1e-12, .relative = 0.0}};
  int calls = 0;
  const auto jumpy = [&](const State&, double, State& out) {
    out.assign(8, ++calls % 2 == 0 ? 1.0 : 2.0);
  };
  REQUIRE_THROWS_WITH(dpm::sample_adaptive(method, schedule, jumpy, x),
                      mentions("smallest_step = 1e-08; loosen the tolerance"));
  REQUIRE(x == test_start());
}

TEST_CASE("an interval that cannot be split is not tried for ever") {
  AdaptiveDpmSolver method{.smallest_step = 1.0};
  method.start = schedule.time_of_lambda(0.0);
  method.end = schedule.time_of_lambda(1.5);
  method.first_step = 2.0;
  method.tolerance = {.absolute = 1.0, .relative = 0.0};
  State x = test_start();
  const auto report = run(method, x);
  REQUIRE(report.trials.size() == 1);
  // Twice too large an error: a step of 1.07 would do, and leave less than the smallest step.
  method.tolerance.absolute = 0.5 * report.trials[0].error;
  REQUIRE_THROWS_WITH(run(method, x), mentions("may not be shorter than smallest_step = 1;"));
}

TEST_CASE("a tolerance below the rounding of the state ends at the cap") {
  const AdaptiveDpmSolver method{.tolerance = {.absolute = 1e-12, .relative = 0.0}};
  const Eigen::ArrayXf start = Eigen::ArrayXf::LinSpaced(8, -1.0F, 1.5F);
  Eigen::ArrayXf x = start;
  const auto network = [](const Eigen::ArrayXf& in, double, Eigen::ArrayXf& out) {
    out = 0.8F * in.tanh();
  };
  REQUIRE_THROWS_WITH(dpm::sample_adaptive(method, schedule, network, x),
                      mentions("max_model_calls = 1000 are used up"));
  REQUIRE((x == start).all());
}

TEST_CASE("the shortest interval is one step, and a run within the time tolerance is over") {
  AdaptiveDpmSolver method{.start = 0.5, .end = 0.499};
  State x = test_start();
  auto report = run(method, x);
  REQUIRE(report.trials.size() == 1);
  REQUIRE(report.trials[0].to == schedule.level(0.499));
  method.end = 0.001;
  method.time_tolerance = 0.05;
  report = run(method, x);
  REQUIRE(report.trials.back().to.time > 0.001);
  REQUIRE(report.trials.back().to.time <= 0.051);
}

}  // namespace adaptive_limits_test
