// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Small networks in ONNX, written in its text form.
#pragma once

#include <onnx/checker.h>
#include <onnx/defs/parser.h>
#include <onnx/onnx_pb.h>

#include <stdexcept>
#include <string>

namespace dpm_test {

/// The model in a text of the form "network (inputs) => (outputs) {nodes}", and functions of a
/// domain "own" after it.
inline onnx::ModelProto onnx_model(const std::string& graph, int opset = 17) {
  const std::string text = "<ir_version: 8, opset_import: [\"\" : " + std::to_string(opset) +
                           ", \"own\" : 1]>\n" + graph;
  onnx::ModelProto model;
  onnx::OnnxParser parser(text.c_str());
  const auto status = parser.Parse(model);
  if (!status.IsOK()) throw std::runtime_error(status.ErrorMessage());
  onnx::checker::check_model(model);
  return model;
}

/// Declarations of a network's inputs and output.
struct NetworkValues {
  std::string sample = "float[B, 2, 3] x";
  std::string timestep = "float[B] t";
  std::string output = "float[B, 2, 3] sample";
};

/// sample = tanh(0.8 x + 0.002 t + table[label]), smooth in all it is given, in any types. Some of
/// its values have names that the sampler's have too.
inline onnx::ModelProto label_network(const NetworkValues& values = {}) {
  return onnx_model("network (" + values.sample + ", " + values.timestep +
                    ", int64[L] label) => (" + values.output + R"()
<float[4] table = {0.1, 0.6, -0.3, 0.0}> {
  rate = Constant <value = float {0.002}> ()
  slope = Constant <value = float {0.8}> ()
  wide = Constant <value = int64[3] {-1, 1, 1}> ()
  real_t = Cast <to = 1> (t)
  phase = Mul (real_t, rate)
  wide_phase = Reshape (phase, wide)
  entry = Gather <axis = 0> (table, label)
  wide_entry = Reshape (entry, wide)
  real_x = Cast <to = 1> (x)
  start = Mul (real_x, slope)
  draws = Add (start, wide_phase)
  sum = Add (draws, wide_entry)
  curve = Tanh (sum)
  sample = CastLike (curve, x)
})");
}

}  // namespace dpm_test
