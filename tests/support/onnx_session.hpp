// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A model in ONNX Runtime that tests call with named values.
#pragma once

#include <onnx/onnx_pb.h>
#include <onnxruntime_cxx_api.h>

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace dpm_test {

/// A tensor with a name.
template <class Element>
struct NamedTensor {
  const char* name;
  std::vector<std::int64_t> shape;
  std::vector<Element> values;
};

class OnnxSession {
 public:
  explicit OnnxSession(const onnx::ModelProto& model) : OnnxSession(model.SerializeAsString()) {}
  /// A model that may have weights in files beside its own.
  explicit OnnxSession(const std::filesystem::path& file)
      : session_(environment(), file.c_str(), options()) {}

  /// The first output, of floats or doubles, for inputs of any types.
  template <class Result, class... Elements>
  std::vector<Result> run(const char* output, NamedTensor<Elements>... inputs) {
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    const char* const names[] = {inputs.name...};
    const Ort::Value values[] = {
        Ort::Value::CreateTensor<Elements>(memory, inputs.values.data(), inputs.values.size(),
                                           inputs.shape.data(), inputs.shape.size())...};
    const auto results =
        session_.Run(Ort::RunOptions{nullptr}, names, values, sizeof...(inputs), &output, 1);
    const Result* const first = results[0].template GetTensorData<Result>();
    return {first, first + results[0].GetTensorTypeAndShapeInfo().GetElementCount()};
  }

 private:
  explicit OnnxSession(const std::string& bytes)
      : session_(environment(), bytes.data(), bytes.size(), options()) {}

  static Ort::Env& environment() {
    static Ort::Env env(ORT_LOGGING_LEVEL_ERROR, "tests");
    return env;
  }
  static Ort::SessionOptions options() {
    Ort::SessionOptions options;
    options.SetIntraOpNumThreads(1);
    return options;
  }

  Ort::Session session_;
};

}  // namespace dpm_test
