// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// libtorch: tensors as states, TorchScript modules as models. Needs torch 1.13 or newer, whose
/// headers are found where `find_package(Torch)` says; dpm/dpm.hpp does not include this one.
///
///     torch::jit::Module network = torch::jit::load("unet.pt");
///     torch::Tensor x = torch::randn({16, 1, 28, 28});
///     dpm::sample(schedule, 20, dpm::TorchModel(network), x);
///
/// A run works on the tensor's device, in its dtype, by torch operations in the device's current
/// stream. Its steps copy nothing to the host and do not wait for the device, so they check shape,
/// dtype and device alone. At its end a run waits once to look for NaN in its result, unless it was
/// stopped or `RunOptions::check_finite` is false.
#pragma once

#include "dpm/interop/libtorch/guidance.hpp"  // IWYU pragma: export
#include "dpm/interop/libtorch/model.hpp"     // IWYU pragma: export
#include "dpm/interop/libtorch/noise.hpp"     // IWYU pragma: export
#include "dpm/interop/libtorch/state.hpp"     // IWYU pragma: export
