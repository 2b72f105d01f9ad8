// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A stand-in for CUDA's header where the host plays the device (support/host_device.hpp): what the
/// examples and pages use of it. Work is done at once, or kept while a stream is captured and done
/// when its graph is launched; a wait in a capture is refused.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "support/host_stream.hpp"

struct CUstream_st {};
struct CUgraph_st {
  dpm_test::HostWork work;
};
struct CUgraphExec_st {
  dpm_test::HostWork work;
};
using cudaStream_t = CUstream_st*;
using cudaGraph_t = CUgraph_st*;
using cudaGraphExec_t = CUgraphExec_st*;

enum cudaError_t { cudaSuccess = 0, cudaErrorStreamCaptureUnsupported = 900 };
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost };
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal };

inline const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaSuccess ? "no error" : "operation not permitted when stream is capturing";
}

inline cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  if (dpm_test::is_captured()) return cudaErrorStreamCaptureUnsupported;
  *memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  return cudaSuccess;
}
inline cudaError_t cudaFree(void* memory) {
  std::free(memory);
  return cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes,
                                   cudaMemcpyKind /*kind*/, cudaStream_t /*stream*/) {
  dpm_test::put_into_stream([=] { std::memcpy(to, from, bytes); });
  return cudaSuccess;
}

inline cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  *stream = new CUstream_st;
  return cudaSuccess;
}
inline cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t /*stream*/) {
  return dpm_test::is_captured() ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}

inline cudaError_t cudaStreamBeginCapture(cudaStream_t /*stream*/, cudaStreamCaptureMode /*mode*/) {
  dpm_test::host_stream = {.captured = new dpm_test::HostWork, .spoilt = false};
  return cudaSuccess;
}
inline cudaError_t cudaStreamEndCapture(cudaStream_t /*stream*/, cudaGraph_t* graph) {
  const dpm_test::HostStream stream = dpm_test::host_stream;
  dpm_test::host_stream = {};
  *graph = stream.spoilt ? nullptr : new CUgraph_st{std::move(*stream.captured)};
  delete stream.captured;
  return stream.spoilt ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                        unsigned long long /*flags*/) {
  *executable = new CUgraphExec_st{graph->work};
  return cudaSuccess;
}
inline cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t /*stream*/) {
  for (const auto& work : executable->work) work();
  return cudaSuccess;
}
inline cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}
