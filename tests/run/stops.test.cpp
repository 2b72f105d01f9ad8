// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs that are stopped before each of their model calls: what is left, and how they go on.
#include <cstddef>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/test_network.hpp"

namespace stops_test {

using namespace dpm_test;
using State = std::vector<double>;
using Stepper = dpm::Stepper<State>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

/// Every method, and plans with what no method has by itself: scaled inputs, a start from pure
/// noise, corrections, an added step to clean data, error estimates.
std::vector<std::pair<std::string, dpm::Plan>> every_plan() {
  std::vector<std::pair<std::string, dpm::Plan>> plans;
  for (const NamedMethod& method : every_method()) {
    const dpm::Grid grid = method.grid(schedule, 1.0, 1e-3, 6);
    plans.emplace_back(method.name, method(grid, dpm::Prediction::noise));
  }
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 6);
  plans.emplace_back("EDM, Heun", dpm::make_plan(dpm::Heun{}, dpm::Edm(), 8, dpm::Prediction::edm));
  plans.emplace_back("EDM, default", dpm::make_plan(dpm::Edm(), 6, dpm::Prediction::edm));
  plans.emplace_back("flow", dpm::make_plan(dpm::RectifiedFlow(3.0), 6, dpm::Prediction::flow));
  plans.emplace_back("corrected", make_plan(dpm::SaSolver{}, grid, dpm::Prediction::velocity,
                                            dpm::Correction::data));
  plans.emplace_back(
      "denoising",
      make_plan(dpm::DpmSolver{.order = 3, .estimate_error = true, .denoise_to_zero = true}, grid));
  return plans;
}

dpm::RunOptions<State> options_for(const dpm::Plan& plan, std::stop_token stop = {}) {
  dpm::RunOptions<State> options;
  options.noise = &test_draw;
  if (plan.corrections() > 0) options.correction = dpm::Clip(0.9);
  options.stop = std::move(stop);
  return options;
}

template <class Call>
void answer(const Call& call) {
  test_network(call.input, call.level.timestep, call.output);
}

/// What a run that nobody stops shows.
struct Whole {
  std::vector<State> after;               ///< the sample after so many steps
  std::vector<std::size_t> steps_before;  ///< steps finished before each call, then all
  std::vector<State> previews;            ///< of each call
};

Whole whole_run(const dpm::Plan& plan) {
  Whole whole;
  whole.after.push_back(test_start());
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    for (const dpm::Instruction& instruction : plan.steps[i].instructions) {
      if (std::holds_alternative<dpm::Evaluate>(instruction)) whole.steps_before.push_back(i);
    }
    dpm::Plan beginning = plan;
    beginning.steps.resize(i + 1);
    auto options = options_for(plan);
    whole.previews.clear();
    options.preview = [&whole](const State& data, const dpm::Level&) {
      whole.previews.push_back(data);
    };
    Stepper run(beginning, test_start(), options);
    while (const auto call = run.next()) answer(*call);
    whole.after.push_back(run.sample());
  }
  whole.steps_before.push_back(plan.steps.size());
  return whole;
}

/// Finishes a run and holds it against the whole one.
void require_finishes(Stepper run, const Whole& whole) {
  while (const auto call = run.next()) answer(*call);
  REQUIRE(run.sample() == whole.after.back());
  REQUIRE(run.steps_done() == whole.after.size() - 1);
  REQUIRE(run.model_calls() == run.plan().model_calls());
  REQUIRE_FALSE(run.stopped());
}

/// Forks a run before call number `calls` and looks on while the fork finishes.
void require_forks(const Stepper& run, const Whole& whole, std::size_t calls) {
  std::vector<State> previews(whole.previews.begin(),
                              whole.previews.begin() + static_cast<std::ptrdiff_t>(calls));
  auto options = options_for(run.plan());
  options.preview = [&previews](const State& data, const dpm::Level&) { previews.push_back(data); };
  require_finishes(run.fork(options), whole);
  REQUIRE(previews == whole.previews);
}

}  // namespace

TEST_CASE("whatever says stop_requested() stops a run, and copies of a request ask the same") {
  struct Flag {
    const bool* set;
    [[nodiscard]] bool stop_requested() const { return *set; }
  };
  const dpm::Plan plan = dpm::make_plan(dpm::Ddim{}, schedule, 6);
  REQUIRE_FALSE(dpm::StopRequest().stop_requested());
  bool set = false;
  dpm::RunOptions<State> options{.stop = Flag{&set}};
  dpm::StopRequest copy = options.stop;
  Stepper run(plan, test_start(), options);
  answer(*run.next());
  answer(*run.next());
  set = true;
  REQUIRE(copy.stop_requested());
  REQUIRE_FALSE(run.next().has_value());
  REQUIRE(run.stopped());
  REQUIRE(run.steps_done() == 2);
  run.resume(std::stop_token());
  require_finishes(run, whole_run(plan));

  const dpm::StopRequest moved = std::move(copy);
  REQUIRE(moved.stop_requested());
  REQUIRE_FALSE(copy.stop_requested());  // NOLINT(bugprone-use-after-move)
}

TEST_CASE("a stop before any call leaves the sample of the last finished step and says so") {
  for (const auto& [name, plan] : every_plan()) {
    const Whole whole = whole_run(plan);
    const std::size_t calls_in_all = whole.previews.size();
    REQUIRE(calls_in_all == static_cast<std::size_t>(plan.model_calls()));
    for (std::size_t stop_after = 0; stop_after <= calls_in_all; ++stop_after) {
      CAPTURE(name, stop_after);
      std::stop_source source;
      if (stop_after == 0) source.request_stop();
      std::size_t calls = 0;
      std::size_t previews = 0;
      std::size_t steps = 0;
      auto options = options_for(plan, source.get_token());
      options.preview = [&](const State& data, const dpm::Level&) {
        REQUIRE(data == whole.previews.at(previews++));
      };
      options.observer = [&](const dpm::Progress<State>& p) { steps = p.step; };
      State x = test_start();
      const auto report = dpm::sample(
          plan,
          [&](const State& at, double timestep, State& out) {
            if (++calls == stop_after) source.request_stop();
            test_network(at, timestep, out);
          },
          x, options);
      REQUIRE(report.stopped == (stop_after < calls_in_all));
      REQUIRE(report.model_calls == static_cast<int>(stop_after));
      REQUIRE(calls == stop_after);
      REQUIRE(previews == stop_after);
      REQUIRE(report.steps == whole.steps_before[stop_after]);
      REQUIRE(steps == report.steps);
      REQUIRE(x == whole.after[report.steps]);
    }
  }
}

TEST_CASE("a run stopped before each of its calls goes on to the same bits, saved or forked too") {
  for (const auto& [name, plan] : every_plan()) {
    const Whole whole = whole_run(plan);
    std::stop_source source;
    Stepper run(plan, test_start(), options_for(plan, source.get_token()));
    for (std::size_t calls = 0; calls < whole.previews.size(); ++calls) {
      CAPTURE(name, calls);
      REQUIRE_FALSE(run.stopped());
      source.request_stop();
      REQUIRE_FALSE(run.next());
      REQUIRE_FALSE(run.next());  // and stays stopped
      REQUIRE(run.stopped());
      REQUIRE(run.model_calls() == static_cast<int>(calls));
      REQUIRE(run.steps_done() == whole.steps_before[calls]);
      REQUIRE(run.sample() == whole.after[run.steps_done()]);
      require_forks(run, whole, calls);

      const std::vector<std::byte> bytes = dpm::save(run);
      require_finishes(dpm::load(bytes, plan, State(8), options_for(plan)), whole);
      Stepper loaded = dpm::load(bytes, plan, State(8), options_for(plan, source.get_token()));
      REQUIRE(loaded.stopped());
      REQUIRE_FALSE(loaded.next());
      REQUIRE(loaded.sample() == run.sample());
      REQUIRE(dpm::save(loaded) == bytes);
      loaded.resume();
      require_forks(loaded, whole, calls);
      require_finishes(std::move(loaded), whole);

      source = {};
      run.resume(source.get_token());
      const auto call = run.next();
      REQUIRE(call);
      require_forks(run, whole, calls);  // the call is open, and the fork's too
      answer(*call);
    }
    require_finishes(std::move(run), whole);
  }
}

TEST_CASE("a stop asked for by an edit keeps what the edit did, and the rest can be run later") {
  const dpm::DpmSolver method{.order = 3, .denoise_to_zero = true};
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 5);
  const auto model = [](const State& x, double timestep, State& out) {
    test_network(x, timestep, out);
  };
  std::size_t stop_at = 0;
  std::stop_source source;
  std::vector<State> after;
  const auto edit = [&](State& x, const dpm::Progress<State>& p) {
    for (double& value : x) value *= 0.9;
    after.push_back(x);
    if (p.step == stop_at) source.request_stop();
    return true;
  };
  State whole = test_start();
  dpm::sample_with_edits(method, grid, model, whole, edit);
  REQUIRE(after.size() == 6);
  const std::vector<State> expected = after;
  for (stop_at = 1; stop_at <= 6; ++stop_at) {
    CAPTURE(stop_at);
    source = {};
    dpm::RunOptions<State> options;
    options.stop = source.get_token();
    State x = test_start();
    const auto report =
        dpm::sample_with_edits(method, grid, model, x, edit, dpm::Prediction::noise, options);
    REQUIRE(report.steps == stop_at);
    REQUIRE(report.stopped == (stop_at < 6));
    REQUIRE(x == expected[stop_at - 1]);
    if (stop_at >= 5) continue;
    const auto from = grid.levels().begin() + static_cast<std::ptrdiff_t>(stop_at);
    dpm::sample_with_edits(method, dpm::Grid(schedule, {from, grid.levels().end()}), model, x,
                           edit);
    REQUIRE(x == whole);
  }
}

TEST_CASE("a run that is given up before any of its calls leaves nothing for the next") {
  for (const auto& [name, plan] : every_plan()) {
    INFO(name);
    const State next(4, 0.25);
    const auto fresh = dpm::save(Stepper(plan, next, options_for(plan)));
    Stepper run(plan, State(4, -0.75), options_for(plan));
    while (const auto call = run.next()) {
      Stepper copy = run;
      copy.reset(next);
      REQUIRE(dpm::save(copy) == fresh);
      answer(*call);
    }
    run.reset(next);
    REQUIRE(dpm::save(run) == fresh);
  }
}

}  // namespace stops_test
