// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Every method that the library has, in every variant that the laws are asked of. A new method
/// adds its lines here and nowhere else.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"

namespace dpm_test {

/// One variant of one method, with its type forgotten.
struct NamedMethod {
  std::string name;
  /// 0 if none is stated: for consistency models' samplers.
  int order = 0;
  bool stochastic = false;
  /// Steps from which on errors fall steadily, where orders are measured from.
  int asymptotic_steps = 96;
  std::function<dpm::Plan(const dpm::Grid&, dpm::Prediction, dpm::Correction)> plan;
  std::function<dpm::Plan(const dpm::AnySchedule&, int)> plan_for_calls;
  std::function<dpm::Grid(const dpm::AnySchedule&, double start, double end, int steps)> grid;
  /// False for black-box solvers of the ODE, which approximate its linear part like the rest, so
  /// that law 1 does not hold for them.
  bool exact_on_constants = true;

  /// Fresh noise and Heun++'s weights only run towards the data.
  [[nodiscard]] bool inverts() const { return !stochastic && name != "Heun++"; }

  [[nodiscard]] dpm::Plan operator()(const dpm::Grid& g, dpm::Prediction p) const {
    return plan(g, p, dpm::Correction::none);
  }
};

template <class Method, class Spacing>
NamedMethod named_on(const Spacing& spacing, std::string name, Method method,
                     bool stochastic = false, int asymptotic = 96) {
  int order = 0;
  if constexpr (requires { convergence_order(method); }) order = convergence_order(method);
  return {std::move(name),
          order,
          stochastic,
          asymptotic,
          [method](const dpm::Grid& grid, dpm::Prediction prediction, dpm::Correction correction) {
            return make_plan(method, grid, prediction, correction);
          },
          [method](const dpm::AnySchedule& schedule, int calls) {
            return dpm::make_plan(method, schedule, calls, dpm::Prediction::noise);
          },
          [spacing](const dpm::AnySchedule& schedule, double start, double end, int steps) {
            Spacing between = spacing;
            between.start = start;
            between.end = end;
            return make_grid(between, schedule, steps);
          }};
}

template <class Method>
NamedMethod named(std::string name, Method method, bool stochastic = false, int asymptotic = 96) {
  return named_on(default_spacing(method), std::move(name), std::move(method), stochastic,
                  asymptotic);
}

using NamedMethods = std::vector<NamedMethod>;

/// Whether the method solves the SDE of `dpm::ExponentialStep`, with its tau.
inline bool has_tau(const NamedMethod& method) {
  const auto begins = [&](const char* with) { return method.name.rfind(with, 0) == 0; };
  return method.stochastic && (begins("SDE-") || begins("SA-") || begins("SEEDS-"));
}

inline void add_dpm_solvers(NamedMethods& all) {
  using dpm::DpmSolver;
  using dpm::Space;
  constexpr auto singlestep = DpmSolver::Form::singlestep;
  constexpr auto taylor = DpmSolver::Update::taylor;
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
}

/// SDE-DPM-Solver and SDE-DPM-Solver++ (tau = 1), and the SDE with a quarter of their noise.
inline void add_sde_solvers(NamedMethods& all) {
  using dpm::DpmSolver;
  using dpm::Space;
  for (const Space space : {Space::noise, Space::data}) {
    const std::string solver = space == Space::noise ? "SDE-DPM-Solver-" : "SDE-DPM-Solver++-";
    for (int order = 1; order <= 3; ++order) {
      const std::string name = solver + std::to_string(order);
      const int asymptotic = order == 1 ? 384 : 96;
      all.push_back(
          named(name, DpmSolver{.order = order, .space = space, .tau = 1.0}, true, asymptotic));
      all.push_back(named(name + ", tau = 0.5",
                          DpmSolver{.order = order, .space = space, .tau = 0.5}, true, asymptotic));
    }
    all.push_back(named(
        solver + "2, Taylor",
        DpmSolver{.order = 2, .space = space, .update = DpmSolver::Update::taylor, .tau = 1.0},
        true));
  }
}

inline void add_unipc(NamedMethods& all) {
  using dpm::Space;
  using dpm::UniPc;
  using Coefficients = UniPc::Coefficients;
  const std::vector<std::pair<Coefficients, std::string>> forms{
      {Coefficients::bh1, " bh1"},
      {Coefficients::bh2, " bh2"},
      {Coefficients::varying, " varying"}};
  for (const Space space : {Space::noise, Space::data}) {
    const std::string suffix = space == Space::noise ? ", noise" : "";
    for (int order = 1; order <= 3; ++order) {
      for (const auto& [form, form_name] : forms) {
        all.push_back(named("UniPC-" + std::to_string(order) + form_name + suffix,
                            UniPc{.order = order, .coefficients = form, .space = space}, false,
                            192));
      }
    }
    // On equal steps in lambda its error on the Gaussian changes sign where orders are measured.
    all.push_back(
        named_on(dpm::QuadraticTime{}, "UniPC-4 bh2" + suffix, UniPc{.order = 4, .space = space}));
    // The other UniP are multistep DPM-Solver to the bit.
    for (int order = 2; order <= 3; ++order) {
      all.push_back(named("UniP-" + std::to_string(order) + " bh1" + suffix,
                          UniPc{.order = order,
                                .coefficients = Coefficients::bh1,
                                .space = space,
                                .corrector = false},
                          false, order == 3 ? 1536 : 96));
    }
    all.push_back(named("UniPC-3 bh2, lower order at the end" + suffix,
                        UniPc{.order = 3, .space = space, .lower_order_final = true}, false, 768));
  }
}

inline void add_deis_and_ipndm(NamedMethods& all) {
  using dpm::Deis;
  for (int order = 2; order <= 4; ++order) {
    const std::string n = std::to_string(order);
    all.push_back(named("tAB-DEIS-" + n, Deis{.order = order, .variable = Deis::Variable::time}));
    all.push_back(named("rhoAB-DEIS-" + n,
                        Deis{.order = order, .variable = Deis::Variable::sigma_over_alpha}));
    // In log rho the second order is DPM-Solver-2 multistep, Taylor, to the bit.
    if (order > 2) all.push_back(named("DEIS-" + n + " in log rho", Deis{.order = order}));
    all.push_back(named("iPNDM-" + n, dpm::Ipndm{.order = order}, false, 1536));
  }
}

inline void add_sa_solvers(NamedMethods& all) {
  using dpm::SaSolver;
  using dpm::Space;
  const auto half = [](const dpm::Level&) { return 0.5; };
  const auto inside = [](const dpm::Level& at) {
    return at.time > 0.1 && at.time < 0.9 ? 1.0 : 0.0;
  };
  for (const Space space : {Space::noise, Space::data}) {
    const std::string suffix = space == Space::noise ? ", noise" : "";
    all.push_back(named("SA-Solver" + suffix, SaSolver{.space = space}, true));
    all.push_back(
        named("SA-Solver, tau = 0.5" + suffix, SaSolver{.space = space, .tau = half}, true));
    all.push_back(named("SA-Solver, predictor alone" + suffix,
                        SaSolver{.corrector_order = 0, .space = space}, true));
  }
  all.push_back(named("SA-Solver, predictor 4, corrector 2",
                      SaSolver{.predictor_order = 4, .corrector_order = 2}, true));
  all.push_back(named("SA-Solver, tau within", SaSolver{.tau = inside}, true));
}

/// Ancestral steps, and noise before each step.
inline void add_ancestral_and_churned(NamedMethods& all) {
  using dpm::Ddim;
  using dpm::DpmSolver;
  using dpm::DpmSolverSde;
  using dpm::FreshNoise;
  using dpm::Space;
  constexpr auto singlestep = DpmSolver::Form::singlestep;
  for (const auto& [suffix, eta] : {std::pair{"", 1.0}, {", eta = 0.5", 0.5}}) {
    const FreshNoise fresh{.eta = eta};
    const auto add = [&, ending = std::string(suffix)](const std::string& name, auto method) {
      all.push_back(named(name + ending, method, true));
    };
    add("DPM2 a", DpmSolver{.order = 2, .form = singlestep, .space = Space::noise, .fresh = fresh});
    add("DPM++ 2S a", DpmSolver{.order = 2, .form = singlestep, .fresh = fresh});
    add("DPM++ 3S a", DpmSolver{.order = 3, .form = singlestep, .fresh = fresh});
    add("RES multistep a", DpmSolver{.update = DpmSolver::Update::taylor, .fresh = fresh});
    add("DPM++ SDE", DpmSolverSde{.fresh = fresh});
    all.push_back(named("Euler a, rule of flows" + std::string(suffix),
                        Ddim{.eta = eta, .rule = FreshNoise::Rule::flow}, true, 192));
  }
  all.push_back(named("DPM++ SDE, eta = 0", DpmSolverSde{.fresh = {.eta = 0.0}}));
  all.push_back(named("DPM++ SDE, r1 = 0.3", DpmSolverSde{.r1 = 0.3}, true));
  const dpm::Churn churn{.amount = 2.0, .least = 0.1, .most = 50.0};
  all.push_back(named("Euler with churn", Ddim{.churn = churn}, true));
  all.push_back(named("Heun with churn", dpm::Heun{.churn = churn}, true));
  all.push_back(named(
      "DPM2 with churn",
      DpmSolver{.order = 2, .form = singlestep, .space = Space::noise, .churn = churn}, true));
}

inline void add_seeds_and_er_sde(NamedMethods& all) {
  using dpm::ErSde;
  using dpm::Seeds;
  for (const int stages : {2, 3}) {
    const std::string name = "SEEDS-" + std::to_string(stages);
    all.push_back(named(name, Seeds{.stages = stages}, true, 192));
    all.push_back(named(name + ", tau = 0.5", Seeds{.stages = stages, .tau = 0.5}, true));
  }
  // With two stages it is DPM++ SDE without noise to the bit.
  all.push_back(named("SEEDS-3, tau = 0", Seeds{.stages = 3, .tau = 0.0}));
  all.push_back(
      named("SEEDS-3, r2 = 0.5, tau = 0", Seeds{.stages = 3, .tau = 0.0, .r1 = 0.25, .r2 = 0.5}));
  constexpr auto taylor = dpm::DpmSolver::Update::taylor;
  all.push_back(named("SEEDS-2, r1 = 1, Taylor", Seeds{.r1 = 1.0, .update = taylor}, true, 192));
  all.push_back(
      named("SEEDS-2, r1 = 1, Taylor, tau = 0", Seeds{.tau = 0.0, .r1 = 1.0, .update = taylor}));
  all.push_back(named("SEEDS-2, r1 = 0.3, Taylor", Seeds{.r1 = 0.3, .update = taylor}, true, 192));
  for (int order = 1; order <= 3; ++order) {
    const std::string name = "ER-SDE-" + std::to_string(order);
    all.push_back(named(name, ErSde{.order = order, .points = 0}, true));
    // Of the authors' 200 points the first-order error shows only after thousands of steps.
    if (order > 1) {
      all.push_back(named(name + ", sums of 4", ErSde{.order = order, .points = 4}, true));
    }
  }
}

/// Restart whose way down again has more steps on a finer grid, as its order asks.
struct GrowingRestart {
  static constexpr const char* name = "Restart";
};
inline void write(dpm::PlanBuilder& builder, const GrowingRestart& /*method*/,
                  const dpm::Grid& grid) {
  const int steps = std::max(static_cast<int>(grid.steps()) / 3, 1);
  dpm::write(builder, dpm::Restart{.steps = steps, .times = 2}, grid);
}
inline int convergence_order(const GrowingRestart& /*method*/) {
  return dpm::convergence_order(dpm::Restart{});
}
inline dpm::Karras default_spacing(const GrowingRestart& /*method*/) { return {}; }

inline void add_sigma_methods(NamedMethods& all) {
  all.push_back(named("Gradient estimation", dpm::GradientEstimation{}));
  all.push_back(named("Heun++", dpm::HeunPlusPlus{}));
  for (int order = 2; order <= 4; ++order) {
    all.push_back(named("iPNDM-" + std::to_string(order) + ", equal-step weights",
                        dpm::Ipndm{.order = order, .equal_step_weights = true}, false, 1536));
  }
  all.push_back(named("SA-Solver, PECE", dpm::SaSolver{.evaluates_again = true}, true));
  all.push_back(
      named("SA-Solver, simple second order",
            dpm::SaSolver{.predictor_order = 2, .corrector_order = 2, .simple_second_order = true},
            true));
  all.push_back(named("Restart", GrowingRestart{}, true));
  all.push_back(named("LCM", dpm::Lcm{}, true));
  all.push_back(named("TCD", dpm::Tcd{}, true));
}

inline void add_runge_kutta(NamedMethods& all) {
  using dpm::RungeKutta;
  for (const int order : {2, 4}) {
    for (const auto variable : {RungeKutta::Variable::time, RungeKutta::Variable::lambda}) {
      const std::string name = "Runge-Kutta-" + std::to_string(order) +
                               (variable == RungeKutta::Variable::time ? " in time" : " in lambda");
      all.push_back(named(name, RungeKutta{.order = order, .variable = variable}));
      all.back().exact_on_constants = false;
    }
  }
}

inline NamedMethods every_method() {
  using dpm::Ddim;
  using dpm::Ddpm;
  using dpm::DpmSolver;
  using dpm::Pndm;
  NamedMethods all;
  add_dpm_solvers(all);
  add_sde_solvers(all);
  add_unipc(all);
  add_deis_and_ipndm(all);
  add_sa_solvers(all);
  add_ancestral_and_churned(all);
  add_seeds_and_er_sde(all);
  add_sigma_methods(all);
  all.push_back(named("DPM-Solver++-2 multistep, first order at the end",
                      DpmSolver{.order = 2, .first_order_final = true}));
  all.push_back(named("Heun", dpm::Heun{}));
  add_runge_kutta(all);
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
