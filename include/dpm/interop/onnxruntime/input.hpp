// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a network in ONNX Runtime is given beside the sample and the timestep.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
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
///     {"guidance", 3.5F}                                       // one number; the shape is []
///
/// or from a name and an `Ort::Value`, which may have any type that the network takes. Copies share
/// the values.
///
/// A model rounds floating-point values that it keeps to the type that its network takes, float,
/// float16 or double, and widens or narrows int32 and int64 where that loses nothing. It leaves an
/// `Ort::Value` as it is.
class OrtInput {
 public:
  /// Keeps the values. `Element` is float, double, Ort::Float16_t or an integer of ONNX; an empty
  /// shape means one dimension. Refuses a shape that does not hold as many values.
  template <class Element>
  OrtInput(std::string name, std::vector<Element> values, std::vector<std::int64_t> shape = {}) {
    if (shape.empty()) shape = {static_cast<std::int64_t>(values.size())};
    std::int64_t size = 1;
    for (const std::int64_t dimension : shape) size *= dimension;
    tensor_.name = std::move(name);
    tensor_.shape = std::move(shape);
    detail::require(size == static_cast<std::int64_t>(values.size()), "OrtInput: '", tensor_.name,
                    "' has ", values.size(), " values; its shape ", detail::shape_text(tensor_),
                    " holds ", size);
    keep(std::move(values));
  }

  /// Keeps one number, whose shape is []. `Element` is a number as above, or bool.
  template <class Element>
  requires(std::is_arithmetic_v<Element> || std::is_same_v<Element, Ort::Float16_t>)
      OrtInput(std::string name, Element value) {
    tensor_.name = std::move(name);
    const auto kept = std::make_shared<Element>(value);
    set_value(kept, kept.get(), 1);
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

  /// Makes kept values those of `type`, if a model does that (see above); does nothing otherwise.
  /// Refuses values that are finite and too large for it. Copies that were made before stay.
  void convert_to(ONNXTensorElementDataType type) {
    if (!memory_ || type == tensor_.type) return;
    change<float, double>(type);
    change<float, Ort::Float16_t>(type);
    change<double, float>(type);
    change<double, Ort::Float16_t>(type);
    change<Ort::Float16_t, float>(type);
    change<std::int32_t, std::int64_t>(type);
    change<std::int64_t, std::int32_t>(type);
  }

  /// Whether the values are kept here, and are not those of an `Ort::Value` of the caller's.
  [[nodiscard]] bool keeps_values() const { return memory_ != nullptr; }

 private:
  template <class Element>
  void keep(std::vector<Element> values) {
    const auto kept = std::make_shared<std::vector<Element>>(std::move(values));
    set_value(kept, kept->data(), kept->size());
  }

  template <class Element>
  void set_value(std::shared_ptr<void> memory, Element* data, std::size_t size) {
    tensor_.type = Ort::TypeToTensorType<Element>::type;
    value_ = std::make_shared<Ort::Value>(Ort::Value::CreateTensor<Element>(
        Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault), data, size,
        tensor_.shape.data(), tensor_.shape.size()));
    memory_ = std::move(memory);
  }

  template <class From, class To>
  void change(ONNXTensorElementDataType type) {
    if (tensor_.type != Ort::TypeToTensorType<From>::type ||
        type != Ort::TypeToTensorType<To>::type) {
      return;
    }
    const auto* const values = value_->template GetTensorData<From>();
    std::vector<To> changed(value_->GetTensorTypeAndShapeInfo().GetElementCount());
    for (std::size_t i = 0; i < changed.size(); ++i) {
      changed[i] = converted<To>(values[i]);
      detail::require(holds(changed[i], values[i]), "OrtInput: '", tensor_.name, "' has the value ",
                      number(values[i]), "; the network takes ", detail::name_of(type),
                      ", which cannot hold it");
    }
    keep(std::move(changed));
  }

  template <class Number>
  static auto number(Number value) {
    if constexpr (std::is_same_v<Number, Ort::Float16_t>) {
      return value.ToFloat();
    } else {
      return value;
    }
  }

  template <class To, class From>
  static To converted(From value) {
    if constexpr (std::is_same_v<To, Ort::Float16_t>) {
      return Ort::Float16_t(static_cast<float>(value));
    } else {
      return static_cast<To>(number(value));
    }
  }

  /// An integer must be the same; a floating-point value may be rounded, but not to infinity.
  template <class To, class From>
  static bool holds(To changed, From value) {
    if constexpr (std::is_integral_v<From>) {
      return static_cast<From>(changed) == value;
    } else {
      return std::isfinite(number(changed)) || !std::isfinite(number(value));
    }
  }

  detail::OrtTensor tensor_;
  std::shared_ptr<void> memory_;  // what value_ was made over
  std::shared_ptr<Ort::Value> value_;
};

}  // namespace dpm
