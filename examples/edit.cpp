// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A hook that changes the sample in the middle of a run: what heads for the left cluster is sent
/// to the right one. The multistep method then begins anew, as its history belongs to the old path.
#include <Eigen/Core>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <vector>

using Batch = Eigen::ArrayXXd;  // each column is one sample

int main() {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const dpm::GaussianMixture network(std::vector<dpm::GaussianMixture::Component>{
      {1.0, dpm::Gaussian({-2.0}, {0.3})}, {1.0, dpm::Gaussian({2.0}, {0.3})}});
  const dpm::DpmSolver method{.order = 2};
  const dpm::Grid grid = dpm::make_grid(dpm::UniformLambda{}, schedule, 20);
  Batch start(1, 5000);
  dpm::NormalNoise{.seed = 42}.fill(start);

  const auto mirror = [](Batch& x, const dpm::Progress<Batch>& progress) {
    if (progress.step != 12) return false;  // x is as it was
    x = x.abs();
    return true;
  };
  Batch x = start;
  const dpm::RunReport report = dpm::sample_with_edits(method, grid, network, x, mirror);

  // The same by hand: the plan for all steps as far as step 12, then one for the levels from there.
  Batch by_hand = start;
  dpm::Stepper<Batch> stepper(dpm::make_plan(method, grid), by_hand);
  while (stepper.steps_done() < 12) {
    const auto call = stepper.next();
    if (stepper.steps_done() < 12) network(call->input, call->level, call->output);
  }
  by_hand = stepper.sample().abs();
  const dpm::Grid rest(schedule, {grid.levels().begin() + 12, grid.levels().end()});
  dpm::sample(dpm::make_plan(method, rest), network, by_hand);

  const auto right = static_cast<double>((x > 1.0).count()) / static_cast<double>(x.size());
  const auto before = static_cast<double>((start > 0.0).count()) / static_cast<double>(x.size());
  std::printf("%.1f %% of the starts lie right of 0, %.1f %% of the samples; %zu steps, %d calls\n",
              100.0 * before, 100.0 * right, report.steps, report.model_calls);
  const bool same = (x == by_hand).all();
  std::printf("a run by hand in two parts ends in the same bits: %s\n", same ? "yes" : "no");
  return same && right > 0.99 && before < 0.6 ? 0 : 1;
}
