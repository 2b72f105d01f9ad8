// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What ONNX Runtime knows of a tensor before it has values: name, type and shape.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace dpm::detail {

/// An input or output of a network, or a tensor that is given for one.
struct OrtTensor {
  std::string name;
  ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  std::vector<std::int64_t> shape;      ///< -1 where the network leaves the size open
  std::vector<std::string> dimensions;  ///< what the network calls the open sizes, or nothing
};

inline bool is_integer(ONNXTensorElementDataType type) {
  return type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 || type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32;
}

/// Whether values of this type are floats, or become floats by conversion.
inline bool is_float_or_half(ONNXTensorElementDataType type) {
  return type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ||
         type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16;
}

inline bool is_real(ONNXTensorElementDataType type) {
  return is_float_or_half(type) || type == ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE;
}

/// Bytes of one value of a type that a timestep may have.
inline std::size_t size_of(ONNXTensorElementDataType type) {
  if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16) return 2;
  if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) return 4;
  return type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32 ? 4 : 8;
}

/// The name that ONNX gives to a type.
inline const char* name_of(ONNXTensorElementDataType type) {
  switch (type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
      return "float";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16:
      return "float16";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16:
      return "bfloat16";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
      return "double";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
      return "int64";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
      return "int32";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16:
      return "int16";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8:
      return "int8";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64:
      return "uint64";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32:
      return "uint32";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16:
      return "uint16";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
      return "uint8";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL:
      return "bool";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING:
      return "string";
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED:
      return "no tensor";
    default:
      return "a type of its own";
  }
}

/// "[2, 4, 64, 64]", or "[batch, 4, ?, ?]" where sizes are open.
inline std::string shape_text(const OrtTensor& tensor) {
  std::string text = "[";
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    if (i > 0) text += ", ";
    if (tensor.shape[i] >= 0) {
      text += std::to_string(tensor.shape[i]);
    } else {
      const bool is_named = i < tensor.dimensions.size() && !tensor.dimensions[i].empty();
      text += is_named ? tensor.dimensions[i] : "?";
    }
  }
  return text + "]";
}

/// "float [batch, 4, 64, 64]".
inline std::string describe(const OrtTensor& tensor) {
  return std::string(name_of(tensor.type)) + " " + shape_text(tensor);
}

/// "'sample' float [batch, 4, 64, 64] and 'timestep' int64 []".
inline std::string list_of(const std::vector<OrtTensor>& tensors) {
  std::string text;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (i > 0) text += i + 1 == tensors.size() ? " and " : ", ";
    text += "'" + tensors[i].name + "' " + describe(tensors[i]);
  }
  return text;
}

/// The place of the tensor with this name, or the number of tensors.
inline std::size_t place_of(const std::vector<OrtTensor>& tensors, const std::string& name) {
  std::size_t i = 0;
  while (i < tensors.size() && tensors[i].name != name) ++i;
  return i;
}

/// Whether a tensor of one shape can be one of the other: as many dimensions, of the same sizes
/// where neither is open.
inline bool shapes_agree(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] >= 0 && b[i] >= 0 && a[i] != b[i]) return false;
  }
  return true;
}

inline OrtTensor described(std::string name, const Ort::TypeInfo& info) {
  OrtTensor tensor{.name = std::move(name), .shape = {}, .dimensions = {}};
  if (info.GetONNXType() != ONNX_TYPE_TENSOR) return tensor;
  const auto of_tensor = info.GetTensorTypeAndShapeInfo();
  tensor.type = of_tensor.GetElementType();
  tensor.shape = of_tensor.GetShape();
  std::vector<const char*> names(tensor.shape.size(), "");
  of_tensor.GetSymbolicDimensions(names.data(), names.size());
  tensor.dimensions.assign(names.begin(), names.end());
  return tensor;
}

inline std::vector<OrtTensor> inputs_of(const Ort::Session& session) {
  const Ort::AllocatorWithDefaultOptions allocator;
  std::vector<OrtTensor> inputs;
  for (std::size_t i = 0; i < session.GetInputCount(); ++i) {
    inputs.push_back(
        described(session.GetInputNameAllocated(i, allocator).get(), session.GetInputTypeInfo(i)));
  }
  return inputs;
}

inline std::vector<OrtTensor> outputs_of(const Ort::Session& session) {
  const Ort::AllocatorWithDefaultOptions allocator;
  std::vector<OrtTensor> outputs;
  for (std::size_t i = 0; i < session.GetOutputCount(); ++i) {
    outputs.push_back(described(session.GetOutputNameAllocated(i, allocator).get(),
                                session.GetOutputTypeInfo(i)));
  }
  return outputs;
}

}  // namespace dpm::detail
