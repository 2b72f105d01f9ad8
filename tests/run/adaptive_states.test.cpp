// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Adaptive runs over every schedule, prediction and kind of state, with and without corrections.
#include <Eigen/Core>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/run/adaptive.hpp"
#include "support/adaptive_case.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

namespace adaptive_states_test {

using namespace dpm_test;
using dpm::AdaptiveDpmSolver;
using dpm::Prediction;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
/// Many trials, some of them rejected.
const AdaptiveDpmSolver tight{.tolerance = {.absolute = 1e-4, .relative = 1e-3}};

/// The network, value by value.
struct Network {
  template <class X>
  void operator()(const X& x, double timestep, X& out) const {
    using Scalar = std::remove_cvref_t<decltype(*out.data())>;
    for (decltype(x.size()) i = 0; i < x.size(); ++i) {
      const auto value = static_cast<double>(x.data()[i]);
      out.data()[i] = static_cast<Scalar>(0.8 * std::tanh(value) + 0.3 * std::sin(2.0 * timestep));
    }
  }
};

/// The noise prediction for Gaussian data, said in the language of `prediction`, from a network
/// that is given what the level says.
auto gaussian_model(const dpm::Gaussian& gaussian, Prediction prediction) {
  return [=](const State& input, const dpm::Level& at, State& out) {
    State x = input;
    for (double& value : x) value /= at.input_scale();
    gaussian(x, at, out);
    const dpm::Conversion noise = dpm::to_noise(prediction, at);
    // noise = a x + b out, solved for out.
    for (std::size_t i = 0; i < x.size(); ++i)
      out[i] = (out[i] - noise.input * x[i]) / noise.output;
  };
}

template <class X>
dpm::AdaptiveReport run(X&& x, std::size_t elements_per_sample = 0) {
  AdaptiveDpmSolver method = tight;
  method.tolerance.elements_per_sample = elements_per_sample;
  return dpm::sample_adaptive(method, schedule, Network(), x);
}

/// The start's values, in the order of a column-major 4 x 2.
Eigen::ArrayXXd start_columns() { return Eigen::Map<Eigen::ArrayXXd>(test_start().data(), 4, 2); }

}  // namespace

TEST_CASE("adaptive runs reach the exact end on every schedule, with every prediction") {
  const dpm::Gaussian gaussian({0.5, -1.0}, {0.4, 0.8});
  struct Setting {
    dpm::AnySchedule schedule;
    std::vector<Prediction> predictions;
  };
  const std::vector<Prediction> plain{Prediction::noise, Prediction::data, Prediction::velocity,
                                      Prediction::score, Prediction::flow};
  const std::vector<Setting> settings{{dpm::VpLinear(), plain},
                                      {dpm::VpCosine(), plain},
                                      {dpm::DiscreteSchedule(dpm::linear_betas(1000)), plain},
                                      {dpm::RectifiedFlow(), plain},
                                      {dpm::Edm(), {Prediction::edm, Prediction::velocity}}};
  int runs = 0;
  for (const Setting& setting : settings) {
    // Rectified flow starts at alpha = 0, from where no step in lambda is finite.
    const double start = setting.schedule.level(setting.schedule.last_time()).alpha() > 0.0
                             ? setting.schedule.last_time()
                             : 0.99 * setting.schedule.last_time();
    const double end = std::max(setting.schedule.first_time(), 1e-3);
    for (const Prediction prediction : setting.predictions) {
      for (const dpm::Space space : {dpm::Space::noise, dpm::Space::data}) {
        CAPTURE(runs, int(prediction), int(space));
        AdaptiveDpmSolver method{
            .space = space, .start = start, .end = end, .max_model_calls = 20000};
        method.tolerance = {.absolute = 1e-7, .relative = 1e-7};
        const dpm::Level from = setting.schedule.level(start);
        const dpm::Level to = setting.schedule.level(end);
        State x{0.7 * from.sigma(), -0.9 * from.sigma()};
        const State exact = gaussian.solve_ode(x, from, to);
        const auto report = dpm::sample_adaptive(
            method, setting.schedule, gaussian_model(gaussian, prediction), x, prediction);
        REQUIRE(report.trials.back().to == to);
        // The tolerance bounds the error of the lower order; the result has the higher one, and
        // some two hundred steps of it add up to one tolerance or less.
        REQUIRE(relative_difference(x, exact) < 2e-7);
        REQUIRE(report.accepted > 10);
        ++runs;
      }
    }
  }
  REQUIRE(runs == 44);
}

TEST_CASE("every dense state gives the same adaptive run") {
  Eigen::ArrayXXd columns = start_columns();
  const dpm::AdaptiveReport report = run(columns);
  REQUIRE(report.rejected > 0);
  const auto same = [&](const dpm::AdaptiveReport& other, const double* values) {
    REQUIRE(other.model_calls == report.model_calls);
    for (Eigen::Index i = 0; i < 8; ++i) REQUIRE(values[i] == columns.data()[i]);
  };
  State vector = test_start();
  same(run(vector, 4), vector.data());
  State viewed = test_start();
  same(run(std::span(viewed), 4), viewed.data());
  std::array<double, 8> array{};
  std::copy_n(test_start().begin(), 8, array.begin());
  same(run(array, 4), array.data());
  State mapped = test_start();
  Eigen::Map<Eigen::ArrayXXd> map(mapped.data(), 4, 2);
  same(run(map), mapped.data());
  Eigen::Array<double, 4, 2> fixed = start_columns();
  same(run(fixed), fixed.data());
  Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows = start_columns();
  const dpm::AdaptiveReport by_rows = run(rows);
  const Eigen::ArrayXXd reordered = rows;
  same(by_rows, reordered.data());
}

TEST_CASE("a float run agrees with double to its precision") {
  Eigen::ArrayXXd exact = start_columns();
  Eigen::ArrayXXf x = start_columns().cast<float>();
  const auto in_double = run(exact);
  const auto in_float = run(x);
  REQUIRE(in_float.model_calls == in_double.model_calls);
  const double largest = exact.abs().maxCoeff();
  const double difference = (x.cast<double>() - exact).abs().maxCoeff();
  // Each of some fifty steps rounds a few times.
  REQUIRE(in_float.accepted < 60);
  REQUIRE(difference / largest < 60 * 4 * 6e-8);
}

TEST_CASE("the hardest sample of a batch sets the steps, unless the norm is over the whole batch") {
  using Norm = dpm::ErrorTolerance::Norm;
  const Eigen::ArrayXXd start = start_columns();
  Eigen::ArrayXXd one = start.col(0);
  const auto alone = run(one);
  Eigen::ArrayXXd twice(4, 2);
  twice << start.col(0), start.col(0);
  const auto both = run(twice);
  REQUIRE(both.model_calls == alone.model_calls);
  REQUIRE((twice.col(1) == one.col(0)).all());

  // Samples at rest, where the network is 0, dilute the error of the whole batch only.
  const auto calls_with_idle = [&](Norm norm, double scale) {
    AdaptiveDpmSolver method = tight;
    method.tolerance.norm = norm;
    const auto still = [](const Eigen::ArrayXXd& x, double, Eigen::ArrayXXd& out) {
      out = x.tanh() * 0.8;
    };
    Eigen::ArrayXXd x = Eigen::ArrayXXd::Zero(4, 16);
    x.col(3) = scale * start.col(0);
    return dpm::sample_adaptive(method, schedule, still, x).model_calls;
  };
  REQUIRE(calls_with_idle(Norm::whole_batch, 1.0) < calls_with_idle(Norm::largest_sample, 1.0));
}

TEST_CASE("corrections are part of every trial") {
  for (const dpm::Space space : {dpm::Space::noise, dpm::Space::data}) {
    AdaptiveDpmSolver method = tight;
    method.space = space;
    method.tolerance.elements_per_sample = 4;
    const auto model = test_model(Prediction::velocity);
    for (const double range : {0.5, 1e6}) {
      State x = test_start();
      const dpm::RunOptions<State> options{.correction = dpm::Clip(range)};
      const auto report =
          dpm::sample_adaptive(method, schedule, model, x, Prediction::velocity, options);
      State fixed = test_start();
      dpm::sample(make_plan(fixed_method(method), accepted_grid(report, schedule),
                            Prediction::velocity, dpm::Correction::data),
                  model, fixed, options);
      REQUIRE(report.rejected > 0);
      // The corrected data is turned back into noise by a division by sigma, 0.01 at the end.
      REQUIRE(relative_difference(x, fixed) < 1e-12);
      // sigma = 0.01 at the end, and the data prediction of the last step is within the range.
      if (range == 0.5) REQUIRE(max_abs(x) < 0.6);
      if (range == 1e6) REQUIRE(max_abs(x) > 1.0);
    }
  }
}

}  // namespace adaptive_states_test
