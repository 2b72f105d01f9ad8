// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A device that is the host: what dpm/interop/cuda.cu does, in the host's memory, thread after
/// thread. It counts what it is asked for, and keeps it while a stream is captured. One file of a
/// program includes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "dpm/interop/cuda/device.hpp"
#include "dpm/interop/cuda/kernels.hpp"
#include "support/host_stream.hpp"
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

/// What a function of the device returns before it does anything: null, or a failure.
inline const char* begin_on_host(dpm::CudaStream stream, bool may_be_captured) {
  host_device.last_stream = stream;
  if (host_device.failure != nullptr) return host_device.failure;
  if (!may_be_captured && is_captured()) return "operation not permitted when stream is capturing";
  return nullptr;
}

/// Whether a device could read and write four values at once from there on.
inline bool takes_fours(dpm::CudaType type, const void* from) {
  return reinterpret_cast<std::uintptr_t>(from) % (4 * dpm::detail::size_of(type)) == 0;
}

inline bool is_misaligned(dpm::CudaType type, const dpm::detail::CombineJob& job) {
  bool aligned = true;
  for (unsigned i = 0; i < job.target_count; ++i) {
    aligned = aligned && takes_fours(type, job.targets[i]);
  }
  for (unsigned j = 0; j < job.operand_count; ++j) {
    aligned = aligned && takes_fours(type, job.operands[j]);
  }
  return job.fours > 0 && !aligned;
}

}  // namespace dpm_test

namespace dpm::detail {

const char* device_allocate(void*& memory, std::size_t bytes, CudaStream stream) {
  if (const char* failure = dpm_test::begin_on_host(stream, true)) return failure;
  if (dpm_test::host_stream.captured != nullptr) return captured_allocation;
  ++dpm_test::host_device.allocations;
  memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  return nullptr;
}

const char* device_release(void* memory, CudaStream /*stream*/) noexcept {
  ++dpm_test::host_device.releases;
  std::free(memory);
  return nullptr;
}

const char* device_copy(void* to, const void* from, std::size_t bytes, CudaStream stream) {
  if (const char* failure = dpm_test::begin_on_host(stream, true)) return failure;
  ++dpm_test::host_device.copies;
  dpm_test::put_into_stream([=] { std::memcpy(to, from, bytes); });
  return nullptr;
}

const char* device_combine(CudaType type, const CombineJob& job, CudaStream stream) {
  if (const char* failure = dpm_test::begin_on_host(stream, true)) return failure;
  if (dpm_test::is_misaligned(type, job)) return "misaligned address";
  ++dpm_test::host_device.launches;
  dpm_test::put_into_stream([=] { dpm_test::run_combine(type, job); });
  return nullptr;
}

const char* device_draw(CudaType type, const NoiseJob& job, CudaStream stream) {
  if (const char* failure = dpm_test::begin_on_host(stream, true)) return failure;
  ++dpm_test::host_device.launches;
  dpm_test::put_into_stream([=] { dpm_test::run_draw(type, job); });
  return nullptr;
}

const char* device_clip(CudaType type, const ClipJob& job, CudaStream stream) {
  if (const char* failure = dpm_test::begin_on_host(stream, true)) return failure;
  if (job.fours > 0 && !dpm_test::takes_fours(type, job.values)) return "misaligned address";
  ++dpm_test::host_device.launches;
  dpm_test::put_into_stream([=] { dpm_test::run_clip(type, job); });
  return nullptr;
}

const char* device_is_finite(CudaType type, const void* values, std::uint64_t size, void* flag,
                             CudaStream stream, bool& finite) {
  if (const char* failure = dpm_test::begin_on_host(stream, false)) return failure;
  ++dpm_test::host_device.launches;
  ++dpm_test::host_device.waits;
  finite = dpm_test::run_finite(type, values, size);
  const int found = finite ? 0 : 1;
  std::memcpy(flag, &found, sizeof found);
  return nullptr;
}

const char* device_read(void* to_host, const void* from, std::size_t bytes, CudaStream stream) {
  if (const char* failure = dpm_test::begin_on_host(stream, false)) return failure;
  ++dpm_test::host_device.copies;
  ++dpm_test::host_device.waits;
  std::memcpy(to_host, from, bytes);
  return nullptr;
}

const char* device_write(void* to, const void* from_host, std::size_t bytes, CudaStream stream) {
  return device_read(to, from_host, bytes, stream);
}

}  // namespace dpm::detail
