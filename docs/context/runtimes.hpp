// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Stand-ins for runtimes: the calls of ONNX Runtime that the page shows, with their arguments, and
/// an exact network behind them. So its fragments compile and run where no runtime is installed.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <dpm/dpm.hpp>
#include <span>
#include <type_traits>
#include <vector>

// NOLINTBEGIN(readability-identifier-naming): the names are ONNX Runtime's
enum OrtAllocatorType { OrtArenaAllocator };
enum OrtMemType { OrtMemTypeDefault };
enum OrtLoggingLevel { ORT_LOGGING_LEVEL_WARNING };
// NOLINTEND(readability-identifier-naming)

namespace page {

inline const dpm::DiscreteSchedule<double> schedule(dpm::scaled_linear_betas(1000),
                                                    dpm::TimestepType::discrete);

/// The noise in x for data of mean 0.5 and deviation 0.5.
inline void exact_noise(std::span<const float> x, double timestep, std::span<float> noise) {
  const dpm::Level level = schedule.level((timestep + 1.0) / 1000.0);
  const double variance = std::pow(0.5 * level.alpha(), 2) + std::pow(level.sigma(), 2);
  for (std::size_t i = 0; i < x.size(); ++i) {
    noise[i] = static_cast<float>(level.sigma() * (x[i] - 0.5 * level.alpha()) / variance);
  }
}

/// Any runtime's function that reads one buffer and fills another; 0 if it has worked.
inline int session_run(const float* x, std::size_t size, std::int64_t timestep, float* noise) {
  exact_noise({x, size}, static_cast<double>(timestep), {noise, size});
  return 0;
}

inline constexpr std::size_t batch = 2;
inline constexpr std::size_t per_sample = std::size_t{4} * 8 * 8;

}  // namespace page

namespace Ort {

struct Env {
  Env(OrtLoggingLevel /*level*/, const char* /*name*/) {}
};
struct SessionOptions {};
struct RunOptions {
  explicit RunOptions(std::nullptr_t /*none*/) {}
};
struct MemoryInfo {
  static MemoryInfo CreateCpu(OrtAllocatorType /*allocator*/, OrtMemType /*memory*/) { return {}; }
};

struct Value {
  float* values = nullptr;
  std::int64_t* whole = nullptr;
  std::size_t size = 0;

  template <class Element>
  static Value CreateTensor(const MemoryInfo& /*memory*/, Element* values, std::size_t size,
                            const std::int64_t* /*shape*/, std::size_t /*dimensions*/) {
    if constexpr (std::is_same_v<Element, float>) return {values, nullptr, size};
    if constexpr (std::is_same_v<Element, std::int64_t>) return {nullptr, values, size};
  }
};

struct Session {
  Session(const Env& /*env*/, const char* /*path*/, const SessionOptions& /*options*/) {}

  void Run(const RunOptions& /*options*/, const char* const* /*input_names*/, const Value* inputs,
           std::size_t /*input_count*/, const char* const* /*output_names*/, Value* outputs,
           std::size_t /*output_count*/) {
    page::exact_noise({inputs[0].values, inputs[0].size}, static_cast<double>(*inputs[1].whole),
                      {outputs[0].values, outputs[0].size});
  }
};

}  // namespace Ort

using namespace page;  // NOLINT(google-global-names-in-headers): as a page has no namespaces
