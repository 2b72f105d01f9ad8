// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
#include "dpm/calibration/calibrate.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace calibrate_test {

using namespace dpm_test;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

/// Two modes in two dimensions, of different widths.
dpm::GaussianMixture two_modes() {
  return dpm::GaussianMixture({{0.4, dpm::Gaussian({-1.0, 0.5}, {0.1, 0.4})},
                               {0.6, dpm::Gaussian({1.0, -0.5}, {0.3, 0.2})}});
}

/// The end of the default plan and of the references.
constexpr dpm::UniformTime to_zero{.final = dpm::FinalSigma::zero_instead};

/// Standard normal samples of two values, as columns.
template <class State>
State columns(Eigen::Index count, std::uint64_t seed) {
  State x(2, count);
  dpm::NormalNoise{.seed = seed}.fill(x);
  return x;
}

template <class State>
dpm::References<State> references(Eigen::Index count, std::uint64_t seed = 1) {
  const std::vector<State> starts{columns<State>(count, seed)};
  return dpm::References<State>(dpm::make_plan(schedule, 200), two_modes(), starts);
}

/// The plan with its levels at alpha = 1 and the same lambda.
dpm::Plan at_alpha_one(dpm::Plan plan) {
  for (dpm::Step& step : plan.steps) {
    for (dpm::Level* level : {&step.from, &step.to}) {
      level->log_sigma = -level->lambda();
      level->log_alpha = 0.0;
    }
  }
  return plan;
}

/// The median over samples of the distance between what two plans make of other starts.
template <class State>
double median_distance(const dpm::Plan& plan, const dpm::Plan& fine) {
  State x = columns<State>(101, 2);
  State y = x;
  dpm::sample(plan, two_modes(), x);
  dpm::sample(fine, two_modes(), y);
  std::vector<double> all;
  for (Eigen::Index s = 0; s < x.cols(); ++s) {
    double sum = 0.0;
    for (Eigen::Index e = 0; e < x.rows(); ++e) {
      const double off = static_cast<double>(x(e, s)) - static_cast<double>(y(e, s));
      sum += off * off;
    }
    all.push_back(std::sqrt(0.5 * sum));
  }
  std::nth_element(all.begin(), all.begin() + 50, all.end());
  return all[50];
}

}  // namespace

TEST_CASE("a calibrated plan halves the error on starts that nobody has seen") {
  using State = Eigen::ArrayXXd;
  const auto known = references<State>(64);
  const std::vector<dpm::Plan> candidates = dpm::calibration_candidates(schedule, 6);
  const auto [plan, report] =
      dpm::calibrate(candidates, two_modes(), known,
                     {.schedule = schedule, .sweeps = 1, .turns = 1, .most_searched = 1});
  REQUIRE_FALSE(report.kept_base);
  REQUIRE(plan.model_calls() == 6);
  REQUIRE_NOTHROW(dpm::check(plan));
  REQUIRE(report.fitted == 32);
  REQUIRE(report.held_out == 16);
  REQUIRE(report.measured == 16);
  REQUIRE(report.ratio < 0.5);
  REQUIRE(report.most_ratio < 1.0);
  REQUIRE(report.least_ratio <= report.ratio);
  REQUIRE(report.reference_calls == 200);
  // 19 candidates run, the base once more, and six are fitted; 11 coordinates move one way or both;
  // 17 weights are free and three ridges tried; two plans are measured.
  REQUIRE(report.fit_calls >= 6 * (19 + 1 + 6 + 11 + 18 + 2));
  REQUIRE(report.fit_calls <= 6 * (19 + 1 + 6 + 21 + 18 + 3 + 2));

  const dpm::Plan fine = dpm::make_plan(schedule, 200);
  const double calibrated = median_distance<State>(plan, fine);
  double best = std::numeric_limits<double>::infinity();
  for (const dpm::Plan& candidate : candidates) {
    best = std::min(best, median_distance<State>(candidate, fine));
  }
  REQUIRE(calibrated < 0.5 * best);
}

TEST_CASE("a candidate that overflows is the last that is taken, and refused if it is alone") {
  using State = Eigen::ArrayXXd;
  const auto known = references<State>(16);
  const dpm::Plan good = dpm::make_plan(schedule, 5);
  dpm::Plan bad = dpm::make_plan(dpm::DpmSolver{.order = 2}, schedule, 5, to_zero);
  for (dpm::Step& step : bad.steps) {
    for (dpm::Instruction& instruction : step.instructions) {
      if (auto* const combine = std::get_if<dpm::Combine>(&instruction)) {
        for (std::size_t k = 0; k < combine->weights.size(); ++k) combine->weights[k] *= 1e60;
      }
    }
  }
  const dpm::CalibrationOptions quick{.turns = 0, .most_fitted = 1};
  const auto [plan, report] =
      dpm::calibrate(std::vector<dpm::Plan>{bad, good}, two_modes(), known, quick);
  REQUIRE(report.base == 1);
  REQUIRE(std::isfinite(report.base_error));
  REQUIRE_THROWS_AS(dpm::calibrate(bad, two_modes(), known, quick), dpm::NonFinite);
}

TEST_CASE("one plan of your own is calibrated at its levels") {
  using State = Eigen::ArrayXXd;
  const auto known = references<State>(64);
  const dpm::Plan base = dpm::make_plan(dpm::Ddim{}, schedule, 8, to_zero);
  const auto [plan, report] = dpm::calibrate(base, two_modes(), known);
  REQUIRE_FALSE(report.kept_base);
  REQUIRE(report.base == 0);
  REQUIRE(plan.steps.size() == base.steps.size());
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    REQUIRE(plan.steps[i].from == base.steps[i].from);
    REQUIRE(plan.steps[i].to == base.steps[i].to);
  }
}

TEST_CASE("a calibration depends on its arguments alone") {
  using State = Eigen::ArrayXXd;
  const auto known = references<State>(32);
  const auto run = [&] {
    return dpm::calibrate(dpm::make_plan(schedule, 5), two_modes(), known,
                          {.schedule = schedule, .sweeps = 1, .turns = 1});
  };
  const dpm::CalibratedPlan one = run();
  const dpm::CalibratedPlan other = run();
  REQUIRE(one.plan == other.plan);
  REQUIRE(one.report.verdict == other.report.verdict);
}

TEST_CASE("too few samples keep the first candidate as it is") {
  using State = Eigen::ArrayXXd;
  for (const Eigen::Index few : {1, 11}) {
    const dpm::Plan base = dpm::make_plan(schedule, 5);
    const auto [plan, report] = dpm::calibrate(base, two_modes(), references<State>(few));
    REQUIRE(plan == base);
    REQUIRE(report.kept_base);
    REQUIRE(report.fit_calls == 0);
    REQUIRE_THAT(report.verdict, mentions("and a fit that can be trusted needs at least 12"));
  }
}

TEST_CASE("a plan that is as good as the references is kept") {
  using State = Eigen::ArrayXXd;
  const std::vector<State> starts{columns<State>(32, 1)};
  const dpm::Plan fine = dpm::make_plan(schedule, 40);
  const dpm::References<State> known(fine, two_modes(), starts);
  const auto [plan, report] = dpm::calibrate(fine, two_modes(), known);
  REQUIRE(plan == fine);
  REQUIRE(report.kept_base);
  REQUIRE(report.base_error == 0.0);
}

TEST_CASE("conditions that vary over the starts are fitted together") {
  using State = std::vector<double>;
  std::vector<State> starts(24, State(2));
  for (std::size_t i = 0; i < starts.size(); ++i) {
    dpm::NormalNoise{.seed = 3, .first_sample = i}.fill(starts[i]);
  }
  // The condition moves the data.
  const auto network = [](std::size_t start) {
    const double mean = 0.1 * double(start % 5);
    return dpm::Gaussian({mean, -mean}, {0.2, 0.6});
  };
  const dpm::References<State> known(dpm::make_plan(schedule, 200), network, starts);
  const auto [plan, report] = dpm::calibrate(dpm::make_plan(schedule, 5), network, known);
  REQUIRE_FALSE(report.kept_base);
  REQUIRE(report.ratio < 0.5);
  REQUIRE(report.reference_calls == 24 * 200);
}

TEST_CASE("starts of different sizes are fitted together") {
  using State = std::vector<double>;
  std::vector<State> starts;
  for (std::size_t i = 0; i < 24; ++i) {
    starts.emplace_back(i % 3 == 0 ? 8 : 2);
    dpm::NormalNoise{.seed = 4, .first_sample = i}.fill(starts.back());
  }
  const dpm::References<State> known(dpm::make_plan(schedule, 200), two_modes(), starts);
  const auto [plan, report] = dpm::calibrate(dpm::make_plan(schedule, 5), two_modes(), known);
  REQUIRE_FALSE(report.kept_base);
  REQUIRE(report.fitted == 12);
}

TEST_CASE("starts of one value are calibrated") {
  using State = std::vector<double>;
  std::vector<State> starts(32, State(1));
  for (std::size_t i = 0; i < starts.size(); ++i) {
    dpm::NormalNoise{.seed = 7, .first_sample = i}.fill(starts[i]);
  }
  const dpm::GaussianMixture network(
      {{0.4, dpm::Gaussian({-1.0}, {0.2})}, {0.6, dpm::Gaussian({1.0}, {0.4})}});
  const dpm::References<State> known(dpm::make_plan(schedule, 200), network, starts);
  const dpm::Plan base = dpm::make_plan(dpm::Ddim{}, schedule, 5, to_zero);
  const auto [plan, report] = dpm::calibrate(base, network, known);
  REQUIRE_FALSE(report.kept_base);
  REQUIRE(report.ratio < 0.5);
}

TEST_CASE("float and half states are calibrated down to their rounding") {
  using Floats = Eigen::ArrayXXf;
  const auto of_float =
      dpm::calibrate(dpm::make_plan(schedule, 6), two_modes(), references<Floats>(48));
  REQUIRE_FALSE(of_float.report.kept_base);
  REQUIRE(of_float.report.ratio < 0.8);

  // A half has 11 bits: from a crude base something is left to gain.
  using Halves = Eigen::Array<Eigen::half, Eigen::Dynamic, Eigen::Dynamic>;
  const auto of_half = dpm::calibrate(dpm::make_plan(dpm::Ddim{}, schedule, 5, to_zero),
                                      two_modes(), references<Halves>(48));
  REQUIRE_FALSE(of_half.report.kept_base);
  REQUIRE(of_half.report.ratio < 0.8);
}

TEST_CASE("a flow is calibrated from alpha 0 to sigma 0") {
  using State = std::vector<double>;
  const dpm::AnySchedule flow = dpm::RectifiedFlow();
  const auto network = [](const State& x, const dpm::Level& at, State& out) {
    // Data of deviation 0.3 around 0.5: x_0 given x is linear, and the flow is epsilon - x_0.
    const double a = at.alpha();
    const double s = at.sigma();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double share = 0.09 * a / (0.09 * a * a + s * s);
      const double data = 0.5 + share * (x[i] - 0.5 * a);
      out[i] = s > 0.0 ? (x[i] - a * data) / s - data : -data;
    }
  };
  std::vector<State> starts(16, State(3));
  for (std::size_t i = 0; i < starts.size(); ++i) {
    dpm::NormalNoise{.seed = 5, .first_sample = i}.fill(starts[i]);
  }
  const dpm::References<State> known(
      dpm::make_plan(dpm::UniPc{.order = 3}, flow, 300, dpm::Prediction::flow), network, starts);
  const auto candidates = dpm::calibration_candidates(flow, 4, dpm::Prediction::flow);
  REQUIRE(candidates.size() == 6);
  REQUIRE(candidates[0] == dpm::make_plan(flow, 4, dpm::Prediction::flow));
  const auto [plan, report] =
      dpm::calibrate(candidates, network, known, {.schedule = flow, .sweeps = 1});
  REQUIRE_FALSE(report.kept_base);
  REQUIRE(report.ratio < 0.1);  // affine maps are fitted exactly
  REQUIRE(plan.end().sigma() == 0.0);
}

TEST_CASE("candidates make the calls that are asked for over distinct grids") {
  const std::vector<dpm::Plan> plans = dpm::calibration_candidates(schedule, 7);
  REQUIRE(plans.size() == 18);
  REQUIRE(plans[0] == dpm::make_plan(schedule, 7));
  for (std::size_t i = 0; i < plans.size(); ++i) {
    REQUIRE(plans[i].model_calls() == 7);
    REQUIRE(plans[i].end() == plans[0].end());
    for (std::size_t k = 0; k < i; ++k) REQUIRE_FALSE(plans[i] == plans[k]);
  }
}

TEST_CASE("candidates end at the schedule's first time where that is asked for") {
  const std::vector<dpm::Plan> plans =
      dpm::calibration_candidates(schedule, 7, std::nullopt, dpm::FinalSigma::sigma_min);
  REQUIRE(plans.size() == 18);
  REQUIRE(plans[0] ==
          dpm::make_plan(dpm::default_method, schedule, 7, dpm::PowerTime{.power = 4.0}));
  for (const dpm::Plan& plan : plans) {
    REQUIRE(plan.model_calls() == 7);
    REQUIRE(plan.end() == schedule.level(schedule.first_time()));
  }
}

TEST_CASE("arguments that cannot be calibrated are refused") {
  using State = Eigen::ArrayXXd;
  const auto known = references<State>(4);
  const dpm::Plan good = dpm::make_plan(schedule, 5);
  const auto refused = [&](const std::vector<dpm::Plan>& candidates, const std::string& sentence,
                           const dpm::CalibrationOptions& options = {}) {
    const auto call = [&] { (void)dpm::calibrate(candidates, two_modes(), known, options); };
    REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
    REQUIRE_THROWS_WITH(call(), mentions(sentence));
  };
  refused({}, "calibrate: it was given no candidates; hand over at least one plan");
  refused({good, dpm::Plan{}}, "calibrate: candidate 1 has no steps");
  refused({good, dpm::make_plan(schedule, 6)},
          "calibrate: candidate 1 makes 6 model calls and candidate 0 makes 5");
  refused({dpm::make_plan(dpm::Ddim{}, schedule, 5, dpm::UniformTime{.start = 0.9})},
          "calibrate: candidate 0 leads from time 0.9 (log alpha -4.07475, log sigma "
          "-0.00014446075) to time 0.001 (log alpha -5.4975e-05, log sigma -4.55777) and the "
          "references from time 1 (log alpha -5.025, log sigma ");
  // The lambda of the references, at another scale.
  refused({good, at_alpha_one(good)},
          "calibrate: candidate 1 leads from time 1 (log alpha 0, log sigma 5.0249");
  refused({dpm::make_plan(dpm::Ddim{.eta = 1.0}, schedule, 5, to_zero)},
          "only deterministic methods");
  refused({good}, "CalibrationOptions: sweeps = -1; it must be 0 to 1000", {.sweeps = -1});
  refused({good}, "CalibrationOptions: most_fitted = 0; it must be at least 1", {.most_fitted = 0});
  refused({good}, "CalibrationOptions: most_searched = -2; it must be at least 1",
          {.most_searched = -2});
  refused({good}, "CalibrationOptions: turns = 1001; it must be 0 to 1000", {.turns = 1001});
  refused({good}, "calibrate: elements_per_sample = 3", {.elements_per_sample = 3});
  // Schedules on which the candidates do not lie, and one without their times.
  const std::string lambda = dpm::detail::sentence(good.steps[1].from.lambda());
  for (const dpm::AnySchedule& other :
       {dpm::AnySchedule(dpm::VpCosine()), dpm::AnySchedule(dpm::RectifiedFlow())}) {
    refused({good},
            "CalibrationOptions: schedule is another one than that of the candidates, as "
            "candidate 0 has lambda = " +
                lambda,
            {.schedule = other});
  }

  const std::function<void(const State&, double, State&)> nothing;
  REQUIRE_THROWS_WITH(dpm::calibrate(good, nothing, known),
                      "calibrate: network is empty; it must be callable");
}

TEST_CASE("samples with the same start and end are refused, in one state or in two") {
  using State = Eigen::ArrayXXd;
  State twins = columns<State>(16, 1);
  twins.col(11) = twins.col(4);
  const auto plan = [](int calls) { return dpm::make_plan(schedule, calls); };
  const auto calibrated = [&](const std::vector<State>& starts, auto&& network) {
    const dpm::References<State> references(plan(40), network, starts);
    return dpm::calibrate(plan(5), network, references, {.turns = 0});
  };
  const auto sentence = [](int a, int b) {
    return "calibrate: samples " + std::to_string(a) + " and " + std::to_string(b) +
           " have the same start and the same end; a start that is fitted cannot tell what was "
           "gained, so give each its own noise";
  };
  REQUIRE_THROWS_WITH(calibrated({twins}, two_modes()), sentence(4, 11));
  const State some = columns<State>(16, 1);
  REQUIRE_THROWS_WITH(calibrated({some, some}, two_modes()), sentence(0, 16));
  // Under another condition the same start is another sample.
  const auto conditional = [model = two_modes()](std::size_t start) {
    return [start, model](const State& x, const dpm::Level& at, State& out) {
      model(x, at, out);
      if (start == 1) out *= 0.9;
    };
  };
  REQUIRE_NOTHROW(calibrated({some, some}, conditional));
}

TEST_CASE("levels move if they lie on the schedule, and one candidate that does so is enough") {
  const auto known = references<Eigen::ArrayXXd>(24);
  const dpm::Plan on = dpm::make_plan(schedule, 4);
  dpm::Plan off = on;
  for (dpm::Step& step : off.steps) {
    if (step.from == off.start()) continue;
    step.from.time *= 0.999;
  }
  for (std::size_t i = 0; i + 1 < off.steps.size(); ++i) off.steps[i].to = off.steps[i + 1].from;
  const dpm::CalibrationOptions options{.schedule = schedule, .sweeps = 1, .turns = 0};
  REQUIRE_NOTHROW(dpm::calibrate(std::vector<dpm::Plan>{off, on}, two_modes(), known, options));
  REQUIRE_THROWS_WITH(dpm::calibrate(off, two_modes(), known, options),
                      mentions("it must be the schedule that they were made over"));
}

TEST_CASE("features give the report Frechet distances that fall with the error") {
  using State = std::vector<double>;
  const std::vector<State> starts{[] {
    State x(96);
    dpm::NormalNoise{.seed = 6, .elements_per_sample = 2}.fill(x);
    return x;
  }()};
  const dpm::References<State> known(dpm::make_plan(schedule, 200), two_modes(), starts);
  std::size_t asked = 0;
  dpm::CalibrationOptions options{.turns = 0, .elements_per_sample = 2};
  const dpm::Plan base = dpm::make_plan(dpm::Ddim{}, schedule, 6, to_zero);
  const auto without = dpm::calibrate(base, two_modes(), known, options);
  REQUIRE_FALSE(without.report.base_frechet.has_value());
  REQUIRE_FALSE(without.report.calibrated_frechet.has_value());

  options.features = [&](std::span<const double> sample) {
    ++asked;
    return std::vector<double>{sample[0], sample[1], sample[0] * sample[1]};
  };
  const auto [plan, report] = dpm::calibrate(base, two_modes(), known, options);
  REQUIRE(plan == without.plan);
  REQUIRE(report.measured == 12);
  REQUIRE(asked == 3 * 12);
  REQUIRE(report.fit_calls == without.report.fit_calls + 2 * 6);
  REQUIRE(*report.base_frechet > 0.0);
  REQUIRE(*report.calibrated_frechet < 0.5 * *report.base_frechet);
}

TEST_CASE("a network that returns a NaN for one start is refused with the number of that start") {
  using State = std::vector<double>;
  std::vector<State> starts(16, State(2));
  for (std::size_t i = 0; i < starts.size(); ++i) {
    dpm::NormalNoise{.seed = 3, .first_sample = i}.fill(starts[i]);
  }
  const dpm::References<State> known(dpm::make_plan(schedule, 60), two_modes(), starts);
  for (const std::size_t bad : {0U, 7U, 15U}) {
    const auto network = [bad](std::size_t start) {
      return [=](const State& x, const dpm::Level& at, State& out) {
        two_modes()(x, at, out);
        if (start == bad && at.time < 0.5) out[1] = std::numeric_limits<double>::quiet_NaN();
      };
    };
    const auto call = [&] {
      (void)dpm::calibrate(dpm::make_plan(schedule, 5), network, known, {.turns = 0});
    };
    REQUIRE_THROWS_AS(call(), dpm::NonFinite);
    REQUIRE_THROWS_WITH(call(), mentions("calibrate: start " + std::to_string(bad) + ": step "));
  }
}

TEST_CASE("a network that returns a NaN stops the calibration") {
  using State = Eigen::ArrayXXd;
  const auto known = references<State>(16);
  const auto broken = [](const State& x, const dpm::Level& at, State& out) {
    two_modes()(x, at, out);
    if (at.time < 0.5) out(0, 3) = std::numeric_limits<double>::quiet_NaN();
  };
  REQUIRE_THROWS_AS(dpm::calibrate(dpm::make_plan(schedule, 5), broken, known), dpm::NonFinite);
}

}  // namespace calibrate_test
