// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A model of ONNX Runtime allocates at its first call only: later ones allocate as often as the
/// runtime does by itself when inputs are bound and it runs. A program of its own, since it
/// replaces malloc.
#include <onnxruntime_cxx_api.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "dpm/interop/onnxruntime.hpp"
#include "support/onnx_network.hpp"

#if defined(__has_feature)
#  define DPM_TEST_HAS_FEATURE(x) __has_feature(x)
#else
#  define DPM_TEST_HAS_FEATURE(x) 0
#endif

namespace {

thread_local long allocations = 0;

}  // namespace

#if defined(__SANITIZE_ADDRESS__) || DPM_TEST_HAS_FEATURE(address_sanitizer)
extern "C" void __sanitizer_malloc_hook(const volatile void* /*memory*/, std::size_t /*size*/) {
  ++allocations;
}
#else
extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* malloc(std::size_t size) noexcept {
  ++allocations;
  return __libc_malloc(size);
}
#endif

namespace {

using Floats = std::vector<float>;

/// The allocations of the runtime where inputs are bound anew and the output is bound already.
long by_the_runtime(Ort::Session& session, ONNXTensorElementDataType type, bool has_integers,
                    std::int64_t batch) {
  const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  const std::array<std::int64_t, 3> shape{batch, 2, 3};
  const auto samples = static_cast<std::size_t>(batch);
  std::vector<double> values(6 * samples);
  std::vector<double> out(6 * samples);
  std::vector<double> timesteps(samples);
  const std::size_t bytes = type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ? 4 : 2;
  const auto timestep_type =
      has_integers ? ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  const Ort::Value x =
      Ort::Value::CreateTensor(memory, values.data(), 6 * samples * bytes, shape.data(), 3, type);
  const Ort::Value timestep = Ort::Value::CreateTensor(
      memory, timesteps.data(), samples * (has_integers ? 8 : 4), shape.data(), 1, timestep_type);
  Ort::IoBinding binding(session);
  binding.BindOutput("out_sample", Ort::Value::CreateTensor(memory, out.data(), 6 * samples * bytes,
                                                            shape.data(), 3, type));
  long before = 0;
  for (int call = 0; call < 3; ++call) {
    before = allocations;
    binding.BindInput("sample", x);
    binding.BindInput("timestep", timestep);
    binding.SynchronizeInputs();
    session.Run(Ort::RunOptions{nullptr}, binding);
  }
  return allocations - before;
}

long by_the_model(Ort::Session& session, std::int64_t batch) {
  dpm::OrtModel model(session);
  const Floats x(static_cast<std::size_t>(6 * batch), 0.5F);
  Floats out(x.size());
  model(x, 999.0, out);
  model(x, 998.0, out);
  const long before = allocations;
  model(x, 997.0, out);
  return allocations - before;
}

}  // namespace

int main() {
  const long at_start = allocations;
  const Floats some(100);
  if (allocations != at_start + 1 || some.empty()) {
    std::puts("allocations are not counted");
    return 1;
  }
  int failures = 0;
  for (const bool half : {false, true}) {
    Ort::Session session = dpm_test::session(half ? "half" : "float_timesteps");
    const auto type =
        half ? ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
    for (const std::int64_t batch : {1, 1000}) {
      const long runtime = by_the_runtime(session, type, half, batch);
      const long model = by_the_model(session, batch);
      std::printf("%s, batch of %d: a run allocates %ld times, a call of the model %ld times\n",
                  half ? "float16" : "float", static_cast<int>(batch), runtime, model);
      if (model != runtime) ++failures;
    }
  }
  return failures;
}
