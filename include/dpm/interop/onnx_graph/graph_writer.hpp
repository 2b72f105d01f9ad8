// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Writes nodes, constants and the types of values into an ONNX graph.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dpm::detail {

/// Adds to a graph that somebody else owns. Nodes are named for their output.
class GraphWriter {
 public:
  using Attribute = std::optional<std::pair<const char*, std::int64_t>>;

  explicit GraphWriter(onnx::GraphProto& graph) : graph_(graph) {}

  /// output <- op(inputs), with at most one attribute, an integer. Returns the output's name.
  std::string node(const char* op, std::initializer_list<std::string> inputs, std::string output,
                   const Attribute& attribute = std::nullopt) {
    onnx::NodeProto& node = *graph_.add_node();
    node.set_op_type(op);
    node.set_name(output);
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(output);
    if (attribute) {
      onnx::AttributeProto& a = *node.add_attribute();
      a.set_name(attribute->first);
      a.set_type(onnx::AttributeProto::INT);
      a.set_i(attribute->second);
    }
    return output;
  }

  /// The value as another type of elements, itself if it has that type.
  std::string cast(const std::string& value, int from, int to, std::string output) {
    return from == to ? value : node("Cast", {value}, std::move(output), {{"to", to}});
  }

  /// An entry, or entries, along the first dimension.
  std::string entry(const std::string& of, const std::string& index, std::string output) {
    return node("Gather", {of, index}, std::move(output), {{"axis", 0}});
  }

  /// A constant of float or double.
  std::string constant(std::string name, std::initializer_list<std::size_t> shape,
                       const std::vector<double>& values, int type) {
    onnx::TensorProto& tensor = add_constant(name, shape, type);
    for (const double value : values) {
      if (type == onnx::TensorProto::DOUBLE) {
        tensor.add_double_data(value);
      } else {
        tensor.add_float_data(static_cast<float>(value));
      }
    }
    return name;
  }

  /// A constant of integers.
  std::string constant(std::string name, std::initializer_list<std::size_t> shape,
                       const std::vector<std::int64_t>& values) {
    onnx::TensorProto& tensor = add_constant(name, shape, onnx::TensorProto::INT64);
    for (const std::int64_t value : values) tensor.add_int64_data(value);
    return name;
  }

 private:
  onnx::TensorProto& add_constant(const std::string& name, std::initializer_list<std::size_t> shape,
                                  int type) {
    onnx::TensorProto& tensor = *graph_.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type);
    for (const std::size_t size : shape) tensor.add_dims(static_cast<std::int64_t>(size));
    return tensor;
  }

  onnx::GraphProto& graph_;
};

/// A value of that name and type with no dimensions yet.
inline void set_tensor(onnx::ValueInfoProto& value, const std::string& name, int type) {
  value.set_name(name);
  value.mutable_type()->mutable_tensor_type()->set_elem_type(type);
  value.mutable_type()->mutable_tensor_type()->mutable_shape();
}

inline onnx::TensorShapeProto& shape_of(onnx::ValueInfoProto& value) {
  return *value.mutable_type()->mutable_tensor_type()->mutable_shape();
}

}  // namespace dpm::detail
