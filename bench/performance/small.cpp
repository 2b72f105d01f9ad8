// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Points in the plane: what the library costs for each step, in a whole `sample` and in a
/// run that is reset.
#include <Eigen/Core>
#include <memory>
#include <string>

#include "dpm/dpm.hpp"
#include "suite.hpp"

namespace dpm_bench {
namespace {

/// The least that a model can do is to write its output.
void model(const Eigen::Array2d& x, double /*timestep*/, Eigen::Array2d& output) { output = x; }

void add_runs(Suite& suite, const std::string& name, const dpm::Plan& plan) {
  const auto shared = std::make_shared<const dpm::Plan>(plan);
  const std::string group = "small/" + name + "/";
  const double scale = 1.0 / static_cast<double>(plan.steps.size());
  suite.add(
      group, "sample",
      [shared](benchmark::State& state) {
        for ([[maybe_unused]] auto _ : state) {
          Eigen::Array2d x(0.5, 0.6);
          dpm::sample(*shared, &model, x);
          benchmark::DoNotOptimize(x);
        }
      },
      scale);
  suite.add(
      group, "reset",
      [shared](benchmark::State& state) {
        const Eigen::Array2d start(0.5, 0.6);
        dpm::Stepper<Eigen::Array2d> stepper(shared, start);
        for ([[maybe_unused]] auto _ : state) {
          stepper.reset(start);
          while (const auto call = stepper.next()) model(call->input, 0.0, call->output);
          benchmark::DoNotOptimize(stepper.sample());
        }
      },
      scale);
}

void add_small(Suite& suite) {
  using dpm::DpmSolver;
  constexpr auto noise = dpm::Space::noise;
  constexpr auto singlestep = DpmSolver::Form::singlestep;
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const auto add = [&](const char* name, const auto& method, int calls) {
    add_runs(suite, name, dpm::make_plan(method, schedule, calls));
  };
  add("2M", DpmSolver{.order = 2}, 20);
  add("3M", DpmSolver{.order = 3}, 21);
  add("3S", DpmSolver{.order = 3, .form = singlestep, .space = noise}, 60);
  add("UniPC-2", dpm::UniPc{.order = 2}, 20);
  add("PNDM", dpm::Pndm{.warmup = dpm::Pndm::Warmup::plms}, 21);
  add("DDIM", dpm::Ddim{}, 20);
  add_runs(suite, "default", dpm::make_plan(schedule, 20));
}

const Topic topic(&add_small);

}  // namespace
}  // namespace dpm_bench
