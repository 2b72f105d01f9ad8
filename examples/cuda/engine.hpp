// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A stand-in for an engine that is built for one network: it has the two calls of TensorRT's
/// nvinfer1::IExecutionContext that a run needs. Behind them is the exact network for data of mean
/// and deviation 1/2, on the host; so it copies and waits, which an engine does not.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <dpm/dpm.hpp>
#include <vector>

class Engine {
 public:
  explicit Engine(std::size_t values) : x_(values), noise_(values) {}

  /// "sample" and "noise": as many floats as the engine was made for. "timestep": one float. Each
  /// begins at a multiple of 256 bytes, or it is refused.
  bool setTensorAddress(const char* name, void* address) {
    if (reinterpret_cast<std::uintptr_t>(address) % 256 != 0) return false;
    (std::strcmp(name, "sample") == 0  ? sample_
     : std::strcmp(name, "noise") == 0 ? output_
                                       : timestep_) = address;
    return true;
  }

  bool enqueueV3(cudaStream_t stream) {
    const std::size_t bytes = x_.size() * sizeof(float);
    float timestep = 0.0F;
    cudaMemcpyAsync(x_.data(), sample_, bytes, cudaMemcpyDeviceToHost, stream);
    cudaMemcpyAsync(&timestep, timestep_, sizeof timestep, cudaMemcpyDeviceToHost, stream);
    cudaStreamSynchronize(stream);
    const double time = (static_cast<double>(timestep) + 1.0) / 1000.0;
    dpm::Gaussian({0.5}, {0.5})(x_, schedule_.level(time), noise_);
    cudaMemcpyAsync(output_, noise_.data(), bytes, cudaMemcpyHostToDevice, stream);
    return cudaStreamSynchronize(stream) == cudaSuccess;
  }

 private:
  dpm::DiscreteSchedule<double> schedule_{dpm::linear_betas(1000), dpm::TimestepType::discrete};
  void* sample_ = nullptr;
  void* timestep_ = nullptr;
  void* output_ = nullptr;
  std::vector<float> x_;
  std::vector<float> noise_;
};
