// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Every bad input that a run meets after it has begun, or in options that only a run reads, and
/// the sentence that it gets: outputs, callbacks, edits, adaptive steps, guidance, stops.
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/model/classifier_guidance.hpp"
#include "dpm/model/guidance.hpp"
#include "dpm/run/adaptive.hpp"
#include "dpm/run/edit.hpp"
#include "dpm/run/snapshot.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

using namespace dpm_test;

namespace {

using State = std::vector<double>;
using Options = dpm::RunOptions<State>;
using Progress = dpm::Progress<State>;
using Stepper = dpm::Stepper<State>;
using Model = std::function<void(const State&, const dpm::Level&, State&)>;
using Edit = std::function<bool(State&, const Progress&)>;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
const dpm::AnySchedule schedule = dpm::VpLinear();
const Model network = test_model(dpm::Prediction::noise);

/// Three steps through times that print short.
dpm::Grid three_steps() {
  return dpm::grid_of_times(schedule, std::vector<double>{1.0, 0.5, 0.25, 0.125});
}

/// What is wrong, a call that must be refused for it, and the sentence that it gets, with
/// `NonFinite: ` before it where that is the error. `...` ends one whose numbers are long.
struct Bad {
  std::string wrong;
  std::function<void(State& x)> call;
  std::string sentence;
};

std::string said(const std::function<void()>& call) {
  try {
    call();
  } catch (const dpm::InvalidArgument& error) {
    return error.what();
  } catch (const dpm::NonFinite& error) {
    return std::string("NonFinite: ") + error.what();
  }
  return "nothing";
}

void require_said(const std::string& is, const std::string& should_be) {
  const bool cut = should_be.ends_with("...");
  CHECK((cut ? is.substr(0, should_be.size() - 3) + "..." : is) == should_be);
}

/// Each row is refused by its sentence, a second time too, and leaves x as it was. Then the good
/// call ends in the bits of a run that nothing has gone before.
void refuses(const std::vector<Bad>& table, const std::function<void(State&)>& good) {
  State expected = test_start();
  good(expected);
  REQUIRE(expected != test_start());
  for (const Bad& bad : table) {
    INFO(bad.wrong);
    State x = test_start();
    for (int again = 0; again < 2; ++again) {
      require_said(said([&] { bad.call(x); }), bad.sentence);
      CHECK(x == test_start());
    }
    good(x);
    CHECK(x == expected);
  }
}

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

const auto draws = [](State& z, const dpm::NoiseRequest& request) { test_draw(z, request); };
const auto corrects = [](State& data, const dpm::Level&) {
  for (double& value : data) value = std::tanh(value);
};
const auto no_edit = [](State&, const Progress&) { return false; };

}  // namespace

TEST_CASE("refused, outputs that a run cannot take, until they are filled anew") {
  const dpm::Plan plan = make_plan(dpm::DpmSolver{}, three_steps());
  Stepper undisturbed(plan, test_start());
  while (const auto call = undisturbed.next()) network(call->input, call->level, call->output);
  struct BadOutput {
    std::string wrong;
    std::function<void(State& output)> spoil;
    std::string sentence;
  };
  const auto holds = [](std::size_t place, double value) {
    return [=](State& output) {
      output.assign(8, 0.5);
      output[place] = value;
    };
  };
  const std::array<std::string, 3> where{
      "NonFinite: step 1 of 3: the model's output (time 1, label 1) holds a NaN or an infinity",
      "NonFinite: step 2 of 3: the model's output (time 0.5, label 0.5) holds a NaN or an infinity",
      "NonFinite: step 3 of 3: the model's output (time 0.25, label 0.25) holds a NaN or an "
      "infinity"};
  const std::string shape = "; it must have the shape of the sample, 8 x 1";
  for (const BadOutput& bad :
       std::vector<BadOutput>{{"not filled", [](State&) {}, ""},
                              {"a NaN at its beginning", holds(0, not_a_number), ""},
                              {"a NaN at its end", holds(7, not_a_number), ""},
                              {"an infinity", holds(4, infinity), ""},
                              {"a negative infinity", holds(5, -infinity), ""},
                              {"longer", [](State& o) { o.assign(9, 0.5); },
                               "Stepper: the model's output is 9 x 1" + shape},
                              {"shorter", [](State& o) { o.assign(4, 0.5); },
                               "Stepper: the model's output is 4 x 1" + shape},
                              {"empty", [](State& o) { o.clear(); },
                               "Stepper: the model's output is 0 x 1" + shape}}) {
    INFO(bad.wrong);
    Stepper run(plan, test_start());
    for (std::size_t k = 0; k < 3; ++k) {
      const auto call = run.next();
      REQUIRE(call);
      const State before = run.sample();
      bad.spoil(call->output);
      for (int again = 0; again < 2; ++again) {
        require_said(said([&] { (void)run.next(); }),
                     bad.sentence.empty() ? where[k] : bad.sentence);
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

TEST_CASE("refused, what a noise source or a correction leaves in the middle of a run") {
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
      "NonFinite: step 2 of 3: the noise (time 0.5, label 0.5) holds a NaN or an infinity";
  const std::string bad_data =
      "NonFinite: step 2 of 3: the corrected data prediction (time 0.5, label 0.5) holds a NaN or "
      "an infinity";
  refuses(
      {{"a NaN in the noise", noise(puts(not_a_number)), bad_noise},
       {"an infinity in the noise", noise(puts(-infinity)), bad_noise},
       {"noise of another shape", noise(resizes(3)), "Stepper: the noise is 3 x 1" + shape},
       {"a correction to NaN", correction(puts(not_a_number)), bad_data},
       {"a correction to infinity", correction(puts(infinity)), bad_data},
       {"a correction of the shape", correction(resizes(0)),
        "Stepper: the corrected data prediction is 0 x 1" + shape}},
      [&](State& x) { dpm::sample(plan, network, x, {.noise = draws, .correction = corrects}); });
}

TEST_CASE("refused, what a run with edits is given and what an edit leaves") {
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
        "sample_with_edits: the method has led to time 0.75, which is not a level of the grid; "
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

TEST_CASE("refused, what a run with adaptive steps is given, and where it cannot go on") {
  using Method = dpm::AdaptiveDpmSolver;
  const Method tight{.tolerance = {.absolute = 1e-4, .relative = 1e-3}};
  const auto run = [](const Method& method, const dpm::AnySchedule& on = schedule) {
    return [=](State& x) { dpm::sample_adaptive(method, on, network, x); };
  };
  const auto from = [&](const State& start) {
    return [=](State&) {
      State x = start;
      run(Method{})(x);
    };
  };
  const std::string who = "AdaptiveDpmSolver: ";
  std::vector<Bad> table{
      {"no model", [](State& x) { dpm::sample_adaptive(Method{}, schedule, Model(), x); },
       "sample_adaptive: model is empty; it must be callable"},
      {"an empty x", from({}),
       "sample_adaptive: the start x is empty; it must hold at least one value"},
      {"a NaN in x", from({0.5, not_a_number}),
       "NonFinite: sample_adaptive: the start x holds a NaN or an infinity"},
      {"an infinity in x", from({-infinity, 0.5}),
       "NonFinite: sample_adaptive: the start x holds a NaN or an infinity"},
      {"samples that x does not hold whole", run({.tolerance = {.elements_per_sample = 3}}),
       "sample_adaptive: elements_per_sample = 3 for a state of 8 x 1; it must divide the size of "
       "a state with one column, and be 0 for others"},
      {"a prediction that is not the schedule's",
       [](State& x) { dpm::sample_adaptive(Method{}, schedule, network, x, dpm::Prediction::edm); },
       "make_plan: Prediction::edm at time 1, where data_stddev is 0; it needs a schedule that "
       "scales the model's input, such as Edm"},
      {"order 1", run({.order = 1}), who + "order = 1; it must be 2 or 3"},
      {"order 4", run({.order = 4}), who + "order = 4; it must be 2 or 3"},
      {"a first step below the smallest", run({.first_step = 1e-9}),
       who + "first_step = 1e-09; it must be finite and at least smallest_step = 1e-08"},
      {"too few calls", run({.max_calls = 2}), who + "max_calls = 2; the shortest run makes 3"},
      {"too few calls for the last step, too", run({.max_calls = 3, .denoise_to_zero = true}),
       who + "max_calls = 3; the shortest run makes 4"},
      {"a start after the schedule's", run({.start = 1.5}),
       "VpLinear: time must be in [0, 1] and is 1.5"},
      {"no number for an end", run({.end = not_a_number}),
       "VpLinear: time must be in [0, 1] and is nan"},
      {"a start without a signal", run({}, dpm::RectifiedFlow()),
       who + "the start at time 1 has alpha = 0, from where steps in lambda are infinite; start "
             "below that time"},
      {"an end at clean data", run({.end = 0.0}),
       who + "the end at time 0 has sigma = 0, which steps in lambda never reach; end above that "
             "time, and use denoise_to_zero"},
      {"an end before the start", run({.start = 0.25, .end = 0.5}),
       who + "from time 0.25 to time 0.5 lambda grows by -..."},
      {"an end at the start", run({.start = 0.25, .end = 0.25}),
       who + "from time 0.25 to time 0.25 lambda grows by 0; time must fall, and lambda grow by at "
             "least smallest_step = 1e-08"},
      {"a run that is over before it begins", run({.end = 0.25, .time_tolerance = 0.75}),
       who + "time_tolerance = 0.75; it must be below the whole length in time, 0.75"}};
  struct Option {
    std::string name;
    std::function<void(Method&, double)> set;
    std::string allowed;
    std::vector<std::pair<double, std::string>> wrong;
  };
  const std::pair<double, std::string> nan{not_a_number, "nan"};
  const std::pair<double, std::string> inf{infinity, "inf"};
  for (const Option& option :
       std::vector<Option>{{"tolerance.absolute",
                            [](Method&m, double v) { m.tolerance.absolute = v; },
                            "(0, inf)",
                            {{0.0, "0"}, {-0.5, "-0.5"}, inf, nan}},
                           {"tolerance.relative",
                            [](Method&m, double v) { m.tolerance.relative = v; },
                            "[0, inf)",
                            {{-0.5, "-0.5"}, inf, nan}},
                           {"safety",
                            [](Method&m, double v) { m.safety = v; },
                            "(0, 1)",
                            {{0.0, "0"}, {-0.5, "-0.5"}, {1.0, "1"}, nan}},
                           {"smallest_step",
                            [](Method&m, double v) { m.smallest_step = v; },
                            "[1e-10, inf)",
                            {{0.0, "0"}, {9e-11, "9e-11"}, inf, nan}},
                           {"time_tolerance",
                            [](Method&m, double v) { m.time_tolerance = v; },
                            "[0, inf)",
                            {{-0.5, "-0.5"}, inf, nan}}}) {
    for (const auto& [value, text] : option.wrong) {
      Method method;
      option.set(method, value);
      const std::string is = option.name + " = " + text;
      table.push_back({is, run(method), who + is + "; it must be in " + option.allowed});
    }
  }
  Method capped = tight;
  capped.max_calls = 7;
  table.push_back({"a cap that the run meets", run(capped),
                   "sample_adaptive: max_calls = 7 are used up at time 0...."});
  Method coarse = tight;
  coarse.smallest_step = coarse.first_step = 0.3;
  table.push_back(
      {"steps that may not get small enough", run(coarse), "sample_adaptive: at time 0...."});
  // Times in whole thousandths: inner levels of short steps fall together.
  struct Thousandths : dpm::VpLinear<> {
    [[nodiscard]] double time_of_lambda(double lambda) const {
      return std::round(1e3 * VpLinear::time_of_lambda(lambda)) / 1e3;
    }
  };
  const Method tightest{.tolerance = {.absolute = 1e-7, .relative = 0.0}};
  table.push_back({"steps that the schedule cannot tell apart", run(tightest, Thousandths()),
                   "sample_adaptive: the step from time 1 to time 0.999 is so short that the "
                   "schedule does not tell its inner levels apart; the tolerances are too tight "
                   "for it"});
  refuses(table, run(tight));
}

TEST_CASE("refused, what guidance is given and what guided models answer") {
  // Each guidance lives on after it has been refused something, with the buffers that it keeps.
  std::function<void(State&)> spoil;
  int calls = 2;  // of which the second is spoilt
  const Model sometimes = [&](const State& x, const dpm::Level& at, State& out) {
    network(x, at, out);
    if (++calls == 2) spoil(out);
  };
  using Two = dpm::ClassifierFreeGuidance<Model, Model>;
  using Doubled = dpm::BatchedClassifierFreeGuidance<Model>;
  using ByGradient = dpm::ClassifierGuidance<Model, Model>;
  Two by_first(sometimes, network, 2.0);
  Two by_second(network, sometimes, 2.0, {.phi = 0.5});
  Doubled doubled(sometimes, 2.0);
  ByGradient by_model(sometimes, network, 2.0);
  ByGradient by_gradient(network, sometimes, 2.0);
  const dpm::Plan plan = make_plan(dpm::DpmSolver{}, three_steps());
  const auto sample_all = [&](State& x) {
    dpm::sample(plan, std::ref(by_first), x);
    dpm::sample(plan, std::ref(by_second), x);
    dpm::sample(plan, std::ref(doubled), x);
    dpm::sample(plan, std::ref(by_model), x);
    dpm::sample(plan, std::ref(by_gradient), x);
  };
  const auto spoilt = [&](auto& guided, const std::function<void(State&)>& how) {
    return [&, how](State& x) {
      spoil = how;
      calls = 0;
      dpm::sample(plan, std::ref(guided), x);
    };
  };
  const auto resizes = [](std::size_t size) { return [size](State& out) { out.resize(size); }; };
  const auto nan = [](State& out) { out.back() = not_a_number; };
  const std::string input = " x 1; it must have the shape of the model's input, ";
  const std::string not_finite =
      "NonFinite: step 2 of 3: the model's output (time 0.5, label 0.5) holds a NaN or an infinity";
  std::vector<Bad> table{
      {"a conditional output of another shape", spoilt(by_first, resizes(9)),
       "ClassifierFreeGuidance: the conditional output is 9" + input + "8 x 1"},
      {"an unconditional output of another shape", spoilt(by_second, resizes(9)),
       "ClassifierFreeGuidance: the unconditional output is 9" + input + "8 x 1"},
      {"an odd number of values for two halves", spoilt(doubled, resizes(15)),
       "BatchedClassifierFreeGuidance: the model's output is 15" + input + "16 x 1"},
      {"one half of two", spoilt(doubled, resizes(8)),
       "BatchedClassifierFreeGuidance: the model's output is 8" + input + "16 x 1"},
      {"a guided output of another shape", spoilt(by_model, resizes(4)),
       "ClassifierGuidance: the model's output is 4" + input + "8 x 1"},
      {"a gradient of another shape", spoilt(by_gradient, resizes(12)),
       "ClassifierGuidance: the gradient is 12" + input + "8 x 1"},
      {"a NaN in a conditional output", spoilt(by_first, nan), not_finite},
      {"a NaN in an unconditional output", spoilt(by_second, nan), not_finite},
      {"a NaN in the second half", spoilt(doubled, nan), not_finite},
      {"a NaN in a guided output", spoilt(by_model, nan), not_finite},
      {"a NaN in a gradient", spoilt(by_gradient, nan), not_finite},
      {"an edm prediction where inputs are not scaled",
       [&](State& x) {
         dpm::sample(plan, ByGradient(network, network, 2.0, dpm::Prediction::edm), x);
       },
       "ClassifierGuidance: Prediction::edm at time 1, where data_stddev is 0; it needs a schedule "
       "that scales the model's input, such as Edm"},
      {"a gradient where there is no signal",
       [](State& x) {
         dpm::sample(dpm::RectifiedFlow(), 4,
                     ByGradient(network, network, 2.0, dpm::Prediction::flow), x,
                     dpm::Prediction::flow);
       },
       "ClassifierGuidance: at time 1 alpha is 0, where the gradient says nothing about the data; "
       "start below that time, or limit the scale by within(low, high) with a finite high"},
      {"no function for a scale",
       [](State&) { dpm::GuidanceScale(std::function<double(const dpm::Level&)>()); },
       "GuidanceScale: the function is empty; it must return the scale at a level"}};
  for (const auto& [value, text] : std::vector<std::pair<double, std::string>>{
           {-1.0, "-1"}, {infinity, "inf"}, {not_a_number, "nan"}}) {
    table.push_back({"the scale " + text, [v = value](State&) { dpm::GuidanceScale{v}; },
                     "GuidanceScale: scale = " + text + "; it must be in [0, inf)"});
    table.push_back({"a scale that becomes " + text,
                     [&, v = value](State& x) {
                       const auto later = [v](const dpm::Level& at) {
                         return at.time == 0.5 ? v : 2.0;
                       };
                       dpm::sample(plan, Two(network, network, later), x);
                     },
                     "GuidanceScale: scale = " + text + " at time 0.5; it must be in [0, inf)"});
  }
  for (const auto& [low, high, text] : std::vector<std::tuple<double, double, std::string>>{
           {-0.5, 2.0, "low = -0.5 and high = 2"},
           {2.0, 2.0, "low = 2 and high = 2"},
           {3.0, 1.0, "low = 3 and high = 1"},
           {not_a_number, 1.0, "low = nan and high = 1"},
           {0.0, not_a_number, "low = 0 and high = nan"}}) {
    table.push_back({"an interval with " + text,
                     [l = low, h = high](State&) { (void)dpm::GuidanceScale(2.0).within(l, h); },
                     "GuidanceScale: " + text + "; they must be 0 <= low < high"});
  }
  for (const auto& [phi, text] : std::vector<std::pair<double, std::string>>{
           {-0.25, "-0.25"}, {1.5, "1.5"}, {not_a_number, "nan"}}) {
    const dpm::GuidanceRescale rescale{.phi = phi};
    const std::string sentence = "ClassifierFreeGuidance: phi = " + text + "; it must be in [0, 1]";
    table.push_back(
        {"a rescaling by " + text, [=](State&) { Two(network, network, 2.0, rescale); }, sentence});
    table.push_back({"a rescaling of two halves by " + text,
                     [=](State&) { Doubled(network, 2.0, rescale); }, "Batched" + sentence});
  }
  const dpm::GuidanceRescale threes{.phi = 0.5, .elements_per_sample = 3};
  const std::string whole =
      "ClassifierFreeGuidance: elements_per_sample = 3 for a state of 8 x 1; it must divide the "
      "size of a state with one column, and be 0 for others";
  table.push_back({"samples that x does not hold whole",
                   [&](State& x) { dpm::sample(plan, Two(network, network, 2.0, threes), x); },
                   whole});
  table.push_back({"samples that the halves do not hold whole",
                   [&](State& x) { dpm::sample(plan, Doubled(network, 2.0, threes), x); },
                   "Batched" + whole});
  refuses(table, sample_all);
}

TEST_CASE(
    "a stopped run refuses nothing, and stays stopped until it is resumed, forked or loaded") {
  const dpm::Plan plan = make_plan(dpm::DpmSolver{.order = 3, .tau = 1.0}, three_steps());
  const auto finish = [](Stepper& run) {
    while (const auto call = run.next()) network(call->input, call->level, call->output);
    REQUIRE_FALSE(run.stopped());
    return run.sample();
  };
  Stepper undisturbed(plan, test_start(), {.noise = draws});
  const State expected = finish(undisturbed);
  for (int calls = 0; calls < 3; ++calls) {
    CAPTURE(calls);
    std::stop_source source;
    Stepper run(plan, test_start(), {.noise = draws, .stop = source.get_token()});
    for (int k = 0; k < calls; ++k) {
      const auto call = run.next();
      network(call->input, call->level, call->output);
    }
    source.request_stop();
    for (int again = 0; again < 3; ++again) {
      REQUIRE_FALSE(run.next());
      REQUIRE(run.stopped());
      REQUIRE_FALSE(run.open_call());
      REQUIRE(run.model_calls() == calls);
      REQUIRE((run.sample() == test_start()) == (calls == 0));
      run.resume(source.get_token());  // which is a request to stop still
    }
    Stepper fork = run.fork({.noise = draws});
    Stepper loaded = dpm::load(save(run), plan, State(8), {.noise = draws});
    run.resume();
    REQUIRE(finish(run) == expected);
    REQUIRE(finish(fork) == expected);
    REQUIRE(finish(loaded) == expected);
    run.resume(source.get_token());  // a run that is over is not stopped
    REQUIRE_FALSE(run.next());
    REQUIRE_FALSE(run.stopped());
  }
}
