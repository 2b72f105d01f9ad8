// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Dynamic thresholding sorts on the host, where a device's values are not.
// expect: DynamicThresholding sorts the values of a sample in the host's memory
#include <dpm/dpm.hpp>
#include <dpm/interop/cuda.hpp>

dpm::RunOptions<dpm::CudaState> options() {
#ifdef DPM_FIXED
  return {.correction = dpm::Clip(1.0)};
#else
  return {.correction = dpm::DynamicThresholding(0.995)};
#endif
}
