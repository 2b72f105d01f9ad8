// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What noises an image, keeps a part of it or edits a sample, when it is wrong, and the sentence
/// that it gets.
#include <functional>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/run/edit.hpp"
#include "dpm/run/inpaint.hpp"
#include "support/catch.hpp"
#include "support/refusals.hpp"
#include "support/test_network.hpp"

namespace edit_refusals_test {

using namespace dpm_test;

namespace {

using State = std::vector<double>;
using Options = dpm::RunOptions<State>;
using Progress = dpm::Progress<State>;
using Model = std::function<void(const State&, const dpm::Level&, State&)>;
using Edit = std::function<bool(State&, const Progress&)>;

const dpm::AnySchedule schedule = dpm::VpLinear();
const Model network = test_model(dpm::Prediction::noise);
const auto no_edit = [](State&, const Progress&) { return false; };

dpm::Grid six_steps() { return make_grid(dpm::UniformLambda{}, schedule, 6); }

/// A method that halves the steps of the grid.
struct Halved {};
dpm::Plan make_plan(const Halved&, const dpm::Grid& grid, dpm::Prediction prediction,
                    dpm::Correction correction) {
  std::vector<double> times{grid[0].time};
  for (std::size_t i = 1; i < grid.levels().size(); ++i) {
    times.push_back(0.5 * (grid[i - 1].time + grid[i].time));
    times.push_back(grid[i].time);
  }
  return make_plan(dpm::Ddim{}, dpm::grid_of_times(schedule, times), prediction, correction);
}

}  // namespace

TEST_CASE("functions that noise an image or keep a part of it refuse bad input") {
  using Inpaint = dpm::Inpaint<State>;
  const dpm::NoiseSource<State> noise = dpm::NormalNoise{.seed = 1};
  const dpm::Level at = schedule.level(0.5);
  const auto with = [](double value) {
    State state(8, 0.5);
    state[3] = value;
    return state;
  };
  const auto mask_holds = [](const std::string& value) {
    return "Inpaint: mask holds " + value + "; its values must lie between 0 and 1";
  };
  refuses(
      {{"no noise to add", [&](State& x) { dpm::add_noise(x, at, {}); },
        "add_noise: noise is empty; it must be a noise source"},
       {"noise that changes the shape",
        [&](State& x) {
          dpm::add_noise(x, at, [](State& z, const dpm::NoiseRequest&) { z.resize(9); });
        },
        "add_noise: the noise (draw 4294967295) is 9 x 1; it must have the shape of x, 8 x 1"},
       {"a mask of another shape", [&](State&) { Inpaint(State(8), State(9), noise); },
        "Inpaint: mask is 9 x 1; it must have the shape of known, 8 x 1"},
       {"a mask above 1", [&](State&) { Inpaint(State(8), with(1.5), noise); }, mask_holds("1.5")},
       {"a mask below 0", [&](State&) { Inpaint(State(8), with(-0.25), noise); },
        mask_holds("-0.25")},
       {"a NaN in the mask", [&](State&) { Inpaint(State(8), with(not_a_number), noise); },
        mask_holds("nan")},
       {"a NaN in what is known", [&](State&) { Inpaint(with(not_a_number), with(0.25), noise); },
        "Inpaint: known holds nan where the mask is 0.25; it must be finite there"},
       {"an infinity in what is known", [&](State&) { Inpaint(with(infinity), with(1.0), noise); },
        "Inpaint: known holds inf where the mask is 1; it must be finite there"},
       {"no noise to keep it with", [&](State&) { Inpaint(State(8), State(8), {}); },
        "Inpaint: noise is empty; it must be a noise source"}},
      [&](State& x) {
        dpm::add_noise(x, at, noise);
        dpm::sample_with_edits(dpm::Ddim{}, six_steps(), network, x,
                               Inpaint(State(8, 0.3), with(0.0), noise));
      });
}

TEST_CASE("a run with edits refuses bad input and what an edit leaves") {
  const auto run = [](const auto& method, State& x, const Edit& edit, const Options& options = {}) {
    dpm::sample_with_edits(method, three_steps(), network, x, edit, dpm::Prediction::noise,
                           options);
  };
  const auto after_second = [&](const std::function<void(State&)>& spoil) {
    return [&run, spoil](State& x) {
      run(dpm::Ddim{}, x, [&](State& at, const Progress& progress) {
        if (progress.step == 2) spoil(at);
        return progress.step == 2;
      });
    };
  };
  const std::string not_finite =
      "NonFinite: sample_with_edits: the edit after step 2 has left a NaN or an infinity in the "
      "sample";
  refuses(
      {{"no model",
        [](State& x) {
          dpm::sample_with_edits(dpm::Ddim{}, three_steps(), Model(), x, Edit(no_edit));
        },
        "sample_with_edits: model is empty; it must be callable"},
       {"no edit", [&](State& x) { run(dpm::Ddim{}, x, Edit()); },
        "sample_with_edits: edit is empty; it must be callable"},
       {"an empty x",
        [&](State&) {
          State none;
          run(dpm::Ddim{}, none, no_edit);
        },
        "Stepper: the start x is empty; it must hold at least one value"},
       {"a NaN in x",
        [&](State&) {
          State x(8, not_a_number);
          run(dpm::Ddim{}, x, no_edit);
        },
        "NonFinite: Stepper: the start x holds a NaN or an infinity"},
       {"no noise", [&](State& x) { run(dpm::Ddpm{}, x, no_edit); },
        "Stepper: the plan draws noise 3 times; give the run a noise source, such as "
        "NormalNoise{seed}"},
       {"an order out of range", [&](State& x) { run(dpm::Deis{.order = 7}, x, no_edit); },
        "Deis: order = 7; it must be 1 to 4"},
       {"a method that the rest is too short for",
        [&](State& x) { run(dpm::Pndm{}, x, [](State&, const Progress&) { return true; }); },
        "Pndm: 2 steps with the Runge-Kutta warm-up; it takes at least 3 (or use Warmup::plms)"},
       {"an edit between the levels of the grid",
        [&](State& x) { run(Halved{}, x, [](State&, const Progress&) { return true; }); },
        "sample_with_edits: step 1 has led to time 0.75, which is not a level of the grid; "
        "only "
        "after a level of the grid can the rest of it be planned anew"},
       {"an edit that lengthens x", after_second([](State& x) { x.resize(12); }),
        "sample_with_edits: the edit after step 2 has made the sample 12 x 1; it must keep its "
        "shape, 8 x 1"},
       {"an edit that empties x", after_second([](State& x) { x.clear(); }),
        "sample_with_edits: the edit after step 2 has made the sample 0 x 1; it must keep its "
        "shape, 8 x 1"},
       {"an edit that leaves a NaN", after_second([](State& x) { x[7] = not_a_number; }),
        not_finite},
       {"an edit that leaves an infinity", after_second([](State& x) { x[0] = infinity; }),
        not_finite}},
      after_second([](State& x) { x[0] += 0.5; }));
}

}  // namespace edit_refusals_test
