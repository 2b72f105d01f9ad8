// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs as values: forked, saved to bytes and loaded again.
#include "dpm/run/save.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/test_network.hpp"

namespace save_test {

using namespace dpm_test;
using State = std::vector<double>;
using Bytes = std::vector<std::byte>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
const auto model = test_model(dpm::Prediction::noise);

dpm::RunOptions<State> with_noise() {
  dpm::RunOptions<State> options;
  options.noise = [](State& z, const dpm::NoiseRequest& request) { test_draw(z, request); };
  return options;
}

void finish(dpm::Stepper<State>& run) {
  while (const auto call = run.next()) model(call->input, call->level, call->output);
}

void refused(const std::function<void()>& call, const std::string& part) {
  INFO(part);
  REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(call(), mentions(part));
}

}  // namespace

TEST_CASE("a run saved at any call and loaded again ends in the same bits, for every method") {
  for (const auto& method : every_method()) {
    CAPTURE(method.name);
    const dpm::Plan plan = method(method.grid(schedule, 1.0, 1e-3, 5), dpm::Prediction::noise);
    dpm::Stepper<State> run(plan, test_start(), with_noise());
    std::vector<Bytes> saved{save(run)};
    while (const auto call = run.next()) {
      saved.push_back(save(run));  // the call is open
      model(call->input, call->level, call->output);
    }
    saved.push_back(save(run));
    for (const Bytes& bytes : saved) {
      auto again = dpm::load(bytes, plan, State(8), with_noise());
      finish(again);
      REQUIRE(again.sample() == run.sample());
      REQUIRE(again.model_calls() == run.model_calls());
      REQUIRE(again.steps_done() == run.steps_done());
    }
  }
}

TEST_CASE("a copy of a run forks it: variations share what was done before") {
  const dpm::Plan plan = dpm::make_plan(dpm::DpmSolver{.tau = 1.0}, schedule, 6);
  dpm::Stepper<State> run(plan, test_start(), with_noise());
  for (int calls = 0; calls < 3; ++calls) {
    const auto call = run.next();
    model(call->input, call->level, call->output);
  }
  dpm::Stepper<State> fork = run;
  finish(run);
  finish(fork);
  REQUIRE(fork.sample() == run.sample());
}

TEST_CASE("Eigen and float runs are saved too") {
  const dpm::Gaussian data({0.5, -1.0}, {0.4, 0.8});
  const dpm::Plan plan = dpm::make_plan(schedule, 6);
  const Eigen::ArrayXXf start = Eigen::ArrayXXf::Random(2, 5);
  dpm::Stepper<Eigen::ArrayXXf> run(plan, start);
  for (int calls = 0; calls < 4; ++calls) {
    const auto call = run.next();
    data(call->input, call->level, call->output);
  }
  const Bytes bytes = save(run);
  REQUIRE(bytes.size() == 104 + 4 * 10 * (1 + plan.predictions()));
  auto again = dpm::load(bytes, plan, Eigen::ArrayXXf(2, 5));
  while (const auto call = run.next()) data(call->input, call->level, call->output);
  while (const auto call = again.next()) data(call->input, call->level, call->output);
  REQUIRE((again.sample() == run.sample()).all());
}

namespace {

/// Two numbers, saved after three calls of a method with trials, as they are in a `State`.
template <class Small>
Bytes saved_half_way(const dpm::Plan& plan) {
  Small start{};
  start[0] = 0.5;
  start[1] = -0.25;
  dpm::Stepper<Small> run(plan, start);
  for (int calls = 0; calls < 3; ++calls) {
    const auto call = run.next();
    call->output[0] = call->input[0] * call->level.alpha();
    call->output[1] = call->input[1] * call->level.alpha();
  }
  return save(run);
}

}  // namespace

TEST_CASE("the bytes of a run do not depend on the type that its state has") {
  const dpm::Plan plan = dpm::make_plan(
      dpm::DpmSolver{.order = 3, .form = dpm::DpmSolver::Form::singlestep}, schedule, 6);
  const Bytes bytes = saved_half_way<Eigen::Array2d>(plan);
  REQUIRE(bytes == saved_half_way<std::array<double, 2>>(plan));
  const dpm::Stepper<State> loaded = dpm::load(bytes, plan, State(2));
  REQUIRE(save(loaded) == bytes);
  const auto loaded_back = dpm::load(save(loaded), plan, Eigen::Array2d(0.0, 0.0));
  REQUIRE(save(loaded_back) == bytes);
}

TEST_CASE("foreign and damaged bytes are refused") {
  const dpm::Plan plan = dpm::make_plan(dpm::DpmSolver{}, schedule, 5);
  dpm::Stepper<State> run(plan, test_start());
  const auto call = run.next();
  model(call->input, call->level, call->output);
  static_cast<void>(run.next());
  const Bytes bytes = save(run);
  const auto load_as = [&](const Bytes& b) { return dpm::load(b, plan, State(8)); };
  REQUIRE_NOTHROW(load_as(bytes));

  refused([&] { load_as({}); }, "do not begin as a saved run");
  refused([&] { load_as(Bytes(bytes.begin(), bytes.begin() + 10)); }, "damaged or cut short");
  refused([&] { load_as(Bytes(bytes.begin(), bytes.end() - 1)); }, "damaged or cut short");
  refused([&] { load_as(Bytes(bytes.begin(), bytes.begin() + 40)); }, "damaged or cut short");
  Bytes longer = bytes;
  longer.push_back(std::byte{0});
  refused([&] { load_as(longer); }, "damaged or cut short");
  const dpm::Plan other = dpm::make_plan(dpm::DpmSolver{}, schedule, 6);
  refused([&] { (void)dpm::load(bytes, other, State(8)); },
          "the saved run is of a plan with hash ");
  refused([&] { (void)dpm::load(bytes, plan, std::vector<float>(8)); }, "they must be of one type");
  refused([&] { (void)dpm::load(bytes, plan, State(4)); },
          "of 8 x 1 values; the state given has 4 x 1");
  // Any byte changed is noticed.
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes damaged = bytes;
    damaged[i] ^= std::byte{0x10};
    CAPTURE(i);
    REQUIRE_THROWS_AS(load_as(damaged), dpm::InvalidArgument);
  }
  // So are two signs changed at once, and two words that have changed places.
  for (std::size_t i = 64; i + 24 < bytes.size(); i += 8) {
    Bytes damaged = bytes;
    damaged[i + 7] ^= std::byte{0x80};
    damaged[i + 15] ^= std::byte{0x80};
    REQUIRE_THROWS_AS(load_as(damaged), dpm::InvalidArgument);
    damaged = bytes;
    std::swap_ranges(damaged.begin() + static_cast<std::ptrdiff_t>(i),
                     damaged.begin() + static_cast<std::ptrdiff_t>(i + 8),
                     damaged.begin() + static_cast<std::ptrdiff_t>(i + 8));
    // What a model is to fill is saved as zeros.
    if (damaged != bytes) REQUIRE_THROWS_AS(load_as(damaged), dpm::InvalidArgument);
  }
}

TEST_CASE("a copy has the open call too, over its own buffers") {
  const dpm::Plan plan = dpm::make_plan(dpm::DpmSolver{}, schedule, 5);
  dpm::Stepper<State> run(plan, test_start());
  REQUIRE_FALSE(run.open_call());
  const auto call = run.next();
  dpm::Stepper<State> copy = run;
  const auto copied = copy.open_call();
  REQUIRE(copied);
  REQUIRE(&copied->output != &call->output);
  REQUIRE(copied->input == call->input);
  model(call->input, call->level, call->output);
  model(copied->input, copied->level, copied->output);
  while (const auto next = run.next()) model(next->input, next->level, next->output);
  while (const auto next = copy.next()) model(next->input, next->level, next->output);
  REQUIRE(copy.sample() == run.sample());
  REQUIRE_FALSE(copy.open_call());
}

TEST_CASE("the shape of a saved run must be that of the state given") {
  const dpm::Plan plan = dpm::make_plan(dpm::Ddim{}, schedule, 3);
  const Bytes bytes = save(dpm::Stepper<Eigen::ArrayXXd>(plan, Eigen::ArrayXXd::Ones(2, 6)));
  refused([&] { (void)dpm::load(bytes, plan, Eigen::ArrayXXd(3, 4)); },
          "of 2 x 6 values; the state given has 3 x 4");
}

TEST_CASE("a saved run is loaded sample by sample, in any storage order and any shape given") {
  using RowMajor = Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const dpm::Plan plan = dpm::make_plan(dpm::Ddim{}, schedule, 3);
  Eigen::ArrayXXd start(2, 3);
  start << 1.0, 2.0, 3.0, 4.0, 5.0, 6.0;
  const Bytes bytes = save(dpm::Stepper<Eigen::ArrayXXd>(plan, start));
  const RowMajor shape = RowMajor::Constant(2, 3, std::numeric_limits<double>::quiet_NaN());
  REQUIRE((dpm::load(bytes, plan, shape).sample() == start).all());
}

TEST_CASE("forks go on with callables of their own, an open call is theirs too") {
  const dpm::Plan plan = dpm::make_plan(dpm::DpmSolver{.tau = 1.0}, schedule, 6);
  dpm::Stepper<State> run(plan, test_start(), with_noise());
  for (int calls = 0; calls < 3; ++calls) {
    const auto call = run.next();
    model(call->input, call->level, call->output);
  }
  const auto open = run.next();
  dpm::RunOptions<State> other;
  other.noise = [](State& z, const dpm::NoiseRequest&) { z.assign(z.size(), 0.5); };
  dpm::Stepper<State> same = run.fork(with_noise());
  dpm::Stepper<State> variation = run.fork(other);
  model(open->input, open->level, open->output);
  finish(run);
  finish(same);
  finish(variation);
  REQUIRE(same.sample() == run.sample());
  REQUIRE(same.model_calls() == 6);
  REQUIRE(variation.sample() != run.sample());
  refused([&] { (void)run.fork({}); }, "the fork of a run with a noise source has none");
}

}  // namespace save_test
