// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A run that is stopped and goes on, compiled with LLVM's standard library.
#include <Eigen/Core>
#include <atomic>

#include "dpm/dpm.hpp"

namespace {

struct Flag {
  const std::atomic<bool>* set;
  [[nodiscard]] bool stop_requested() const { return *set; }
};

}  // namespace

int main() {
  const dpm::Plan plan = dpm::make_plan(dpm::VpLinear(), 10);
  const auto network = [](const Eigen::ArrayXXf& in, const dpm::Level& level,
                          Eigen::ArrayXXf& noise) {
    noise = static_cast<float>(level.sigma()) * in;  // of data that are standard normal
  };
  Eigen::ArrayXXf x(4, 100);
  dpm::NormalNoise{.seed = 1}.fill(x);
  std::atomic<bool> set = false;
  dpm::Stepper<Eigen::ArrayXXf> run(plan, x, {.stop = Flag{&set}});
  while (const auto call = run.next()) {
    network(call->input, call->level, call->output);
    set = run.model_calls() == 4;
  }
  if (!run.stopped() || run.model_calls() != 5) return 1;
  run.resume();
  while (const auto call = run.next()) network(call->input, call->level, call->output);
  dpm::sample(plan, network, x);
  return run.model_calls() == 10 && (run.sample() == x).all() ? 0 : 1;
}
