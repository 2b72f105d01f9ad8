// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A run is a value: variations forked from a shared beginning, and a run that is saved, loaded and
/// goes on to the same bits.
#include <cstdio>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"

using State = std::vector<double>;

int main() {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const dpm::GaussianMixture network(std::vector<dpm::GaussianMixture::Component>{
      {1.0, dpm::Gaussian({2.0}, {0.3})}, {1.0, dpm::Gaussian({-2.0}, {0.3})}});
  const dpm::Plan plan = dpm::make_plan(dpm::DpmSolver{.tau = 1.0}, schedule, 20);

  // The first six calls are made once, for all variations.
  const auto noise_of = [](std::uint32_t variation) {
    dpm::RunOptions<State> options;
    options.noise = [variation](State& z, const dpm::NoiseRequest& request) {
      const bool shared = request.draw < 6;
      dpm::NormalNoise{.seed = shared ? 1 : 100 + variation}(z, request);
    };
    return options;
  };
  dpm::Stepper<State> prefix(plan, State{0.4}, noise_of(0));
  for (int calls = 0; calls < 6; ++calls) {
    const auto call = prefix.next();
    network(call->input, call->level, call->output);
  }
  const std::vector<std::byte> bytes = dpm::save(prefix);
  std::printf("saved after 6 of %d calls: %zu bytes\n", plan.model_calls(), bytes.size());

  bool all_as_in_one_go = true;
  bool forks_agree = true;
  for (std::uint32_t variation = 0; variation < 4; ++variation) {
    auto run = dpm::load(bytes, plan, State{0.0}, noise_of(variation));
    while (const auto call = run.next()) network(call->input, call->level, call->output);

    // The same without the detour: the prefix goes on with another noise.
    dpm::Stepper<State> fork = prefix.fork(noise_of(variation));
    while (const auto call = fork.next()) network(call->input, call->level, call->output);
    forks_agree = forks_agree && fork.sample() == run.sample();

    State in_one_go{0.4};
    dpm::sample(plan, network, in_one_go, noise_of(variation));
    all_as_in_one_go = all_as_in_one_go && in_one_go == run.sample();
    std::printf("variation %u: %8.4f after %d calls\n", variation, run.sample()[0],
                run.model_calls());
  }
  std::printf("loaded runs end as runs in one go: %s; forks of the first run too: %s\n",
              all_as_in_one_go ? "yes" : "no", forks_agree ? "yes" : "no");
  return all_as_in_one_go && forks_agree && prefix.model_calls() == 5 ? 0 : 1;
}
