// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Adaptive runs that are pulled, copied, stopped and saved like any other.
#include <cstddef>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/adaptive_methods.hpp"
#include "support/catch.hpp"
#include "support/refusals.hpp"
#include "support/test_network.hpp"

namespace adaptive_run_test {

using namespace dpm_test;

namespace {

using State = std::vector<double>;
using Run = dpm::AdaptiveRun<State>;
using Options = dpm::RunOptions<State>;

const dpm::AnySchedule schedule = dpm::VpLinear();

template <class Call>
void fill(const Call& call) {
  test_network(call.input, call.level.time, call.output);
}

void network(const State& x, double t, State& out) { test_network(x, t, out); }

/// Runs until so many calls are answered, or to the end.
void answer(Run& run, int calls = -1) {
  while (run.model_calls() != calls) {
    const auto call = run.next();
    if (!call) return;
    fill(*call);
    if (run.model_calls() + 1 == calls) return;  // answered, and taken by the next call of next
  }
}

std::vector<dpm::AdaptiveDpmSolver> methods() { return adaptive_methods(1e-3); }

void check_same(const dpm::AdaptiveReport& a, const dpm::AdaptiveReport& b) {
  CHECK(a.accepted == b.accepted);
  CHECK(a.rejected == b.rejected);
  CHECK(a.model_calls == b.model_calls);
  REQUIRE(a.trials.size() == b.trials.size());
  std::size_t same = 0;
  for (std::size_t i = 0; i < a.trials.size(); ++i) {
    const dpm::AdaptiveTrial& x = a.trials[i];
    const dpm::AdaptiveTrial& y = b.trials[i];
    const bool alike = x.from == y.from && x.to == y.to && x.error == y.error;
    same += alike && x.accepted == y.accepted ? 1 : 0;
  }
  CHECK(same == a.trials.size());
}

}  // namespace

TEST_CASE("an adaptive run that is pulled is sample_adaptive to the bit") {
  std::size_t rejected = 0;
  for (const dpm::AdaptiveDpmSolver& method : methods()) {
    State x = test_start();
    const dpm::AdaptiveReport report = dpm::sample_adaptive(method, schedule, network, x);
    Run run(method, schedule, test_start());
    int calls = 0;
    while (const auto call = run.next()) {
      fill(*call);
      ++calls;
    }
    CHECK(run.finished());
    CHECK(calls == report.model_calls);
    CHECK(run.sample() == x);
    check_same(run.report(), report);
    rejected += report.rejected;
  }
  CHECK(rejected > 0);
}

TEST_CASE("copies and saved adaptive runs go on to the same samples from any call") {
  for (const dpm::AdaptiveDpmSolver& method : methods()) {
    Run whole(method, schedule, test_start());
    answer(whole);
    const int calls = whole.model_calls();
    for (int stop = 0; stop <= calls; stop = next_stop(stop, calls)) {
      CAPTURE(stop);
      Run run(method, schedule, test_start());
      answer(run, stop);
      Run copy = run;
      const std::vector<std::byte> bytes = dpm::save(run);
      Run loaded = dpm::load_adaptive(bytes, method, schedule, State(test_start().size()));
      for (Run* each : {&run, &copy, &loaded}) {
        answer(*each);
        CHECK(each->sample() == whole.sample());
        check_same(each->report(), whole.report());
      }
    }
  }
}

TEST_CASE("an adaptive run that is stopped can go on, and its sample is that of an accepted step") {
  const dpm::AdaptiveDpmSolver method = methods()[1];
  Run whole(method, schedule, test_start());
  answer(whole);
  std::vector<State> accepted{test_start()};
  Options watching;
  watching.observer = [&](const dpm::Progress<State>& progress) {
    CHECK(progress.step == accepted.size());
    CHECK(progress.steps == 0);
    accepted.push_back(progress.sample);
  };
  Run watched(method, schedule, test_start(), dpm::Prediction::noise, watching);
  answer(watched);
  CHECK(accepted.size() == whole.report().accepted + 1);
  for (int stop = 0; stop < whole.model_calls(); ++stop) {
    std::stop_source source;
    Options options;
    options.stop = source.get_token();
    Run run(method, schedule, test_start(), dpm::Prediction::noise, options);
    answer(run, stop);
    source.request_stop();
    CHECK_FALSE(run.next());
    CHECK(run.stopped());
    CHECK(run.report().stopped);
    CHECK(run.sample() == accepted[run.report().accepted]);
    run.resume();
    answer(run);
    CHECK(run.sample() == whole.sample());
  }
}

TEST_CASE("an adaptive run refuses the bytes of another one") {
  const dpm::AdaptiveDpmSolver method = methods()[1];
  Run run(method, schedule, test_start());
  answer(run, 4);
  const std::vector<std::byte> bytes = dpm::save(run);
  const State shape(test_start().size());
  const auto refused = [](const auto& load, const std::string& sentence) {
    require_said(said(load), sentence);
  };
  dpm::AdaptiveDpmSolver other = method;
  other.space = dpm::Space::noise;
  refused([&] { (void)dpm::load_adaptive(bytes, other, schedule, shape); },
          "load: the saved run is of a plan with hash ...");
  refused([&] { (void)dpm::load_adaptive(bytes, method, dpm::VpCosine(), shape); },
          "VpCosine: time must be in [0, 0.9946] and is 0.99...");
  refused([&] { (void)dpm::load_adaptive(bytes, method, dpm::VpLinear(0.1, 19.0), shape); },
          "load: the saved run is of a plan with hash ...");
  refused([&] { (void)dpm::load_adaptive(bytes, method, schedule, shape, dpm::Prediction::data); },
          "load: the saved run is of a plan with hash ...");
  refused([&] { (void)dpm::load_adaptive(bytes, method, schedule, State(3)); },
          "load: the saved run is of 8 x 1 values; the state given has 3 x 1");
  refused([&] { (void)dpm::load_adaptive(bytes, method, schedule, State()); },
          "load: shape is empty; it must have the shape of the run's sample");
  std::vector<std::byte> damaged = bytes;
  damaged[damaged.size() / 2] ^= std::byte{4};
  refused([&] { (void)dpm::load_adaptive(damaged, method, schedule, shape); },
          "load: the " + std::to_string(bytes.size()) +
              " bytes are damaged or cut short: their checksum is wrong");
  refused([&] { (void)dpm::load(bytes, run.stepper().plan(), shape); },
          "load: the saved run is an adaptive one; load it with load_adaptive");
  const dpm::Plan plan = make_plan(dpm::Ddim{}, make_grid(dpm::UniformTime{}, schedule, 3));
  const std::vector<std::byte> fixed = dpm::save(dpm::Stepper<State>(plan, test_start()));
  refused([&] { (void)dpm::load_adaptive(fixed, method, schedule, shape); },
          "load_adaptive: the saved run is not an adaptive one; load it with load");
}

}  // namespace adaptive_run_test
