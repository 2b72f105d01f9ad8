// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Changing the sample between steps: fresh starts, and counts that go on.
#include "dpm/run/edit.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <stop_token>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

namespace edit_test {

using namespace dpm_test;
using State = std::vector<double>;
using Progress = dpm::Progress<State>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
const auto model = test_model(dpm::Prediction::noise);
const auto no_edit = [](State&, const Progress&) { return false; };

dpm::Grid grid_of(int steps) { return make_grid(dpm::UniformLambda{}, schedule, steps); }

dpm::RunOptions<State> with_noise() {
  dpm::RunOptions<State> options;
  options.noise = [](State& z, const dpm::NoiseRequest& request) { test_draw(z, request); };
  return options;
}

void refused(const std::function<void()>& call, const std::string& part) {
  INFO(part);
  REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(call(), mentions(part));
}

}  // namespace

TEST_CASE("without edits the samples are those of the plain run, noise included") {
  State x = test_start();
  State y = x;
  const dpm::DpmSolver method{.order = 2, .tau = 1.0};
  const auto report = dpm::sample_with_edits(method, grid_of(7), model, x, no_edit,
                                             dpm::Prediction::noise, with_noise());
  dpm::sample(make_plan(method, grid_of(7)), model, y, with_noise());
  REQUIRE(x == y);
  REQUIRE(report.steps == 7);
  REQUIRE(report.model_calls == 7);
}

TEST_CASE("after an edit the run is a new one over the rest of the grid") {
  const dpm::Grid grid = grid_of(8);
  for (const bool corrected : {false, true}) {
    const dpm::UniPc method{.order = 3, .corrector = corrected};
    State x = test_start();
    int seen = 0;
    dpm::sample_with_edits(method, grid, model, x, [&](State& at, const Progress& p) {
      REQUIRE(p.step == static_cast<std::size_t>(++seen));
      REQUIRE(p.steps == 8);
      REQUIRE(p.model_calls == seen);
      REQUIRE(p.total_model_calls == 8);
      if (p.step != 3) return false;
      for (double& value : at) value += 0.5;
      return true;
    });
    REQUIRE(seen == 8);

    State y = test_start();
    const dpm::Grid first(schedule, {grid.levels().begin(), grid.levels().begin() + 4});
    const dpm::Grid rest(schedule, {grid.levels().begin() + 3, grid.levels().end()});
    dpm::Stepper<State> run(make_plan(method, grid), y);
    while (const auto call = run.next()) {
      if (run.steps_done() == 3) break;
      model(call->input, call->level, call->output);
    }
    y = run.sample();
    for (double& value : y) value += 0.5;
    dpm::sample(make_plan(method, rest), model, y);
    REQUIRE(x == y);
  }
}

TEST_CASE("a method that cannot be planned for the rest leaves x as it was") {
  State x = test_start();
  refused(
      [&] {
        dpm::sample_with_edits(dpm::Pndm{}, grid_of(4), model, x,
                               [](State&, const Progress&) { return true; });
      },
      "Pndm");
  REQUIRE(x == test_start());
}

TEST_CASE("runs with edits can be stopped, and show their observer all of it") {
  std::stop_source source;
  dpm::RunOptions<State> options;
  options.stop = source.get_token();
  State second;
  options.observer = [&](const Progress& p) {
    if (p.step == 2) {
      second = p.sample;
      source.request_stop();
    }
  };
  State x = test_start();
  const auto report = dpm::sample_with_edits(dpm::Ddim{}, grid_of(6), model, x, no_edit,
                                             dpm::Prediction::noise, options);
  REQUIRE(report.stopped);
  REQUIRE(report.steps == 2);
  REQUIRE(x == second);
}

namespace {
/// Takes two steps for each of the grid's.
struct Halved {};
dpm::Plan make_plan(const Halved&, const dpm::Grid& grid, dpm::Prediction prediction,
                    dpm::Correction correction) {
  std::vector<dpm::Level> levels{grid[0]};
  for (std::size_t i = 1; i < grid.levels().size(); ++i) {
    levels.push_back(grid.schedule().level(0.5 * (grid[i - 1].time + grid[i].time)));
    levels.push_back(grid[i]);
  }
  return make_plan(dpm::Ddim{}, dpm::Grid(grid.schedule(), levels), prediction, correction);
}
}  // namespace

TEST_CASE("an edit between the levels of the grid is refused where the method stops there") {
  const auto edit_at = [](std::size_t step) {
    State x = test_start();
    dpm::sample_with_edits(Halved{}, grid_of(4), model, x,
                           [step](State&, const Progress& p) { return p.step == step; });
    return x;
  };
  REQUIRE_NOTHROW(edit_at(2));
  REQUIRE(edit_at(4) == edit_at(99));
  refused([&] { edit_at(3); }, "which is not a level of the grid");
}

namespace {
/// DDIM that calls the model in every second step only.
struct Lazy {};
dpm::Plan make_plan(const Lazy&, const dpm::Grid& grid, dpm::Prediction prediction,
                    dpm::Correction correction) {
  dpm::Plan plan = make_plan(dpm::Ddim{}, grid, prediction, correction);
  for (std::size_t i = 1; i < plan.steps.size(); i += 2) {
    std::erase_if(plan.steps[i].instructions, [](const dpm::Instruction& instruction) {
      return std::holds_alternative<dpm::Evaluate>(instruction);
    });
  }
  return plan;
}
}  // namespace

TEST_CASE("an edit before a step without a model call is kept") {
  const dpm::Grid grid = grid_of(4);
  const auto edited_after = [&](std::size_t step) {
    State x = test_start();
    std::vector<std::size_t> steps;
    const auto edit = [&](State& y, const Progress& p) {
      steps.push_back(p.step);
      if (p.step == step) y.assign(y.size(), 3.0);
      return p.step == step;
    };
    dpm::sample_with_edits(Lazy{}, grid, model, x, edit);
    REQUIRE(steps == std::vector<std::size_t>{1, 2, 3, 4});
    return x;
  };
  for (std::size_t step = 1; step < 4; ++step) {
    State expected(test_start().size(), 3.0);
    const std::vector<dpm::Level> rest(grid.levels().begin() + static_cast<std::ptrdiff_t>(step),
                                       grid.levels().end());
    const dpm::Plan plan = make_plan(Lazy{}, dpm::Grid(grid.schedule(), rest),
                                     dpm::Prediction::noise, dpm::Correction::none);
    dpm::sample(plan, model, expected);
    REQUIRE(edited_after(step) == expected);
  }
}

TEST_CASE("a run forgets what an edit did if the edit says that it did nothing") {
  const auto lies = [](State& x, const Progress&) {
    x.assign(3, NAN);
    return false;
  };
  for (const int stop_at : {2, 99}) {
    std::stop_source source;
    dpm::RunOptions<State> options;
    options.stop = source.get_token();
    State expected;
    options.observer = [&](const Progress& p) {
      expected = p.sample;
      if (p.step == static_cast<std::size_t>(stop_at)) source.request_stop();
    };
    State x = test_start();
    dpm::sample_with_edits(dpm::Ddim{}, grid_of(6), model, x, lies, dpm::Prediction::noise,
                           options);
    REQUIRE(x == expected);
  }
}

TEST_CASE("empty callables are refused by name, with x untouched") {
  const std::function<void(const State&, double, State&)> no_model;
  const std::function<bool(State&, const Progress&)> empty_edit;
  State x = test_start();
  refused([&] { dpm::sample(schedule, 8, no_model, x); }, "sample: model is empty");
  refused([&] { dpm::sample_with_edits(dpm::Ddim{}, grid_of(3), no_model, x, no_edit); },
          "sample_with_edits: model is empty");
  refused([&] { dpm::sample_with_edits(dpm::Ddim{}, grid_of(3), model, x, empty_edit); },
          "sample_with_edits: edit is empty");
  refused([&] { dpm::sample_adaptive(dpm::AdaptiveDpmSolver{}, schedule, no_model, x); },
          "sample_adaptive: model is empty");
  REQUIRE(x == test_start());
}

TEST_CASE("an edit must keep the sample's shape and leave it finite") {
  for (const std::size_t step : {std::size_t{2}, std::size_t{4}}) {
    State x = test_start();
    const auto grows = [step](State& at, const Progress& p) {
      if (p.step == step) at.resize(4000);
      return p.step == step;
    };
    refused([&] { dpm::sample_with_edits(dpm::Ddim{}, grid_of(4), model, x, grows); },
            "has made the sample 4000 x 1; it must keep its shape, 8 x 1");
    const auto spoils = [step](State& at, const Progress& p) {
      if (p.step == step) at[3] = std::numeric_limits<double>::quiet_NaN();
      return p.step == step;
    };
    REQUIRE_THROWS_AS(dpm::sample_with_edits(dpm::Ddim{}, grid_of(4), model, x, spoils),
                      dpm::NonFinite);
    REQUIRE(x == test_start());
  }
}

TEST_CASE("an edit at the grid's last level does not cost the step to clean data") {
  const dpm::DpmSolver method{.denoise_to_zero = true};
  for (const bool changed : {false, true}) {
    State x = test_start();
    double last_sigma = 1.0;
    const auto report =
        dpm::sample_with_edits(method, grid_of(5), model, x, [&](State&, const Progress& p) {
          last_sigma = p.level.sigma();
          return changed && p.step == 5;
        });
    REQUIRE(report.model_calls == 6);
    REQUIRE(report.steps == 6);
    REQUIRE(last_sigma == 0.0);
    State plain = test_start();
    dpm::sample(make_plan(method, grid_of(5)), model, plain);
    REQUIRE(x == plain);
  }
}

}  // namespace edit_test
