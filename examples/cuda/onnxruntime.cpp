// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// ONNX Runtime's CUDA provider on the stepper's own memory: nothing is copied between network and
/// sampler. Draws a 3 and a 7 with the network of examples/mnist.
#include <cuda_runtime_api.h>
#include <onnxruntime_cxx_api.h>
#include <onnxruntime_run_options_config_keys.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <dpm/interop/cuda.hpp>
#include <exception>
#include <stdexcept>
#include <variant>
#include <vector>

namespace {

constexpr std::size_t pixels = 784;
constexpr std::array<std::int64_t, 4> shape{2, 1, 28, 28};

void must(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

/// Floats of the device's memory as a tensor.
Ort::Value tensor(const void* data, std::size_t size, std::size_t dimensions) {
  const Ort::MemoryInfo device("Cuda", OrtDeviceAllocator, 0, OrtMemTypeDefault);
  // CreateTensor takes no const; inputs are not written to.
  return Ort::Value::CreateTensor(device, const_cast<void*>(data), size * sizeof(float),
                                  shape.data(), dimensions, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT);
}

/// Tensors begin at multiples of 256 bytes, as those do that the runtime takes itself.
constexpr std::size_t apart = 256 / sizeof(float);

/// The timesteps of all calls, twice each for the batch of two.
std::vector<float> timesteps_of(const dpm::Plan& plan) {
  std::vector<float> timesteps;
  for (const dpm::Step& step : plan.steps) {
    for (const dpm::Instruction& instruction : step.instructions) {
      if (const auto* const call = std::get_if<dpm::Evaluate>(&instruction)) {
        timesteps.insert(timesteps.end(), 2, static_cast<float>(call->level.timestep));
        timesteps.resize(timesteps.size() + apart - 2);
      }
    }
  }
  return timesteps;
}

int draw(const char* network, cudaStream_t stream) {
  const Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "dpm");
  OrtCUDAProviderOptions provider;
  provider.has_user_compute_stream = 1;  // the stream of the run
  provider.user_compute_stream = stream;
  Ort::SessionOptions session_options;
  session_options.AppendExecutionProvider_CUDA(provider);
  Ort::Session unet(env, network, session_options);
  Ort::RunOptions no_wait;
  no_wait.AddConfigEntry(kOrtRunOptionsConfigDisableSynchronizeExecutionProviders, "1");

  // What the network reads is on the device before the run begins: an input that is bound from the
  // host would be copied, and waited for, at each call.
  const dpm::Plan plan = dpm::make_plan(dpm::DiscreteSchedule(dpm::linear_betas(1000)), 20);
  const std::vector<float> timesteps = timesteps_of(plan);
  void* timesteps_there = nullptr;
  must(cudaMalloc(&timesteps_there, timesteps.size() * sizeof(float)));
  must(cudaMemcpyAsync(timesteps_there, timesteps.data(), timesteps.size() * sizeof(float),
                       cudaMemcpyHostToDevice, stream));
  const auto host = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  std::array<std::int64_t, 2> labels{3, 7};
  Ort::IoBinding binding(unet);
  binding.BindInput(
      "label", Ort::Value::CreateTensor<std::int64_t>(host, labels.data(), 2, shape.data(), 1));
  const float* next_timestep = static_cast<const float*>(timesteps_there);
  const auto model = [&](const dpm::CudaState& x, double /*timestep*/, dpm::CudaState& noise) {
    binding.BindInput("sample", tensor(x.data(), x.size(), 4));
    binding.BindInput("timestep", tensor(next_timestep, 2, 1));
    binding.BindOutput("noise", tensor(noise.data(), noise.size(), 4));
    unet.Run(no_wait, binding);
    next_timestep += apart;
  };

  std::vector<float> samples(2 * pixels);
  void* batch = nullptr;
  must(cudaMalloc(&batch, samples.size() * sizeof(float)));
  dpm::CudaView x{.data = batch, .size = samples.size(), .stream = stream};
  dpm::CudaNoise{.seed = 42, .elements_per_sample = pixels}.fill(x);
  dpm::sample(plan, model, x);

  must(cudaMemcpyAsync(samples.data(), batch, samples.size() * sizeof(float),
                       cudaMemcpyDeviceToHost, stream));
  must(cudaStreamSynchronize(stream));
  must(cudaFree(batch));
  must(cudaFree(timesteps_there));
  int ink = 0;
  for (const float value : samples) ink += value > 0.3F ? 1 : 0;
  std::printf("%d of %zu pixels have ink\n", ink, samples.size());
  return ink > 78 && ink < 784 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: cuda_onnxruntime UNET.onnx\n");
    return 2;
  }
  cudaStream_t stream = nullptr;
  int status = 1;
  try {
    must(cudaStreamCreate(&stream));
    status = draw(argv[1], stream);
    must(cudaStreamDestroy(stream));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  return status;
}
