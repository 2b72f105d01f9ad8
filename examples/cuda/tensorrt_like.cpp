// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// An engine on a GPU, such as one of TensorRT: samples stay in the memory of the device.
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <dpm/interop/cuda.hpp>
#include <stdexcept>
#include <vector>

#include "engine.hpp"  // for TensorRT: NvInfer.h, and an nvinfer1::IExecutionContext

namespace {

void must(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

void* device_memory(std::size_t floats) {
  void* memory = nullptr;
  must(cudaMalloc(&memory, floats * sizeof(float)));
  return memory;
}

}  // namespace

int main() {
  constexpr std::size_t per_sample = std::size_t{4} * 16 * 16;
  constexpr std::size_t size = 2 * per_sample;
  cudaStream_t stream = nullptr;
  must(cudaStreamCreate(&stream));
  void* const batch = device_memory(size);

  // All timesteps, on the device before the run begins. TensorRT wants each tensor to begin at a
  // multiple of 256 bytes, so each timestep has as many for itself.
  const dpm::DiscreteSchedule schedule(dpm::linear_betas(1000), dpm::TimestepType::discrete);
  const dpm::Plan plan = dpm::make_plan(schedule, 20);
  constexpr std::size_t apart = 256 / sizeof(float);
  std::vector<float> timesteps(1000 * apart);
  for (std::size_t t = 0; t < 1000; ++t) timesteps[t * apart] = static_cast<float>(t);
  auto* const timesteps_there = static_cast<float*>(device_memory(timesteps.size()));
  must(cudaMemcpyAsync(timesteps_there, timesteps.data(), timesteps.size() * sizeof(float),
                       cudaMemcpyHostToDevice, stream));

  Engine engine(size);
  const auto network = [&](const dpm::CudaState& x, double timestep, dpm::CudaState& noise) {
    const std::size_t at = static_cast<std::size_t>(timestep) * apart;
    const bool taken =
        engine.setTensorAddress("sample", const_cast<void*>(x.data())) &&  // which it only reads
        engine.setTensorAddress("timestep", timesteps_there + at) &&
        engine.setTensorAddress("noise", noise.data());
    if (!taken || !engine.enqueueV3(x.stream())) throw std::runtime_error("the engine has failed");
  };

  dpm::CudaView x{.data = batch, .size = size, .stream = stream};
  dpm::CudaNoise{.seed = 42, .elements_per_sample = per_sample}.fill(x);
  dpm::sample(plan, network, x);

  std::vector<float> samples(size);  // a decoder on the device would need no copy either
  must(
      cudaMemcpyAsync(samples.data(), batch, size * sizeof(float), cudaMemcpyDeviceToHost, stream));
  must(cudaStreamSynchronize(stream));
  double mean = 0.0;
  for (const float value : samples) mean += static_cast<double>(value) / double(size);
  std::printf("%d calls; the mean of the samples is %.2f, that of the data 0.5\n",
              plan.model_calls(), mean);
  must(cudaFree(timesteps_there));
  must(cudaFree(batch));
  must(cudaStreamDestroy(stream));
  return mean > 0.4 && mean < 0.6 ? 0 : 1;
}
