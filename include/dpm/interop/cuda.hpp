// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// CUDA: samples in the memory of a device, which they never leave. For networks in TensorRT, ONNX
/// Runtime's CUDA provider and others that take pointers; dpm/dpm.hpp does not include this header.
///
///     dpm::CudaView x{.data = pointer, .size = 4 * 64 * 64, .stream = stream};
///     dpm::CudaNoise{.seed = 42}.fill(x);
///     dpm::sample(schedule, 20, model, x);
///
/// One file of the program is dpm/interop/cuda.cu, which nvcc compiles (CMake: `dpm::cuda`). The
/// others may be compiled by any compiler and need no header of CUDA.
///
/// Each combination of a run is one launch in the view's stream, and so is each draw of noise.
/// Steps copy nothing and do not wait, so they do not look at model outputs. Where it ends or was
/// stopped a run waits once to look for NaN in its result, unless `RunOptions::check_finite` is
/// false; a run that is captured in a graph needs it false. A `Stepper` does so where it ends; of
/// one that was stopped, ask `all_finite(stepper.sample())`.
#pragma once

#include "dpm/interop/cuda/guidance.hpp"    // IWYU pragma: export
#include "dpm/interop/cuda/noise.hpp"       // IWYU pragma: export
#include "dpm/interop/cuda/operations.hpp"  // IWYU pragma: export
#include "dpm/interop/cuda/save.hpp"        // IWYU pragma: export
#include "dpm/interop/cuda/state.hpp"       // IWYU pragma: export
