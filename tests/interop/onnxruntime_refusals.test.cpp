// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a model of ONNX Runtime refuses, and in which words.
#include <Eigen/Core>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/interop/onnxruntime.hpp"
#include "support/catch.hpp"
#include "support/onnx_network.hpp"

namespace onnxruntime_refusals_test {

using namespace dpm_test;
using Floats = std::vector<float>;
using Integers = std::vector<std::int64_t>;

namespace {

void require_refused(const char* name, const std::vector<dpm::OrtInput>& inputs,
                     const dpm::OrtModelOptions& options, const std::string& sentence) {
  Ort::Session network = session(name);
  CAPTURE(name);
  REQUIRE_THROWS_AS(dpm::OrtModel(network, inputs, options), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(dpm::OrtModel(network, inputs, options), mentions(sentence));
}

}  // namespace

TEST_CASE("a network whose inputs or outputs cannot be told apart is refused") {
  require_refused(
      "two_states", {}, {},
      "OrtModel: which input is the sample? It is one of 'a' float [batch, 2, 3] and "
      "'d' float [batch, 2, 3]; name it by OrtModelOptions::sample and hand over inputs "
      "that are neither");
  require_refused("two_times", {}, {},
                  "OrtModel: which input is the timestep? It is one of 'a' float [batch, 2, 3], "
                  "'b' float [] and 'd' float []; name it by "
                  "OrtModelOptions::timestep");
  require_refused("two_outputs", {}, {},
                  "OrtModel: which output is the prediction? It is one of 'plus' float [batch, 2, "
                  "3] and 'minus' float [batch, 2, 3]; name it by OrtModelOptions::output");
}

TEST_CASE("a name that the network does not have is refused") {
  const std::string others = "', which is not among the inputs that are left: 'sample' float";
  require_refused("scalar_int64", {{"labels", Integers{1}}}, {},
                  "OrtModel: a further input is 'labels" + others);
  require_refused("scalar_int64", {}, {.sample = "y"},
                  "OrtModel: OrtModelOptions::sample is 'y" + others);
  require_refused("scalar_int64", {}, {.timestep = "s"},
                  "OrtModel: OrtModelOptions::timestep is 's" + others);
  require_refused("scalar_int64", {}, {.output = "y"},
                  "OrtModel: OrtModelOptions::output is 'y', which is not among the outputs that "
                  "are left: 'out_sample' float [batch, 2, 3]");
}

TEST_CASE("a further input that is missing or not as the network takes it is refused") {
  const dpm::OrtInput label("label", Integers{1, 2});
  require_refused("labels", {label}, {},
                  "OrtModel: the network also takes 'encoder_hidden_states' float [batch, 4, 5]; "
                  "hand over all of its inputs, as {{\"encoder_hidden_states\", values, shape}}");
  require_refused("labels", {label, {"encoder_hidden_states", Floats(40), {2, 20}}}, {},
                  "OrtModel: the input 'encoder_hidden_states' is given as float [2, 20]; the "
                  "network takes float [batch, 4, 5]");
  require_refused("labels", {{"label", Floats{1, 2}}}, {},
                  "OrtModel: the input 'label' is given as float [2]; the network takes int64 "
                  "[batch]");
  REQUIRE_THROWS_WITH(dpm::OrtInput("label", Integers{1, 2, 3}, {2, 2}),
                      mentions("OrtInput: 'label' has 3 values; its shape [2, 2] holds 4"));
  REQUIRE_THROWS_WITH(dpm::OrtInput("label", Ort::Value(nullptr)),
                      mentions("OrtInput: the value of 'label' is not a tensor; it must be one"));
}

TEST_CASE("a further input whose values cannot be those of the network's type is refused") {
  const std::vector<std::int64_t> shape{1, 4, 5};
  require_refused("half_inputs",
                  {{"encoder_hidden_states", Floats(20, 7e4F), shape}, {"guidance", 1.0F}}, {},
                  "OrtInput: 'encoder_hidden_states' has the value 70000; the network takes "
                  "float16, which cannot hold it");
  const float infinity = std::numeric_limits<float>::infinity();
  Ort::Session network = session("half_inputs");
  REQUIRE_NOTHROW(dpm::OrtModel(
      network, {{"encoder_hidden_states", Floats(20, -infinity), shape}, {"guidance", 1.0F}}));

  const dpm::OrtInput masks("masks", true);
  require_refused("scalar_inputs", {masks, {"guidance", 1e300}, {"frames", 1}}, {},
                  "OrtInput: 'guidance' has the value 1e+300; the network takes float, which "
                  "cannot hold it");
  require_refused("scalar_inputs", {masks, {"guidance", 1.0F}, {"frames", 2.0F}}, {},
                  "OrtModel: the input 'frames' is given as float []; the network takes int64 []");
  require_refused("labels", {{"label", 3}}, {},
                  "OrtModel: the input 'label' is given as int64 []; the network takes int64 "
                  "[batch]");

  // A tensor of the caller's is taken as it is.
  Floats memory(20);
  Ort::Value value = Ort::Value::CreateTensor<float>(
      Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault), memory.data(), 20,
      shape.data(), 3);
  require_refused("half_inputs", {{"encoder_hidden_states", std::move(value)}, {"guidance", 1.0F}},
                  {},
                  "OrtModel: the input 'encoder_hidden_states' is given as float [1, 4, 5]; the "
                  "network takes float16 [batch, 4, 5] (floating-point values in a std::vector "
                  "would be converted)");
}

TEST_CASE("a network with types or shapes that a model cannot have is refused") {
  require_refused("double", {}, {},
                  "OrtModel: 'sample' is double [batch, 2, 3]; the sample and the prediction must "
                  "be of float or float16, with one dimension or more");
  require_refused("bool_timestep", {}, {},
                  "OrtModel: 'timestep' is bool []; a timestep must be of float, float16, double, "
                  "int64 or int32");
  require_refused("variances", {}, {},
                  "OrtModel: the output 'out_sample' is float [batch, 4, 3]; it must have the "
                  "shape of 'sample', float [batch, 2, 3]");
  require_refused("open_shape", {}, {},
                  "OrtModel: 'sample' is float [batch, 2, width]; say the shape of one sample by "
                  "OrtModelOptions::sample_shape, without the batch");
  require_refused("open_shape", {}, {.sample_shape = {3, 4}},
                  "OrtModel: OrtModelOptions::sample_shape makes 'sample' [batch, 3, 4]; the "
                  "network takes float [batch, 2, width]");
  require_refused("open_shape", {}, {.sample_shape = {2, -1}},
                  "say the shape of one sample by OrtModelOptions::sample_shape");
}

TEST_CASE("a call that the network cannot answer is refused before it") {
  Ort::Session network = session("scalar_int64");
  dpm::OrtModel model(network);
  const Floats x(12, 1.0F);
  Floats out(12, 7.0F);
  const auto require_call_refused = [&out](dpm::OrtModel& called, const auto& noisy,
                                           double timestep, const std::string& sentence) {
    REQUIRE_THROWS_WITH(called(noisy, timestep, out), mentions(sentence));
    REQUIRE(out == Floats(12, 7.0F));
  };
  require_call_refused(model, x, 3.5,
                       "OrtModel: timestep = 3.5; it must be a whole number, as 'timestep' is "
                       "int64 [] (make the schedule with TimestepType::discrete)");
  require_call_refused(model, x, std::numeric_limits<double>::infinity(), "timestep = inf");
  require_call_refused(model, Floats(13), 3.0,
                       "OrtModel: x is 13 x 1; a sample of 'sample' has 6 values: it must be a "
                       "range of whole samples, or have one column for each, in column-major "
                       "order");
  require_call_refused(model, Floats(), 3.0, "OrtModel: x is 0 x 1");
  require_call_refused(model, Floats(6), 3.0,
                       "OrtModel: x has 6 values and out 12; they must be of one shape");
  using Rows = Eigen::Array<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  require_call_refused(model, Rows(Rows::Zero(6, 2)), 3.0, "OrtModel: x is 6 x 2");
  require_call_refused(model, Eigen::ArrayXXf(Eigen::ArrayXXf::Zero(3, 4)), 3.0,
                       "OrtModel: x is 3 x 4");

  Ort::Session fixed = session("fixed_batch");
  dpm::OrtModel of_two(fixed);
  Floats six(6);
  REQUIRE_THROWS_WITH(of_two(Floats(6), 3.0, six),
                      mentions("OrtModel: x has 1 samples; the network takes 2 at a time: 'a' is "
                               "float [2, 2, 3]"));

  Ort::Session labels = session("labels");
  dpm::OrtModel of_three(
      labels, {{"label", Integers{1, 2, 3}}, {"encoder_hidden_states", Floats(60), {3, 4, 5}}});
  require_call_refused(of_three, x, 3.0,
                       "OrtModel: x has 2 samples and the input 'label' is given as int64 [3]; the "
                       "network takes int64 [batch] (where guidance doubles the batch, give the "
                       "conditional ones and then the unconditional ones)");

  Ort::Session matrix = session("matrix_of_times");
  dpm::OrtModel of_matrix(matrix);
  require_call_refused(of_matrix, x, 3.0,
                       "OrtModel: 'timestep' is float [batch, 2] and x has 2 samples; a timestep "
                       "must have one value, or one for each sample");
}

}  // namespace onnxruntime_refusals_test
