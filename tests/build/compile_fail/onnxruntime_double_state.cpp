// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A session of ONNX Runtime is a model of states of float, not of double.
// expect: OrtModel works on states of float, such as std::vector<float>
#include <dpm/dpm.hpp>
#include <dpm/interop/onnxruntime.hpp>
#include <vector>

#ifdef DPM_FIXED
using State = std::vector<float>;
#else
using State = std::vector<double>;
#endif

void run(const dpm::Plan& plan, Ort::Session& session, State& x) {
  dpm::sample(plan, dpm::OrtModel(session), x);
}
