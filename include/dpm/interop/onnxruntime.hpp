// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// ONNX Runtime: a session as a model of states of float. Needs the runtime's C++ header,
/// onnxruntime_cxx_api.h, and a library that has its API; dpm/dpm.hpp does not include this header.
///
///     Ort::Env env;
///     Ort::Session session(env, "unet.onnx", Ort::SessionOptions{});
///     dpm::OrtModel network(session, {{"label", labels}});
///     dpm::sample(schedule, 20, network, x);
///
/// Guidance takes it as it takes any model: `BatchedClassifierFreeGuidance` with one session called
/// on a doubled batch, `ClassifierFreeGuidance` with two models, which may share a session.
#pragma once

#include "dpm/interop/onnxruntime/input.hpp"  // IWYU pragma: export
#include "dpm/interop/onnxruntime/model.hpp"  // IWYU pragma: export
