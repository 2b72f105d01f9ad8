// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A runtime with raw pointers owns the loop: dpm hands out what the network is to be called with.
#include <cmath>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <memory>
#include <vector>

#include "session.h"

int main() {
  const std::unique_ptr<Session, void (*)(Session*)> session(session_load("network.onnx"),
                                                             &session_free);
  if (session == nullptr) {
    std::fprintf(stderr, "network.onnx cannot be loaded\n");
    return 1;
  }
  const std::size_t shape[4] = {8, 3, 16, 16};
  const std::size_t per_sample = shape[1] * shape[2] * shape[3];
  std::vector<float> x(shape[0] * per_sample);
  dpm::NormalNoise{.seed = 42, .elements_per_sample = per_sample}.fill(x);

  const dpm::DiscreteSchedule schedule(dpm::linear_betas(1000));
  dpm::Stepper run(dpm::make_plan(schedule, 20), x);
  while (const auto call = run.next()) {
    const auto timestep = static_cast<float>(call->level.timestep);
    if (session_run(session.get(), call->input.data(), shape, timestep, call->output.data()) != 0) {
      std::fprintf(stderr, "the network failed at timestep %g\n", static_cast<double>(timestep));
      return 1;
    }
  }

  double sum = 0.0;
  double squares = 0.0;
  for (const float value : run.sample()) {
    sum += value;
    squares += value * value;
  }
  const double mean = sum / static_cast<double>(x.size());
  const double deviation = std::sqrt(squares / static_cast<double>(x.size()) - mean * mean);
  std::printf("%d calls: mean %.3f (data 0.25), standard deviation %.3f (data 0.5)\n",
              run.model_calls(), mean, deviation);
  return std::abs(mean - 0.25) < 0.02 && std::abs(deviation - 0.5) < 0.02 ? 0 : 1;
}
