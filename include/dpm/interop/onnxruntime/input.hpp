// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a network in ONNX Runtime is given beside the sample and the timestep.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/onnxruntime/tensor.hpp"

namespace dpm {

/// A further input of a network, the same in all calls: class labels, text embeddings, an added
/// condition. It converts from a name, values and a shape:
///
///     {"label", std::vector<std::int64_t>{3, 8}}               // the shape is [2]
///     {"encoder_hidden_states", embeddings, {2, 77, 768}}      // a vector of float
///
/// or from a name and an `Ort::Value`, which may have any type that the network takes. Copies share
/// the values.
class OrtInput {
 public:
  /// Keeps the values. `Element` is float, double, Ort::Float16_t or an integer of ONNX; an empty
  /// shape means one dimension. Refuses a shape that does not hold as many values.
  template <class Element>
  OrtInput(std::string name, std::vector<Element> values, std::vector<std::int64_t> shape = {}) {
    if (shape.empty()) shape = {static_cast<std::int64_t>(values.size())};
    std::int64_t size = 1;
    for (const std::int64_t dimension : shape) size *= dimension;
    tensor_ = {.name = std::move(name),
               .type = Ort::TypeToTensorType<Element>::type,
               .shape = std::move(shape),
               .dimensions = {}};
    detail::require(size == static_cast<std::int64_t>(values.size()), "OrtInput: '", tensor_.name,
                    "' has ", values.size(), " values; its shape ", detail::shape_text(tensor_),
                    " holds ", size);
    const auto kept = std::make_shared<std::vector<Element>>(std::move(values));
    value_ = std::make_shared<Ort::Value>(Ort::Value::CreateTensor<Element>(
        Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault), kept->data(),
        kept->size(), tensor_.shape.data(), tensor_.shape.size()));
    memory_ = kept;
  }

  /// Takes the tensor over. One that was made over memory of the caller's needs that memory as long
  /// as a model has this input; what is written there is seen by the next call of the model.
  /// Refuses what is not a tensor.
  OrtInput(std::string name, Ort::Value value)
      : value_(std::make_shared<Ort::Value>(std::move(value))) {
    detail::require(*value_ != nullptr && value_->IsTensor(), "OrtInput: the value of '", name,
                    "' is not a tensor; it must be one");
    tensor_ = detail::described(std::move(name), value_->GetTypeInfo());
  }

  [[nodiscard]] const std::string& name() const { return tensor_.name; }
  [[nodiscard]] const detail::OrtTensor& tensor() const { return tensor_; }
  [[nodiscard]] const Ort::Value& value() const { return *value_; }

 private:
  detail::OrtTensor tensor_;
  std::shared_ptr<void> memory_;  // what value_ was made over
  std::shared_ptr<Ort::Value> value_;
};

}  // namespace dpm
