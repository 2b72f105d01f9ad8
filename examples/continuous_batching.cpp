// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A server's loop: requests with different methods, step counts and start times share one batched
/// network call at a time. One joins and one leaves while the others run, and each gets bit for bit
/// what it would get alone.
#include <Eigen/Core>
#include <cstdio>
#include <vector>

#include "dpm/dpm.hpp"

using Sample = std::vector<float>;
using Run = dpm::Stepper<Sample>;

/// A network as exported ones are: a batch of samples, each with a time of its own.
Eigen::ArrayXXf network(const Eigen::ArrayXXf& x, const Eigen::ArrayXf& timestep) {
  Eigen::ArrayXXf noise(x.rows(), x.cols());
  for (Eigen::Index i = 0; i < x.cols(); ++i) {
    noise.col(i) = 0.9F * x.col(i).tanh() + 0.1F * (x.col(i) + 2.0F * timestep[i]).sin();
  }
  return noise;
}

/// Answers the calls that are open, in one network call, and asks each run for its next.
void serve(std::vector<Run*>& runs, std::vector<Run::Call>& open) {
  const auto n = static_cast<Eigen::Index>(open.size());
  Eigen::ArrayXXf x(4, n);
  Eigen::ArrayXf timestep(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    const Run::Call& call = open[static_cast<std::size_t>(i)];
    x.col(i) = Eigen::Map<const Eigen::ArrayXf>(call.input.data(), 4);
    timestep[i] = static_cast<float>(call.level.timestep);
  }
  const Eigen::ArrayXXf noise = network(x, timestep);
  std::vector<Run*> still_running;
  std::vector<Run::Call> next;
  for (std::size_t i = 0; i < open.size(); ++i) {
    Eigen::Map<Eigen::ArrayXf>(open[i].output.data(), 4) = noise.col(static_cast<Eigen::Index>(i));
    if (const auto call = runs[i]->next()) {
      still_running.push_back(runs[i]);
      next.push_back(*call);
    }
  }
  runs.swap(still_running);
  open.swap(next);
}

int main() {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const std::vector<dpm::Plan> plans{
      dpm::make_plan(schedule, 12),
      dpm::make_plan(dpm::Ddim{}, schedule, 7, dpm::UniformTime{.start = 0.6}),
      dpm::make_plan(dpm::DpmSolver{.order = 3}, schedule, 9)};
  std::vector<Run> requests;
  requests.reserve(plans.size());
  for (const dpm::Plan& plan : plans) {
    requests.emplace_back(plan, Sample{0.3F, -1.2F, 2.0F, -0.7F});
  }
  std::vector<Run*> runs;
  std::vector<Run::Call> open;
  for (std::size_t tick = 0; tick < 4 || !open.empty(); ++tick) {
    if (tick == 0 || tick == 1 || tick == 3) {  // requests come in at their own times
      runs.push_back(&requests[tick == 3 ? 2 : tick]);
      open.push_back(*runs.back()->next());
    }
    std::printf("network call %2zu: a batch of %zu\n", tick + 1, open.size());
    serve(runs, open);
  }
  bool same = true;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    Run alone(plans[i], Sample{0.3F, -1.2F, 2.0F, -0.7F});
    std::vector<Run*> one{&alone};
    std::vector<Run::Call> call{*alone.next()};
    while (!call.empty()) serve(one, call);
    same = same && alone.sample() == requests[i].sample();
  }
  std::printf("each request got what it gets alone: %s\n", same ? "yes" : "no");
  return same ? 0 : 1;
}
