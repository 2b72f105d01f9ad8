// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Steps and noise with one thread of OpenMP and with two.
#include <omp.h>

#include <array>
#include <span>
#include <string>
#include <vector>

#include "runners.hpp"
#include "suite.hpp"

namespace dpm_bench {
namespace {

/// Arithmetic in registers, as much of it at once as a core can do: what the machine lets noise
/// gain by two threads.
void add_arithmetic(Suite& suite, const std::string& group, int threads) {
  suite.add(group, "possible " + std::to_string(threads),
            [&suite, threads](benchmark::State& state) {
              omp_set_num_threads(threads);
              const int rounds = suite.brief() ? 1 : 100'000;
              std::array<std::array<float, 32>, 2> values{};
              for ([[maybe_unused]] auto _ : state) {
#pragma omp parallel for schedule(static, 1)
                for (int half = 0; half < 2; ++half) {
                  std::array<float, 32> mine{};
                  for (int i = 0; i < rounds; ++i) {
                    for (float& value : mine) value = value * 0.75F + 0.5F;
                  }
                  values[static_cast<std::size_t>(half)] = mine;
                }
                benchmark::DoNotOptimize(values.data());
                benchmark::ClobberMemory();
              }
            });
}

/// The sums of a step on two halves that never wait for each other: what the machine lets steps
/// gain by two threads.
void add_halves(Suite& suite, const std::string& group, std::size_t size, int threads) {
  constexpr int steps = 64;
  suite
      .add(
          group, "possible " + std::to_string(threads),
          [size, threads](benchmark::State& state) {
            omp_set_num_threads(threads);
            std::vector<Floats> arrays(3, Floats::Constant(static_cast<Eigen::Index>(size), 0.5F));
            const std::array<float*, 2> to{arrays[0].data(), arrays[1].data()};
            const std::array<const float*, 3> from{arrays[0].data(), arrays[1].data(),
                                                   arrays[2].data()};
            const std::array<double, 6> values{0.5, 0.25, 0.25, 0.5, 0.5, 0.0};
            const dpm::Weights weights(values.data(), 3);
            const auto kernel = dpm::detail::combine_kernel<float>(weights, 2, 3);
            for ([[maybe_unused]] auto _ : state) {
#pragma omp parallel for schedule(static, 1)
              for (std::size_t half = 0; half < 2; ++half) {
                for (int i = 0; i < steps; ++i) {
                  kernel(weights, to, from, from[0], half * size / 2, (half + 1) * size / 2);
                }
              }
              benchmark::ClobberMemory();
            }
          },
          1.0 / steps)
      ->Iterations(suite.brief() ? 1 : static_cast<int>(1 + 500'000 / size))
      ->Repetitions(suite.brief() ? 1 : 25);
}

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
      ->Repetitions(suite.brief() ? 1 : 25)  // whatever else runs takes a core from two threads
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

/// What a sum costs more for going through OpenMP with one thread.
void add_one_thread(Suite& suite, std::size_t size) {
  const auto sum_of = [&suite, size](const char* name, auto sum) {
    suite.add("one/" + std::to_string(size) + "/", name, [size, sum](benchmark::State& state) {
      omp_set_num_threads(1);
      std::vector<Floats> arrays(3, Floats::Constant(static_cast<Eigen::Index>(size), 0.5F));
      const std::array<float*, 1> to{arrays[0].data()};
      const std::array<const float*, 3> from{arrays[0].data(), arrays[1].data(), arrays[2].data()};
      const std::array<double, 3> values{0.5, 0.25, 0.25};
      const dpm::Weights weights(values.data(), 3);
      for ([[maybe_unused]] auto _ : state) {
        sum(weights, std::span<float* const>(to), std::span<const float* const>(from), size);
        benchmark::ClobberMemory();
      }
    });
  };
  sum_of("OpenMP", [](const auto& weights, auto to, auto from, std::size_t all) {
    dpm::detail::combine_arrays<float>(weights, to, from, all);
  });
  sum_of("plain", [](const auto& weights, auto to, auto from, std::size_t all) {
    dpm::detail::combine_kernel<float>(weights, 1, 3)(weights, to, from, from[0], 0, all);
  });
}

void add_threads(Suite& suite) {
  constexpr std::size_t least = std::size_t{1} << 16;
  const std::size_t most = suite.brief() ? least : std::size_t{1} << 24;
  for (std::size_t size = least; size <= most; size *= 2) {
    for (const int threads : {1, 2}) {
      add_step(suite, size, threads);
      add_halves(suite, "step/" + std::to_string(size) + "/", size, threads);
    }
    if (size <= std::size_t{1} << 20) add_one_thread(suite, size);
  }
  for (std::size_t size = least; size <= most; size *= 16) {
    for (const int threads : {1, 2}) {
      add_noise(suite, size, threads);
      add_arithmetic(suite, "noise/" + std::to_string(size) + "/", threads);
    }
  }
}

const Topic topic(&add_threads);

}  // namespace
}  // namespace dpm_bench
