// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Every bad input that is refused before a run begins, and the sentence that it gets. What goes
/// wrong in a run that has begun is in refusals_runs.test.cpp, plans as JSON are in
/// plan_json_refusals.test.cpp.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/run/adaptive.hpp"
#include "dpm/run/edit.hpp"
#include "dpm/run/inpaint.hpp"
#include "dpm/run/snapshot.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

using namespace dpm_test;

namespace {

using State = std::vector<double>;
using Options = dpm::RunOptions<State>;
using Stepper = dpm::Stepper<State>;
using Shared = std::shared_ptr<const dpm::Plan>;
using Bytes = std::vector<std::byte>;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
const dpm::AnySchedule schedule = dpm::VpLinear();
const auto network = test_model(dpm::Prediction::noise);

/// What is wrong, a call that must be refused for it, and the whole sentence that it gets, with
/// `NonFinite: ` before it where that is the error.
struct Bad {
  std::string wrong;
  std::function<void(State& x)> call;
  std::string sentence;
};

std::string said(const std::function<void(State&)>& call, State& x) {
  try {
    call(x);
  } catch (const dpm::InvalidArgument& error) {
    return error.what();
  } catch (const dpm::NonFinite& error) {
    return std::string("NonFinite: ") + error.what();
  }
  return "nothing";
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
      CHECK(said(bad.call, x) == bad.sentence);
      CHECK(x == test_start());
    }
    good(x);
    CHECK(x == expected);
  }
}

/// Puts a value into x for as long as it lives.
class Spoilt {
 public:
  Spoilt(State& x, double value) : x_(x), before_(x[3]) { x[3] = value; }
  Spoilt(const Spoilt&) = delete;
  Spoilt& operator=(const Spoilt&) = delete;
  ~Spoilt() { x_[3] = before_; }

 private:
  State& x_;
  double before_;
};

dpm::Grid six_steps() { return make_grid(dpm::UniformLambda{}, schedule, 6); }

template <class Method>
Shared plan_of(const Method& method, dpm::Correction correction = dpm::Correction::none) {
  return std::make_shared<const dpm::Plan>(
      make_plan(method, six_steps(), dpm::Prediction::noise, correction));
}

const auto draws = [](State& z, const dpm::NoiseRequest& request) { test_draw(z, request); };
const auto corrects = [](State& data, const dpm::Level&) {
  for (double& value : data) value = std::tanh(value);
};

void finish(Stepper& run) {
  while (const auto call = run.next()) network(call->input, call->level, call->output);
}

/// The bytes of a saved run with one of the eight numbers at their beginning replaced, and a
/// checksum that fits.
Bytes forged(Bytes bytes, std::size_t at, std::uint64_t number) {
  const auto put = [&bytes](std::size_t place, std::uint64_t value) {
    for (std::size_t k = 0; k < 8; ++k) bytes[place + k] = std::byte(value >> (8 * k) & 0xFF);
  };
  put(8 * at, number);
  put(bytes.size() - 8, dpm::detail::checksum({bytes.data(), bytes.size() - 8}));
  return bytes;
}

}  // namespace

TEST_CASE("refused, what a stepper is made of") {
  const Shared plan = plan_of(dpm::UniPc{});
  const Shared drawing = plan_of(dpm::Ddpm{});
  const Shared corrected = plan_of(dpm::UniPc{}, dpm::Correction::data);
  const std::string not_finite = "NonFinite: Stepper: the start x holds a NaN or an infinity";
  const std::string agree =
      " was given; make the plan with Correction::data exactly if one is given";
  const auto spoilt = [&](double value) {
    return [&plan, value](State& x) {
      const Spoilt with(x, value);
      Stepper(plan, x);
    };
  };
  refuses({{"no plan", [](State& x) { Stepper(Shared(), x); },
            "Stepper: the plan is a null pointer; it must point to a plan"},
           {"an empty plan", [](State& x) { Stepper(dpm::Plan{}, x); },
            "check: the plan has no steps; it must have at least one"},
           {"an empty x", [&](State&) { Stepper(plan, State{}); },
            "Stepper: the start x is empty; it must hold at least one value"},
           {"a NaN in x", spoilt(not_a_number), not_finite},
           {"an infinity in x", spoilt(infinity), not_finite},
           {"a negative infinity in x", spoilt(-infinity), not_finite},
           {"no noise", [&](State& x) { Stepper(drawing, x); },
            "Stepper: the plan draws noise 6 times; give the run a noise source, such as "
            "NormalNoise{seed}"},
           {"no correction", [&](State& x) { Stepper(corrected, x, {.noise = draws}); },
            "Stepper: the plan asks for 6 corrections and no correction" + agree},
           {"a correction too many", [&](State& x) { Stepper(plan, x, {.correction = corrects}); },
            "Stepper: the plan asks for 0 corrections and a correction" + agree}},
          [&](State& x) {
            Stepper run(plan, x);
            finish(run);
            x = run.sample();
          });
}

TEST_CASE("refused, what a fork is given") {
  Stepper plain(plan_of(dpm::Ddpm{}), test_start(), {.noise = draws});
  Stepper run(plan_of(dpm::Ddpm{}, dpm::Correction::data), test_start(),
              {.noise = draws, .correction = corrects});
  for (int calls = 0; calls < 3; ++calls) {
    const auto call = run.next();
    network(call->input, call->level, call->output);
  }
  const std::string correction =
      "Stepper: the fork must have a correction exactly if the run has one";
  const auto good = [&run](State& x) {
    Stepper fork = run.fork({.noise = draws, .correction = corrects});
    finish(fork);
    x = fork.sample();
  };
  refuses(
      {{"no noise", [&](State&) { (void)run.fork({.correction = corrects}); },
        "Stepper: the fork of a run with a noise source has none; give it one"},
       {"no correction", [&](State&) { (void)run.fork({.noise = draws}); }, correction},
       {"a correction too many",
        [&](State&) { (void)plain.fork({.noise = draws, .correction = corrects}); }, correction}},
      good);
  State forked;
  good(forked);
  finish(run);
  REQUIRE(run.sample() == forked);
}

TEST_CASE("refused, what a stepper is reset to") {
  Stepper run(plan_of(dpm::UniPc{}), test_start());
  Stepper undisturbed = run;
  finish(undisturbed);
  const auto call = run.next();
  const auto spoilt = [&](double value) {
    return [&run, value](State& x) {
      const Spoilt with(x, value);
      run.reset(x);
    };
  };
  const std::string shape = "; it must have the shape of the sample, 8 x 1";
  const std::string not_finite = "NonFinite: Stepper: the start x holds a NaN or an infinity";
  const auto good = [&run](State& x) {  // the run that stands where it stood
    Stepper copy = run.fork({});
    finish(copy);
    x = copy.sample();
  };
  refuses({{"longer", [&](State&) { run.reset(State(9, 0.5)); },
            "Stepper: the start x is 9 x 1" + shape},
           {"empty", [&](State&) { run.reset({}); }, "Stepper: the start x is 0 x 1" + shape},
           {"a NaN", spoilt(not_a_number), not_finite},
           {"an infinity", spoilt(infinity), not_finite}},
          good);
  REQUIRE(&run.open_call()->output == &call->output);
  network(call->input, call->level, call->output);
  finish(run);
  REQUIRE(run.sample() == undisturbed.sample());
  run.reset(test_start());
  finish(run);
  REQUIRE(run.sample() == undisturbed.sample());
}

TEST_CASE("refused, what a run in one call is given") {
  using Model = std::function<void(const State&, const dpm::Level&, State&)>;
  const Model model = network;
  void (*const no_function)(const State&, double, State&) = nullptr;
  std::vector<Bad> table{
      {"no model", [](State& x) { dpm::sample(schedule, 6, Model(), x); },
       "sample: model is empty; it must be callable"},
      {"a null pointer for a model", [&](State& x) { dpm::sample(schedule, 6, no_function, x); },
       "sample: model is empty; it must be callable"},
      {"an empty x",
       [&](State&) {
         State none;
         dpm::sample(schedule, 6, model, none);
       },
       "Stepper: the start x is empty; it must hold at least one value"},
      {"a NaN in x",
       [&](State& x) {
         const Spoilt with(x, not_a_number);
         dpm::sample(schedule, 6, model, x);
       },
       "NonFinite: Stepper: the start x holds a NaN or an infinity"},
      {"no noise", [&](State& x) { dpm::sample(dpm::Ddpm{}, schedule, 6, model, x); },
       "Stepper: the plan draws noise 6 times; give the run a noise source, such as "
       "NormalNoise{seed}"},
      {"a prediction that is not the schedule's",
       [&](State& x) { dpm::sample(schedule, 6, model, x, dpm::Prediction::edm); },
       "make_plan: Prediction::edm at time 1, where data_stddev is 0; it needs a schedule that "
       "scales the model's input, such as Edm"},
      {"no calls", [&](State& x) { dpm::sample(schedule, 0, model, x); },
       "UniPc: calls = 0; it needs at least 1"},
      {"negative calls", [&](State& x) { dpm::sample(dpm::Ddim{}, schedule, -3, model, x); },
       "Ddim: calls = -3; it needs at least 1"},
      {"a million calls and one", [&](State& x) { dpm::sample(schedule, 1'000'001, model, x); },
       "UniPc: calls = 1000001; it makes at most 1000000"},
      {"half a step", [&](State& x) { dpm::sample(dpm::Heun{}, schedule, 7, model, x); },
       "Heun: calls = 7; it makes two calls a step"},
      {"no calls left after the start",
       [&](State& x) { dpm::sample(dpm::Pndm{}, schedule, 11, model, x); },
       "Pndm with the Runge-Kutta warm-up: calls = 11; it needs at least 12"}};
  const auto add_order = [&](const auto& method, const std::string& sentence) {
    table.push_back(
        {sentence, [=](State& x) { dpm::sample(method, schedule, 6, model, x); }, sentence});
  };
  using dpm::DpmSolver;
  for (const int order : {-1, 0, 5}) {
    const std::string is = "order = " + std::to_string(order) + "; it must be ";
    add_order(DpmSolver{.order = order}, "DpmSolver: " + is + "1, 2 or 3");
    add_order(DpmSolver{.order = order, .form = DpmSolver::Form::singlestep},
              "DpmSolver: " + is + "1, 2 or 3");
    add_order(dpm::UniPc{.order = order}, "UniPc: " + is + "1 to 4");
    add_order(dpm::Deis{.order = order}, "Deis: " + is + "1 to 4");
    add_order(dpm::Ipndm{.order = order}, "Ipndm: " + is + "1 to 4");
    add_order(dpm::RungeKutta{.order = order}, "RungeKutta: " + is + "2 or 4");
    add_order(dpm::SaSolver{.predictor_order = order}, "SaSolver: predictor_" + is + "1 to 4");
  }
  add_order(DpmSolver{.order = 4}, "DpmSolver: order = 4; it must be 1, 2 or 3");
  add_order(dpm::RungeKutta{.order = 3}, "RungeKutta: order = 3; it must be 2 or 4");
  for (const int order : {-1, 1, 6}) {
    add_order(dpm::SaSolver{.corrector_order = order},
              "SaSolver: corrector_order = " + std::to_string(order) +
                  "; it must be 2 to 5, or 0 for none");
  }
  refuses(table, [&](State& x) { dpm::sample(schedule, 6, model, x); });
}

TEST_CASE("estimates that a method does not have, it cannot be asked for or does not make") {
  const auto has_the_option = [](auto method) {
    return requires { method.estimate_error; };
  };
  REQUIRE(has_the_option(dpm::UniPc{}));
  REQUIRE_FALSE(has_the_option(dpm::Ddim{}));
  REQUIRE_FALSE(has_the_option(dpm::Ddpm{}));
  REQUIRE_FALSE(has_the_option(dpm::Ipndm{}));
  REQUIRE_FALSE(has_the_option(dpm::Pndm{}));
  REQUIRE_FALSE(has_the_option(dpm::RungeKutta{}));
  REQUIRE_FALSE(has_the_option(dpm::SaSolver{}));
  REQUIRE_FALSE(has_the_option(dpm::AdaptiveDpmSolver{}));

  // Of first order there is none to compare with: nothing is refused, and nothing changes.
  int steps = 0;
  Options watched;
  watched.observer = [&](const dpm::Progress<State>& progress) {
    ++steps;
    CHECK(progress.error == nullptr);
  };
  const auto check = [&](const Shared& asked, const Shared& plain) {
    REQUIRE_FALSE(asked->estimates_error());
    State x = test_start();
    State expected = test_start();
    dpm::sample(*asked, network, x, watched);
    dpm::sample(*plain, network, expected);
    REQUIRE(x == expected);
  };
  using dpm::DpmSolver;
  constexpr auto singlestep = DpmSolver::Form::singlestep;
  check(plan_of(DpmSolver{.order = 1, .estimate_error = true}), plan_of(DpmSolver{.order = 1}));
  check(plan_of(DpmSolver{.order = 1, .form = singlestep, .estimate_error = true}),
        plan_of(DpmSolver{.order = 1, .form = singlestep}));
  check(plan_of(dpm::UniPc{.order = 1, .corrector = false, .estimate_error = true}),
        plan_of(dpm::UniPc{.order = 1, .corrector = false}));
  check(plan_of(dpm::Deis{.order = 1, .estimate_error = true}), plan_of(dpm::Deis{.order = 1}));
  REQUIRE(steps == 24);
}

TEST_CASE("refused, what noises an image or keeps a part of it") {
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
        "add_noise: the noise source has changed the shape"},
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

TEST_CASE("refused, bytes that are no run of this plan and state") {
  const Shared plan = plan_of(dpm::Ddpm{});
  const Shared other = plan_of(dpm::Ddpm{.variance = dpm::Ddpm::Variance::beta});
  const Options options{.noise = draws};
  Stepper run(plan, test_start(), options);
  for (int calls = 0; calls < 3; ++calls) {
    const auto call = run.next();
    network(call->input, call->level, call->output);
  }
  const Bytes bytes = save(run);
  const auto cut_to = [&](std::size_t size) {
    return Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  };
  Bytes altered = bytes;
  altered[bytes.size() / 2] ^= std::byte{1};
  Bytes longer = bytes;
  longer.push_back(std::byte{0});
  Bytes more_registers = bytes;
  more_registers.resize(bytes.size() + 64);
  const auto loads = [&](const Bytes& from) {
    return [=](State&) { (void)dpm::load(from, plan, State(8), options); };
  };
  const std::string foreign = "load: the bytes do not begin as a saved run of this version does";
  const std::string damaged = "load: the bytes are damaged or cut short: their checksum is wrong";
  const std::string outside = "load: the saved run stands outside its plan";
  std::vector<Bad> table{
      {"no bytes", loads({}), foreign},
      {"seven bytes", loads(cut_to(7)), foreign},
      {"the run of another version", loads(forged(bytes, 0, 0x3130'6e75'726d'7064)), foreign},
      {"the first number alone", loads(cut_to(8)), damaged},
      {"cut in the header", loads(cut_to(40)), damaged},
      {"the header alone", loads(cut_to(72)), damaged},
      {"cut in the values", loads(cut_to(bytes.size() - 64)), damaged},
      {"one byte too few", loads(cut_to(bytes.size() - 1)), damaged},
      {"one byte too many", loads(longer), damaged},
      {"one bit altered", loads(altered), damaged},
      {"another scalar type",
       [&](State&) {
         const dpm::RunOptions<std::vector<float>> of_float{.noise = dpm::NormalNoise{}};
         (void)dpm::load(bytes, plan, std::vector<float>(8), of_float);
       },
       "load: the saved run has another scalar type than the state given"},
      {"another plan", [&](State&) { (void)dpm::load(bytes, other, State(8), options); },
       "load: the saved run is of another plan than the one given"},
      {"another size", [&](State&) { (void)dpm::load(bytes, plan, State(4), options); },
       "load: the saved run is of 8 x 1 values; the state given has 4 x 1"},
      {"as many values of another shape", loads(forged(forged(bytes, 3, 4), 4, 2)),
       "load: the saved run is of 4 x 2 values; the state given has 8 x 1"},
      {"more registers", loads(forged(more_registers, 3, 8)),
       "load: the saved run holds other registers than its plan"},
      {"a step after the end", loads(forged(bytes, 5, 7)), outside},
      {"an instruction after the end", loads(forged(bytes, 5, 6)), outside},
      {"an instruction that the step has not", loads(forged(bytes, 6, 99)), outside},
      {"more calls than the plan's", loads(forged(bytes, 7, 7)), outside},
      {"calls below 0", loads(forged(bytes, 7, ~std::uint64_t{0})), outside},
      {"no plan", [&](State&) { (void)dpm::load(bytes, Shared(), State(8), options); },
       "Stepper: the plan is a null pointer; it must point to a plan"},
      {"an empty state", [&](State&) { (void)dpm::load(bytes, plan, State(), options); },
       "Stepper: the start x is empty; it must hold at least one value"},
      {"no noise", [&](State&) { (void)dpm::load(bytes, plan, State(8)); },
       "Stepper: the plan draws noise 6 times; give the run a noise source, such as "
       "NormalNoise{seed}"}};
  const auto good = [&](State& x) {
    Stepper loaded = dpm::load(bytes, plan, State(8), options);
    finish(loaded);
    x = loaded.sample();
  };
  refuses(table, good);
  State loaded;
  good(loaded);
  finish(run);
  REQUIRE(run.sample() == loaded);
}
