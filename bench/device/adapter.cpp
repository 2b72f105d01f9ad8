// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Times of dpm/interop/libtorch.hpp on a GPU, for the table of `device.cu`: lines "method values
/// microseconds", the last for each model call of a run of 20.
#include <torch/cuda.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/interop/libtorch.hpp"

namespace {

double microseconds_a_run(const dpm::Plan& plan, const torch::Tensor& start) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> rounds;
  dpm::Stepper<dpm::TensorState> run(plan, start,
                                     dpm::RunOptions<dpm::TensorState>{.check_finite = false});
  const dpm::TensorState x(start);
  const auto passed_in = [&](bool steps) {
    torch::cuda::synchronize();
    const auto begin = Clock::now();
    for (int i = 0; i < 20; ++i) {
      run.reset(x);
      while (steps && run.next()) {
      }
    }
    torch::cuda::synchronize();
    return 1e6 * std::chrono::duration<double>(Clock::now() - begin).count() / 20;
  };
  passed_in(true);
  for (int round = 0; round < 5; ++round) {
    const double reset = passed_in(false);
    rounds.push_back(passed_in(true) - reset);
  }
  std::sort(rounds.begin(), rounds.end());
  return rounds[2];
}

}  // namespace

int main() {
  if (!torch::cuda::is_available()) {
    std::fputs("libtorch has no GPU here: the adapter was not measured\n", stderr);
    return 0;
  }
  const dpm::DiscreteSchedule<double> schedule(dpm::linear_betas(1000));
  const dpm::Plan two_m = dpm::make_plan(dpm::DpmSolver{}, schedule, 20);
  const dpm::Plan uni_pc = dpm::make_plan(dpm::UniPc{.order = 3}, schedule, 20);
  for (const std::int64_t values : {std::int64_t{4} * 64 * 64, std::int64_t{8} * 4 * 128 * 128,
                                    std::int64_t{64} * 3 * 256 * 256}) {
    const torch::Tensor start = torch::randn({values}, torch::kCUDA);
    std::printf("2M %lld %.3f\n", static_cast<long long>(values),
                microseconds_a_run(two_m, start) / 20);
    std::printf("UniPC-3 %lld %.3f\n", static_cast<long long>(values),
                microseconds_a_run(uni_pc, start) / 20);
  }
  return 0;
}
