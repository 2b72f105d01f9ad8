// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Many threads run one plan at the same time, and read the data that it was made of. A program of
/// its own, since it is built with the thread sanitizer.
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "dpm/dpm.hpp"

int main() {
  const dpm::AnySchedule schedule = dpm::DiscreteSchedule(dpm::linear_betas());
  const auto plan =
      std::make_shared<const dpm::Plan>(dpm::make_plan(dpm::Ddim{.eta = 0.5}, schedule, 20));
  using State = std::vector<float>;
  std::vector<State> samples(8, State(64));
  std::vector<int> calls(samples.size(), 0);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    threads.emplace_back([&, i] {
      const dpm::NormalNoise noise{.seed = 3};
      noise.fill(samples[i]);
      dpm::Stepper<State> stepper(plan, samples[i], {.noise = noise});
      while (const auto call = stepper.next()) {
        for (std::size_t k = 0; k < call->input.size(); ++k) {
          call->output[k] = 0.4F * call->input[k] + static_cast<float>(call->level.sigma());
        }
      }
      samples[i] = stepper.sample();
      // Planning reads the shared schedule, and gives the same plan.
      calls[i] =
          dpm::make_plan(dpm::Ddim{.eta = 0.5}, schedule, 20) == *plan ? stepper.model_calls() : -1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  int failures = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    failures += samples[i] != samples[0] || calls[i] != plan->evaluations();
  }
  std::printf("%d failures in %zu threads\n", failures, samples.size());
  return failures;
}
