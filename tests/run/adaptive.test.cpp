// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Adaptive DPM-Solver: what a run computes, what it costs, and what it reports.
#include <Eigen/Core>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/run/adaptive.hpp"
#include "support/adaptive_case.hpp"
#include "support/catch.hpp"
#include "support/order_problems.hpp"
#include "support/reference_data.hpp"
#include "support/test_network.hpp"

namespace adaptive_test {

using namespace dpm_test;
using dpm::AdaptiveDpmSolver;
using dpm::Prediction;
using dpm::Space;
using State = std::vector<double>;
using Update = dpm::DpmSolver::Update;
using Norm = dpm::ErrorTolerance::Norm;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

/// Every pair, in every form.
std::vector<AdaptiveDpmSolver> pairs() {
  std::vector<AdaptiveDpmSolver> all;
  for (const int order : {2, 3}) {
    for (const Space space : {Space::noise, Space::data}) {
      for (const Update update : {Update::midpoint, Update::taylor}) {
        all.push_back({.order = order, .space = space, .update = update});
        all.back().tolerance.elements_per_sample = 4;
      }
    }
  }
  return all;
}

/// One step of a fixed method from s to t.
State one_step(const dpm::DpmSolver& method, const dpm::Level& s, const dpm::Level& t, State x) {
  dpm::sample(make_plan(method, dpm::Grid(schedule, {s, t})), test_model(Prediction::noise), x);
  return x;
}

/// (higher - lower) / max(absolute, relative max(|lower|, |previous|)), squared.
double squared_error(const dpm::ErrorTolerance& tolerance, double lower, double higher,
                     double previous) {
  const double size = std::max(std::abs(lower), std::abs(previous));
  return std::pow((higher - lower) / std::max(tolerance.absolute, tolerance.relative * size), 2);
}

}  // namespace

TEST_CASE("the official adaptive runs are repeated step by step, with fewer calls") {
  int cases = 0;
  for (const auto& c : reference_data("dpm_solver.json")) {
    if (c["method"] != "adaptive") continue;
    INFO(c["id"]);
    REQUIRE(run_adaptive_case(c).complaint.empty());
    ++cases;
  }
  REQUIRE(cases == 12);
}

TEST_CASE("an adaptive run is the fixed run over the levels of its accepted trials") {
  for (AdaptiveDpmSolver method : pairs()) {
    // No trial is rejected with the first tolerance, and some are with the second.
    for (const double absolute : {1e3, 1e-3}) {
      for (const auto prediction :
           {Prediction::noise, Prediction::data, Prediction::velocity, Prediction::score}) {
        CAPTURE(method.order, int(method.space), int(method.update), absolute, int(prediction));
        method.tolerance.absolute = absolute;
        method.denoise_to_zero = absolute == 1e-3;
        State x = test_start();
        const auto report =
            dpm::sample_adaptive(method, schedule, test_model(prediction), x, prediction);
        REQUIRE((report.rejected == 0) == (absolute == 1e3));
        const dpm::Plan plan =
            make_plan(fixed_method(method), accepted_grid(report, schedule), prediction);
        State fixed = test_start();
        dpm::sample(plan, test_model(prediction), fixed);
        REQUIRE(relative_difference(x, fixed) < 1e-13);
        REQUIRE(plan.end() == schedule.level(method.denoise_to_zero ? 0.0 : 1e-3));
      }
    }
  }
}

TEST_CASE("an adaptive run reports the calls that it makes, and asks no point twice") {
  for (AdaptiveDpmSolver method : pairs()) {
    method.tolerance.absolute = 1e-3;
    method.denoise_to_zero = method.order == 3;
    int calls = 0;
    std::set<std::pair<double, double>> points;
    std::vector<std::pair<std::size_t, double>> seen;
    const auto model = [&](const State& x, const dpm::Level& at, State& out) {
      ++calls;
      points.insert({at.time, x[0]});
      test_network(x, at.time, out);
    };
    const auto observer = [&](const dpm::Progress<State>& progress) {
      seen.emplace_back(progress.step, progress.level.time);
      REQUIRE(progress.model_calls == calls);
    };
    State x = test_start();
    const auto report =
        dpm::sample_adaptive(method, schedule, model, x, Prediction::noise, {.observer = observer});
    const int accepted = static_cast<int>(report.accepted);
    const int rejected = static_cast<int>(report.rejected);
    const int last = method.denoise_to_zero ? 1 : 0;
    REQUIRE(report.rejected > 0);
    REQUIRE(calls == method.order * accepted + (method.order - 1) * rejected + last);
    REQUIRE(report.model_calls == calls);
    REQUIRE(points.size() == static_cast<std::size_t>(calls));
    REQUIRE(report.trials.size() == report.accepted + report.rejected);
    const dpm::Grid grid = accepted_grid(report, schedule);
    REQUIRE(grid.steps() == report.accepted);
    REQUIRE(seen.size() == report.accepted + static_cast<std::size_t>(last));
    for (std::size_t i = 0; i < report.accepted; ++i) {
      REQUIRE(seen[i] == std::pair(i + 1, grid[i + 1].time));
    }
    if (last == 1) REQUIRE(seen.back() == std::pair(report.accepted + 1, 0.0));
  }
}

TEST_CASE("trials follow algorithm 2") {
  for (AdaptiveDpmSolver method : pairs()) {
    method.tolerance.absolute = 1e-3;
    State x = test_start();
    const auto report = dpm::sample_adaptive(method, schedule, test_model(Prediction::noise), x);
    REQUIRE_THAT(report.trials[0].step(), WithinRel(method.first_step, 1e-12));
    REQUIRE(report.within_tolerance);
    for (std::size_t i = 0; i < report.trials.size(); ++i) {
      const dpm::AdaptiveTrial& trial = report.trials[i];
      REQUIRE(trial.accepted == (trial.error <= 1.0));
      if (i + 1 == report.trials.size()) continue;
      const dpm::AdaptiveTrial& next = report.trials[i + 1];
      REQUIRE(next.from == (trial.accepted ? trial.to : trial.from));
      const double left = schedule.level(1e-3).lambda() - next.from.lambda();
      const double length = 0.9 * trial.step() * std::pow(trial.error, -1.0 / method.order);
      // The power is rounded to float, and levels carry the rounding of their times.
      REQUIRE_THAT(next.step(), WithinRel(std::min(length, left), 1e-7));
    }
  }
}

TEST_CASE("the error is what the two orders differ by, in tolerances") {
  for (AdaptiveDpmSolver method : pairs()) {
    const dpm::DpmSolver higher = fixed_method(method);
    dpm::DpmSolver lower = higher;
    lower.order = method.order - 1;
    lower.r1 = higher.inner_ratio();
    for (const Norm norm : {Norm::largest_sample, Norm::whole_batch}) {
      method.tolerance.norm = norm;
      method.first_step = 2.0;
      State x = test_start();
      const auto report = dpm::sample_adaptive(method, schedule, test_model(Prediction::noise), x);
      const dpm::AdaptiveTrial& trial = report.trials[0];
      const State low = one_step(lower, trial.from, trial.to, test_start());
      const State high = one_step(higher, trial.from, trial.to, test_start());
      double sums[2] = {0.0, 0.0};
      for (std::size_t i = 0; i < 8; ++i) {
        sums[i / 4] += squared_error(method.tolerance, low[i], high[i], test_start()[i]);
      }
      REQUIRE(std::abs(sums[0] - sums[1]) > 0.1 * sums[0]);
      const double mean =
          norm == Norm::whole_batch ? (sums[0] + sums[1]) / 8.0 : std::max(sums[0], sums[1]) / 4.0;
      REQUIRE_THAT(trial.error, WithinRel(std::sqrt(mean), 1e-10));
    }
  }
}

TEST_CASE("the error of a run is proportional to its tolerance") {
  const dpm::Gaussian network = order_gaussian();
  const State start = order_start(false);
  const State exact = network.solve_ode(start, schedule.level(1.0), schedule.level(1e-3));
  for (AdaptiveDpmSolver method : pairs()) {
    method.tolerance.elements_per_sample = 0;
    method.max_model_calls = 1000000;
    const auto error_at = [&](double tolerance) {
      method.tolerance.absolute = tolerance;
      method.tolerance.relative = tolerance;
      State x = start;
      REQUIRE(dpm::sample_adaptive(method, schedule, network, x).within_tolerance);
      return relative_difference(x, exact);
    };
    CAPTURE(method.order, int(method.space), int(method.update));
    // The estimate of a step grows as h^p, and so does the error of a run of order p: both are the
    // tolerance to the first power, once steps are short enough.
    const double coarse = method.order == 2 ? 1e-4 : 1e-6;
    const double slope = std::log10(error_at(coarse) / error_at(1e-3 * coarse)) / 3.0;
    REQUIRE_THAT(slope, WithinAbs(1.0, 0.1));
  }
}

}  // namespace adaptive_test
