// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a run meets after it has begun: outputs, noise and corrections that it cannot take,
/// callables that throw, stops. The sentence that each gets, and how the run goes on.
#include <array>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/run/adaptive.hpp"
#include "dpm/run/edit.hpp"
#include "support/catch.hpp"
#include "support/refusals.hpp"
#include "support/test_network.hpp"

namespace output_refusals_test {

using namespace dpm_test;

namespace {

using State = std::vector<double>;
using Options = dpm::RunOptions<State>;
using Progress = dpm::Progress<State>;
using Stepper = dpm::Stepper<State>;
using Model = std::function<void(const State&, const dpm::Level&, State&)>;

const dpm::AnySchedule schedule = dpm::VpLinear();
const Model network = test_model(dpm::Prediction::noise);

}  // namespace

TEST_CASE("a run refuses outputs that it cannot take, until they are filled anew") {
  const dpm::Plan plan = make_plan(dpm::DpmSolver{}, three_steps());
  Stepper undisturbed(plan, test_start());
  while (const auto call = undisturbed.next()) network(call->input, call->level, call->output);
  struct BadOutput {
    std::string wrong;
    std::function<void(State& output)> spoil;
    std::string shape;
  };
  const auto holds = [](std::size_t place, double value) {
    return [=](State& output) {
      output.assign(8, 0.5);
      output[place] = value;
    };
  };
  const std::array<std::string, 3> where{
      "NonFinite: step 1 of 3: the model's output (time 1, timestep 1) holds a NaN or an infinity",
      "NonFinite: step 2 of 3: the model's output (time 0.5, timestep 0.5) holds a NaN or an "
      "infinity",
      "NonFinite: step 3 of 3: the model's output (time 0.25, timestep 0.25) holds a NaN or an "
      "infinity"};
  const std::array<std::string, 3> outputs{
      "step 1 of 3: the model's output (time 1, timestep 1) is ",
      "step 2 of 3: the model's output (time 0.5, timestep 0.5) is ",
      "step 3 of 3: the model's output (time 0.25, timestep 0.25) is "};
  for (const BadOutput& bad :
       std::vector<BadOutput>{{"not filled", [](State&) {}, ""},
                              {"a NaN at its beginning", holds(0, not_a_number), ""},
                              {"a NaN at its end", holds(7, not_a_number), ""},
                              {"an infinity", holds(4, infinity), ""},
                              {"a negative infinity", holds(5, -infinity), ""},
                              {"longer", [](State& o) { o.assign(9, 0.5); }, "9 x 1"},
                              {"shorter", [](State& o) { o.assign(4, 0.5); }, "4 x 1"},
                              {"empty", [](State& o) { o.clear(); }, "0 x 1"}}) {
    INFO(bad.wrong);
    Stepper run(plan, test_start(), {.refillable = true});
    for (std::size_t k = 0; k < 3; ++k) {
      const auto call = run.next();
      REQUIRE(call);
      const State before = run.sample();
      bad.spoil(call->output);
      for (int again = 0; again < 2; ++again) {
        require_said(said([&] { (void)run.next(); }),
                     bad.shape.empty() ? where[k]
                                       : outputs[k] + bad.shape +
                                             "; it must have the shape of the sample, 8 x 1");
        REQUIRE(run.model_calls() == static_cast<int>(k));
        REQUIRE(run.steps_done() == k);
        REQUIRE(run.sample() == before);
      }
      REQUIRE(&run.open_call()->output == &call->output);
      call->output.resize(8);
      network(call->input, call->level, call->output);
    }
    REQUIRE_FALSE(run.next());
    REQUIRE(run.sample() == undisturbed.sample());
  }
}

TEST_CASE("whoever throws in the middle of a run, x stays as it was and the run can go on") {
  const dpm::DpmSolver method{.tau = 1.0};
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 6);
  const dpm::Plan plan = make_plan(method, grid, dpm::Prediction::noise, dpm::Correction::data);
  for (const std::string who : {"model", "noise", "correction", "preview", "observer", "edit"}) {
    INFO(who);
    int calls = 0;
    const auto throws = [&](const std::string& name) {
      if (who == name && ++calls == 3) throw std::runtime_error("out of memory");
    };
    const Model model = [&](const State& x, const dpm::Level& at, State& out) {
      out[0] = 1e3;
      throws("model");
      network(x, at, out);
    };
    Options options;
    options.correction = [&](State& data, const dpm::Level& at) {
      throws("correction");
      corrects(data, at);
    };
    options.preview = [&](const State&, const dpm::Level&) { throws("preview"); };
    options.observer = [&](const Progress&) { throws("observer"); };
    Options drawing = options;
    drawing.noise = [&](State& z, const dpm::NoiseRequest& request) {
      throws("noise");
      draws(z, request);
    };
    const auto edit = [&](State& x, const Progress& progress) {
      x[0] += 1.0;
      throws("edit");
      return progress.step == 2;
    };
    const std::vector<std::pair<std::string, std::function<void(State&)>>> runs{
        {"sample", [&](State& x) { dpm::sample(plan, model, x, drawing); }},
        {"sample_with_edits",
         [&](State& x) {
           dpm::sample_with_edits(method, grid, model, x, edit, dpm::Prediction::noise, drawing);
         }},
        {"sample_adaptive", [&](State& x) {
           dpm::sample_adaptive({}, schedule, model, x, dpm::Prediction::noise, options);
         }}};
    for (const auto& [name, run] : runs) {
      INFO(name);
      if (who == "edit" && name != "sample_with_edits") continue;
      if (who == "noise" && name == "sample_adaptive") continue;
      calls = 3;  // so that nobody throws
      State expected = test_start();
      run(expected);
      calls = 0;
      State x = test_start();
      REQUIRE_THROWS_WITH(run(x), "out of memory");
      REQUIRE(x == test_start());
      run(x);
      REQUIRE(x == expected);
    }
    if (who == "edit") continue;
    // Pulled, the run itself goes on.
    calls = 3;
    State expected = test_start();
    dpm::sample(plan, model, expected, drawing);
    calls = 0;
    int failures = 0;
    Stepper run(plan, test_start(), drawing);
    bool filled = true;
    for (bool over = false; !over;) {
      try {
        const auto call = filled ? run.next() : run.open_call();
        over = !call;
        filled = over;
        if (call) model(call->input, call->level, call->output);
        filled = true;
      } catch (const std::runtime_error&) {
        ++failures;
      }
    }
    REQUIRE(failures == 1);
    REQUIRE(run.model_calls() == 6);
    REQUIRE(run.sample() == expected);
  }
}

TEST_CASE("a run refuses what a noise source or a correction leaves in its middle") {
  const dpm::Plan plan =
      make_plan(dpm::Ddpm{}, three_steps(), dpm::Prediction::noise, dpm::Correction::data);
  const auto noise = [&](const std::function<void(State&)>& spoil) {
    return [&, spoil](State& x) {
      const auto spoilt = [&](State& z, const dpm::NoiseRequest& request) {
        draws(z, request);
        if (request.draw == 1) spoil(z);
      };
      dpm::sample(plan, network, x, {.noise = spoilt, .correction = corrects});
    };
  };
  const auto correction = [&](const std::function<void(State&)>& spoil) {
    return [&, spoil](State& x) {
      const auto spoilt = [&](State& data, const dpm::Level& at) {
        if (at.time == 0.5) spoil(data);
      };
      dpm::sample(plan, network, x, {.noise = draws, .correction = spoilt});
    };
  };
  const auto puts = [](double value) { return [value](State& at) { at[6] = value; }; };
  const auto resizes = [](std::size_t size) { return [size](State& at) { at.resize(size); }; };
  const std::string shape = "; it must have the shape of the sample, 8 x 1";
  const std::string bad_noise =
      "NonFinite: step 2 of 3: the noise (time 0.5, timestep 0.5) holds a NaN or an infinity";
  const std::string bad_data =
      "NonFinite: step 2 of 3: the corrected data prediction (time 0.5, timestep 0.5) holds a NaN "
      "or "
      "an infinity";
  refuses(
      {{"a NaN in the noise", noise(puts(not_a_number)), bad_noise},
       {"an infinity in the noise", noise(puts(-infinity)), bad_noise},
       {"noise of another shape", noise(resizes(3)),
        "step 2 of 3: the noise (time 0.5, timestep 0.5) is 3 x 1" + shape},
       {"a correction to NaN", correction(puts(not_a_number)), bad_data},
       {"a correction to infinity", correction(puts(infinity)), bad_data},
       {"a correction of the shape", correction(resizes(0)),
        "step 2 of 3: the corrected data prediction (time 0.5, timestep 0.5) is 0 x 1" + shape}},
      [&](State& x) { dpm::sample(plan, network, x, {.noise = draws, .correction = corrects}); });
}

TEST_CASE("a run whose correction has left what it refuses needs another sample") {
  const dpm::Plan plan =
      make_plan(dpm::DpmSolver{}, three_steps(), dpm::Prediction::noise, dpm::Correction::data);
  for (const bool resized : {true, false}) {
    int corrections = 0;
    dpm::Stepper<State> run(plan, test_start(), {.correction = [&](State& data, const dpm::Level&) {
                              if (++corrections != 2) return;
                              if (resized) {
                                data.resize(3);
                              } else {
                                data[3] = not_a_number;
                              }
                            }});
    REQUIRE_THROWS_WITH(answer(run), mentions("step 2 of 3: the corrected data prediction"));
    REQUIRE_THROWS_WITH(run.next(), mentions("cannot go on"));
    REQUIRE(corrections == 2);
    run.reset(test_start());
    answer(run);
    REQUIRE(corrections == 5);
  }
}

}  // namespace output_refusals_test
