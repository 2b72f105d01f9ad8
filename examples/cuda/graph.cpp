// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A whole run in a CUDA graph: captured once, and launched for each batch with another seed.
#include <cuda_runtime_api.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <dpm/interop/cuda.hpp>
#include <stdexcept>
#include <vector>

namespace {

void must(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

template <class Value>
Value* device_memory(std::size_t count) {
  void* memory = nullptr;
  must(cudaMalloc(&memory, count * sizeof(Value)));
  return static_cast<Value*>(memory);
}

/// In the place of an engine's enqueueV3(x.stream()): one launch in the stream. It is the exact
/// network for data of mean 0 and deviation 1/2.
void network(const dpm::CudaState& x, const dpm::Level& level, dpm::CudaState& noise) {
  const double signal = 0.25 * level.alpha() * level.alpha();
  const double weight = level.sigma() / (signal + level.sigma() * level.sigma());
  dpm::CudaState* const to[] = {&noise};
  const dpm::CudaState* const from[] = {&x};
  combine(dpm::Weights(&weight, 1), to, from);
}

}  // namespace

int main() {
  constexpr std::size_t size = std::size_t{2} * 4 * 16 * 16;
  cudaStream_t stream = nullptr;
  must(cudaStreamCreate(&stream));
  auto* const batch = device_memory<float>(size);
  auto* const seed_there = device_memory<std::uint64_t>(1);
  dpm::CudaView x{.data = batch, .size = size, .stream = stream};
  const dpm::Plan plan = dpm::make_plan(dpm::DiscreteSchedule(dpm::linear_betas(1000)), 20);

  bool same = true;
  double deviation = 0.0;
  {
    // All memory is taken before the capture and given back after the last launch.
    const dpm::CudaNoise noise{.elements_per_sample = size / 2, .seed_on_device = seed_there};
    dpm::CudaState start(x);
    dpm::Stepper run(plan, x, {.noise = noise, .check_finite = false});

    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    must(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    noise.fill(start);
    run.reset(start);
    while (auto call = run.next()) network(call->input, call->level, call->output);
    x = run.sample();
    must(cudaStreamEndCapture(stream, &graph));
    must(cudaGraphInstantiate(&executable, graph, 0));

    std::vector<float> samples(size);
    std::vector<float> expected(size);
    const auto read = [&](std::vector<float>& to) {
      must(cudaMemcpyAsync(to.data(), batch, size * sizeof(float), cudaMemcpyDeviceToHost, stream));
      must(cudaStreamSynchronize(stream));
    };
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      must(cudaMemcpyAsync(seed_there, &seed, sizeof seed, cudaMemcpyHostToDevice, stream));
      must(cudaGraphLaunch(executable, stream));
      if (!dpm::all_finite(run.sample())) throw std::runtime_error("the samples are not finite");
      read(samples);

      dpm::CudaNoise{.seed = seed, .elements_per_sample = size / 2}.fill(x);
      dpm::sample(plan, network, x);  // the same run without a graph
      read(expected);
      same = same && samples == expected;
    }
    for (const float value : samples) deviation += double(value) * value / double(size);
    deviation = std::sqrt(deviation);
    must(cudaGraphExecDestroy(executable));
    must(cudaGraphDestroy(graph));
  }
  std::printf("three launches: %s; the deviation is %.2f, that of the data 0.5\n",
              same ? "the values of three runs" : "other values than three runs", deviation);
  must(cudaFree(seed_there));
  must(cudaFree(batch));
  must(cudaStreamDestroy(stream));
  return same && deviation > 0.45 && deviation < 0.55 ? 0 : 1;
}
