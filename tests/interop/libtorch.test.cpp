// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs on tensors: the same as on Eigen arrays, on memory of their own; what is refused.
#include "dpm/interop/libtorch.hpp"

// torch's logging defines it, and so does Catch2.
#undef CHECK

#include <Eigen/Core>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace libtorch_test {

using namespace dpm_test;
using dpm::TensorState;
using torch::Tensor;
template <class Scalar>
using Batch = Eigen::Array<Scalar, Eigen::Dynamic, Eigen::Dynamic>;

namespace {

const dpm::DiscreteSchedule<double> schedule(dpm::linear_betas(1000));

/// A network of basic operations alone, which everybody rounds alike.
Tensor network(const Tensor& x, double label) { return x / (1 + x * x) + label / 2000; }
template <class Scalar>
Batch<Scalar> same_network(const Batch<Scalar>& x, double label) {
  return x / (1 + x * x) + static_cast<Scalar>(label / 2000);
}

/// Three samples of five values: columns of an Eigen object, rows of a tensor.
template <class Scalar>
Batch<Scalar> start(double phase = 0.0) {
  Batch<Scalar> x(5, 3);
  for (int i = 0; i < 15; ++i) {
    x.data()[i] = static_cast<Scalar>(std::sqrt(2.0) * std::sin(phase + 2.3 * i));
  }
  return x;
}
template <class Scalar>
Tensor tensor_of(const Batch<Scalar>& x) {
  Tensor rows = torch::empty({x.cols(), x.rows()}, torch::CppTypeToScalarType<Scalar>::value);
  std::copy_n(x.data(), x.size(), rows.data_ptr<Scalar>());
  return rows;
}

/// How far apart the two are, in epsilons of the largest value.
template <class Scalar>
double distance(const Tensor& is, const Batch<Scalar>& should_be) {
  REQUIRE(is.scalar_type() == torch::CppTypeToScalarType<Scalar>::value);
  const Tensor other = tensor_of(should_be);
  const double most = (is - other).abs().max().template item<double>();
  const double epsilon = static_cast<double>(std::numeric_limits<Scalar>::epsilon());
  return most / other.abs().max().template item<double>() / epsilon;
}

std::vector<dpm::Plan> some_plans() {
  using dpm::DpmSolver;
  return {dpm::make_plan(schedule, 12),
          dpm::make_plan(DpmSolver{.order = 3}, schedule, 12),
          dpm::make_plan(DpmSolver{.order = 3, .form = DpmSolver::Form::singlestep}, schedule, 12),
          dpm::make_plan(DpmSolver{.order = 2, .tau = 1.0}, schedule, 12),
          dpm::make_plan(dpm::Ddpm{}, schedule, 12),
          dpm::make_plan(dpm::Pndm{}, schedule, 20),
          dpm::make_plan(dpm::Deis{.order = 3}, schedule, 12),
          dpm::make_plan(dpm::RungeKutta{.order = 4}, schedule, 12)};
}

template <class Scalar>
void require_runs_like_eigen() {
  dpm::RunOptions<Batch<Scalar>> options;
  options.noise = [](auto& z, const auto& request) { z = start<Scalar>(request.draw + 1.0); };
  dpm::RunOptions<TensorState> same_options;
  same_options.noise = [](auto& z, const auto& request) {
    z = tensor_of(start<Scalar>(request.draw + 1.0));
  };
  for (const dpm::Plan& plan : some_plans()) {
    Batch<Scalar> expected = start<Scalar>();
    Tensor x = tensor_of(expected);
    dpm::sample(plan, same_network<Scalar>, expected, options);
    dpm::sample(plan, network, x, same_options);
    INFO(plan.steps.size() << " steps, " << plan.model_calls() << " calls");
    // In each of some 20 combinations up to four terms are rounded.
    REQUIRE(distance(x, expected) < 80.0);
  }
}

}  // namespace

TEST_CASE("runs on tensors give what runs on Eigen arrays give, but for rounding") {
  require_runs_like_eigen<float>();
  require_runs_like_eigen<double>();
}

TEST_CASE("half types are kept, and a combination of them is rounded once") {
  for (const auto type : {torch::kHalf, torch::kBFloat16}) {
    std::vector<TensorState> x;
    for (const double value : {1.0, 0.0011, 0.0012}) x.emplace_back(torch::full({2}, value, type));
    const std::array<double, 3> weights{0.7, 1.0, 1.0};
    Tensor exact = torch::zeros({2}, torch::kDouble);
    for (std::size_t j = 0; j < 3; ++j) exact += weights[j] * x[j].tensor().to(torch::kDouble);
    const std::array<TensorState*, 1> target{&x[1]};
    const std::array<const TensorState*, 3> operands{&x[0], &x[1], &x[2]};
    combine(dpm::Weights(weights.data(), 3), target, operands);
    REQUIRE(x[1].tensor().equal(exact.to(type)));

    Tensor sample = tensor_of(start<float>()).to(type);
    const auto half_network = [type](const Tensor& y, double label) {
      return network(y.to(torch::kFloat), label).to(type);
    };
    dpm::sample(schedule, 10, half_network, sample);
    REQUIRE(sample.scalar_type() == type);
  }
}

TEST_CASE("one tensor may be several operands, and targets may be each other's operands") {
  TensorState x(torch::full({2}, 1.0));
  TensorState y(torch::full({2}, 2.0));
  const std::array<double, 6> weights{1.0, 10.0, 100.0, 0.0, 1.0, 0.5};
  const std::array<TensorState*, 2> targets{&x, &y};
  const std::array<const TensorState*, 3> operands{&x, &y, &x};
  combine(dpm::Weights(weights.data(), 3), targets, operands);
  REQUIRE(x.tensor().equal(torch::full({2}, 121.0)));
  REQUIRE(y.tensor().equal(torch::full({2}, 2.5)));
}

TEST_CASE("tensors with gaps, expanded ones and other orders of values are samples like others") {
  const Tensor plain = torch::linspace(-1, 1, 72).view({2, 3, 3, 4}).sin();
  Tensor expected = plain.clone();
  dpm::sample(schedule, 8, network, expected);
  const Tensor wide = torch::cat({plain, plain}, 3);
  Tensor with_gaps = wide.slice(3, 0, 4);
  dpm::sample(schedule, 8, network, with_gaps);
  REQUIRE(with_gaps.equal(expected));
  REQUIRE(wide.slice(3, 0, 4).equal(plain));
  Tensor channels_last = plain.contiguous(torch::MemoryFormat::ChannelsLast);
  dpm::sample(schedule, 8, network, channels_last);
  REQUIRE(channels_last.equal(expected));
  REQUIRE(channels_last.is_contiguous(torch::MemoryFormat::ChannelsLast));
  Tensor repeated = plain.slice(0, 0, 1).expand({2, 3, 3, 4});
  dpm::sample(schedule, 8, network, repeated);
  REQUIRE(repeated[0].equal(expected[0]));
  REQUIRE(repeated[1].equal(expected[0]));
}

TEST_CASE("a run changes its own memory only, in place, and leaves alone what others hold") {
  const Tensor x = tensor_of(start<double>());
  const dpm::Plan plan = dpm::make_plan(dpm::DpmSolver{.order = 3}, schedule, 8);
  std::vector<Tensor> seen;
  std::vector<Tensor> copies;
  dpm::RunOptions<TensorState> options;
  options.observer = [&](const dpm::Progress<TensorState>& progress) {
    seen.push_back(progress.sample);
    copies.push_back(progress.sample.tensor().clone());
  };
  dpm::Stepper stepper(plan, x, options);
  auto fork = stepper;
  while (const auto call = stepper.next()) {
    if (stepper.steps_done() == 4) {
      fork = stepper;
      const auto open = fork.open_call();
      open->output = network(open->input, open->level.timestep);
    }
    call->output.tensor().copy_(network(call->input, call->level.timestep));
  }
  while (const auto call = fork.next()) call->output = network(call->input, call->level.timestep);
  REQUIRE(fork.sample().tensor().equal(stepper.sample()));
  for (std::size_t i = 0; i < 8; ++i) REQUIRE(seen[i].equal(copies[i]));
  REQUIRE(x.equal(tensor_of(start<double>())));

  dpm::Stepper alone(dpm::make_plan(dpm::Ddim{}, schedule, 5), x);
  const void* const memory = alone.sample().tensor().data_ptr();
  while (const auto call = alone.next()) call->output = network(call->input, call->level.timestep);
  REQUIRE(alone.sample().tensor().data_ptr() == memory);
}

TEST_CASE("tensors that cannot be states, and values that do not fit one, are refused") {
  const auto state = [](const Tensor& x) { return TensorState(x); };
  REQUIRE_THROWS_WITH(state(Tensor()), mentions("the tensor is undefined; it must"));
  REQUIRE_THROWS_WITH(state(torch::ones({2}, torch::kLong)),
                      mentions("[2] of Long on cpu; it must"));
  REQUIRE_THROWS_WITH(state(torch::ones({2, 0})), mentions("[2, 0] of Float on cpu; it must"));
  TensorState x(torch::ones({2, 3}));
  REQUIRE_THROWS_WITH(x = torch::ones({3}), mentions("[3] of Float on cpu; they must be like"));
  REQUIRE_THROWS_WITH(x = torch::ones({2, 3}, torch::kDouble), mentions("[2, 3] of Double on cpu"));
  REQUIRE_THROWS_WITH(x = torch::ones({2, 3}, torch::kMeta), mentions("[2, 3] of Float on meta"));
  REQUIRE(x.tensor().equal(torch::ones({2, 3})));

  Tensor sample = torch::ones({2, 3});
  const auto wrong = [](const Tensor& y, double label) { return network(y, label).sum(1); };
  REQUIRE_THROWS_AS(dpm::sample(schedule, 8, wrong, sample), dpm::InvalidArgument);
  REQUIRE(sample.equal(torch::ones({2, 3})));
}

TEST_CASE("a run on tensors refuses a start of another shape, dtype or device, and is as before") {
  const dpm::Plan plan = dpm::make_plan(dpm::Ddim{}, schedule, 5);
  const Tensor x = tensor_of(start<double>());
  dpm::Stepper<TensorState> run(plan, x);
  const auto finish = [](auto& stepper) {
    while (const auto call = stepper.next()) {
      call->output = network(call->input, call->level.timestep);
    }
  };
  auto call = run.next();
  call->output = network(call->input, call->level.timestep);
  const Tensor others[] = {torch::cat({x, x}), x.to(torch::kFloat), x.to(torch::kMeta)};
  for (const Tensor& other : others) {
    const TensorState state(other);
    REQUIRE_THROWS_WITH(run.reset(state), mentions("the start x is unlike the sample; it must"));
    REQUIRE_THROWS_WITH(run.replan(plan, state), mentions("the sample x is unlike the sample"));
  }
  finish(run);
  Tensor expected = x.clone();
  dpm::sample(plan, network, expected);
  REQUIRE(run.sample().tensor().equal(expected));
}

TEST_CASE("a result that is not finite is refused, of every floating-point type") {
  for (const auto type : {torch::kFloat, torch::kDouble, torch::kHalf, torch::kBFloat16}) {
    for (const double bad : {double(NAN), double(INFINITY), -double(INFINITY)}) {
      Tensor x = torch::ones({2, 3}, type);
      const Tensor before = x.clone();
      const auto spoils_one = [&](const Tensor& y, double) {
        Tensor output = y.clone();
        output[1][2] = bad;
        return output;
      };
      REQUIRE_THROWS_AS(dpm::sample(schedule, 5, spoils_one, x), dpm::NonFinite);
      REQUIRE_THROWS_WITH(dpm::sample(schedule, 5, spoils_one, x),
                          mentions("step 5 of 5: the sample after it (time ") &&
                              mentions(" holds a NaN or an infinity"));
      REQUIRE(x.equal(before));
      REQUIRE_NOTHROW(
          dpm::sample(schedule, 5, spoils_one, x, dpm::Prediction::noise, {.check_finite = false}));
      REQUIRE_FALSE(x.isfinite().all().item<bool>());
    }
  }
}

TEST_CASE("the sample of a stopped run on tensors is refused if it is not finite") {
  struct StopAfterTwo {
    const int* calls;
    [[nodiscard]] bool stop_requested() const { return *calls >= 2; }
  };
  Tensor x = torch::ones({2, 3});
  const Tensor before = x.clone();
  int calls = 0;
  const auto spoils_one = [&](const Tensor& y, double) {
    ++calls;
    Tensor output = y.clone();
    output[1][2] = double(NAN);
    return output;
  };
  REQUIRE_THROWS_WITH(
      dpm::sample(schedule, 5, spoils_one, x, dpm::Prediction::noise,
                  {.stop = StopAfterTwo{&calls}}),
      mentions("the run was stopped after step 2, and its sample holds a NaN or an infinity"));
  REQUIRE(x.equal(before));
}

TEST_CASE("adaptive runs on tensors make the trials of those on Eigen arrays") {
  for (const auto norm :
       {dpm::ErrorTolerance::Norm::largest_sample, dpm::ErrorTolerance::Norm::whole_batch}) {
    const dpm::AdaptiveDpmSolver method{.tolerance = {.absolute = 1e-3, .norm = norm}};
    Batch<double> expected = start<double>();
    Tensor x = tensor_of(expected);
    const auto trials =
        dpm::sample_adaptive(method, schedule, same_network<double>, expected).trials;
    const auto same = dpm::sample_adaptive(method, schedule, network, x).trials;
    REQUIRE(same.size() == trials.size());
    REQUIRE(trials.size() > 5);
    for (std::size_t i = 0; i < same.size(); ++i) {
      REQUIRE_THAT(same[i].error, WithinRel(trials[i].error, 1e-9));
    }
    REQUIRE(distance(x, expected) < 4.0 * static_cast<double>(3 * same.size()));
  }
}

}  // namespace libtorch_test
