// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A session of ONNX Runtime as a model.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/onnxruntime/input.hpp"
#include "dpm/interop/onnxruntime/roles.hpp"
#include "dpm/interop/onnxruntime/tensor.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {

/// A session of ONNX Runtime as a model. It calls the network on a batch of samples at a timestep,
/// with further inputs that stay the same:
///
///     dpm::OrtModel network(session, {{"encoder_hidden_states", embeddings, {2, 77, 768}}},
///                           {.sample_shape = {4, 64, 64}});
///     dpm::sample(schedule, 20, network, x);
///
/// **Inputs.** Sample, timestep and output are found by name and shape (`OrtModelOptions`). The
/// first dimension of the sample is the batch, which may be open or fixed. The timestep is a scalar
/// or has one value for each sample, in float, float16, double, int64 or int32. All other inputs
/// are handed over once, as `OrtInput`.
///
/// **States** hold floats: a range (`std::vector<float>`, `std::span<float>`), in which samples
/// follow each other, or an Eigen array in column-major order with one column for each sample. In
/// both, the values of a sample are in the network's order, the last dimension running fastest.
///
/// **Cost.** The runtime reads x and writes the output where they are (`Ort::IoBinding`): no tensor
/// is copied, and nothing of the size of x is allocated. A float16 network gets its input from, and
/// gives its output to, buffers that are kept from call to call: two passes. With a provider on a
/// device the runtime itself copies x, the timestep and the further inputs there at each call, and
/// the output back; a further input that lies on the device already is not copied.
///
/// **Lifetime and threads.** The session is not owned: it must outlive the model. A model serves
/// one thread at a time. Its copies share the session and the values of the inputs, and may be in
/// other threads.
class OrtModel {
 public:
  /// Refuses a network whose inputs cannot be told apart, inputs that are missing, unknown or of
  /// another type or shape than the network's, and types or shapes that a model cannot have.
  explicit OrtModel(Ort::Session& session, std::vector<OrtInput> inputs = {},
                    OrtModelOptions options = {});
  OrtModel(Ort::Session&& session, std::vector<OrtInput> inputs = {},
           OrtModelOptions options = {}) = delete;
  OrtModel(const OrtModel& other) : OrtModel(*other.session_, other.inputs_, other.options_) {}
  OrtModel(OrtModel&& other) noexcept = default;
  OrtModel& operator=(const OrtModel& other) { return *this = OrtModel(other); }
  OrtModel& operator=(OrtModel&& other) noexcept = default;
  ~OrtModel() = default;

  /// out <- the network's output. `x` and `out` are states of float of one shape.
  ///
  /// Refuses states whose size or layout is not that of whole samples, a batch that the network or
  /// its other inputs do not have, and a timestep with a fraction where the network takes integers.
  /// Throws `std::runtime_error` where the runtime fails, with its message and the shapes of all
  /// inputs; `out` may then hold anything.
  template <DenseState X, DenseState Out>
  void operator()(const X& x, double timestep, Out& out) {
    static_assert(std::is_same_v<std::remove_const_t<ScalarOf<const X>>, float> &&
                      std::is_same_v<ScalarOf<Out>, float>,
                  "dpm: OrtModel works on states of float, such as std::vector<float>, "
                  "std::span<float> or Eigen::ArrayXXf. A float16 network takes them too.");
    run(values_of(dense_view(x), "x"), timestep, values_of(dense_view(out), "out"));
  }

 private:
  /// The values of a state that holds whole samples one after the other.
  template <class Scalar>
  std::span<Scalar> values_of(const DenseView<Scalar>& view, const char* what) const {
    const auto elements = static_cast<std::size_t>(elements_);
    const bool whole = view.samples == 1 ? view.element_stride == 1 && view.size() % elements == 0
                                         : view.element_stride == 1 && view.elements == elements &&
                                               view.sample_stride == elements;
    detail::require(whole && view.size() > 0, "OrtModel: ", what, " is ", view.elements, " x ",
                    view.samples, "; a sample of '", sample_.name, "' has ", elements_,
                    " values: it must be a range of whole samples, or have one column for each, in "
                    "column-major order");
    return {view.data, view.size()};
  }

  void run(std::span<const float> x, double timestep, std::span<float> out);
  void set_batch(std::int64_t batch);
  void set_timestep(double timestep);
  void set_memory(std::span<const float> x, std::span<float> out);
  void bind_inputs();
  [[nodiscard]] std::string call_text(double timestep) const;
  [[nodiscard]] Ort::Value tensor(void* data, std::size_t bytes, ONNXTensorElementDataType type,
                                  const std::vector<std::int64_t>& shape) const;

  Ort::Session* session_;
  std::vector<OrtInput> inputs_;
  OrtModelOptions options_;
  detail::OrtTensor sample_;
  detail::OrtTensor timestep_;
  detail::OrtTensor output_;
  std::vector<detail::OrtTensor> network_inputs_;
  std::vector<std::int64_t> shape_;  // of the batch of the last call
  std::int64_t batch_ = 0;           // what is made for a batch is made for this one
  bool batch_is_open_ = false;
  std::int64_t elements_ = 1;  // of a sample

  Ort::MemoryInfo memory_ = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  Ort::IoBinding binding_;
  Ort::Value x_{nullptr};
  Ort::Value timestep_value_{nullptr};
  const float* memory_of_x_ = nullptr;
  float* bound_out_ = nullptr;
  std::vector<std::int64_t> timestep_shape_;
  std::vector<double> timesteps_;  // memory for values of up to eight bytes
  std::vector<Ort::Float16_t> half_x_;
  std::vector<Ort::Float16_t> half_out_;
};

inline OrtModel::OrtModel(Ort::Session& session, std::vector<OrtInput> inputs,
                          OrtModelOptions options)
    : session_(&session),
      inputs_(std::move(inputs)),
      options_(std::move(options)),
      network_inputs_(detail::inputs_of(session)),
      binding_(session) {
  for (OrtInput& input : inputs_) {
    const std::size_t i = detail::place_of(network_inputs_, input.name());
    if (i < network_inputs_.size()) input.convert_to(network_inputs_[i].type);
  }
  detail::OrtRoles roles =
      detail::find_roles(network_inputs_, detail::outputs_of(session), inputs_, options_);
  shape_ = detail::shape_of_batch(roles.sample, options_.sample_shape);
  batch_is_open_ = shape_.front() < 0;
  for (std::size_t i = 1; i < shape_.size(); ++i) elements_ *= shape_[i];
  sample_ = std::move(roles.sample);
  timestep_ = std::move(roles.timestep);
  output_ = std::move(roles.output);
}

inline Ort::Value OrtModel::tensor(void* data, std::size_t bytes, ONNXTensorElementDataType type,
                                   const std::vector<std::int64_t>& shape) const {
  return Ort::Value::CreateTensor(memory_, data, bytes, shape.data(), shape.size(), type);
}

/// Makes what depends on the batch alone. Refuses a batch that the network or an input has not.
inline void OrtModel::set_batch(std::int64_t batch) {
  detail::require(batch_is_open_ || batch == sample_.shape.front(), "OrtModel: x has ", batch,
                  " samples; the network takes ", sample_.shape.front(), " at a time: '",
                  sample_.name, "' is ", detail::describe(sample_));
  for (const OrtInput& input : inputs_) {
    const detail::OrtTensor& expected =
        network_inputs_[detail::place_of(network_inputs_, input.name())];
    for (std::size_t i = 0; i < expected.shape.size(); ++i) {
      const bool is_batch = expected.shape[i] < 0 && sample_.shape.front() < 0 &&
                            !sample_.dimensions.front().empty() &&
                            expected.dimensions[i] == sample_.dimensions.front();
      const std::int64_t given = input.tensor().shape[i];
      detail::require(!is_batch || given == batch || given == 1, "OrtModel: x has ", batch,
                      " samples and the input '", input.name(), "' is given as ",
                      detail::describe(input.tensor()), "; the network takes ",
                      detail::describe(expected),
                      " (where guidance doubles the batch, give the conditional ones and then the "
                      "unconditional ones)");
    }
  }
  std::vector<std::int64_t> timestep_shape = detail::shape_of_timestep(timestep_, batch);

  timestep_shape_ = std::move(timestep_shape);
  shape_.front() = batch;
  batch_ = 0;
  memory_of_x_ = nullptr;
  bound_out_ = nullptr;
  const bool has_each = !timestep_shape_.empty() && timestep_shape_.front() == batch;
  timesteps_.resize(static_cast<std::size_t>(has_each ? batch : 1));
  timestep_value_ = tensor(timesteps_.data(), timesteps_.size() * detail::size_of(timestep_.type),
                           timestep_.type, timestep_shape_);
  const auto size = static_cast<std::size_t>(batch * elements_);
  if (sample_.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16) {
    half_x_.resize(size);
    x_ = tensor(half_x_.data(), size * sizeof(Ort::Float16_t), sample_.type, shape_);
  }
  if (output_.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16) {
    half_out_.resize(size);
    binding_.BindOutput(
        output_.name.c_str(),
        tensor(half_out_.data(), size * sizeof(Ort::Float16_t), output_.type, shape_));
  }
  batch_ = batch;
}

inline void OrtModel::set_timestep(double timestep) {
  const auto fill = [this](auto value) {
    auto* const bytes = reinterpret_cast<std::byte*>(timesteps_.data());
    for (std::size_t i = 0; i < timesteps_.size(); ++i) {
      std::memcpy(bytes + i * sizeof value, &value, sizeof value);
    }
  };
  if (timestep_.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64) {
    fill(static_cast<std::int64_t>(timestep));
  } else if (timestep_.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32) {
    fill(static_cast<std::int32_t>(timestep));
  } else if (timestep_.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE) {
    fill(timestep);
  } else if (timestep_.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
    fill(static_cast<float>(timestep));
  } else {
    fill(Ort::Float16_t(static_cast<float>(timestep)));
  }
}

inline void OrtModel::set_memory(std::span<const float> x, std::span<float> out) {
  if (sample_.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16) {
    std::transform(x.begin(), x.end(), half_x_.begin(),
                   [](float value) { return Ort::Float16_t(value); });
  } else if (x.data() != memory_of_x_) {
    // The runtime does not write to inputs.
    x_ = tensor(const_cast<float*>(x.data()), x.size_bytes(), sample_.type, shape_);
    memory_of_x_ = x.data();
  }
  if (output_.type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 && out.data() != bound_out_) {
    binding_.BindOutput(output_.name.c_str(),
                        tensor(out.data(), out.size_bytes(), output_.type, shape_));
    bound_out_ = out.data();
  }
}

/// A provider on a device copies the values of inputs when they are bound, and not when it runs. So
/// this is done at every call.
inline void OrtModel::bind_inputs() {
  binding_.BindInput(sample_.name.c_str(), x_);
  binding_.BindInput(timestep_.name.c_str(), timestep_value_);
  for (const OrtInput& input : inputs_) binding_.BindInput(input.name().c_str(), input.value());
  binding_.SynchronizeInputs();
}

/// "timestep 999, 'sample' float [2, 4, 64, 64], 'timestep' int64 [2] and 'label' int64 [2]".
inline std::string OrtModel::call_text(double timestep) const {
  std::vector<detail::OrtTensor> given{sample_, timestep_};
  given[0].shape = shape_;
  given[1].shape = timestep_shape_;
  for (const OrtInput& input : inputs_) given.push_back(input.tensor());
  return detail::sentence("timestep ", timestep, ", ", detail::list_of(given));
}

inline void OrtModel::run(std::span<const float> x, double timestep, std::span<float> out) {
  detail::require(x.size() == out.size(), "OrtModel: x has ", x.size(), " values and out ",
                  out.size(), "; they must be of one shape");
  const bool is_whole = timestep == std::floor(timestep) && std::abs(timestep) < 0x1p31;
  if (detail::is_integer(timestep_.type) && !is_whole) {
    detail::require(false, "OrtModel: timestep = ", timestep, "; it must be a whole number, as '",
                    timestep_.name, "' is ", detail::describe(timestep_),
                    " (make the schedule with TimestepType::discrete)");
  }
  const auto batch = static_cast<std::int64_t>(x.size()) / elements_;
#if DPM_EXCEPTIONS
  try {
#endif
    if (batch != batch_) set_batch(batch);
    set_timestep(timestep);
    set_memory(x, out);
    bind_inputs();
    session_->Run(Ort::RunOptions{nullptr}, binding_);
#if DPM_EXCEPTIONS
  } catch (const Ort::Exception& error) {
    std::string said = error.what();
    std::replace(said.begin(), said.end(), '\n', ' ');
    batch_ = 0;  // so that the next call makes everything anew
    detail::fail<std::runtime_error>(
        detail::sentence("OrtModel: the runtime has failed at ", call_text(timestep), ": ", said));
  }
#endif
  if (output_.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16) {
    std::transform(half_out_.begin(), half_out_.end(), out.begin(),
                   [](Ort::Float16_t value) { return value.ToFloat(); });
  }
}

}  // namespace dpm
