// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A network in ONNX: which of its inputs is the sample and which the timestep.
#pragma once

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dpm/error.hpp"

namespace dpm {

/// The names of a network's inputs and output, where they are not found without.
struct OnnxNetworkNames {
  /// The noisy sample, of floating-point numbers, its first dimension the batch. Left out: the
  /// first such input with as many dimensions as the output.
  std::string sample = {};
  /// The timestep, of floating-point numbers or integers, one number or one for each sample. Left
  /// out: the input called timestep, timesteps, t, time or sigma, or the only one of that shape.
  std::string timestep = {};
  /// The prediction, shaped like the sample. Left out: the first output.
  std::string output = {};
};

namespace detail {

/// What a network is given and what it returns. All inputs but the first two are its conditions.
struct OnnxNetwork {
  onnx::ValueInfoProto sample;
  onnx::ValueInfoProto timestep;
  std::vector<onnx::ValueInfoProto> conditions = {};
  onnx::ValueInfoProto output;
};

inline int element_type(const onnx::ValueInfoProto& value) {
  return value.type().tensor_type().elem_type();
}

inline bool is_real(int type) {
  return type == onnx::TensorProto::FLOAT || type == onnx::TensorProto::FLOAT16 ||
         type == onnx::TensorProto::BFLOAT16 || type == onnx::TensorProto::DOUBLE;
}

inline bool is_whole(int type) {
  return type == onnx::TensorProto::INT64 || type == onnx::TensorProto::INT32;
}

/// How many dimensions a value has; -1 if the file does not say.
inline int dimensions(const onnx::ValueInfoProto& value) {
  const auto& tensor = value.type().tensor_type();
  return tensor.has_shape() ? tensor.shape().dim_size() : -1;
}

/// A value for a message: "t FLOAT [batch]".
inline std::string described(const onnx::ValueInfoProto& value) {
  std::string text = value.name() + " " +
                     onnx::TensorProto::DataType_Name(
                         static_cast<onnx::TensorProto::DataType>(element_type(value)));
  if (dimensions(value) < 0) return text;
  std::string dims;
  for (const auto& dim : value.type().tensor_type().shape().dim()) {
    dims += dims.empty() ? "" : ", ";
    dims += dim.has_dim_value()   ? std::to_string(dim.dim_value())
            : dim.has_dim_param() ? dim.dim_param()
                                  : "?";
  }
  return text + " [" + dims + "]";
}

template <class Values>
std::string listed(const Values& values) {
  std::string text;
  for (const onnx::ValueInfoProto& value : values) {
    text += (text.empty() ? "" : ", ") + described(value);
  }
  return text.empty() ? "none" : text;
}

template <class Values>
const onnx::ValueInfoProto* find_named(const Values& values, std::string_view name) {
  const auto found = std::find_if(values.begin(), values.end(),
                                  [&](const auto& value) { return value.name() == name; });
  return found != values.end() ? &*found : nullptr;
}

/// The inputs of a graph that have no value in the file itself.
inline std::vector<onnx::ValueInfoProto> open_inputs(const onnx::GraphProto& graph) {
  std::vector<onnx::ValueInfoProto> inputs;
  for (const onnx::ValueInfoProto& input : graph.input()) {
    const auto& constants = graph.initializer();
    const bool has_value =
        std::any_of(constants.begin(), constants.end(),
                    [&](const auto& constant) { return constant.name() == input.name(); });
    if (!has_value) inputs.push_back(input);
  }
  return inputs;
}

inline onnx::ValueInfoProto find_output(const onnx::GraphProto& graph, const std::string& name) {
  require(graph.output_size() > 0, "make_onnx_graph: the network has no output; it must have one");
  if (name.empty()) return graph.output(0);
  const onnx::ValueInfoProto* const output = find_named(graph.output(), name);
  require(output != nullptr, "make_onnx_graph: the network has no output \"", name,
          "\"; its outputs are: ", listed(graph.output()));
  return *output;
}

inline onnx::ValueInfoProto find_sample(const std::vector<onnx::ValueInfoProto>& inputs,
                                        const std::string& name,
                                        const onnx::ValueInfoProto& output) {
  const onnx::ValueInfoProto* sample = find_named(inputs, name);
  require(name.empty() || sample != nullptr, "make_onnx_graph: the network has no input \"", name,
          "\" for the sample; its inputs are: ", listed(inputs));
  const auto can_be = [&](const onnx::ValueInfoProto& input) {
    return is_real(element_type(input)) && dimensions(input) >= 1 &&
           (dimensions(output) < 0 || dimensions(input) == dimensions(output));
  };
  if (sample == nullptr) {
    const auto found = std::find_if(inputs.begin(), inputs.end(), can_be);
    require(found != inputs.end(),
            "make_onnx_graph: the network has no input of floating-point numbers with the output's "
            "dimensions; its inputs are: ",
            listed(inputs), "; its output is: ", described(output));
    sample = &*found;
  }
  require(can_be(*sample), "make_onnx_graph: the network's sample is: ", described(*sample),
          "; it must be of floating-point numbers and have the dimensions of its output: ",
          described(output));
  return *sample;
}

inline onnx::ValueInfoProto find_timestep(const std::vector<onnx::ValueInfoProto>& inputs,
                                          const std::string& name) {
  const auto can_be = [](const onnx::ValueInfoProto& input) {
    const int type = element_type(input);
    return (is_real(type) || is_whole(type)) && dimensions(input) >= 0 && dimensions(input) <= 1;
  };
  if (!name.empty()) {
    const onnx::ValueInfoProto* const named = find_named(inputs, name);
    require(named != nullptr, "make_onnx_graph: the network has no input \"", name,
            "\" for the timestep; its inputs beside the sample are: ", listed(inputs));
    require(can_be(*named), "make_onnx_graph: the network's timestep is: ", described(*named),
            "; it must be one number or one for each sample, floating-point, INT64 or INT32");
    return *named;
  }
  std::vector<onnx::ValueInfoProto> possible;
  std::copy_if(inputs.begin(), inputs.end(), std::back_inserter(possible), can_be);
  for (const char* usual : {"timestep", "timesteps", "t", "time", "sigma"}) {
    if (const auto* const found = find_named(possible, usual)) return *found;
  }
  require(possible.size() == 1,
          "make_onnx_graph: which input of the network is the timestep is not clear; name it "
          "(OnnxNetworkNames::timestep); its inputs beside the sample are: ",
          listed(inputs));
  return possible.front();
}

/// Finds the inputs and the output. Refuses a network that has not got them.
inline OnnxNetwork read_network(const onnx::GraphProto& graph, const OnnxNetworkNames& names) {
  std::vector<onnx::ValueInfoProto> inputs = open_inputs(graph);
  const auto without = [&inputs](const onnx::ValueInfoProto& found) {
    inputs.erase(std::remove_if(inputs.begin(), inputs.end(),
                                [&](const auto& input) { return input.name() == found.name(); }),
                 inputs.end());
  };
  OnnxNetwork network;
  network.output = find_output(graph, names.output);
  network.sample = find_sample(inputs, names.sample, network.output);
  without(network.sample);
  network.timestep = find_timestep(inputs, names.timestep);
  without(network.timestep);
  network.conditions = std::move(inputs);
  return network;
}

}  // namespace detail
}  // namespace dpm
