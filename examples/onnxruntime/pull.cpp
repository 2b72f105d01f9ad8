// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// ONNX Runtime in a loop of the program's own: onnxruntime_pull UNET.onnx
#include <onnxruntime_cxx_api.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: onnxruntime_pull UNET.onnx\n");
    return 2;
  }
  const Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "dpm");
  Ort::Session unet(env, argv[1], Ort::SessionOptions{});
  const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  const std::array<const char*, 3> inputs{"sample", "timestep", "label"};
  const std::array<const char*, 1> outputs{"noise"};
  const std::array<std::int64_t, 4> shape{2, 1, 28, 28};
  std::array<std::int64_t, 2> labels{3, 7};

  constexpr std::size_t pixels = 784;
  std::vector<float> x(2 * pixels);
  dpm::NormalNoise{.seed = 42, .elements_per_sample = pixels}.fill(x);
  const dpm::DiscreteSchedule schedule(dpm::linear_betas(1000));
  dpm::Stepper run(dpm::make_plan(schedule, 20), x);
  while (const auto call = run.next()) {
    // CreateTensor takes no const, and Run does not write to inputs.
    auto* const noisy = const_cast<float*>(call->input.data());
    std::array<float, 2> timesteps;
    timesteps.fill(static_cast<float>(call->level.timestep));
    const std::array<Ort::Value, 3> given{
        Ort::Value::CreateTensor<float>(memory, noisy, x.size(), shape.data(), 4),
        Ort::Value::CreateTensor<float>(memory, timesteps.data(), 2, shape.data(), 1),
        Ort::Value::CreateTensor<std::int64_t>(memory, labels.data(), 2, shape.data(), 1)};
    Ort::Value noise =
        Ort::Value::CreateTensor<float>(memory, call->output.data(), x.size(), shape.data(), 4);
    unet.Run(Ort::RunOptions{nullptr}, inputs.data(), given.data(), 3, outputs.data(), &noise, 1);
  }
  int ink = 0;
  for (const float value : run.sample()) ink += value > 0.3F ? 1 : 0;
  std::printf("%d calls; %d of %zu pixels have ink\n", run.model_calls(), ink, x.size());
  return ink > 78 && ink < 784 ? 0 : 1;
}
