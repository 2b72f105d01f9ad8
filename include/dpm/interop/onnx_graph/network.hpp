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
#include "dpm/interop/onnx_names.hpp"

namespace dpm {

/// The names of a network's inputs and output, where they are not found without.
struct OnnxNetworkNames {
  /// The noisy sample, of floating-point numbers, its first dimension the batch. Left out: the
  /// input with a usual name (sample, x, latents, ...), or the only one of two dimensions or more
  /// that is shaped like the output.
  std::string sample = {};
  /// The timestep, of floating-point numbers or integers, one number or one for each sample. Left
  /// out: the input with a usual name (timestep, t, sigma, ...), or the only one of at most one
  /// dimension.
  std::string timestep = {};
  /// The prediction, shaped like the sample. Left out: the only output, or the one with a usual
  /// name (out_sample, noise_pred, ...).
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

/// Whether two values can have one shape: as many dimensions, and equal ones where both are known.
inline bool may_agree(const onnx::ValueInfoProto& a, const onnx::ValueInfoProto& b) {
  if (dimensions(a) < 0 || dimensions(b) < 0) return true;
  const auto& left = a.type().tensor_type().shape().dim();
  const auto& right = b.type().tensor_type().shape().dim();
  return std::equal(
      left.begin(), left.end(), right.begin(), right.end(), [](const auto& x, const auto& y) {
        return !x.has_dim_value() || !y.has_dim_value() || x.dim_value() == y.dim_value();
      });
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

/// The value with the first of these names that there is; null if there is none.
template <class Values, class Names>
const onnx::ValueInfoProto* find_usual(const Values& values, const Names& names) {
  for (const char* const name : names) {
    if (const auto* const found = find_named(values, name)) return found;
  }
  return nullptr;
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
  if (name.empty()) {
    if (graph.output_size() == 1) return graph.output(0);
    const onnx::ValueInfoProto* const usual = find_usual(graph.output(), usual_outputs);
    require(usual != nullptr,
            "make_onnx_graph: which output of the network is the prediction is not clear; name it "
            "(OnnxNetworkNames::output); its outputs are: ",
            listed(graph.output()));
    return *usual;
  }
  const onnx::ValueInfoProto* const output = find_named(graph.output(), name);
  require(output != nullptr, "make_onnx_graph: the network has no output \"", name,
          "\"; its outputs are: ", listed(graph.output()));
  return *output;
}

inline const char* const advice_on_variances =
    " (cut a network that predicts variances as well to its first channels)";

/// The only input that can be the sample by its type and shape.
inline onnx::ValueInfoProto only_sample(const std::vector<onnx::ValueInfoProto>& inputs,
                                        const OnnxNetworkNames& names,
                                        const onnx::ValueInfoProto& output) {
  std::vector<onnx::ValueInfoProto> possible;
  std::copy_if(inputs.begin(), inputs.end(), std::back_inserter(possible), [&](const auto& input) {
    return is_real(element_type(input)) && dimensions(input) > 1 && may_agree(input, output) &&
           input.name() != names.timestep && !is_usual_timestep(input.name());
  });
  require(!possible.empty(),
          "make_onnx_graph: the network has no input of floating-point numbers that is shaped like "
          "its output; its inputs are: ",
          listed(inputs), "; its output is: ", described(output), advice_on_variances);
  require(possible.size() == 1,
          "make_onnx_graph: which input of the network is the sample is not clear; name it "
          "(OnnxNetworkNames::sample); its inputs are: ",
          listed(inputs));
  return possible.front();
}

inline onnx::ValueInfoProto find_sample(const std::vector<onnx::ValueInfoProto>& inputs,
                                        const OnnxNetworkNames& names,
                                        const onnx::ValueInfoProto& output) {
  const onnx::ValueInfoProto* const sample =
      names.sample.empty() ? find_usual(inputs, usual_samples) : find_named(inputs, names.sample);
  require(names.sample.empty() || sample != nullptr, "make_onnx_graph: the network has no input \"",
          names.sample, "\" for the sample; its inputs are: ", listed(inputs));
  if (sample == nullptr || sample->name() == names.timestep) {
    return only_sample(inputs, names, output);
  }
  require(is_real(element_type(*sample)) && dimensions(*sample) >= 1 && may_agree(*sample, output),
          "make_onnx_graph: the network's sample is: ", described(*sample),
          "; it must be of floating-point numbers and have the shape of its output: ",
          described(output), advice_on_variances);
  return *sample;
}

inline onnx::ValueInfoProto find_timestep(const std::vector<onnx::ValueInfoProto>& inputs,
                                          const std::string& name) {
  // One number for each sample may have dimensions of size one after that of the batch.
  const auto can_be = [](const onnx::ValueInfoProto& input) {
    const int type = element_type(input);
    if ((!is_real(type) && !is_whole(type)) || dimensions(input) < 0) return false;
    const auto& dims = input.type().tensor_type().shape().dim();
    return dims.empty() || std::all_of(dims.begin() + 1, dims.end(),
                                       [](const auto& dim) { return dim.dim_value() == 1; });
  };
  const onnx::ValueInfoProto* const named =
      name.empty() ? find_usual(inputs, usual_timesteps) : find_named(inputs, name);
  require(name.empty() || named != nullptr, "make_onnx_graph: the network has no input \"", name,
          "\" for the timestep; its inputs beside the sample are: ", listed(inputs));
  if (named != nullptr) {
    require(can_be(*named), "make_onnx_graph: the network's timestep is: ", described(*named),
            "; it must be one number or one for each sample, floating-point, INT64 or INT32");
    return *named;
  }
  std::vector<onnx::ValueInfoProto> possible;
  std::copy_if(inputs.begin(), inputs.end(), std::back_inserter(possible),
               [&](const auto& input) { return can_be(input) && dimensions(input) <= 1; });
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
  network.sample = find_sample(inputs, names, network.output);
  without(network.sample);
  network.timestep = find_timestep(inputs, names.timestep);
  without(network.timestep);
  network.conditions = std::move(inputs);
  return network;
}

}  // namespace detail
}  // namespace dpm
