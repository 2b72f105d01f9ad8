// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Adaptive runs as k-diffusion has them: its controller, fresh noise, errors in x / alpha, flows.
#include "dpm/run/adaptive_steps.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace adaptive_steps_test {

using namespace dpm_test;
using dpm::AdaptiveDpmSolver;
using dpm::PidController;
using dpm::Space;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
const dpm::AnySchedule flow = dpm::RectifiedFlow(3.0);

/// A run of k-diffusion's sample_dpm_adaptive.
struct Textbook {
  State x;
  std::vector<double> ends;  // t of each trial
  std::vector<double> errors;
  std::vector<bool> accepted;
  int calls = 0;
};

/// Written from its formulas, in its own x and t = -log sigma. `eps(x, sigma)` is the noise.
Textbook textbook(const std::function<State(const State&, double)>& eps, State x, double s,
                  double t_end, const AdaptiveDpmSolver& o) {
  Textbook run;
  const double k = o.fresh.eta > 0.0 ? 1.5 : o.order;
  const double b1 = (o.pid->proportional + o.pid->integral + o.pid->derivative) / k;
  const double b2 = -(o.pid->proportional + 2.0 * o.pid->derivative) / k;
  const double b3 = o.pid->derivative / k;
  double h = o.first_step;
  double inverse[3] = {0.0, 0.0, 0.0};
  State before = x;
  std::uint32_t draws = 0;
  // x + a e + b (e1 - e)
  const auto sum = [&](const State& e, double a, const State& e1, double b) {
    State out = x;
    for (std::size_t i = 0; i < x.size(); ++i) out[i] += a * e[i] + b * (e1[i] - e[i]);
    return out;
  };
  const auto noise_at = [&](const State& at, double t) {
    ++run.calls;
    return eps(at, std::exp(-t));
  };
  while (s < t_end - 1e-5) {
    const double t = std::min(t_end, s + h);
    double to = t;
    double up = 0.0;
    if (o.fresh.eta > 0.0) {
      const double from2 = std::exp(-2.0 * s);
      const double to2 = std::exp(-2.0 * t);
      const double full =
          std::min(std::exp(-t), o.fresh.eta * std::sqrt(to2 * (from2 - to2) / from2));
      to = std::min(t_end, -0.5 * std::log(to2 - full * full));
      up = std::sqrt(std::max(0.0, to2 - std::exp(-2.0 * to)));
    }
    const double g = to - s;
    const double end = std::exp(-to) * std::expm1(g);
    const double r1 = o.order == 2 ? 0.5 : 1.0 / 3.0;
    const State e = noise_at(x, s);
    const double at1 = s + r1 * g;
    const State e1 = noise_at(sum(e, -std::exp(-at1) * std::expm1(r1 * g), e, 0.0), at1);
    // high - low is formed by itself, as a difference of the two would be their rounding.
    State low = sum(e, -end, e, 0.0);
    State difference(x.size());
    if (o.order == 2) {
      for (std::size_t i = 0; i < x.size(); ++i) difference[i] = -end / (2.0 * r1) * (e1[i] - e[i]);
    } else {
      low = sum(e, -end, e1, -end / (2.0 * r1));
      const double r2 = 2.0 / 3.0;
      const double at2 = s + r2 * g;
      const double m2 = std::exp(-at2);
      const State e2 = noise_at(sum(e, -m2 * std::expm1(r2 * g), e1,
                                    -m2 * (r2 / r1) * (std::expm1(r2 * g) / (r2 * g) - 1.0)),
                                at2);
      const double by_second = -std::exp(-to) / r2 * (std::expm1(g) / g - 1.0);
      for (std::size_t i = 0; i < x.size(); ++i) {
        difference[i] = by_second * (e2[i] - e[i]) + end / (2.0 * r1) * (e1[i] - e[i]);
      }
    }
    double squares = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double size = std::max(std::abs(low[i]), std::abs(before[i]));
      const double allowed = std::max(o.tolerance.absolute, o.tolerance.relative * size);
      squares += std::pow(difference[i] / allowed, 2.0);
    }
    const double error = std::sqrt(squares / static_cast<double>(x.size()));
    inverse[0] = 1.0 / (error + 1e-8);
    if (run.errors.empty()) inverse[1] = inverse[2] = inverse[0];
    const double factor = 1.0 + std::atan(std::pow(inverse[0], b1) * std::pow(inverse[1], b2) *
                                              std::pow(inverse[2], b3) -
                                          1.0);
    const bool accept = factor >= o.pid->accept_safety;
    if (accept) {
      inverse[2] = inverse[1];
      inverse[1] = inverse[0];
      before = low;
      State z(x.size());
      test_draw(z, {draws++, {}, {}});
      for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = low[i] + difference[i] + up * o.fresh.scale * z[i];
      s = t;
    }
    h *= factor;
    run.ends.push_back(t);
    run.errors.push_back(error);
    run.accepted.push_back(accept);
  }
  run.x = x;
  return run;
}

/// As `adaptive_by_name` has it.
AdaptiveDpmSolver k_diffusion(int order, double tolerance) {
  return {.order = order,
          .space = Space::noise,
          .tolerance = {.absolute = 0.1 * tolerance,
                        .relative = tolerance,
                        .norm = dpm::ErrorTolerance::Norm::whole_batch},
          .pid = PidController{},
          .divides_by_alpha = true};
}

struct Ours {
  State x;
  dpm::AdaptiveReport report;
};

Ours run_on(const dpm::AnySchedule& on, const AdaptiveDpmSolver& method, State x,
            std::optional<dpm::Prediction> prediction = std::nullopt) {
  dpm::RunOptions<State> options{.noise = &test_draw};
  const dpm::AdaptiveReport report = dpm::sample_adaptive(
      method, on,
      [](const State& at, double timestep, State& out) { test_network(at, timestep, out); }, x,
      prediction, options);
  return {x, report};
}

/// Rounding grows from trial to trial, as the controller feeds each error back into lengths.
void check_same(const Ours& ours, const Textbook& theirs, std::size_t repeated) {
  CHECK(relative_difference(ours.x, theirs.x) < 1e-6);
  const auto& trials = ours.report.trials;
  REQUIRE(trials.size() + repeated == theirs.errors.size());
  std::size_t j = 0;
  for (const dpm::AdaptiveTrial& trial : trials) {
    // What k-diffusion tries again to the same end.
    while (repeated > 0 && j > 0 && theirs.errors[j] == theirs.errors[j - 1]) {
      ++j;
      --repeated;
    }
    CHECK_THAT(trial.to.lambda(), WithinAbs(theirs.ends[j], 1e-6));
    CHECK_THAT(trial.error, WithinRel(theirs.errors[j], 1e-4));
    CHECK(trial.accepted == theirs.accepted[j]);
    ++j;
  }
}

/// The textbook's run of the same, on the process that x / alpha goes through.
Textbook textbook_on_process(const AdaptiveDpmSolver& method, const State& x) {
  const dpm::Level from = schedule.level(1.0);
  const dpm::Level to = schedule.level(method.end.value_or(1e-3));
  State start = x;
  for (double& value : start) value /= from.alpha();
  const auto eps = [](const State& at, double sigma) {
    const dpm::Level level = schedule.level_at_lambda(-std::log(sigma));
    State scaled = at;
    for (double& value : scaled) value *= level.alpha();
    State out(at.size());
    test_network(scaled, level.timestep, out);
    return out;
  };
  Textbook run = textbook(eps, start, from.lambda(), to.lambda(), method);
  for (double& value : run.x) value *= to.alpha();
  return run;
}

}  // namespace

TEST_CASE("adaptive runs with the controller take the trials of k-diffusion's own loop") {
  std::size_t rejected = 0;
  for (const int order : {2, 3}) {
    for (const double eta : {0.0, 0.6, 1.0}) {
      for (const PidController pid :
           {PidController{}, PidController{0.2, 0.5, 0.1}, PidController{-0.2, 0.9, 0.0, 0.9}}) {
        CAPTURE(order, eta, pid.proportional);
        AdaptiveDpmSolver method = k_diffusion(order, 0.3);
        method.fresh = {.eta = eta, .scale = 1.01};
        method.pid = pid;
        const Ours ours = run_on(schedule, method, test_start());
        const Textbook theirs = textbook_on_process(method, test_start());
        check_same(ours, theirs, theirs.errors.size() - ours.report.trials.size());
        const int tries = static_cast<int>(ours.report.trials.size());
        CHECK(ours.report.model_calls == order * tries - static_cast<int>(ours.report.rejected));
        CHECK(ours.report.within_tolerance);
        rejected += ours.report.rejected;
      }
    }
  }
  CHECK(rejected > 10);
}

TEST_CASE("trials that k-diffusion repeats to the same end are made once, to the same samples") {
  // Steps grow without end where nothing changes and then meet the data, where errors are large.
  AdaptiveDpmSolver method = k_diffusion(3, 0.01);
  method.first_step = 400.0;
  const Ours ours = run_on(schedule, method, test_start());
  const Textbook theirs = textbook_on_process(method, test_start());
  const std::size_t repeated = theirs.errors.size() - ours.report.trials.size();
  CHECK(repeated >= 2);
  check_same(ours, theirs, repeated);
}

TEST_CASE("a controller may accept errors above one tolerance, and says within tolerance") {
  AdaptiveDpmSolver method = k_diffusion(3, 0.02);
  const Ours ours = run_on(schedule, method, test_start());
  double most = 0.0;
  for (const dpm::AdaptiveTrial& trial : ours.report.trials) {
    if (trial.accepted) most = std::max(most, trial.error);
  }
  CHECK(most > 1.0);
  CHECK(most < 1.9);
  CHECK(ours.report.within_tolerance);
  method.max_model_calls = 9;
  method.at_cap = AdaptiveDpmSolver::AtCap::finish;
  const Ours forced = run_on(schedule, method, test_start());
  CHECK(forced.report.model_calls <= 9);
  CHECK_FALSE(forced.report.within_tolerance);
}

TEST_CASE("on a flow steps of Space::flow are k-diffusion's in the flow's own sigma") {
  for (const double eta : {0.0, 0.5}) {
    AdaptiveDpmSolver method = k_diffusion(3, 0.05);
    method.space = Space::flow;
    method.end = 0.05;
    method.fresh.eta = eta;
    const dpm::Level end = flow.level(0.05);
    const Ours ours = run_on(flow, method, test_start(), dpm::Prediction::flow);
    const auto slope = [](const State& at, double sigma) {
      State out(at.size());
      test_network(at, 1000.0 * sigma, out);
      return out;
    };
    const Textbook theirs = textbook(slope, test_start(), 0.0, -end.log_sigma, method);
    check_same(ours, theirs, theirs.errors.size() - ours.report.trials.size());
    const Ours by_default = run_on(flow, method, test_start());
    CHECK(by_default.x == ours.x);
  }
}

TEST_CASE("a model on a flow is told the flow's levels by adaptive runs of Space::flow") {
  AdaptiveDpmSolver method = k_diffusion(3, 0.05);
  method.space = Space::flow;
  method.end = 0.01;
  method.denoise_to_zero = true;
  State x = test_start();
  int calls = 0;
  dpm::Level last;
  dpm::RunOptions<State> options;
  options.observer = [&](const dpm::Progress<State>& progress) { last = progress.level; };
  dpm::sample_adaptive(
      method, flow,
      [&](const State& at, const dpm::Level& level, State& out) {
        if (calls++ == 0) CHECK(level.alpha() == 0.0);
        CHECK_THAT(level.alpha() + level.sigma(), WithinAbs(1.0, 1e-12));
        CHECK_THAT(level.timestep, WithinAbs(1000.0 * level.sigma(), 1e-9));
        CHECK_THAT(flow.level(level.time).sigma(), WithinAbs(level.sigma(), 1e-12));
        test_network(at, level.timestep, out);
      },
      x, dpm::Prediction::flow, options);
  CHECK(calls > 6);
  CHECK(last.sigma() == 0.0);
  CHECK(last.alpha() == 1.0);
}

TEST_CASE("adaptive runs with fresh noise end with the moments of Gaussian data") {
  // Data of mean 0.4 and deviation 0.6, 20000 values.
  const auto moments_after = [](const dpm::AnySchedule& on, AdaptiveDpmSolver method) {
    State x(20000);
    dpm::NormalNoise{.seed = 5}.fill(x);
    method.fresh.eta = 1.0;
    method.tolerance.absolute = method.tolerance.relative = 2e-3;
    method.max_model_calls = 100000;
    dpm::RunOptions<State> options{.noise = dpm::NormalNoise{.seed = 6}};
    const bool on_flow = method.space == Space::flow;
    dpm::sample_adaptive(
        method, on,
        [&](const State& at, const dpm::Level& level, State& out) {
          const double alpha = level.alpha();
          const double sigma = level.sigma();
          const double variance = alpha * alpha * 0.36 + sigma * sigma;
          for (std::size_t i = 0; i < at.size(); ++i) {
            const double place = (at[i] - alpha * 0.4) / variance;
            out[i] = on_flow ? sigma * place - 0.4 - alpha * 0.36 * place : sigma * place;
          }
        },
        x, std::nullopt, options);
    double mean = 0.0;
    double square = 0.0;
    for (const double value : x) {
      mean += value / 20000.0;
      square += value * value / 20000.0;
    }
    return std::pair(mean, std::sqrt(square - mean * mean));
  };
  const auto check = [&](const dpm::AnySchedule& on, const AdaptiveDpmSolver& method) {
    const dpm::Level end = on.level(*method.end);
    const auto [mean, stddev] = moments_after(on, method);
    CHECK_THAT(mean, WithinAbs(0.4 * end.alpha(), 0.02));
    CHECK_THAT(stddev, WithinAbs(std::hypot(0.6 * end.alpha(), end.sigma()), 0.02));
  };
  AdaptiveDpmSolver method = k_diffusion(2, 1.0);
  method.end = 0.01;
  check(schedule, method);
  method.space = Space::data;
  check(schedule, method);
  method.space = Space::flow;
  method.end = 0.05;
  method.fresh.rule = dpm::FreshNoise::Rule::flow;
  check(flow, method);
  // Noise as if alpha were 1 is too much of it.
  method.fresh.rule = dpm::FreshNoise::Rule::diffusion;
  CHECK(moments_after(flow, method).second > 0.7);
}

TEST_CASE("adaptive runs with fresh noise are saved, forked and reset like any other") {
  AdaptiveDpmSolver method = k_diffusion(3, 0.05);
  method.fresh.eta = 0.7;
  method.end = 0.05;
  for (const Space space : {Space::noise, Space::data, Space::flow}) {
    CAPTURE(static_cast<int>(space));
    method.space = space;
    const dpm::AnySchedule& on = space == Space::flow ? flow : schedule;
    const auto prediction = space == Space::flow ? dpm::Prediction::flow : dpm::Prediction::noise;
    const dpm::RunOptions<State> options{.noise = &test_draw};
    using Run = dpm::AdaptiveRun<State>;
    const auto answer = [](Run& run, int calls) {
      for (int k = 0; k != calls; ++k) {
        const auto call = run.next();
        if (!call) return;
        test_network(call->input, call->level.time, call->output);
      }
    };
    Run whole(method, on, test_start(), prediction, options);
    answer(whole, -1);
    REQUIRE(whole.report().accepted > 3);
    for (int calls = 0; calls <= whole.model_calls(); ++calls) {
      Run run(method, on, test_start(), prediction, options);
      answer(run, calls);
      Run loaded = dpm::load_adaptive(dpm::save(run), method, on, State(8), prediction, options);
      Run fork = run.fork(options);
      for (Run* each : {&run, &loaded, &fork}) {
        answer(*each, -1);
        CHECK(each->sample() == whole.sample());
        CHECK(each->numbers() == whole.numbers());
      }
      run.reset(test_start());
      answer(run, -1);
      CHECK(run.sample() == whole.sample());
    }
  }
}

TEST_CASE("errors in x / alpha are those of x where alpha is 1 and others elsewhere") {
  const dpm::AnySchedule edm = dpm::Edm();
  for (const auto& [on, same] : {std::pair(&edm, true), std::pair(&schedule, false)}) {
    AdaptiveDpmSolver method = k_diffusion(3, 0.05);
    if (same) method.start = 5.0;
    const Ours divided = run_on(*on, method, test_start(), dpm::Prediction::noise);
    method.divides_by_alpha = false;
    const Ours plain = run_on(*on, method, test_start(), dpm::Prediction::noise);
    CHECK((divided.x == plain.x) == same);
    CHECK((divided.report.trials[0].error == plain.report.trials[0].error) == same);
  }
}

TEST_CASE("an adaptive run refuses what its fresh noise, its space and its schedule cannot be") {
  const auto wrong = [](const dpm::AnySchedule& on, const AdaptiveDpmSolver& method,
                        const std::string& sentence,
                        std::optional<dpm::Prediction> prediction = std::nullopt) {
    State x = test_start();
    refused(
        [&] {
          dpm::sample_adaptive(
              method, on, [](const State&, double, State&) { FAIL("the model was called"); }, x,
              prediction);
        },
        sentence);
    CHECK(x == test_start());
  };
  wrong(schedule, {.fresh = {.eta = 0.5}},
        "sample_adaptive: fresh.eta = 0.5 draws noise; give the run a noise source, such as "
        "NormalNoise{seed}");
  wrong(schedule, {.fresh = {.eta = 1.5}},
        "AdaptiveDpmSolver: fresh.eta = 1.5; it must be in [0, 1]");
  wrong(schedule, {.fresh = {.eta = not_a_number}},
        "AdaptiveDpmSolver: eta = nan; it must be finite and at least 0");
  wrong(schedule, {.fresh = {.eta = 0.5, .scale = -1.0}},
        "AdaptiveDpmSolver: the scale of the fresh noise is -1; it must be finite and at least 0");
  wrong(schedule, {.space = Space::flow},
        "AdaptiveDpmSolver: Space::flow with a schedule that is no flow's; it needs a flow, alpha "
        "+ sigma = 1, and Prediction::flow");
  wrong(flow, {.space = Space::flow, .end = 0.1},
        "AdaptiveDpmSolver: Space::flow with another prediction; it needs a flow, alpha + sigma = "
        "1, and Prediction::flow",
        dpm::Prediction::noise);
  wrong(flow, {.space = Space::flow, .end = 0.1, .time_tolerance = 1e-5},
        "AdaptiveDpmSolver: time_tolerance = 1e-05 with Space::flow; it must be 0");
  wrong(flow, {.space = Space::flow},
        "AdaptiveDpmSolver: the end at time 0 has sigma = 0, which steps in lambda never reach; "
        "end above that time, and use denoise_to_zero");
  wrong(flow, {.space = Space::flow, .start = 0.25, .end = 0.25},
        "AdaptiveDpmSolver: from time 0.25 to time 0.25 lambda grows by 0; time must fall, and "
        "lambda grow by at least smallest_step = 1e-08");
}

}  // namespace adaptive_steps_test
