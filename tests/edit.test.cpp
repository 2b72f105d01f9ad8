// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Changing the sample between steps: fresh starts, image-to-image, inpainting.
#include "dpm/run/edit.hpp"

#include <Eigen/Core>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

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
      REQUIRE(p.model_calls_in_all == 8);
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

TEST_CASE("noise draws go on after an edit, none is used twice") {
  std::vector<std::uint32_t> draws;
  dpm::RunOptions<State> options;
  options.noise = [&](State& z, const dpm::NoiseRequest& request) {
    draws.push_back(request.draw);
    test_draw(z, request);
  };
  State x = test_start();
  dpm::sample_with_edits(
      dpm::Ddpm{}, grid_of(5), model, x, [](State&, const Progress&) { return true; },
      dpm::Prediction::noise, options);
  REQUIRE(draws == std::vector<std::uint32_t>{0, 1, 2, 3, 4});
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

TEST_CASE("after edits an observer goes on counting, the time of both sides too") {
  int seen = 0;
  double model_seconds = 0.0;
  double sampler_seconds = 0.0;
  dpm::RunOptions<State> options = with_noise();
  options.observer = [&](const Progress& p) {
    ++seen;
    REQUIRE(p.step == static_cast<std::size_t>(seen));
    REQUIRE(p.steps == 6);
    REQUIRE(p.model_calls == seen);
    REQUIRE(p.model_calls_in_all == 6);
    REQUIRE(p.model_seconds > model_seconds);
    REQUIRE(p.sampler_seconds > sampler_seconds);
    model_seconds = p.model_seconds;
    sampler_seconds = p.sampler_seconds;
  };
  int draws = 0;
  options.noise = [&](State& z, const dpm::NoiseRequest& request) {
    REQUIRE(request.draw == static_cast<std::uint32_t>(draws));
    ++draws;
    test_draw(z, request);
  };
  State x = test_start();
  dpm::sample_with_edits(
      dpm::DpmSolver{.tau = 1.0}, grid_of(6), model, x,
      [](State&, const Progress&) { return true; }, dpm::Prediction::noise, options);
  REQUIRE(seen == 6);
  REQUIRE(draws == 6);
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

TEST_CASE("what an edit did is forgotten where it says that it did nothing") {
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

TEST_CASE("add_noise is alpha x + sigma z") {
  State x{1.0, -2.0};
  const dpm::Level at = schedule.level(0.4);
  dpm::add_noise(
      x, at,
      [](State& z, const dpm::NoiseRequest& request) {
        REQUIRE(request.draw == 5);
        z = {0.5, 3.0};
      },
      5);
  REQUIRE_THAT(x[0], WithinRel(at.alpha() + 0.5 * at.sigma(), 1e-15));
  REQUIRE_THAT(x[1], WithinRel(-2.0 * at.alpha() + 3.0 * at.sigma(), 1e-15));
  refused([&] { dpm::add_noise(x, at, {}); }, "noise is empty");
  refused([&] { dpm::add_noise(x, at, [](State& z, const auto&) { z.resize(1); }); },
          "changed the shape");
}

TEST_CASE("add_noise works through views as on what they view") {
  State x{1.0, -2.0, 0.5};
  State y = x;
  const dpm::Level level = schedule.level(0.4);
  dpm::add_noise(x, level, dpm::NormalNoise{.seed = 3});
  dpm::add_noise(std::span<double>(y), level, dpm::NormalNoise{.seed = 3});
  REQUIRE(x == y);
  Eigen::ArrayXd z(3);
  z << 1.0, -2.0, 0.5;
  dpm::add_noise(Eigen::Map<Eigen::ArrayXd>(z.data(), 3), level, dpm::NormalNoise{.seed = 3});
  for (std::size_t i = 0; i < 3; ++i) REQUIRE(z[static_cast<Eigen::Index>(i)] == x[i]);
}

TEST_CASE("image-to-image starts anywhere, and from little noise comes back to the image") {
  const dpm::Gaussian data({0.5, -1.0}, {0.4, 0.8});
  Eigen::ArrayXXd x = Eigen::ArrayXXd::Constant(2, 3000, 0.9);
  const dpm::Plan plan =
      dpm::make_plan(dpm::default_method, schedule, 10, dpm::UniformTime{.start = 0.05});
  dpm::add_noise(x, plan.start(), dpm::NormalNoise{.seed = 5});
  dpm::sample(plan, data, x);
  // The ODE is linear, so it carries the mean along.
  const std::vector<double> mean(2, 0.9 * plan.start().alpha());
  const auto expected = data.solve_ode(mean, plan.start(), plan.end());
  REQUIRE_THAT(x.row(0).mean(), WithinAbs(expected[0], 0.01));
  REQUIRE(std::abs(expected[0] - 0.9) < 0.1);
}

TEST_CASE("inpainting keeps what is known and fits the rest to it") {
  // Two values that are always equal: where one is known, the other must become it.
  const auto equal_pair = [](const Eigen::ArrayXXd& x, const dpm::Level& at, Eigen::ArrayXXd& out) {
    // x_0 = (v, v) with v ~ N(0, 1): the data prediction is alpha (x1 + x2) / (2 alpha^2 +
    // sigma^2).
    const double alpha = at.alpha();
    const double sigma = at.sigma();
    const double factor = alpha / (2.0 * alpha * alpha + sigma * sigma);
    const Eigen::ArrayXXd v = (factor * (x.row(0) + x.row(1))).replicate(2, 1);
    out = (x - alpha * v) / sigma;
  };
  using Batch = Eigen::ArrayXXd;
  Batch known = Batch::Constant(2, 200, std::numeric_limits<double>::quiet_NaN());
  known.row(0) = 1.3;
  Batch mask = Batch::Zero(2, 200);
  mask.row(0) = 1.0;
  Batch x(2, 200);
  dpm::NormalNoise{.seed = 9}.fill(x);
  dpm::RunOptions<Batch> options;
  options.noise = dpm::NormalNoise{.seed = 9};
  const auto report =
      dpm::sample_with_edits(dpm::Ddim{.eta = 1.0}, grid_of(200).then(0.0), equal_pair, x,
                             dpm::Inpaint<Batch>(known, mask, dpm::NormalNoise{.seed = 9}),
                             dpm::Prediction::noise, options);
  REQUIRE(report.model_calls == 201);
  REQUIRE((x.row(0) == 1.3).all());
  REQUIRE_THAT(x.row(1).mean(), WithinAbs(1.3, 0.15));
}

TEST_CASE("Inpaint refuses masks and shapes that do not fit") {
  const dpm::NoiseSource<State> noise = dpm::NormalNoise{.seed = 1};
  refused([&] { dpm::Inpaint<State>(State(3), State(4), noise); }, "shape of known");
  refused([&] { dpm::Inpaint<State>(State(2), State{0.5, 1.5}, noise); }, "mask holds 1.5");
  refused([&] { dpm::Inpaint<State>(State(2), State{0.5, NAN}, noise); }, "mask holds nan");
  refused([&] { dpm::Inpaint<State>(State(2), State(2), {}); }, "noise is empty");
  refused(
      [&] {
        dpm::Inpaint<State>(State{NAN, 1.0}, State{0.5, 1.0}, noise);
      },
      "known holds nan where the mask is 0.5");
  State x = test_start();
  refused(
      [&] {
        dpm::sample_with_edits(dpm::Ddim{}, grid_of(3), model, x,
                               dpm::Inpaint<State>(State(2), State(2), noise));
      },
      "x is 8 x 1; it must have the shape of the mask, 2 x 1");
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

TEST_CASE("the noise of a start is another than that of the run") {
  Eigen::ArrayXXd start = Eigen::ArrayXXd::Zero(2, 3);
  dpm::add_noise(start, schedule.level(1.0), dpm::NormalNoise{.seed = 3});
  Eigen::ArrayXXd filled(2, 3);
  dpm::NormalNoise{.seed = 3}.fill(filled);
  REQUIRE((start - schedule.level(1.0).sigma() * filled).abs().maxCoeff() < 1e-15);
}
