// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What making a plan of 20 steps takes, grid included, against the steps that it is for.
#include <Eigen/Core>
#include <chrono>
#include <string>

#include "dpm/dpm.hpp"
#include "suite.hpp"
#include "support/every_method.hpp"

namespace dpm_bench {
namespace {

constexpr int steps = 20;
constexpr Eigen::Index size = 16'384;

dpm::Plan make(const dpm_test::NamedMethod& method, const dpm::AnySchedule& schedule) {
  return method(method.grid(schedule, 1.0, 1e-3, steps), dpm::Prediction::noise);
}

/// A run of the plan; the time leaves out its reset.
void run(benchmark::State& state, const dpm::Plan& plan) {
  using Clock = std::chrono::steady_clock;
  const auto start = Eigen::ArrayXf::Constant(size, 0.5F).eval();
  dpm::RunOptions<Eigen::ArrayXf> options;
  options.check_finite = false;
  if (plan.draws() > 0) options.noise = dpm::NormalNoise{.seed = 1};
  dpm::Stepper<Eigen::ArrayXf> stepper(plan, start, options);
  for ([[maybe_unused]] auto _ : state) {
    stepper.reset(start);
    const auto begin = Clock::now();
    while (const auto call = stepper.next()) benchmark::DoNotOptimize(call->output.data());
    const std::chrono::duration<double> time = Clock::now() - begin;
    state.SetIterationTime(time.count());
  }
}

void add_plans(Suite& suite) {
  const dpm::AnySchedule schedule = dpm::DiscreteSchedule(dpm::linear_betas(1000));
  int left = suite.brief() ? 2 : 1000;
  for (const dpm_test::NamedMethod& method : dpm_test::every_method()) {
    if (left-- == 0) break;
    const std::string group = "plan/" + method.name + "/";
    constexpr double seconds = 0.01;
    const int repetitions = suite.brief() ? 1 : 15;  // the worst of many variants counts
    suite
        .add(group, "make",
             [=](benchmark::State& state) {
               for ([[maybe_unused]] auto _ : state) {
                 benchmark::DoNotOptimize(make(method, schedule));
               }
             })
        ->MinTime(suite.brief() ? 1e-6 : seconds)
        ->Repetitions(repetitions);
    suite
        .add(
            group, "five steps",
            [=](benchmark::State& state) { run(state, make(method, schedule)); }, 5.0 / steps)
        ->UseManualTime()
        ->MinTime(suite.brief() ? 1e-6 : seconds)
        ->Repetitions(repetitions);
  }
}

const Topic topic(&add_plans);

}  // namespace
}  // namespace dpm_bench
