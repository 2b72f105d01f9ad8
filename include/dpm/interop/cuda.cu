// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
//
// The kernels behind dpm/interop/cuda.hpp: one of a program's files, which nvcc compiles as C++20
// (see dpm/interop/cuda/device.hpp).
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "dpm/interop/cuda/device.hpp"
#include "dpm/interop/cuda/kernels.hpp"

#if CUDART_VERSION < 12000
#  error "dpm/interop/cuda.cu needs CUDA 12.0 or newer, as nvcc knows no C++20 before"
#endif

namespace dpm::detail {

namespace {

/// What CUDA says of a failure. CUDA keeps it as its last error too, which is taken back here:
/// whoever asks for that later is not told of a failure that was an exception already.
const char* failure(cudaError_t error) {
  if (error == cudaSuccess) return nullptr;
  static_cast<void>(cudaGetLastError());
  return cudaGetErrorString(error);
}

/// One launch. What it returns is of this launch, whatever errors of others CUDA keeps.
template <class Job>
cudaError_t launch(void (*kernel)(Job), const Job& job, std::uint64_t pieces, CudaStream stream) {
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(blocks_for(pieces));
  config.blockDim = dim3(threads_in_block);
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel, job);
}

__device__ Threads this_thread() {
  return {std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x,
          std::uint64_t{gridDim.x} * blockDim.x};
}

template <class Scalar, unsigned Targets, unsigned Operands>
__global__ void __launch_bounds__(threads_in_block) combine_kernel(const CombineJob job) {
  combine_part<Scalar, Targets, Operands>(job, this_thread());
}

template <class Scalar>
__global__ void __launch_bounds__(threads_in_block) draw_kernel(const NoiseJob job) {
  draw_part<Scalar>(job, this_thread());
}

template <class Scalar>
__global__ void __launch_bounds__(threads_in_block) clip_kernel(const ClipJob job) {
  clip_part<Scalar>(job, this_thread());
}

struct FiniteJob {
  const void* values;
  std::uint64_t size;
  int* flag;
};

template <class Scalar>
__global__ void __launch_bounds__(threads_in_block) finite_kernel(const FiniteJob job) {
  if (!finite_part(static_cast<const Scalar*>(job.values), job.size, this_thread())) *job.flag = 1;
}

}  // namespace

const char* device_allocate(void*& memory, std::size_t bytes, CudaStream stream) {
  cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
  if (const char* const failed = failure(cudaStreamIsCapturing(stream, &capture))) return failed;
  if (capture != cudaStreamCaptureStatusNone) return captured_allocation;
  return failure(cudaMallocAsync(&memory, bytes, stream));
}

const char* device_release(void* memory, CudaStream stream) noexcept {
  return failure(cudaFreeAsync(memory, stream));
}

const char* device_copy(void* to, const void* from, std::size_t bytes, CudaStream stream) {
  return failure(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream));
}

const char* device_combine(CudaType type, const CombineJob& job, CudaStream stream) {
  cudaError_t error = cudaErrorInvalidValue;  // of a job whose sizes no kernel has
  with_scalar(type, [&](auto scalar) {
    using Scalar = decltype(scalar);
    with_sizes(job, [&](auto targets, auto operands) {
      constexpr unsigned many = decltype(targets)::value;
      constexpr unsigned terms = decltype(operands)::value;
      error =
          launch(combine_kernel<Scalar, many, terms>, job, pieces_of(job.size, job.fours), stream);
    });
  });
  return failure(error);
}

const char* device_draw(CudaType type, const NoiseJob& job, CudaStream stream) {
  cudaError_t error = cudaSuccess;
  with_scalar(type, [&](auto scalar) {
    error = launch(draw_kernel<decltype(scalar)>, job, job.blocks * job.samples, stream);
  });
  return failure(error);
}

const char* device_clip(CudaType type, const ClipJob& job, CudaStream stream) {
  cudaError_t error = cudaSuccess;
  with_scalar(type, [&](auto scalar) {
    error = launch(clip_kernel<decltype(scalar)>, job, pieces_of(job.size, job.fours), stream);
  });
  return failure(error);
}

const char* device_is_finite(CudaType type, const void* values, std::uint64_t size, void* flag,
                             CudaStream stream, bool& finite) {
  const FiniteJob job{values, size, static_cast<int*>(flag)};
  cudaError_t error = cudaMemsetAsync(flag, 0, sizeof(int), stream);
  if (error != cudaSuccess) return failure(error);
  with_scalar(type, [&](auto scalar) {
    error = launch(finite_kernel<decltype(scalar)>, job, size, stream);
  });
  if (error != cudaSuccess) return failure(error);
  int seen = 1;
  const char* const failed = device_read(&seen, flag, sizeof seen, stream);
  finite = seen == 0;
  return failed;
}

const char* device_read(void* to_host, const void* from, std::size_t bytes, CudaStream stream) {
  const auto error = cudaMemcpyAsync(to_host, from, bytes, cudaMemcpyDeviceToHost, stream);
  return failure(error != cudaSuccess ? error : cudaStreamSynchronize(stream));
}

const char* device_write(void* to, const void* from_host, std::size_t bytes, CudaStream stream) {
  const auto error = cudaMemcpyAsync(to, from_host, bytes, cudaMemcpyHostToDevice, stream);
  return failure(error != cudaSuccess ? error : cudaStreamSynchronize(stream));
}

}  // namespace dpm::detail
