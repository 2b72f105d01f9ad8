// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Who takes part in the accuracy contest: every deterministic method with its options, on every
/// spacing of a fixed list. Nothing here depends on a problem or on a number of calls.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/grid/spacing.hpp"

namespace dpm_bench {

/// A spacing with its type forgotten, under the name that a user types.
struct NamedSpacing {
  std::string name;
  std::function<dpm::Grid(const dpm::AnySchedule&, int)> grid;
};

inline dpm::Grid make_grid(const NamedSpacing& spacing, const dpm::AnySchedule& schedule,
                           int steps) {
  return spacing.grid(schedule, steps);
}

template <class Spacing>
NamedSpacing named(std::string name, Spacing spacing) {
  return {std::move(name), [spacing](const dpm::AnySchedule& schedule, int steps) {
            return make_grid(spacing, schedule, steps);
          }};
}

/// Powers of time up to 4; rho of Karras from its paper's 7, up and down by factors of about
/// sqrt(2); Beta with its paper's parameters.
inline std::vector<NamedSpacing> every_spacing() {
  std::vector<NamedSpacing> all{named("UniformTime{}", dpm::UniformTime{}),
                                named("QuadraticTime{}", dpm::QuadraticTime{})};
  for (const int power : {3, 4}) {
    all.push_back(named("PowerTime{.power = " + std::to_string(power) + "}",
                        dpm::PowerTime{.power = double(power)}));
  }
  all.push_back(named("UniformLambda{}", dpm::UniformLambda{}));
  for (const int rho : {5, 7, 10, 14}) {
    all.push_back(
        named("Karras{.rho = " + std::to_string(rho) + "}", dpm::Karras{.rho = double(rho)}));
  }
  all.push_back(named("Beta{.a = 0.6, .b = 0.6}", dpm::Beta{.a = 0.6, .b = 0.6}));
  return all;
}

/// A method with its options over a spacing.
struct Configuration {
  std::string name;
  std::function<dpm::Plan(const dpm::AnySchedule&, int calls)> plan;
};

struct Family {
  std::string name;
  std::vector<Configuration> configurations = {};

  template <class Method>
  void add(const std::string& name_of_method, const Method& method) {
    for (const NamedSpacing& spacing : every_spacing()) {
      configurations.push_back({name_of_method + " over " + spacing.name,
                                [method, spacing](const dpm::AnySchedule& schedule, int calls) {
                                  return dpm::make_plan(method, schedule, calls, spacing);
                                }});
    }
  }
};

/// `, .option = value` where the option is on.
inline std::string option(bool on, const std::string& name, const std::string& value = "true") {
  return on ? ", ." + name + " = " + value : "";
}

inline std::string name_of(const dpm::DpmSolver& m) {
  using dpm::DpmSolver;
  return "DpmSolver{.order = " + std::to_string(m.order) +
         option(m.form == DpmSolver::Form::singlestep, "form", "DpmSolver::Form::singlestep") +
         option(m.space == dpm::Space::noise, "space", "Space::noise") +
         option(m.update == DpmSolver::Update::taylor, "update", "DpmSolver::Update::taylor") +
         option(m.stages == DpmSolver::Stages::on_grid, "stages", "DpmSolver::Stages::on_grid") +
         option(m.start == DpmSolver::Start::lower_order, "start",
                "DpmSolver::Start::lower_order") +
         option(m.halved_second_difference, "halved_second_difference") +
         option(m.lower_order_final, "lower_order_final") +
         option(m.first_order_final, "first_order_final") + "}";
}

inline std::string name_of(const dpm::UniPc& m) {
  using dpm::UniPc;
  return "UniPc{.order = " + std::to_string(m.order) +
         option(m.coefficients == UniPc::Coefficients::bh1, "coefficients",
                "UniPc::Coefficients::bh1") +
         option(m.coefficients == UniPc::Coefficients::varying, "coefficients",
                "UniPc::Coefficients::varying") +
         option(m.space == dpm::Space::noise, "space", "Space::noise") +
         option(!m.corrector, "corrector", "false") +
         option(m.lower_order_final, "lower_order_final") + "}";
}

/// Orders 2 and 3, here and of multistep; order 1 is DDIM.
inline Family dpm_solver_singlestep(dpm::Space space) {
  using dpm::DpmSolver;
  Family family{space == dpm::Space::noise ? "DPM-Solver singlestep" : "DPM-Solver++ singlestep"};
  for (const int order : {2, 3}) {
    for (const auto update : {DpmSolver::Update::midpoint, DpmSolver::Update::taylor}) {
      for (const auto stages : {DpmSolver::Stages::at_ratios, DpmSolver::Stages::on_grid}) {
        for (const bool lower_final : {false, true}) {
          const DpmSolver method{.order = order,
                                 .form = DpmSolver::Form::singlestep,
                                 .space = space,
                                 .update = update,
                                 .stages = stages,
                                 .lower_order_final = lower_final};
          family.add(name_of(method), method);
        }
      }
    }
  }
  return family;
}

inline Family dpm_solver_multistep(dpm::Space space) {
  using dpm::DpmSolver;
  Family family{space == dpm::Space::noise ? "DPM-Solver multistep" : "DPM-Solver++ multistep"};
  const auto add = [&](DpmSolver method) {
    family.add(name_of(method), method);
    method.first_order_final = true;
    family.add(name_of(method), method);
    method.first_order_final = false;
    method.lower_order_final = true;
    family.add(name_of(method), method);
  };
  for (const auto update : {DpmSolver::Update::midpoint, DpmSolver::Update::taylor}) {
    add({.order = 2, .space = space, .update = update});
    for (const auto start : {DpmSolver::Start::singlestep, DpmSolver::Start::lower_order}) {
      for (const bool halved : {false, true}) {
        add({.order = 3,
             .space = space,
             .update = update,
             .start = start,
             .halved_second_difference = halved});
      }
    }
  }
  return family;
}

inline Family uni_pc(bool corrector) {
  using dpm::UniPc;
  Family family{corrector ? "UniPC" : "UniP"};
  for (const dpm::Space space : {dpm::Space::data, dpm::Space::noise}) {
    for (const auto coefficients :
         {UniPc::Coefficients::bh1, UniPc::Coefficients::bh2, UniPc::Coefficients::varying}) {
      for (const int order : {1, 2, 3, 4}) {
        for (const bool lower_final : {false, true}) {
          const UniPc method{.order = order,
                             .coefficients = coefficients,
                             .space = space,
                             .corrector = corrector,
                             .lower_order_final = lower_final};
          family.add(name_of(method), method);
        }
      }
    }
  }
  return family;
}

inline Family deis() {
  using dpm::Deis;
  Family family{"DEIS"};
  for (const int order : {1, 2, 3, 4}) {
    const std::string name = "Deis{.order = " + std::to_string(order);
    family.add(name + ", .variable = Deis::Variable::time}", Deis{order, Deis::Variable::time});
    family.add(name + ", .variable = Deis::Variable::sigma_over_alpha}",
               Deis{order, Deis::Variable::sigma_over_alpha});
    family.add(name + "}", Deis{order, Deis::Variable::lambda});
  }
  return family;
}

inline Family pndm() {
  Family family{"iPNDM, PNDM"};
  for (const int order : {1, 2, 3, 4}) {
    family.add("Ipndm{.order = " + std::to_string(order) + "}", dpm::Ipndm{.order = order});
  }
  family.add("Pndm{}", dpm::Pndm{});
  family.add("Pndm{.warmup = Pndm::Warmup::plms}", dpm::Pndm{.warmup = dpm::Pndm::Warmup::plms});
  return family;
}

inline Family runge_kutta() {
  using dpm::RungeKutta;
  Family family{"Runge-Kutta"};
  for (const int order : {2, 4}) {
    const std::string name = "RungeKutta{.order = " + std::to_string(order);
    family.add(name + ", .variable = RungeKutta::Variable::time}",
               RungeKutta{order, RungeKutta::Variable::time});
    family.add(name + "}", RungeKutta{order, RungeKutta::Variable::lambda});
  }
  return family;
}

/// SA-Solver in the limit of no noise.
inline Family sa_solver() {
  Family family{"SA-Solver, tau = 0"};
  for (const dpm::Space space : {dpm::Space::data, dpm::Space::noise}) {
    for (const int predictor : {1, 2, 3, 4}) {
      for (const int corrector : {0, 2, 3, 4, 5}) {
        family.add("SaSolver{.predictor_order = " + std::to_string(predictor) +
                       ", .corrector_order = " + std::to_string(corrector) +
                       option(space == dpm::Space::noise, "space", "Space::noise") +
                       ", .tau = [](auto&) { return 0.0; }}",
                   dpm::SaSolver{.predictor_order = predictor,
                                 .corrector_order = corrector,
                                 .space = space,
                                 .tau = [](const dpm::Level& /*at*/) { return 0.0; }});
      }
    }
  }
  return family;
}

inline std::vector<Family> every_family() {
  std::vector<Family> all;
  for (const dpm::Space space : {dpm::Space::noise, dpm::Space::data}) {
    all.push_back(dpm_solver_singlestep(space));
    all.push_back(dpm_solver_multistep(space));
  }
  all.push_back(uni_pc(true));
  all.push_back(uni_pc(false));
  all.push_back(deis());
  all.push_back(pndm());
  all.push_back({"DDIM", {}});
  all.back().add("Ddim{}", dpm::Ddim{});
  all.push_back({"Heun", {}});
  all.back().add("Heun{}", dpm::Heun{});
  all.push_back(runge_kutta());
  all.push_back(sa_solver());
  return all;
}

}  // namespace dpm_bench
