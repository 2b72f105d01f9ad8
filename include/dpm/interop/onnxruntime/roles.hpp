// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Which of a network's inputs is the sample, which the timestep, and which output answers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/onnx_names.hpp"
#include "dpm/interop/onnxruntime/input.hpp"
#include "dpm/interop/onnxruntime/tensor.hpp"

namespace dpm {

/// What a network's names and shapes do not say. All of it may stay empty where they do.
struct OrtModelOptions {
  /// The name of the input that is the noisy sample. Found otherwise by a usual name (sample, x,
  /// latents, ...), or as the only one of two dimensions or more, of float or float16.
  std::string sample = {};
  /// The name of the input that is the timestep. Found otherwise by a usual name (timestep, t,
  /// sigma, ...), or as the only one of at most one dimension.
  std::string timestep = {};
  /// The name of the output that is the prediction. Found otherwise as the only one, or by a usual
  /// name (out_sample, noise_pred, ...).
  std::string output = {};
  /// The shape of one sample, without the batch: {4, 64, 64}. Needed where the network leaves it
  /// open.
  std::vector<std::int64_t> sample_shape = {};
};

namespace detail {

struct OrtRoles {
  OrtTensor sample;
  OrtTensor timestep;
  OrtTensor output;
};

/// The place of the only tensor that fits, or the number of tensors.
template <class Fits>
std::size_t only_one(const std::vector<OrtTensor>& tensors, Fits fits) {
  const auto found = std::find_if(tensors.begin(), tensors.end(), fits);
  if (found == tensors.end() || std::find_if(found + 1, tensors.end(), fits) != tensors.end()) {
    return tensors.size();
  }
  return static_cast<std::size_t>(found - tensors.begin());
}

/// The place of the first of these names, or the number of tensors.
template <class Names>
std::size_t place_of_first(const std::vector<OrtTensor>& tensors, const Names& names) {
  for (const char* const name : names) {
    const std::size_t i = place_of(tensors, name);
    if (i < tensors.size()) return i;
  }
  return tensors.size();
}

/// Takes tensor `i` out of the list. Refuses, with what is missing, where there is none.
inline OrtTensor take(std::vector<OrtTensor>& tensors, std::size_t i, std::string_view what,
                      std::string_view option) {
  require(i < tensors.size(), "OrtModel: which ", what, "? It is one of ", list_of(tensors),
          "; name it by OrtModelOptions::", option, " and hand over inputs that are neither");
  OrtTensor taken = std::move(tensors[i]);
  tensors.erase(tensors.begin() + static_cast<std::ptrdiff_t>(i));
  return taken;
}

inline OrtTensor take_named(std::vector<OrtTensor>& tensors, const std::string& name,
                            std::string_view what, std::string_view who) {
  const std::size_t i = place_of(tensors, name);
  require(i < tensors.size(), "OrtModel: ", who, " is '", name, "', which is not among the ", what,
          " that are left: ", list_of(tensors));
  return take(tensors, i, what, who);
}

/// Takes the further inputs out of the network's. Refuses those that the network does not have, or
/// has with another type or shape.
inline void take_given(std::vector<OrtTensor>& inputs, const std::vector<OrtInput>& given) {
  for (const OrtInput& input : given) {
    const OrtTensor expected = take_named(inputs, input.name(), "inputs", "a further input");
    require(
        expected.type == input.tensor().type && shapes_agree(expected.shape, input.tensor().shape),
        "OrtModel: the input '", input.name(), "' is given as ", describe(input.tensor()),
        "; the network takes ", describe(expected),
        input.keeps_values() || !is_real(input.tensor().type) || !is_real(expected.type)
            ? ""
            : " (floating-point values in a std::vector would be converted)");
  }
}

inline OrtTensor take_timestep(std::vector<OrtTensor>& inputs, const OrtModelOptions& options) {
  if (!options.timestep.empty()) {
    return take_named(inputs, options.timestep, "inputs", "OrtModelOptions::timestep");
  }
  std::size_t i = place_of_first(inputs, usual_timesteps);
  if (i == inputs.size()) {
    i = only_one(inputs, [](const OrtTensor& input) { return input.shape.size() <= 1; });
  }
  return take(inputs, i, "input is the timestep", "timestep");
}

inline OrtTensor take_sample(std::vector<OrtTensor>& inputs, const OrtModelOptions& options) {
  if (!options.sample.empty()) {
    return take_named(inputs, options.sample, "inputs", "OrtModelOptions::sample");
  }
  std::size_t i = place_of_first(inputs, usual_samples);
  if (i == inputs.size()) {
    i = only_one(inputs, [](const OrtTensor& input) {
      return input.shape.size() > 1 && is_float_or_half(input.type);
    });
  }
  return take(inputs, i, "input is the sample", "sample");
}

inline OrtTensor take_output(std::vector<OrtTensor> outputs, const OrtModelOptions& options) {
  if (!options.output.empty()) {
    return take_named(outputs, options.output, "outputs", "OrtModelOptions::output");
  }
  const std::size_t i = outputs.size() == 1 ? 0 : place_of_first(outputs, usual_outputs);
  return take(outputs, i, "output is the prediction", "output");
}

/// Says which input is what. Refuses a network whose names and shapes do not tell, whose types a
/// model cannot have, and inputs that are missing or too many.
inline OrtRoles find_roles(std::vector<OrtTensor> inputs, std::vector<OrtTensor> outputs,
                           const std::vector<OrtInput>& given, const OrtModelOptions& options) {
  take_given(inputs, given);
  OrtRoles roles;
  if (!options.sample.empty()) roles.sample = take_sample(inputs, options);
  roles.timestep = take_timestep(inputs, options);
  if (options.sample.empty()) roles.sample = take_sample(inputs, options);
  roles.output = take_output(std::move(outputs), options);
  require(inputs.empty(), "OrtModel: the network also takes ", list_of(inputs),
          "; hand over all of its inputs, as {{\"",
          inputs.empty() ? std::string() : inputs.front().name, "\", values, shape}}");
  for (const OrtTensor* const tensor : {&roles.sample, &roles.output}) {
    require(is_float_or_half(tensor->type) && !tensor->shape.empty(), "OrtModel: '", tensor->name,
            "' is ", describe(*tensor),
            "; the sample and the prediction must be of float or float16, with one dimension or "
            "more");
  }
  require(is_float_or_half(roles.timestep.type) || is_integer(roles.timestep.type) ||
              roles.timestep.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE,
          "OrtModel: '", roles.timestep.name, "' is ", describe(roles.timestep),
          "; a timestep must be of float, float16, double, int64 or int32");
  require(shapes_agree(roles.output.shape, roles.sample.shape), "OrtModel: the output '",
          roles.output.name, "' is ", describe(roles.output), "; it must have the shape of '",
          roles.sample.name, "', ", describe(roles.sample),
          " (cut a network that predicts variances as well to its first channels)");
  return roles;
}

/// The shape of a batch of samples, with -1 in the place of an open batch. Refuses a sample_shape
/// that the network does not take, and sizes that nobody says.
inline std::vector<std::int64_t> shape_of_batch(const OrtTensor& sample,
                                                const std::vector<std::int64_t>& sample_shape) {
  std::vector<std::int64_t> shape = sample.shape;
  if (!sample_shape.empty()) {
    OrtTensor wanted{.name = {}, .shape = {shape.front()}, .dimensions = {"batch"}};
    wanted.shape.insert(wanted.shape.end(), sample_shape.begin(), sample_shape.end());
    require(shapes_agree(wanted.shape, shape), "OrtModel: OrtModelOptions::sample_shape makes '",
            sample.name, "' ", shape_text(wanted), "; the network takes ", describe(sample));
    shape = std::move(wanted.shape);
  }
  require(std::all_of(shape.begin() + 1, shape.end(), [](std::int64_t size) { return size > 0; }),
          "OrtModel: '", sample.name, "' is ", describe(sample),
          "; say the shape of one sample by OrtModelOptions::sample_shape, without the batch");
  return shape;
}

/// The shape of the timestep for a batch: one value, or one for each sample. Refuses shapes that
/// are neither.
inline std::vector<std::int64_t> shape_of_timestep(const OrtTensor& timestep, std::int64_t batch) {
  std::vector<std::int64_t> shape = timestep.shape;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < 0) shape[i] = i == 0 ? batch : 1;
    require(shape[i] == 1 || (i == 0 && shape[i] == batch), "OrtModel: '", timestep.name, "' is ",
            describe(timestep), " and x has ", batch,
            " samples; a timestep must have one value, or one for each sample");
  }
  return shape;
}

}  // namespace detail
}  // namespace dpm
