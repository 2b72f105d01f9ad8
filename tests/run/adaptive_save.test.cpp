// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Adaptive runs that are refused, saved, and loaded with other options; copies with an open call.
#include <cmath>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/run/adaptive.hpp"
#include "dpm/run/save.hpp"
#include "support/adaptive_methods.hpp"
#include "support/catch.hpp"
#include "support/refusals.hpp"
#include "support/test_network.hpp"

namespace adaptive_save_test {

using namespace dpm_test;

namespace {

using State = std::vector<double>;
using Run = dpm::AdaptiveRun<State>;
using Method = dpm::AdaptiveDpmSolver;
using Options = dpm::RunOptions<State>;
using Bytes = std::vector<std::byte>;

const dpm::AnySchedule schedule = dpm::VpLinear();

template <class Call>
void fill(const Call& call) {
  test_network(call.input, call.level.time, call.output);
}

/// Answers the calls of a run to its end.
void finish(Run& run) {
  while (const auto call = run.next()) fill(*call);
}
/// Answers so many calls.
void answer(Run& run, int calls) {
  for (int k = 0; k < calls; ++k) fill(run.next().value());
}

Run load(const Bytes& bytes, const Method& method, const Options& options = {}) {
  return dpm::load_adaptive(bytes, method, schedule, State(8), dpm::Prediction::noise, options);
}

std::vector<Method> methods() { return adaptive_methods(0.02); }

void check_same(const Run& a, const Run& b) {
  CHECK(a.sample() == b.sample());
  CHECK(a.finished() == b.finished());
  CHECK(a.model_calls() == b.model_calls());
  CHECK(a.level() == b.level());
  CHECK(a.numbers() == b.numbers());
  CHECK(a.report().accepted == b.report().accepted);
  CHECK(a.report().rejected == b.report().rejected);
  CHECK(a.report().trials.size() == b.report().trials.size());
  CHECK(a.report().within_tolerance == b.report().within_tolerance);
}

/// Runs into a refusal, which is the same each time, counts nothing and is the same of a copy and
/// of the saved run. Returns that.
Bytes refused(Run& run, const Method& method, const std::string& sentence) {
  const auto message = [](Run& of) { return said([&] { finish(of); }); };
  const std::string first = message(run);
  CHECK(first.find(sentence) == 0);
  const Run before = run;
  const Bytes bytes = dpm::save(run);
  Run loaded = load(bytes, method);
  for (Run* each : {&run, &loaded}) {
    for (int again = 0; again < 2; ++again) {
      CHECK(message(*each) == first);
      check_same(*each, before);
      CHECK(dpm::save(*each) == bytes);
    }
  }
  return bytes;
}

}  // namespace

TEST_CASE("an adaptive run refused at its cap stays as it was, and goes on with a higher one") {
  for (const Method& method : methods()) {
    Run whole(method, schedule, test_start());
    finish(whole);
    CHECK(whole.finished());
    bool after_rejection = false;
    bool after_acceptance = false;
    for (int cap = method.order + (method.denoise_to_zero ? 1 : 0); cap < whole.model_calls();
         ++cap) {
      CAPTURE(method.order, cap);
      Method capped = method;
      capped.max_model_calls = cap;
      Run run(capped, schedule, test_start());
      const Bytes bytes =
          refused(run, capped,
                  "sample_adaptive: max_model_calls = " + std::to_string(cap) + " are used up");
      CHECK(run.model_calls() <= cap);
      const bool in_trial = run.stepper().plan().steps[0].is_trial();
      (in_trial ? after_rejection : after_acceptance) = true;
      for (const int more : {whole.model_calls(), 1000}) {
        capped.max_model_calls = more;
        Run loaded = load(bytes, capped);
        finish(loaded);
        check_same(loaded, whole);
      }
      // Or it finishes, if the calls suffice for that.
      capped.max_model_calls = cap + method.order;
      capped.at_cap = Method::AtCap::finish;
      Run finished = load(bytes, capped);
      finish(finished);
      CHECK(finished.finished());
      CHECK(finished.model_calls() <= cap + method.order);
      capped.max_model_calls = cap;
      Run beyond = load(bytes, capped);
      CHECK(said([&] { finish(beyond); }).find("sample_adaptive: max_model_calls = ") == 0);
    }
    CHECK(after_acceptance);
    if (whole.report().rejected > 0) CHECK(after_rejection);
  }
  // Each further call of next would add a trial.
  Run run({.tolerance = {1e-6, 1e-6}, .first_step = 3.0, .max_model_calls = 4}, schedule,
          test_start());
  for (int again = 0; again < 3; ++again) {
    CHECK_THROWS_AS(finish(run), dpm::InvalidArgument);
    CHECK(run.report().rejected == 0);
    CHECK(run.model_calls() == 3);
  }
}

TEST_CASE("an adaptive run refused for short steps goes on with a looser tolerance") {
  const Method loose{
      .tolerance = {.absolute = 0.5, .relative = 0.5}, .first_step = 0.3, .smallest_step = 0.3};
  Method tight = loose;
  tight.tolerance = {.absolute = 1e-7, .relative = 1e-7};
  Run whole(loose, schedule, test_start());
  finish(whole);
  Run run(tight, schedule, test_start());
  const Bytes bytes = refused(run, tight, "sample_adaptive: at time 1 a step of 0.3");
  Run loaded = load(bytes, loose);
  finish(loaded);
  check_same(loaded, whole);

  // Times in whole thousandths: here it is the plan of the next trial that is refused.
  struct Thousandths : dpm::VpLinear<> {
    [[nodiscard]] double time_of_lambda(double lambda) const {
      return std::round(1e3 * VpLinear::time_of_lambda(lambda)) / 1e3;
    }
  };
  const Method tightest{.tolerance = {.absolute = 1e-7, .relative = 0.0}, .first_step = 0.3};
  Run coarse(tightest, Thousandths(), test_start());
  const std::string first = said([&] { finish(coarse); });
  CHECK(first.find("sample_adaptive: the step from time ") == 0);
  const Run before = coarse;
  CHECK(said([&] { finish(coarse); }) == first);
  check_same(coarse, before);
  Method looser = tightest;
  looser.tolerance = {.absolute = 0.5, .relative = 0.5};
  Run on = dpm::load_adaptive(dpm::save(coarse), looser, Thousandths(), State(8));
  finish(on);
  CHECK(on.finished());
}

TEST_CASE("an adaptive run whose trial has no error is saved like any other") {
  // A model that says nothing makes both orders agree, and the next step as long as can be.
  const auto say_nothing = [](const auto& call) { call.output.assign(call.input.size(), 0.0); };
  const Method method{.order = 2, .space = dpm::Space::noise};
  Run run(method, schedule, test_start());
  for (int calls = 0; calls < 3; ++calls) say_nothing(run.next().value());
  CHECK(run.report().trials.back().error == 0.0);
  Run loaded = load(dpm::save(run), method);
  for (Run* each : {&run, &loaded}) {
    while (const auto call = each->next()) say_nothing(*call);
    CHECK(each->finished());
  }
  check_same(loaded, run);
}

TEST_CASE("a finished adaptive run is finished when it is loaded") {
  for (const Method& method : methods()) {
    Run run(method, schedule, test_start());
    finish(run);
    Run loaded = load(dpm::save(run), method);
    CHECK(loaded.finished());
    check_same(loaded, run);
    CHECK_FALSE(loaded.next());
    check_same(loaded, run);
    CHECK(dpm::save(loaded) == dpm::save(run));
  }
}

TEST_CASE("a copy of an adaptive run has the open call, over its own buffers") {
  for (const Method& method : methods()) {
    Run whole(method, schedule, test_start());
    CHECK_FALSE(whole.open_call());
    finish(whole);
    CHECK_FALSE(whole.open_call());
    for (int calls = 0; calls < whole.model_calls(); calls += 1 + calls / 8) {
      Run run(method, schedule, test_start());
      answer(run, calls);
      const auto call = run.next();
      REQUIRE(call);
      Run copy = run;
      Run fork = run.fork({});
      CHECK_FALSE(fork.open_call());  // handed out again
      const auto copied = copy.open_call();
      REQUIRE(copied);
      CHECK(&copied->output != &call->output);
      CHECK(copied->input == call->input);
      CHECK(copied->level == call->level);
      fill(*call);
      fill(*copied);
      for (Run* each : {&run, &copy, &fork}) {
        finish(*each);
        check_same(*each, whole);
      }
    }
  }
}

TEST_CASE("forks of an adaptive run go on with callables of their own") {
  const Method method = methods()[1];
  int seen = 0;
  Options watching;
  watching.observer = [&seen](const dpm::Progress<State>&) { ++seen; };
  Run run(method, schedule, test_start());
  answer(run, 7);
  const std::size_t before = run.report().accepted;
  Run fork = run.fork(watching);
  finish(run);
  CHECK(seen == 0);
  finish(fork);
  check_same(fork, run);
  CHECK(static_cast<std::size_t>(seen) == run.report().accepted - before);
  Options correcting;
  correcting.correction = corrects;
  CHECK_THROWS_WITH(run.fork(correcting),
                    mentions("the fork has a correction and the run has none"));
}

TEST_CASE("an output that an adaptive run refuses may be filled anew") {
  for (const Method& method : methods()) {
    Run whole(method, schedule, test_start());
    finish(whole);
    for (int bad = 0; bad < whole.model_calls(); ++bad) {
      Options options;
      options.refillable = true;
      Run run(method, schedule, test_start(), dpm::Prediction::noise, options);
      answer(run, bad);
      run.next().value().output[3] = not_a_number;
      CHECK_THROWS_AS(run.next(), dpm::NonFinite);
      fill(run.open_call().value());
      finish(run);
      check_same(run, whole);
    }
  }
}

TEST_CASE("an adaptive run that is reset is a new one") {
  const State other{0.25, -1.0, 0.5, 2.0, -0.75, 0.125, 1.5, -0.5};
  for (const Method& method : methods()) {
    std::vector<std::size_t> steps;
    Options options;
    options.observer = [&steps](const dpm::Progress<State>& p) { steps.push_back(p.step); };
    Run expected(method, schedule, other, dpm::Prediction::noise, options);
    finish(expected);
    const std::vector<std::size_t> expected_steps = std::exchange(steps, {});
    Run whole(method, schedule, test_start());
    finish(whole);
    const int last = whole.model_calls();
    for (int calls = 0; calls <= last; calls = next_stop(calls, last)) {
      for (const bool loads : {false, true}) {
        Run run(method, schedule, test_start(), dpm::Prediction::noise, options);
        answer(run, calls);
        if (calls == whole.model_calls()) finish(run);
        if (loads) run = load(dpm::save(run), method, options);
        CHECK_THROWS_AS(run.reset(State(3)), dpm::InvalidArgument);
        CHECK_THROWS_AS(run.reset(State(8, not_a_number)), dpm::NonFinite);
        Run on = run;
        finish(on);
        check_same(on, whole);  // as it was
        steps.clear();
        run.reset(other);
        CHECK(run.report().trials.empty());
        CHECK(run.model_calls() == 0);
        CHECK(run.sample() == other);
        finish(run);
        check_same(run, expected);
        CHECK(steps == expected_steps);
      }
    }
    // From what it stands at itself, and after what ends a run.
    Run again(method, schedule, other);
    again.reset(again.sample());
    again.next().value().output.assign(8, not_a_number);
    CHECK_THROWS_AS(finish(again), dpm::NonFinite);
    CHECK_THROWS_WITH(again.next(), mentions("reset it"));
    again.reset(other);
    finish(again);
    check_same(again, expected);
  }
}

TEST_CASE("an adaptive run knows how many steps and calls it has in its last step alone") {
  for (const Method& method : methods()) {
    std::vector<std::pair<std::size_t, int>> all;
    Options options;
    options.observer = [&all](const dpm::Progress<State>& p) {
      all.emplace_back(p.steps, p.total_model_calls);
    };
    Run run(method, schedule, test_start(), dpm::Prediction::noise, options);
    finish(run);
    std::vector<std::pair<std::size_t, int>> expected(run.report().accepted);
    if (method.denoise_to_zero) {
      expected.emplace_back(run.report().accepted + 1, run.model_calls());
    }
    CHECK(all == expected);
  }
}

TEST_CASE("a saved adaptive run may be loaded with other tolerances, but not as another run") {
  const Method method = methods()[1];
  Options correcting;
  correcting.correction = corrects;
  Run run(method, schedule, test_start());
  answer(run, 7);
  const Bytes open = dpm::save(run);
  Method capped = method;
  capped.max_model_calls = 7;
  Run stuck(capped, schedule, test_start());
  CHECK_THROWS_AS(finish(stuck), dpm::InvalidArgument);
  finish(run);
  for (const Bytes& bytes : {open, dpm::save(stuck), dpm::save(run)}) {
    const auto refused = [&bytes](const std::function<void(Method&)>& change,
                                  const std::string& sentence, const Options& options = {}) {
      Method other = methods()[1];
      change(other);
      require_said(said([&] { (void)load(bytes, other, options); }), sentence);
    };
    refused([](Method& m) { m.order = 2; },
            "load: order = 2, and 3 in the saved run; it must be the same");
    refused([](Method& m) { m.update = dpm::DpmSolver::Update::taylor; },
            "load: update = 1, and 0 in the saved run; it must be the same");
    refused([](Method& m) { m.smallest_step = 0.03125; },
            "load: smallest_step = 0.03125, and 1e-08 in the saved run; it must be the same");
    refused([](Method& m) { m.end = 0.25; },
            "load: end = 0.25, and 0.001 in the saved run; it must be the same");
    refused([](Method& m) { m.denoise_to_zero = true; },
            "load: denoise_to_zero = 1, and 0 in the saved run; it must be the same");
    refused([](Method&) {}, "load: Correction = 1, and 0 in the saved run; it must be the same",
            correcting);
    refused([](Method& m) { m.space = dpm::Space::noise; },
            "load: the saved run is of a plan with hash ...");
    refused([](Method& m) { m.tolerance.elements_per_sample = 3; },
            "sample_adaptive: elements_per_sample = 3 for a state of 8 x 1; it must divide the "
            "size of a state with one column, and be 0 for others");
  }
  // The same end in other words, and what is allowed to change.
  Method same = method;
  same.end = schedule.first_time();
  same.start = 0.5;
  same.first_step = 1.0;
  Run loaded = load(open, same);
  finish(loaded);
  check_same(loaded, run);
  Method looser = method;
  looser.tolerance = {.absolute = 0.5, .relative = 0.5};
  looser.safety = 0.5;
  looser.time_tolerance = 1e-5;
  Run loose = load(open, looser);
  finish(loose);
  CHECK(loose.finished());
  CHECK(loose.level() == run.level());
  CHECK(loose.model_calls() < run.model_calls());
}

TEST_CASE("a correction is asked for where an adaptive run had one") {
  const Method method = methods()[3];
  Options correcting;
  correcting.correction = corrects;
  Run run(method, schedule, test_start(), dpm::Prediction::noise, correcting);
  answer(run, 5);
  const Bytes bytes = dpm::save(run);
  require_said(said([&] { (void)load(bytes, method); }),
               "load: Correction = 0, and 1 in the saved run; it must be the same");
  Run loaded = load(bytes, method, correcting);
  finish(loaded);
  finish(run);
  check_same(loaded, run);
}

}  // namespace adaptive_save_test
