// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Edits over every method, in either direction.
#include <Eigen/Core>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/test_network.hpp"

namespace edit_methods_test {

using namespace dpm_test;
using State = std::vector<double>;
using Progress = dpm::Progress<State>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

/// Any method as one type, so that the functions under test are compiled once.
struct AnyMethod {
  NamedMethod named;
};
dpm::Plan make_plan(const AnyMethod& method, const dpm::Grid& grid, dpm::Prediction prediction,
                    dpm::Correction correction) {
  return method.named.plan(grid, prediction, correction);
}
dpm::Plan plan_of(const AnyMethod& method, const dpm::Grid& grid, bool corrected) {
  return make_plan(method, grid, dpm::Prediction::noise,
                   corrected ? dpm::Correction::data : dpm::Correction::none);
}

dpm::Grid rest_of(const dpm::Grid& grid, std::size_t place) {
  return {grid.schedule(),
          {grid.levels().begin() + static_cast<std::ptrdiff_t>(place), grid.levels().end()}};
}

dpm::RunOptions<State> options_for(bool corrected) {
  dpm::RunOptions<State> options;
  options.noise = &test_draw;
  if (corrected) options.correction = dpm::Clip(0.9);
  return options;
}

/// Whether there is an edit after a step, and what it does.
using Edited = std::function<bool(std::size_t step)>;
void change(State& x, std::size_t step) {
  for (double& value : x) value = 0.9 * value + 0.05 * static_cast<double>(step);
}

/// What a run with edits must come to. For each step: its number, the number of all, model calls so
/// far and in all, and the time it leads to.
struct Expected {
  State x = test_start();
  std::vector<std::tuple<std::size_t, std::size_t, int, int, double>> told;
  std::uint32_t draws = 0;
};

/// Goes on by a fresh run of `plan`, up to its first edited step or its end.
void run_to_edit(Expected& run, dpm::Plan plan, const Edited& edited, bool corrected) {
  const std::size_t before = run.told.size();
  const std::size_t steps = before + plan.steps.size();
  const int calls = before == 0 ? 0 : std::get<2>(run.told.back());
  const int calls_in_all = calls + plan.model_calls();
  std::size_t done = 1;
  while (done < plan.steps.size() && !edited(before + done)) ++done;
  for (std::size_t i = 1; i <= done; ++i) {
    dpm::Plan beginning = plan;
    beginning.steps.resize(i);
    run.told.emplace_back(before + i, steps, calls + beginning.model_calls(), calls_in_all,
                          beginning.end().time);
  }
  plan.steps.resize(done);
  auto options = options_for(corrected);
  options.noise = [&run](State& z, dpm::NoiseRequest request) {
    request.draw += run.draws;
    test_draw(z, request);
  };
  dpm::sample(plan, test_model(dpm::Prediction::noise), run.x, options);
  run.draws += static_cast<std::uint32_t>(plan.draws());
  if (edited(before + done)) change(run.x, before + done);
}

/// Fresh runs, each over the rest of the grid, from one edit to the next. The step to sigma = 0
/// that a method may add after the grid is of first order.
Expected by_hand(const AnyMethod& method, const dpm::Grid& grid, const Edited& edited,
                 bool corrected) {
  Expected run;
  bool adds_zero = false;
  const auto stands = [&run] { return std::get<4>(run.told.back()); };
  for (std::size_t place = 0; place < grid.steps();) {
    const dpm::Plan plan = plan_of(method, rest_of(grid, place), corrected);
    adds_zero = plan.end().time != grid.back().time;
    run_to_edit(run, plan, edited, corrected);
    while (place < grid.steps() && grid[place].time != stands()) ++place;
  }
  if (adds_zero && stands() > 0.0) {
    const AnyMethod first_order{named("", dpm::DpmSolver{.order = 1})};
    const dpm::Plan plan = plan_of(first_order, rest_of(grid.then(0.0), grid.steps()), corrected);
    run_to_edit(run, plan, edited, corrected);
  }
  return run;
}

/// Whether the run is refused, with x untouched; if it is not, it must be the one by hand.
bool refuses(const AnyMethod& method, const dpm::Grid& grid, const Edited& edited, bool corrected) {
  State x = test_start();
  Expected seen;
  auto options = options_for(corrected);
  options.noise = [&seen](State& z, const dpm::NoiseRequest& request) {
    REQUIRE(request.draw == seen.draws++);  // none is left out, none asked for twice
    test_draw(z, request);
  };
  const auto edit = [&](State& at, const Progress& p) {
    seen.told.emplace_back(p.step, p.steps, p.model_calls, p.total_model_calls, p.level.time);
    if (edited(p.step)) change(at, p.step);
    return edited(p.step);
  };
  dpm::RunReport report;
  try {
    report = dpm::sample_with_edits(method, grid, test_model(dpm::Prediction::noise), x, edit,
                                    dpm::Prediction::noise, options);
  } catch (const dpm::InvalidArgument&) {
    REQUIRE_THROWS_AS(by_hand(method, grid, edited, corrected), dpm::InvalidArgument);
    REQUIRE(x == test_start());
    return true;
  }
  const Expected expected = by_hand(method, grid, edited, corrected);
  REQUIRE(x == expected.x);
  REQUIRE(seen.told == expected.told);
  REQUIRE(seen.draws == expected.draws);
  REQUIRE(report.steps == expected.told.size());
  REQUIRE(report.model_calls == std::get<2>(expected.told.back()));
  return false;
}

/// Asks for edits after the first step, after two in the middle, after the last and after every
/// step; the number of runs that were refused.
int count_refused(const AnyMethod& method, const dpm::Grid& grid) {
  int refused = 0;
  for (const bool corrected : {false, true}) {
    const std::size_t last = plan_of(method, grid, corrected).steps.size();
    for (const Edited& edited : {Edited([](std::size_t step) { return step == 1; }),
                                 Edited([](std::size_t step) { return step == 2 || step == 3; }),
                                 Edited([last](std::size_t step) { return step + 1 == last; }),
                                 Edited([last](std::size_t step) { return step == last; }),
                                 Edited([](std::size_t) { return true; })}) {
      CAPTURE(method.named.name, corrected, edited(1), edited(2), edited(last - 1), edited(last));
      refused += refuses(method, grid, edited, corrected) ? 1 : 0;
    }
  }
  return refused;
}

}  // namespace

TEST_CASE("for every method in either direction an edit begins a fresh run over the rest") {
  int inversions = 0;
  for (const NamedMethod& method : every_method()) {
    const dpm::Grid grid = method.grid(schedule, 1.0, 1e-3, 8);
    // PNDM's warm-up alone needs more steps than the last edits leave, and Restart levels to go
    // back to.
    const int refused = method.name == "PNDM" || method.name == "Restart" ? 4 : 0;
    REQUIRE(count_refused({method}, grid) == refused);
    if (!method.inverts()) continue;
    REQUIRE(count_refused({method}, grid.reversed()) == refused);
    ++inversions;
  }
  REQUIRE(inversions > 50);
}

TEST_CASE("the step to clean data that a method adds comes after any edit, and may be edited") {
  using dpm::DpmSolver;
  constexpr auto singlestep = DpmSolver::Form::singlestep;
  for (DpmSolver method :
       {DpmSolver{.order = 3}, DpmSolver{.order = 2, .tau = 1.0},
        DpmSolver{.order = 2, .form = singlestep},
        DpmSolver{.order = 3, .form = singlestep, .stages = DpmSolver::Stages::on_grid}}) {
    method.denoise_to_zero = true;
    const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 7);
    REQUIRE(count_refused({named("denoising", method)}, grid) == 0);
  }
}

TEST_CASE("whatever throws in a run with edits, x is untouched, and the next run is whole") {
  struct Thrown {};
  std::string thrower;
  int left = 0;
  const auto ask = [&](const char* name) {
    if (thrower == name && --left == 0) throw Thrown();
  };
  dpm::RunOptions<State> options;
  options.noise = [&](State& z, const dpm::NoiseRequest& request) {
    ask("noise");
    test_draw(z, request);
  };
  options.correction = [&](State& data, const dpm::Level& at) {
    ask("correction");
    dpm::Clip(0.9)(data, at);
  };
  options.observer = [&](const Progress&) { ask("observer"); };
  options.preview = [&](const State&, const dpm::Level&) { ask("preview"); };
  const auto run = [&](State& x) {
    const auto network = [&](const State& at, double timestep, State& out) {
      ask("model");
      test_network(at, timestep, out);
    };
    const auto edit = [&](State& at, const Progress& p) {
      change(at, p.step);
      ask("edit");
      return p.step % 2 == 0;
    };
    dpm::sample_with_edits(dpm::SaSolver{}, make_grid(dpm::UniformLambda{}, schedule, 5), network,
                           x, edit, dpm::Prediction::noise, options);
  };
  State whole = test_start();
  run(whole);
  for (const char* name : {"noise", "correction", "observer", "preview", "edit", "model"}) {
    for (int call = 1; call <= 5; ++call) {  // each is called five times
      CAPTURE(name, call);
      thrower = name;
      left = call;
      State x = test_start();
      REQUIRE_THROWS_AS(run(x), Thrown);
      REQUIRE(x == test_start());
      run(x);
      REQUIRE(x == whole);
    }
  }
}

}  // namespace edit_methods_test
