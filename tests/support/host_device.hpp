// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A device that is the host: what dpm/interop/cuda.cu does, in the host's memory, thread after
/// thread. It counts what it is asked for. One file of a program includes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "dpm/interop/cuda/device.hpp"
#include "dpm/interop/cuda/kernels.hpp"
#include "support/host_threads.hpp"

namespace dpm_test {

struct HostDevice {
  int launches = 0;
  int copies = 0;
  int waits = 0;
  int allocations = 0;
  int releases = 0;
  dpm::CudaStream last_stream = nullptr;
  const char* failure = nullptr;  ///< what each of its functions returns, if it is not null
};

inline HostDevice host_device;

}  // namespace dpm_test

namespace dpm::detail {

const char* device_allocate(void*& memory, std::size_t bytes, CudaStream stream) {
  dpm_test::host_device.last_stream = stream;
  if (dpm_test::host_device.failure != nullptr) return dpm_test::host_device.failure;
  ++dpm_test::host_device.allocations;
  memory = std::malloc(bytes);
  return nullptr;
}

const char* device_release(void* memory, CudaStream /*stream*/) noexcept {
  ++dpm_test::host_device.releases;
  std::free(memory);
  return nullptr;
}

const char* device_copy(void* to, const void* from, std::size_t bytes, CudaStream stream) {
  dpm_test::host_device.last_stream = stream;
  if (dpm_test::host_device.failure != nullptr) return dpm_test::host_device.failure;
  ++dpm_test::host_device.copies;
  std::memcpy(to, from, bytes);
  return nullptr;
}

const char* device_combine(CudaType type, const CombineJob& job, CudaStream stream) {
  dpm_test::host_device.last_stream = stream;
  if (dpm_test::host_device.failure != nullptr) return dpm_test::host_device.failure;
  ++dpm_test::host_device.launches;
  dpm_test::run_combine(type, job);
  return nullptr;
}

const char* device_draw(CudaType type, const NoiseJob& job, CudaStream stream) {
  dpm_test::host_device.last_stream = stream;
  if (dpm_test::host_device.failure != nullptr) return dpm_test::host_device.failure;
  ++dpm_test::host_device.launches;
  dpm_test::run_draw(type, job);
  return nullptr;
}

const char* device_is_finite(CudaType type, const void* values, std::uint64_t size, void* flag,
                             CudaStream stream, bool& finite) {
  dpm_test::host_device.last_stream = stream;
  if (dpm_test::host_device.failure != nullptr) return dpm_test::host_device.failure;
  ++dpm_test::host_device.launches;
  ++dpm_test::host_device.waits;
  finite = dpm_test::run_finite(type, values, size);
  const int found = finite ? 0 : 1;
  std::memcpy(flag, &found, sizeof found);
  return nullptr;
}

}  // namespace dpm::detail
