// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The files beside a model in ONNX that hold its weights.
#pragma once

#include <onnx/onnx_pb.h>

#include <set>
#include <string>

namespace dpm {

namespace detail {

inline void add_external_file(const onnx::TensorProto& tensor, std::set<std::string>& files) {
  if (tensor.data_location() != onnx::TensorProto::EXTERNAL) return;
  for (const onnx::StringStringEntryProto& entry : tensor.external_data()) {
    if (entry.key() == "location") files.insert(entry.value());
  }
}

inline void add_external_files(const onnx::SparseTensorProto& tensor,
                               std::set<std::string>& files) {
  add_external_file(tensor.values(), files);
  add_external_file(tensor.indices(), files);
}

inline void add_external_files(const onnx::GraphProto& graph, std::set<std::string>& files);

template <class Nodes>
void add_external_files_of_nodes(const Nodes& nodes, std::set<std::string>& files) {
  for (const onnx::NodeProto& node : nodes) {
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      add_external_file(attribute.t(), files);
      for (const auto& tensor : attribute.tensors()) add_external_file(tensor, files);
      add_external_files(attribute.sparse_tensor(), files);
      for (const auto& tensor : attribute.sparse_tensors()) add_external_files(tensor, files);
      add_external_files(attribute.g(), files);
      for (const auto& graph : attribute.graphs()) add_external_files(graph, files);
    }
  }
}

inline void add_external_files(const onnx::GraphProto& graph, std::set<std::string>& files) {
  for (const auto& tensor : graph.initializer()) add_external_file(tensor, files);
  for (const auto& tensor : graph.sparse_initializer()) add_external_files(tensor, files);
  add_external_files_of_nodes(graph.node(), files);
}

}  // namespace detail

/// The files that hold weights of the model, as it names them: paths relative to the folder of the
/// model's own file. None where all weights lie in the model itself. Networks of more than 2 GB
/// have such files. `make_onnx_graph` leaves the weights there, so the model that it returns must
/// be saved where these paths lead to the files.
[[nodiscard]] inline std::set<std::string> onnx_external_files(const onnx::ModelProto& model) {
  std::set<std::string> files;
  detail::add_external_files(model.graph(), files);
  for (const auto& function : model.functions()) {
    detail::add_external_files_of_nodes(function.node(), files);
  }
  return files;
}

}  // namespace dpm
