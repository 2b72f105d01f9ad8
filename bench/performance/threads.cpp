// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Steps and noise with one thread of OpenMP and with two.
#include <omp.h>

#include <string>

#include "runners.hpp"
#include "suite.hpp"

namespace dpm_bench {
namespace {

void add_step(Suite& suite, std::size_t size, int threads) {
  constexpr std::size_t steps = 8;
  suite
      .add("step/" + std::to_string(size) + "/", std::to_string(threads),
           [size, threads](benchmark::State& state) {
             omp_set_num_threads(threads);
             const Course course = course_of<Multistep2>(steps);
             time_steps(state, Library<Floats>(course, size, false), steps);
           })
      ->UseManualTime()
      ->Iterations(suite.brief() ? 1 : static_cast<int>(1 + 4'000'000 / size));
}

void add_noise(Suite& suite, std::size_t size, int threads) {
  suite.add("noise/" + std::to_string(size) + "/", std::to_string(threads),
            [size, threads](benchmark::State& state) {
              omp_set_num_threads(threads);
              Floats buffer(static_cast<Eigen::Index>(size));
              for ([[maybe_unused]] auto _ : state) {
                dpm::NormalNoise{.seed = 1}.fill(buffer);
                benchmark::DoNotOptimize(buffer.data());
                benchmark::ClobberMemory();
              }
            });
}

void add_threads(Suite& suite) {
  constexpr std::size_t least = std::size_t{1} << 16;
  const std::size_t most = suite.brief() ? least : std::size_t{1} << 24;
  for (std::size_t size = least; size <= most; size *= 2) {
    for (const int threads : {1, 2}) add_step(suite, size, threads);
  }
  for (std::size_t size = least; size <= most; size *= 16) {
    for (const int threads : {1, 2}) add_noise(suite, size, threads);
  }
}

const Topic topic(&add_threads);

}  // namespace
}  // namespace dpm_bench
