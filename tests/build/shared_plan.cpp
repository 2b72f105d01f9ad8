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

namespace {

using State = std::vector<float>;

/// Eight threads plan with `method` and run one plan of it; how many did not get what the first
/// got.
template <class Method>
int failures_of(const Method& method) {
  const dpm::AnySchedule schedule = dpm::DiscreteSchedule(dpm::linear_betas());
  const auto plan = std::make_shared<const dpm::Plan>(dpm::make_plan(method, schedule, 21));
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
      calls[i] = dpm::make_plan(method, schedule, 21) == *plan ? stepper.model_calls() : -1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  int failures = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    failures += samples[i] != samples[0] || calls[i] != plan->model_calls();
  }
  return failures;
}

}  // namespace

int main() {
  using dpm::DpmSolver;
  const int failures = failures_of(dpm::Ddim{.eta = 0.5}) + failures_of(dpm::Ddpm{}) +
                       failures_of(dpm::Pndm{}) + failures_of(DpmSolver{.order = 3}) +
                       failures_of(dpm::SaSolver{}) + failures_of(dpm::Ipndm{}) +
                       failures_of(DpmSolver{.order = 3, .form = DpmSolver::Form::singlestep}) +
                       failures_of(dpm::Deis{.order = 3}) + failures_of(dpm::default_method);
  std::printf("%d failures\n", failures);
  return failures;
}
