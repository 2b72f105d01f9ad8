// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Every method that the library has, in every variant that the laws are asked of. A new method
/// adds its lines here and nowhere else.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"

namespace dpm_test {

/// One variant of one method, with its type forgotten.
struct NamedMethod {
  std::string name;
  int order = 0;
  bool stochastic = false;
  /// Steps from which on errors fall steadily, where orders are measured from.
  int asymptotic_steps = 96;
  std::function<dpm::Plan(const dpm::Grid&, dpm::Prediction, dpm::Correction)> plan;
  std::function<dpm::Plan(const dpm::AnySchedule&, int)> plan_for_calls;
  std::function<dpm::Grid(const dpm::AnySchedule&, double start, double end, int steps)> grid;

  [[nodiscard]] dpm::Plan operator()(const dpm::Grid& g, dpm::Prediction p) const {
    return plan(g, p, dpm::Correction::none);
  }
};

template <class Method>
NamedMethod named(std::string name, Method method, bool stochastic = false, int asymptotic = 96) {
  return {std::move(name),
          convergence_order(method),
          stochastic,
          asymptotic,
          [method](const dpm::Grid& grid, dpm::Prediction prediction, dpm::Correction correction) {
            return make_plan(method, grid, prediction, correction);
          },
          [method](const dpm::AnySchedule& schedule, int calls) {
            return dpm::make_plan(method, schedule, calls);
          },
          [method](const dpm::AnySchedule& schedule, double start, double end, int steps) {
            auto spacing = default_spacing(method);
            spacing.start = start;
            spacing.end = end;
            return make_grid(spacing, schedule, steps);
          }};
}

inline std::vector<NamedMethod> every_method() {
  using dpm::Ddim;
  using dpm::Ddpm;
  using dpm::DpmSolver;
  using dpm::Pndm;
  using dpm::Space;
  constexpr auto singlestep = DpmSolver::Form::singlestep;
  constexpr auto taylor = DpmSolver::Update::taylor;
  std::vector<NamedMethod> all;
  for (const Space space : {Space::noise, Space::data}) {
    const std::string solver = space == Space::noise ? "DPM-Solver" : "DPM-Solver++";
    for (int order = 1; order <= 3; ++order) {
      const std::string n = std::to_string(order);
      all.push_back(named(solver + "-" + n + " singlestep",
                          DpmSolver{.order = order, .form = singlestep, .space = space}));
      all.push_back(
          named(solver + "-" + n + " multistep", DpmSolver{.order = order, .space = space}));
    }
    for (int order = 2; order <= 3; ++order) {
      const std::string n = std::to_string(order);
      all.push_back(
          named(solver + "-" + n + " singlestep, Taylor",
                DpmSolver{.order = order, .form = singlestep, .space = space, .update = taylor}));
      all.push_back(named(solver + "-" + n + " multistep, Taylor",
                          DpmSolver{.order = order, .space = space, .update = taylor}));
    }
    all.push_back(named(solver + "-2 singlestep, r1 = 0.3",
                        DpmSolver{.order = 2, .form = singlestep, .space = space, .r1 = 0.3}));
    all.push_back(
        named(solver + "-3 singlestep, r2 = 0.5",
              DpmSolver{.order = 3, .form = singlestep, .space = space, .r1 = 0.25, .r2 = 0.5}));
    all.push_back(named(
        solver + "-3 singlestep, stages on the grid",
        DpmSolver{
            .order = 3, .form = singlestep, .space = space, .stages = DpmSolver::Stages::on_grid},
        false, 384));
    all.push_back(
        named(solver + "-3 singlestep, lower order at the end",
              DpmSolver{.order = 3, .form = singlestep, .space = space, .lower_order_final = true},
              false, 384));
    all.push_back(named(solver + "-3 multistep, halved difference",
                        DpmSolver{.order = 3, .space = space, .halved_second_difference = true}));
    all.push_back(
        named(solver + "-3 multistep, lower-order start",
              DpmSolver{.order = 3, .space = space, .start = DpmSolver::Start::lower_order}, false,
              1536));
    all.push_back(named(solver + "-3 multistep, lower order at the end",
                        DpmSolver{.order = 3, .space = space, .lower_order_final = true}, false,
                        1536));
  }
  all.push_back(named("DDIM", Ddim{}));
  all.push_back(named("DDIM, eta = 0.5", Ddim{.eta = 0.5}, true));
  all.push_back(named("DDIM, eta = 1", Ddim{.eta = 1.0}, true));
  all.push_back(named("DDPM, posterior variance", Ddpm{}, true));
  all.push_back(named("DDPM, beta variance", Ddpm{.variance = Ddpm::Variance::beta}, true));
  all.push_back(named("PNDM", Pndm{}, false, 768));
  all.push_back(named("PNDM, PLMS only", Pndm{.warmup = Pndm::Warmup::plms}, false, 768));
  return all;
}

}  // namespace dpm_test
