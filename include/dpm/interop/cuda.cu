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

namespace dpm::detail {

namespace {

const char* failure(cudaError_t error) {
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
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
__global__ void __launch_bounds__(threads_in_block)
    finite_kernel(const Scalar* values, std::uint64_t size, int* flag) {
  if (!finite_part(values, size, this_thread())) *flag = 1;
}

}  // namespace

const char* device_allocate(void*& memory, std::size_t bytes, CudaStream stream) {
  return failure(cudaMallocAsync(&memory, bytes, stream));
}

const char* device_release(void* memory, CudaStream stream) noexcept {
  return failure(cudaFreeAsync(memory, stream));
}

const char* device_copy(void* to, const void* from, std::size_t bytes, CudaStream stream) {
  return failure(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream));
}

const char* device_combine(CudaType type, const CombineJob& job, CudaStream stream) {
  const unsigned blocks = blocks_for(pieces_of(job));
  with_scalar(type, [&](auto scalar) {
    using Scalar = decltype(scalar);
    with_sizes(job, [&](auto targets, auto operands) {
      constexpr unsigned many = decltype(targets)::value;
      constexpr unsigned terms = decltype(operands)::value;
      combine_kernel<Scalar, many, terms><<<blocks, threads_in_block, 0, stream>>>(job);
    });
  });
  return failure(cudaGetLastError());
}

const char* device_draw(CudaType type, const NoiseJob& job, CudaStream stream) {
  const unsigned blocks = blocks_for(job.blocks * job.samples);
  with_scalar(type, [&](auto scalar) {
    draw_kernel<decltype(scalar)><<<blocks, threads_in_block, 0, stream>>>(job);
  });
  return failure(cudaGetLastError());
}

const char* device_is_finite(CudaType type, const void* values, std::uint64_t size, void* flag,
                             CudaStream stream, bool& finite) {
  int* const found = static_cast<int*>(flag);
  if (const auto error = cudaMemsetAsync(found, 0, sizeof *found, stream); error != cudaSuccess) {
    return failure(error);
  }
  with_scalar(type, [&](auto scalar) {
    using Scalar = decltype(scalar);
    finite_kernel<<<blocks_for(size), threads_in_block, 0, stream>>>(
        static_cast<const Scalar*>(values), size, found);
  });
  int seen = 1;
  cudaError_t error = cudaGetLastError();
  if (error == cudaSuccess) {
    error = cudaMemcpyAsync(&seen, found, sizeof seen, cudaMemcpyDeviceToHost, stream);
  }
  if (error == cudaSuccess) error = cudaStreamSynchronize(stream);
  finite = seen == 0;
  return failure(error);
}

}  // namespace dpm::detail
