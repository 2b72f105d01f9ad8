// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What is counted in a run with edits goes on after each: noise draws, steps, model calls, time.
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/run/edit.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

namespace edit_counts_test {

using namespace dpm_test;
using State = std::vector<double>;
using Progress = dpm::Progress<State>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
const auto model = test_model(dpm::Prediction::noise);

dpm::Grid grid_of(int steps) { return make_grid(dpm::UniformLambda{}, schedule, steps); }

/// What a run of eight steps over a grid says that is edited after its third step and meets
/// `spoil` in its model call number `bad`.
std::string said_in_call(int bad, const std::function<void(State&)>& spoil) {
  int calls = 0;
  const auto bad_model = [&](const State& x, const dpm::Level& at, State& out) {
    model(x, at, out);
    if (++calls == bad) spoil(out);
  };
  const std::vector<double> times{1.0, 0.9, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0.0625};
  State x = test_start();
  std::string what;
  try {
    dpm::sample_with_edits(dpm::UniPc{}, dpm::grid_of_times(schedule, times), bad_model, x,
                           [](State&, const Progress& p) { return p.step == 3 || p.step == 5; });
  } catch (const dpm::NonFinite& error) {
    what = error.what();
  } catch (const dpm::InvalidArgument& error) {
    what = error.what();
  }
  REQUIRE(x == test_start());
  return what;
}

}  // namespace

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

TEST_CASE("after edits an observer goes on counting, the time of both sides too") {
  int seen = 0;
  double model_seconds = 0.0;
  double sampler_seconds = 0.0;
  dpm::RunOptions<State> options;
  options.observer = [&](const Progress& p) {
    ++seen;
    REQUIRE(p.step == static_cast<std::size_t>(seen));
    REQUIRE(p.steps == 6);
    REQUIRE(p.model_calls == seen);
    REQUIRE(p.total_model_calls == 6);
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

TEST_CASE("after edits errors count the steps of the whole run") {
  const auto nan = [](State& out) { out[2] = std::numeric_limits<double>::quiet_NaN(); };
  const std::string bad = ") holds a NaN or an infinity";
  REQUIRE(said_in_call(3, nan) ==
          "step 3 of 8: the model's output (time 0.75, timestep 0.75" + bad);
  REQUIRE(said_in_call(4, nan) ==
          "step 4 of 8: the model's output (time 0.625, timestep 0.625" + bad);
  REQUIRE(said_in_call(6, nan) ==
          "step 6 of 8: the model's output (time 0.375, timestep 0.375" + bad);
  REQUIRE(said_in_call(8, nan) ==
          "step 8 of 8: the model's output (time 0.125, timestep 0.125" + bad);
  REQUIRE(said_in_call(7, [](State& out) { out.resize(3); }) ==
          "step 7 of 8: the model's output (time 0.25, timestep 0.25) is 3 x 1; it must have the "
          "shape of the sample, 8 x 1");
  // So do the edits themselves, and the step to clean data that has a plan of its own.
  State x = test_start();
  const auto late = [](State& at, const Progress& p) {
    if (p.step == 4) at[0] = NAN;
    return p.step % 2 == 0;
  };
  REQUIRE_THROWS_WITH(dpm::sample_with_edits(dpm::Ddim{}, grid_of(5), model, x, late),
                      "sample_with_edits: the edit after step 4 has left a NaN or an infinity in "
                      "the sample");
  int calls = 0;
  const auto last = [&](const State& at, const dpm::Level& level, State& out) {
    model(at, level, out);
    if (++calls == 6) out[0] = INFINITY;
  };
  REQUIRE_THROWS_WITH(
      dpm::sample_with_edits(dpm::DpmSolver{.denoise_to_zero = true}, grid_of(5), last, x,
                             [](State&, const Progress& p) { return p.step == 5; }),
      mentions("step 6 of 6: the model's output (time 0.001, timestep 0.001)"));
  REQUIRE(x == test_start());
}

TEST_CASE("a method that counts calls makes them in each plan, or is refused for the rest") {
  dpm::DpmSolver method{.order = 3, .form = dpm::DpmSolver::Form::singlestep};
  method.model_calls = 6;
  int in_all = 0;
  const auto edit_after = [&](std::size_t step) {
    State x = test_start();
    return dpm::sample_with_edits(method, grid_of(4), model, x,
                                  [&, step](State&, const Progress& p) {
                                    in_all = p.total_model_calls;
                                    return p.step == step;
                                  })
        .model_calls;
  };
  REQUIRE(edit_after(99) == 6);
  const int of_first_step = edit_after(1) - 6;
  REQUIRE(of_first_step > 0);
  REQUIRE(in_all == of_first_step + 6);
  REQUIRE_THROWS_WITH(edit_after(3), mentions("DpmSolver: model_calls = 6"));  // in one step
}

}  // namespace edit_counts_test
