// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a run with adaptive steps is given, and where it cannot go on: the sentence that each gets.
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/run/adaptive.hpp"
#include "support/catch.hpp"
#include "support/refusals.hpp"
#include "support/test_network.hpp"

namespace adaptive_refusals_test {

using namespace dpm_test;

namespace {

using State = std::vector<double>;
using Model = std::function<void(const State&, const dpm::Level&, State&)>;

const dpm::AnySchedule schedule = dpm::VpLinear();
const Model network = test_model(dpm::Prediction::noise);

}  // namespace

TEST_CASE("a run with adaptive steps refuses bad input, and says where it cannot go on") {
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
      {"too few calls", run({.max_model_calls = 2}),
       who + "max_model_calls = 2; it must be at least 3, the calls of the shortest run"},
      {"too few calls for the last step, too", run({.max_model_calls = 3, .denoise_to_zero = true}),
       who + "max_model_calls = 3; it must be at least 4, the calls of the shortest run"},
      {"a start after the schedule's", run({.start = 1.5}),
       who + "start = 1.5; it must be in [0, 1], the times of the schedule"},
      {"a start of no number", run({.start = not_a_number}),
       who + "start = nan; it must be in [0, 1], the times of the schedule"},
      {"a start after that of EDM", run({.start = 81.0}, dpm::Edm()),
       who + "start = 81; it must be in [0, 80], the times of the schedule"},
      {"an end before clean data", run({.end = -0.5}),
       who + "end = -0.5; it must be in [0, 1], the times of the schedule"},
      {"no number for an end", run({.end = not_a_number}),
       who + "end = nan; it must be in [0, 1], the times of the schedule"},
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
  capped.max_model_calls = 7;
  table.push_back({"a cap that the run meets", run(capped),
                   "sample_adaptive: max_model_calls = 7 are used up at time 0...."});
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

}  // namespace adaptive_refusals_test
