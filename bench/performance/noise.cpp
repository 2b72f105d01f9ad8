// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Standard normal draws into a buffer of floats: the library's, and the standard library's.
#include <Eigen/Core>
#include <random>
#include <string>

#include "dpm/dpm.hpp"
#include "suite.hpp"

namespace dpm_bench {
namespace {

void add_noise(Suite& suite) {
  for (const Eigen::Index size : {16'384, 1'572'864}) {
    if (suite.brief() && size > 20'000) continue;
    const std::string group = "noise/" + std::to_string(size) + "/";
    suite.add(group, "dpm", [size](benchmark::State& state) {
      Eigen::ArrayXf buffer(size);
      std::uint64_t seed = 0;
      for ([[maybe_unused]] auto _ : state) {
        dpm::NormalNoise{.seed = ++seed}.fill(buffer);
        benchmark::DoNotOptimize(buffer.data());
        benchmark::ClobberMemory();
      }
    });
    suite.add(group, "standard", [size](benchmark::State& state) {
      Eigen::ArrayXf buffer(size);
      std::mt19937 generator(1);
      std::normal_distribution<float> normal;
      for ([[maybe_unused]] auto _ : state) {
        for (Eigen::Index i = 0; i < size; ++i) buffer[i] = normal(generator);
        benchmark::DoNotOptimize(buffer.data());
        benchmark::ClobberMemory();
      }
    });
  }
}

const Topic topic(&add_noise);

}  // namespace
}  // namespace dpm_bench
