// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a device does for a run. dpm/interop/cuda.cu, which nvcc compiles once for a program, has
/// the definitions; so any compiler takes the other files, and they need no header of CUDA.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dpm/interop/cuda/kernels.hpp"

struct CUstream_st;

namespace dpm {

/// The same type as `cudaStream_t`. Null is the default stream.
using CudaStream = CUstream_st*;

namespace detail {

// Each of these only puts work into the stream and returns at once, but for the last three, which
// wait for it. They return null, or what CUDA says of a failure.

/// What `device_allocate` returns while the stream is captured. CUDA itself would make the memory a
/// part of the graph: it would be gone when the graph is, and the run with it.
inline constexpr const char* captured_allocation =
    "the stream is captured; make states, steppers and guidance before the capture";

/// Memory in the order of the stream (cudaMallocAsync, cudaFreeAsync), aligned to 256 bytes.
/// A stream that is captured is refused.
const char* device_allocate(void*& memory, std::size_t bytes, CudaStream stream);
const char* device_release(void* memory, CudaStream stream) noexcept;

const char* device_copy(void* to, const void* from, std::size_t bytes, CudaStream stream);

/// One launch. The job has at least one value.
const char* device_combine(CudaType type, const CombineJob& job, CudaStream stream);
const char* device_draw(CudaType type, const NoiseJob& job, CudaStream stream);
const char* device_clip(CudaType type, const ClipJob& job, CudaStream stream);

/// Writes 1 to `*flag`, in the device's memory, if a value is not finite, and else 0. Then waits
/// for the stream and hands the flag over.
const char* device_is_finite(CudaType type, const void* values, std::uint64_t size, void* flag,
                             CudaStream stream, bool& finite);

/// Between the device's memory and the host's.
const char* device_read(void* to_host, const void* from, std::size_t bytes, CudaStream stream);
const char* device_write(void* to, const void* from_host, std::size_t bytes, CudaStream stream);

}  // namespace detail
}  // namespace dpm
