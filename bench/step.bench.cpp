// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a step costs beside the network: a whole run whose model does nothing, against a
/// hand-written loop that does the same arithmetic in one pass over memory. Both are timed in
/// turns; the counter is the ratio of the medians.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"

namespace {

using Values = std::vector<float>;

template <class Function>
double seconds(Function function) {
  const auto start = std::chrono::steady_clock::now();
  function();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> times) {
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

/// x = a x + b m0 + c m1, step after step, as one would write it for this method alone.
void hand_written(const dpm::Plan& plan, Values& x, const Values& m0, const Values& m1) {
  for (const dpm::Step& step : plan.steps) {
    const auto& weights = std::get<dpm::Combine>(step.instructions.back()).weights;
    const auto a = static_cast<float>(weights[0]);
    const auto b = static_cast<float>(weights[1]);
    const auto c = weights.size() > 2 ? static_cast<float>(weights[2]) : 0.0F;
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = a * x[i] + b * m0[i] + c * m1[i];
    benchmark::DoNotOptimize(x.data());
    benchmark::ClobberMemory();
  }
}

/// Twenty steps of DPM-Solver++(2M) on a data prediction.
void multistep_2(benchmark::State& state) {
  const auto plan = std::make_shared<const dpm::Plan>(
      make_plan(dpm::DpmSolver{.order = 2}, dpm::VpLinear(), 20, dpm::Prediction::data));
  Values start(static_cast<std::size_t>(state.range(0)));
  dpm::NormalNoise{.seed = 1}.fill(start);
  Values x = start;
  const Values m0 = start;
  const Values m1 = start;
  std::vector<double> library_times;
  std::vector<double> hand_times;
  for (auto _ : state) {
    dpm::Stepper<Values> stepper(plan, start, {.check_finite = false});
    library_times.push_back(seconds([&] {
      while (const auto call = stepper.next()) benchmark::DoNotOptimize(call->output.data());
    }));
    x = start;
    hand_times.push_back(seconds([&] { hand_written(*plan, x, m0, m1); }));
    state.SetIterationTime(library_times.back());
  }
  state.counters["ratio"] = median(library_times) / median(hand_times);
}

}  // namespace

BENCHMARK(multistep_2)->Arg(16'384)->Arg(1'572'864)->UseManualTime();
BENCHMARK_MAIN();
