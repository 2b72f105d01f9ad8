// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The run in one call: its loop, its hooks, and what it leaves where it fails.
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/value_runs.hpp"

namespace sample_test {

using namespace dpm_test;
using Eigen::RowMajor;

namespace {

/// Timesteps are whole numbers here, so that they fit every type a model may take them in.
const dpm::AnySchedule schedule =
    dpm::DiscreteSchedule(dpm::linear_betas(), dpm::TimestepType::discrete);
using State = Eigen::ArrayXXf;

}  // namespace

TEST_CASE("sample runs the loop of the paper") {
  // DDIM with eta = 0 (arXiv 2010.02502, Eq. 12), written out.
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 10);
  std::vector<double> x{1.3, -0.4};
  std::vector<double> expected = x;
  dpm::sample(make_plan(dpm::Ddim{}, grid), Network{}, x);
  for (double& value : expected) {
    for (std::size_t i = 0; i < grid.steps(); ++i) {
      const double noise = network(value, grid[i].timestep);
      const double data = (value - grid[i].sigma() * noise) / grid[i].alpha();
      value = grid[i + 1].alpha() * data + grid[i + 1].sigma() * noise;
    }
  }
  REQUIRE_THAT(x[0], WithinRel(expected[0], 1e-12));
  REQUIRE_THAT(x[1], WithinRel(expected[1], 1e-12));
}

TEST_CASE("sampling in one call plans exactly the calls it is asked for") {
  const std::vector<double> start{0.3, -1.1, 0.8};
  const auto require_one_call = [&](const auto& method, int calls) {
    int made = 0;
    const auto model = [&](const std::vector<double>& x, double timestep,
                           std::vector<double>& out) {
      ++made;
      Network{}(x, timestep, out);
    };
    std::vector<double> x = start;
    const dpm::RunReport report = dpm::sample(method, schedule, calls, model, x);
    REQUIRE(made == calls);
    REQUIRE(report.model_calls == calls);
    std::vector<double> expected = start;
    dpm::sample(make_plan(method, schedule, calls), Network{}, expected);
    REQUIRE(x == expected);
    REQUIRE(x != start);
  };
  require_one_call(dpm::DpmSolver{}, 20);
  require_one_call(dpm::DpmSolver{.order = 3}, 20);
  require_one_call(dpm::DpmSolver{.order = 3, .form = dpm::DpmSolver::Form::singlestep}, 20);
  require_one_call(dpm::DpmSolver{.denoise_to_zero = true}, 20);
  require_one_call(dpm::Ddim{}, 20);
  require_one_call(dpm::Pndm{}, 20);
  require_one_call(dpm::Ddim{}, 1);

  SECTION("the schedule may be a concrete one, and the state a temporary view") {
    std::vector<double> expected = start;
    dpm::sample(dpm::DpmSolver{}, schedule, 20, Network{}, expected);
    std::vector<double> x = start;
    const dpm::DiscreteSchedule concrete(dpm::linear_betas(), dpm::TimestepType::discrete);
    dpm::sample(dpm::DpmSolver{}, concrete, 20, Network{}, std::span<double>(x));
    REQUIRE(x == expected);
  }
  SECTION("for another prediction") {
    std::vector<double> expected = start;
    dpm::sample(make_plan(dpm::DpmSolver{}, schedule, 20, dpm::Prediction::velocity), Network{},
                expected);
    std::vector<double> x = start;
    dpm::sample(dpm::DpmSolver{}, schedule, 20, Network{}, x, dpm::Prediction::velocity);
    REQUIRE(x == expected);
  }
  SECTION("with noise and an observer") {
    const dpm::NormalNoise noise{.seed = 3};
    std::vector<double> expected = start;
    dpm::sample(make_plan(dpm::Ddpm{}, schedule, 20), Network{}, expected, {.noise = noise});
    std::vector<double> x = start;
    int steps = 0;
    dpm::sample(dpm::Ddpm{}, schedule, 20, Network{}, x, dpm::Prediction::noise,
                {.noise = noise, .observer = [&](const auto&) { ++steps; }});
    REQUIRE(x == expected);
    REQUIRE(steps == 20);
  }
  SECTION("with a correction, for which it makes the plan") {
    const auto clip = [](std::vector<double>& data, const dpm::Level&) {
      for (double& value : data) value = std::min(std::max(value, -0.5), 0.5);
    };
    std::vector<double> expected = start;
    dpm::sample(
        make_plan(dpm::DpmSolver{}, schedule, 20, dpm::Prediction::noise, dpm::Correction::data),
        Network{}, expected, {.correction = clip});
    std::vector<double> x = start;
    dpm::sample(dpm::DpmSolver{}, schedule, 20, Network{}, x, dpm::Prediction::noise,
                {.correction = clip});
    REQUIRE(x == expected);
    std::vector<double> unclipped = start;
    dpm::sample(dpm::DpmSolver{}, schedule, 20, Network{}, unclipped);
    REQUIRE(x != unclipped);
  }
}

TEST_CASE("the noise source is asked once for each draw, in order, with the step it is for") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 5).then(0.0);
  const dpm::Plan plan = make_plan(dpm::Ddpm{}, grid);
  std::vector<dpm::NoiseRequest> requests;
  std::vector<double> x{0.2, 0.4};
  dpm::sample(plan, Network{}, x, {.noise = [&](std::vector<double>& z, const auto& request) {
                REQUIRE(z.size() == 2);
                z.assign(2, 0.1);
                requests.push_back(request);
              }});
  REQUIRE(plan.steps.size() == 6);
  REQUIRE(requests.size() == 5);  // the step to sigma = 0 draws none
  for (std::size_t i = 0; i < requests.size(); ++i) {
    REQUIRE(requests[i].draw == i);
    REQUIRE(requests[i].from == grid[i]);
    REQUIRE(requests[i].to == grid[i + 1]);
  }
}

TEST_CASE("the drawn noise enters with its weight") {
  // Two runs that differ in one draw of the last step differ by that step's deviation.
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 3);
  const auto last = [&](double z) {
    std::vector<double> x{0.2};
    dpm::sample(make_plan(dpm::Ddpm{}, grid), Network{}, x,
                {.noise = [&](std::vector<double>& noise, const dpm::NoiseRequest& request) {
                  noise.assign(1, request.draw == 2 ? z : 0.3);
                }});
    return x[0];
  };
  const double h = grid[3].lambda() - grid[2].lambda();
  const double deviation = grid[3].sigma() * std::sqrt(1.0 - std::exp(-2.0 * h));
  REQUIRE_THAT(last(2.0) - last(1.0), WithinRel(deviation, 1e-10));
}

TEST_CASE(
    "the correction is called after each model call, at its level, with its data prediction") {
  const dpm::Plan plan = third_order_plan(dpm::Correction::data);
  std::vector<dpm::Level> evaluated;
  std::vector<dpm::Level> corrected;
  double input = 0.0;
  double output = 0.0;
  std::vector<double> x{0.7};
  const auto model = [&](const std::vector<double>& at, const dpm::Level& level,
                         std::vector<double>& out) {
    REQUIRE(evaluated.size() == corrected.size());
    evaluated.push_back(level);
    input = at[0];
    Network{}(at, level.timestep, out);
    output = out[0];
  };
  const auto correction = [&](std::vector<double>& data, const dpm::Level& level) {
    corrected.push_back(level);
    REQUIRE_THAT(data[0], WithinRel((input - level.sigma() * output) / level.alpha(), 1e-12));
  };
  dpm::sample(plan, model, x, {.correction = correction});
  REQUIRE(evaluated.size() == 7);
  REQUIRE(corrected == evaluated);
}

TEST_CASE("the observer sees every step: its number, its level, its sample") {
  const dpm::Plan plan = third_order_plan();
  struct Seen {
    std::size_t step, steps;
    int model_calls;
    dpm::Level level;
    std::vector<double> sample;
  };
  std::vector<Seen> seen;
  const std::vector<double> start{0.7, -1.0};
  std::vector<double> x = start;
  dpm::sample(plan, Network{}, x, {.observer = [&](const dpm::Progress<std::vector<double>>& now) {
                seen.push_back({now.step, now.steps, now.model_calls, now.level, now.sample});
                REQUIRE(x == start);
              }});
  REQUIRE(seen.size() == 6);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    REQUIRE(seen[i].step == i + 1);
    REQUIRE(seen[i].steps == 6);
    REQUIRE(seen[i].model_calls == static_cast<int>(i) + 2);  // the first step takes two
    REQUIRE(seen[i].level == plan.steps[i].to);
    // A plan is data: its first steps alone lead to what the observer saw then.
    dpm::Plan beginning = plan;
    beginning.steps.resize(i + 1);
    std::vector<double> expected = start;
    dpm::sample(beginning, Network{}, expected);
    REQUIRE(seen[i].sample == expected);
  }
  REQUIRE(seen.back().sample == x);
}

namespace {

template <class X>
std::vector<unsigned char> bytes_of(const X& x) {
  std::vector<unsigned char> bytes(static_cast<std::size_t>(x.size()) * sizeof(*x.data()));
  if (!bytes.empty()) std::memcpy(bytes.data(), x.data(), bytes.size());
  return bytes;
}

/// Requires that sampling fails with `Error` and leaves every bit of `x` as it was.
template <class Error, class X, class Model>
void require_untouched(X& x, const dpm::Plan& plan, Model model,
                       dpm::RunOptions<dpm::OwnedState<X>> options = {}) {
  const auto before = bytes_of(x);
  REQUIRE_THROWS_AS(dpm::sample(plan, model, x, options), Error);
  REQUIRE(bytes_of(x) == before);
}

struct Stop : std::runtime_error {
  Stop() : std::runtime_error("stop") {}
};

/// The network, until from call number `first` on `spoil` is let loose on its output.
template <class Spoil>
auto spoiled_from(int first, Spoil spoil) {
  return [=, calls = 0](const auto& x, double timestep, auto& out) mutable {
    Network{}(x, timestep, out);
    if (++calls >= first) spoil(out);
  };
}

template <class State>
constexpr bool resizable = false;

template <class Scalar>
constexpr bool resizable<std::vector<Scalar>> = true;

/// Every way in which a run can end early, on a state of any kind.
template <class X>
void require_untouched_by_failures(X&& x) {
  using Owned = dpm::OwnedState<X>;
  using Scalar = std::remove_cvref_t<decltype(*x.data())>;
  using Options = dpm::RunOptions<Owned>;
  const dpm::Plan plan = third_order_plan();
  const dpm::Plan corrected = third_order_plan(dpm::Correction::data);
  const dpm::Plan stochastic = make_plan(dpm::Ddpm{}, schedule, 5);
  set_start(x);

  for (const int call : {1, 4, 7}) {
    INFO("from model call " << call);
    require_untouched<dpm::NonFinite>(x, plan, spoiled_from(call, [](auto& out) {
                                        out.data()[1] = std::numeric_limits<Scalar>::quiet_NaN();
                                      }));
    require_untouched<Stop>(x, plan, spoiled_from(call, [](auto&) { throw Stop(); }));
  }
  if constexpr (resizable<Owned>) {
    require_untouched<dpm::InvalidArgument>(
        x, plan, spoiled_from(3, [](auto& out) { out.resize(out.size() + 1); }));
  }
  const auto add_a_lot = [](auto& out) {
    for (decltype(out.size()) i = 0; i < out.size(); ++i) {
      out.data()[i] = -std::numeric_limits<Scalar>::max();
    }
  };
  require_untouched<dpm::NonFinite>(x, plan, spoiled_from(1, add_a_lot));

  require_untouched<dpm::InvalidArgument>(x, stochastic, Network{});
  require_untouched<dpm::InvalidArgument>(x, corrected, Network{});
  require_untouched<dpm::InvalidArgument>(x, plan, Network{},
                                          Options{.correction = [](Owned&, const dpm::Level&) {}});
  dpm::Plan damaged = plan;
  damaged.steps[3].from.time = 0.5;
  require_untouched<dpm::InvalidArgument>(x, damaged, Network{});
  require_untouched<dpm::InvalidArgument>(x, dpm::Plan{}, Network{});

  require_untouched<Stop>(x, stochastic, Network{},
                          Options{.noise = [](Owned&, const dpm::NoiseRequest& request) {
                            if (request.draw == 2) throw Stop();
                          }});
  require_untouched<Stop>(x, corrected, Network{},
                          Options{.correction = [](Owned&, const dpm::Level&) { throw Stop(); }});
  for (const std::size_t step : {std::size_t{1}, std::size_t{6}}) {
    require_untouched<Stop>(x, plan, Network{},
                            Options{.observer = [=](const dpm::Progress<Owned>& now) {
                              if (now.step == step) throw Stop();
                            }});
  }

  const auto before = bytes_of(x);
  REQUIRE_THROWS_AS(dpm::sample(dpm::DpmSolver{}, schedule, 0, Network{}, x), dpm::InvalidArgument);
  REQUIRE_THROWS_AS(dpm::sample(dpm::Ddpm{}, schedule, 5, Network{}, x), dpm::InvalidArgument);
  REQUIRE(bytes_of(x) == before);

  x.data()[2] = -std::numeric_limits<Scalar>::quiet_NaN();
  require_untouched<dpm::NonFinite>(x, plan, Network{});
  x.data()[2] = std::numeric_limits<Scalar>::infinity();
  require_untouched<dpm::NonFinite>(x, plan, Network{});

  set_start(x);
  dpm::sample(plan, Network{}, x);
  require_end(plan, x);
}

}  // namespace

TEST_CASE("whatever ends a run early, x is untouched to the last bit") {
  SECTION("vectors and arrays") {
    require_untouched_by_failures(std::vector<float>(rows * cols));
    require_untouched_by_failures(std::vector<double>(rows * cols));
    require_untouched_by_failures(std::array<double, rows * cols>());
  }
  SECTION("Eigen objects") {
    require_untouched_by_failures(Eigen::ArrayXXf(rows, cols));
    require_untouched_by_failures(Eigen::Array<double, 4, 3, RowMajor>());
  }
  SECTION("views") {
    std::array<float, rows * cols> values{};
    require_untouched_by_failures(std::span<float>(values));
    require_untouched_by_failures(Eigen::Map<Eigen::MatrixXf>(values.data(), rows, cols));
  }
}

}  // namespace sample_test
