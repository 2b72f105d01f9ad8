// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Sessions of ONNX Runtime as models.
#include "dpm/interop/onnxruntime.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/onnx_network.hpp"

namespace onnxruntime_test {

using namespace dpm_test;
using Floats = std::vector<float>;

namespace {

/// -1, -0.75, ... so that halves of them are exact.
Floats start(std::size_t size) {
  Floats x(size);
  for (std::size_t i = 0; i < size; ++i) x[i] = -1.0F + 0.25F * static_cast<float>(i);
  return x;
}

Floats called(dpm::OrtModel& model, const Floats& x, double timestep) {
  Floats out(x.size());
  model(x, timestep, out);
  return out;
}

/// What most of the networks give, with a sum for each sample of six values.
void require_output(const Floats& out, const Floats& x, double timestep,
                    const std::vector<double>& sums, double tolerance = 1e-6) {
  REQUIRE(out.size() == x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = 0.5 * static_cast<double>(x[i]) + timestep / 1000 + sums[i / 6];
    CAPTURE(i);
    REQUIRE_THAT(static_cast<double>(out[i]), WithinAbs(expected, tolerance));
  }
}

const dpm::DiscreteSchedule<double> schedule(dpm::linear_betas(1000), dpm::TimestepType::discrete);

}  // namespace

TEST_CASE("a session gets the timestep in the type and shape that its network has") {
  for (const char* const name :
       {"float_timesteps", "scalar_int64", "one_int32", "column_of_half"}) {
    CAPTURE(name);
    Ort::Session network = session(name);
    dpm::OrtModel model(network);
    for (const std::size_t batch : {2U, 1U, 3U}) {
      const Floats x = start(6 * batch);
      for (const double timestep : {999.0, 4.0}) {
        require_output(called(model, x, timestep), x, timestep, {0, 0, 0});
      }
    }
  }
}

TEST_CASE("the inputs of a network without usual names are told apart by their shapes") {
  Ort::Session network = session("fixed_batch");
  dpm::OrtModel model(network);
  const Floats x = start(12);
  require_output(called(model, x, 0.5), x, 0.5, {0, 0});
}

TEST_CASE("names that options give come before names that are usual") {
  Ort::Session network = session("two_outputs");
  const Floats x{1, 2, 3, 4, 5, 6};
  dpm::OrtModel plus(network, {}, {.output = "plus"});
  dpm::OrtModel minus(network, {}, {.sample = "sample", .timestep = "timestep", .output = "minus"});
  REQUIRE(called(plus, x, 2.0) == Floats{2, 4, 6, 8, 10, 12});
  REQUIRE(called(minus, x, 2.0) == Floats{-2, -4, -6, -8, -10, -12});

  Ort::Session alike = session("two_states");
  dpm::OrtModel model(alike, {{"d", Floats(6, 8.0F), {1, 2, 3}}}, {.sample = "a"});
  require_output(called(model, x, 3.0), x, 3.0, {8});
}

TEST_CASE("vectors, spans and columns of an Eigen array are the same states to a session") {
  Ort::Session network = session("float_timesteps");
  dpm::OrtModel model(network);
  const Floats x = start(12);
  const Floats expected = called(model, x, 250.0);

  Floats memory(12);
  std::span<float> out(memory);
  model(std::span<const float>(x), 250.0, out);
  REQUIRE(memory == expected);

  const Eigen::ArrayXXf columns = Eigen::Map<const Eigen::ArrayXXf>(x.data(), 6, 2);
  Eigen::ArrayXXf output(6, 2);
  model(columns, 250.0, output);
  REQUIRE(Floats(output.data(), output.data() + 12) == expected);
}

TEST_CASE("a session gets further inputs at every call") {
  Ort::Session network = session("labels");
  Floats embeddings(2 * 4 * 5, 2.0F);
  std::fill(embeddings.begin() + 20, embeddings.end(), -1.0F);
  const std::vector<std::int64_t> labels{3, 7};
  dpm::OrtModel model(network,
                      {{"encoder_hidden_states", embeddings, {2, 4, 5}}, {"label", labels}});
  const Floats x = start(12);
  require_output(called(model, x, 500.0), x, 500.0, {3 + 2, 7 - 1}, 1e-5);
  require_output(called(model, x, 20.0), x, 20.0, {3 + 2, 7 - 1}, 1e-5);
}

TEST_CASE("a further input may be a tensor over memory that changes between calls") {
  Ort::Session network = session("labels");
  std::array<std::int64_t, 1> label{4};
  const std::array<std::int64_t, 1> shape{1};
  Ort::Value value = Ort::Value::CreateTensor<std::int64_t>(
      Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault), label.data(), 1,
      shape.data(), 1);
  dpm::OrtModel model(network, {{"label", std::move(value)},
                                {"encoder_hidden_states", Floats(20, 0.0F), {1, 4, 5}}});
  const Floats x = start(6);
  require_output(called(model, x, 0.0), x, 0.0, {4});
  label[0] = 9;
  require_output(called(model, x, 0.0), x, 0.0, {9});
}

TEST_CASE("a further input without a dimension is given by its value") {
  Ort::Session network = session("scalar_inputs");
  const dpm::OrtInput guidance("guidance", 0.25F);
  REQUIRE(guidance.tensor().shape.empty());
  dpm::OrtModel model(network, {guidance, {"frames", std::int64_t{14}}, {"masks", true}});
  const Floats x = start(12);
  require_output(called(model, x, 500.0), x, 500.0, {15.25, 15.25}, 1e-5);

  // Numbers of another width are converted, and the caller's input stays as it was.
  const dpm::OrtInput precise("guidance", 0.25);
  dpm::OrtModel same(network, {precise, {"frames", 14}, {"masks", true}});
  REQUIRE(called(same, x, 500.0) == called(model, x, 500.0));
  dpm::OrtModel copy = same;
  REQUIRE(called(copy, x, 20.0) == called(model, x, 20.0));
  REQUIRE(precise.tensor().type == ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE);
}

TEST_CASE("embeddings of float are rounded for a network that takes float16") {
  Ort::Session network = session("half_inputs");
  Floats embeddings(2 * 4 * 5, 0.5F);
  std::fill(embeddings.begin() + 20, embeddings.end(), -0.25F);
  const Floats x = start(12);
  const auto require_same = [&](const dpm::OrtInput& input) {
    dpm::OrtModel model(network, {input, {"guidance", 0.125}});
    require_output(called(model, x, 1.0), x, 1.0, {0.625, -0.125}, 5 * 0x1p-10);
  };
  require_same({"encoder_hidden_states", embeddings, {2, 4, 5}});
  require_same({"encoder_hidden_states",
                std::vector<double>(embeddings.begin(), embeddings.end()),
                {2, 4, 5}});

  // The other way round.
  std::vector<Ort::Float16_t> halves;
  for (const float value : embeddings) halves.emplace_back(value);
  Ort::Session wide = session("labels");
  dpm::OrtModel model(wide, {{"encoder_hidden_states", halves, {2, 4, 5}},
                             {"label", std::vector<std::int32_t>{1, 2}}});
  require_output(called(model, x, 1.0), x, 1.0, {1.5, 1.75}, 1e-5);
}

TEST_CASE("a network whose weights lie in a file beside it is a model like others") {
  Ort::Session network = session("external");
  dpm::OrtModel model(network);
  const Floats x = start(12);
  require_output(called(model, x, 40.0), x, 40.0, {0, 0});
}

TEST_CASE("a network of float16 takes states of float and answers in float") {
  const Floats x = start(12);
  for (const char* const name : {"half", "half_to_float"}) {
    CAPTURE(name);
    Ort::Session network = session(name);
    dpm::OrtModel model(network);
    // Three roundings of numbers below 2, each by half an ulp of float16 at most.
    require_output(called(model, x, 999.0), x, 999.0, {0, 0}, 3 * 0x1p-11);
    require_output(called(model, x, 1.0), x, 1.0, {0, 0}, 3 * 0x1p-11);
  }
}

TEST_CASE("the shape of a sample that the network leaves open is said by an option") {
  Ort::Session network = session("open_shape");
  dpm::OrtModel model(network, {}, {.sample_shape = {2, 3}});
  const Floats x = start(12);
  require_output(called(model, x, 100.0), x, 100.0, {0, 0});
}

TEST_CASE("sampling with a session is sampling with the function that its network is") {
  Ort::Session network = session("scalar_int64");
  const auto function = [](const Floats& x, double timestep, Floats& out) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      out[i] = 0.5F * x[i] + 0.001F * static_cast<float>(timestep);
    }
  };
  for (const bool singlestep : {false, true}) {
    const dpm::DpmSolver method{.form = singlestep ? dpm::DpmSolver::Form::singlestep
                                                   : dpm::DpmSolver::Form::multistep};
    const dpm::Plan plan = dpm::make_plan(method, schedule, 10);
    Floats x = start(12);
    Floats expected = x;
    dpm::sample(plan, dpm::OrtModel(network), x);
    dpm::sample(plan, function, expected);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto value = static_cast<double>(expected[i]);
      REQUIRE_THAT(static_cast<double>(x[i]), WithinAbs(value, 1e-5 * (1 + std::abs(value))));
    }
  }
}

TEST_CASE("guidance calls a session once on a doubled batch, or two models of one session") {
  Ort::Session network = session("labels");
  const auto model = [&](const std::vector<std::int64_t>& labels) {
    const auto batch = static_cast<std::int64_t>(labels.size());
    return dpm::OrtModel(
        network, {{"label", labels},
                  {"encoder_hidden_states", Floats(labels.size() * 20, 0.0F), {batch, 4, 5}}});
  };
  const dpm::Plan plan = dpm::make_plan(schedule, 8);
  Floats twice = start(12);
  Floats doubled = twice;
  Floats plain = twice;
  dpm::sample(plan, dpm::ClassifierFreeGuidance(model({1, 2}), model({0, 0}), 3.0), twice);
  dpm::sample(plan, dpm::BatchedClassifierFreeGuidance(model({1, 2, 0, 0}), 3.0), doubled);
  REQUIRE(doubled == twice);
  dpm::sample(plan, model({1, 2}), plain);
  REQUIRE(plain != twice);

  Eigen::ArrayXXf columns = Eigen::Map<const Eigen::ArrayXXf>(start(12).data(), 6, 2);
  dpm::sample(plan, dpm::BatchedClassifierFreeGuidance(model({1, 2, 0, 0}), 3.0), columns);
  REQUIRE(Floats(columns.data(), columns.data() + 12) == twice);
}

TEST_CASE("threads share a session, each with a copy of the model") {
  Ort::Session network = session("float_timesteps");
  const dpm::OrtModel model(network);
  const dpm::Plan plan = dpm::make_plan(schedule, 20);
  Floats expected = start(12);
  dpm::sample(plan, dpm::OrtModel(model), expected);
  std::vector<Floats> samples(4, start(12));
  std::vector<std::thread> threads;
  for (Floats& x : samples) {
    threads.emplace_back([&plan, &model, &x] { dpm::sample(plan, dpm::OrtModel(model), x); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Floats& x : samples) REQUIRE(x == expected);
}

TEST_CASE("a model that the runtime has failed goes on at the next call") {
  Ort::Session network = session("ten_timesteps");
  dpm::OrtModel model(network);
  const Floats x = start(6);
  Floats expected = x;
  for (float& value : expected) value += 0.001F * 3;
  REQUIRE(called(model, x, 3.0) == expected);
  REQUIRE_THROWS_WITH(
      called(model, x, 10.0),
      mentions("OrtModel: the runtime has failed at timestep 10, 'sample' float [1, 2, 3] "
               "and 'timestep' int64 []: ") &&
          mentions("indices element out of data bounds"));
  REQUIRE_THROWS_AS(called(model, x, 10.0), std::runtime_error);
  REQUIRE(called(model, x, 3.0) == expected);
}

}  // namespace onnxruntime_test
