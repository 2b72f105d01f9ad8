// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The small networks of tests/interop/onnx as sessions of ONNX Runtime.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <string>

namespace dpm_test {

/// A session with the network of this name, on one thread. The runtime prints nothing: what it says
/// comes in exceptions.
inline Ort::Session session(const std::string& name) {
  static const Ort::Env env(ORT_LOGGING_LEVEL_FATAL, "dpm");
  Ort::SessionOptions options;
  options.SetIntraOpNumThreads(1);
  return Ort::Session(env, (DPM_ONNX_NETWORKS "/" + name + ".onnx").c_str(), options);
}

}  // namespace dpm_test
