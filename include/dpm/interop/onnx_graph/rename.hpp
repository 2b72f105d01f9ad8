// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Gives the values of an ONNX graph other names, so that it can become part of another graph.
#pragma once

#include <onnx/onnx_pb.h>

#include <set>
#include <string>
#include <utility>

namespace dpm::detail {

/// Puts a prefix before the name of every value of a graph and of the graphs within it, but for
/// those that are kept: they are values of the graph around it. Cost: one pass over the nodes.
class ValueRenamer {
 public:
  ValueRenamer(std::string prefix, std::set<std::string> kept)
      : prefix_(std::move(prefix)), kept_(std::move(kept)) {}

  /// An empty name stands for an input that is left out, and stays.
  [[nodiscard]] std::string renamed(const std::string& name) const {
    return name.empty() || kept_.contains(name) ? name : prefix_ + name;
  }

  void rename(onnx::GraphProto& graph) const {
    for (onnx::NodeProto& node : *graph.mutable_node()) rename(node);
    for (auto* values :
         {graph.mutable_input(), graph.mutable_output(), graph.mutable_value_info()}) {
      for (onnx::ValueInfoProto& value : *values) value.set_name(renamed(value.name()));
    }
    for (onnx::TensorProto& constant : *graph.mutable_initializer()) {
      constant.set_name(renamed(constant.name()));
    }
    for (onnx::SparseTensorProto& constant : *graph.mutable_sparse_initializer()) {
      onnx::TensorProto& values = *constant.mutable_values();
      values.set_name(renamed(values.name()));
    }
    for (onnx::TensorAnnotation& annotation : *graph.mutable_quantization_annotation()) {
      annotation.set_tensor_name(renamed(annotation.tensor_name()));
      for (auto& parameter : *annotation.mutable_quant_parameter_tensor_names()) {
        parameter.set_value(renamed(parameter.value()));
      }
    }
  }

 private:
  void rename(onnx::NodeProto& node) const {
    for (std::string& name : *node.mutable_input()) name = renamed(name);
    for (std::string& name : *node.mutable_output()) name = renamed(name);
    for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) rename(*attribute.mutable_g());
      for (onnx::GraphProto& graph : *attribute.mutable_graphs()) rename(graph);
    }
  }

  std::string prefix_;
  std::set<std::string> kept_;
};

}  // namespace dpm::detail
