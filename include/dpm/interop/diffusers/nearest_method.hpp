// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The library's own method and grid that are nearest to a diffusers configuration.
#pragma once

#include <cmath>
#include <cstddef>
#include <variant>
#include <vector>

#include "dpm/interop/diffusers/levels.hpp"
#include "dpm/interop/diffusers/sigma_plans.hpp"
#include "dpm/interop/diffusers/table_plans.hpp"
#include "dpm/method/ddim.hpp"
#include "dpm/method/ddpm.hpp"
#include "dpm/method/deis.hpp"
#include "dpm/method/dpm_solver.hpp"
#include "dpm/method/dpm_solver_sde.hpp"
#include "dpm/method/heun.hpp"
#include "dpm/method/lcm.hpp"
#include "dpm/method/pndm.hpp"
#include "dpm/method/sa_solver.hpp"
#include "dpm/method/tcd.hpp"
#include "dpm/method/unipc.hpp"

namespace dpm::diffusers {

/// The library's own method that is nearest to a configuration.
using Method =
    std::variant<DpmSolver, UniPc, Deis, SaSolver, Ddim, Ddpm, Pndm, Heun, DpmSolverSde, Lcm, Tcd>;

namespace detail {

/// The levels of a run for a `Grid`, without a first or last step of length 0.
inline std::vector<Level> grid_levels(const AnySchedule& schedule, const Options& o, Mode mode,
                                      const Run& run, const Points& points) {
  std::vector<Level> levels;
  if (!steps_in_table(o.kind)) {
    levels = levels_of(schedule, o, points);
  } else {
    const Table table(o);
    std::vector<double> timesteps = points.timesteps;
    // PNDM calls the model more often than its grid has steps.
    if (o.kind == Kind::pndm) timesteps = table_timesteps(o, mode, table.size(), run.steps);
    for (const double t : timesteps) levels.push_back(table.level(static_cast<int>(t)));
    const bool inverse = o.kind == Kind::ddim_inverse;
    const int end = o.kind == Kind::tcd ? 0 : -1;
    levels.insert(inverse ? levels.begin() : levels.end(), level_or_end(o, table, end));
    // The inverse tells the model the timestep that a step runs to.
    for (std::size_t i = 0; inverse && i < timesteps.size(); ++i) levels[i].timestep = timesteps[i];
  }
  const auto no_length_at = [&](std::size_t i) {
    return levels.size() > 2 && std::abs(levels[i + 1].lambda() - levels[i].lambda()) < no_length;
  };
  if (no_length_at(levels.size() - 2)) levels.pop_back();
  if (no_length_at(0)) levels.erase(levels.begin());
  return levels;
}

inline DpmSolver dpm_solver_of(const Options& o, std::size_t steps, bool ends_at_zero) {
  DpmSolver method{.order = o.solver_order, .space = space_of(o), .update = update_of(o)};
  method.tau = is_sde(o) ? 1.0 : 0.0;
  if (o.kind == Kind::dpm_singlestep) {
    require(
        !is_sde(o),
        "diffusers: DPMSolverSinglestepScheduler with sde-dpmsolver++ has no method of its like "
        "here; use its plan, or dpm::DpmSolver{.tau = 1}, which is multistep");
    method.form = DpmSolver::Form::singlestep;
    method.stages = DpmSolver::Stages::on_grid;
    method.lower_order_final = o.lower_order_final || ends_at_zero;
    return method;
  }
  method.start = DpmSolver::Start::lower_order;
  method.halved_second_difference = o.solver_order == 3;
  method.lower_order_final = o.lower_order_final && steps < few_steps;
  method.first_order_final = o.euler_at_final || ends_at_zero;
  return method;
}

/// UniPC, whose corrector is on in every step or in none. The last step has none anyway.
inline UniPc unipc_method_of(const Options& o, const Points& points) {
  UniPc method = unipc_of(o);
  const std::size_t steps = points.timesteps.size();
  std::size_t off = 0;
  for (std::size_t i = 0; i + 1 < steps; ++i) off += is_corrected(o, i + points.skipped) ? 0 : 1;
  method.corrector = off == 0;
  require(off == 0 || off + 1 == steps,
          "diffusers: UniPCMultistepScheduler with disable_corrector for ", off, " of ", steps,
          " steps has no method of its like here; use its plan, or dpm::UniPc{.corrector = false}");
  return method;
}

/// Refuses the classes and options that no method of the library is like.
inline void check_has_method(const Options& o, const Run& run, const Points& points) {
  require(o.kind != Kind::flow_match_heun && o.kind != Kind::ipndm,
          "diffusers: ", class_name(o.kind),
          " has no method of its like here; use its plan, or a method in data "
          "space, such as dpm::UniPc");
  require(run.s_churn == 0.0, "diffusers: ", class_name(o.kind),
          " with s_churn has no method of its like here; use its plan, or dpm::Ddim{.churn}, which "
          "takes the added noise away again");
  require(o.kind != Kind::dpm_singlestep ||
              points.skipped % static_cast<std::size_t>(o.solver_order) == 0,
          "diffusers: ", class_name(o.kind), " that begins with step ", points.skipped,
          " begins within a block, which has no method of its like here; use its plan");
}

inline Method method_of(const Options& o, const Run& run, const Points& points) {
  check_has_method(o, run, points);
  const std::size_t steps = points.timesteps.size() + points.skipped;
  if (o.kind == Kind::unipc) return unipc_method_of(o, points);
  if (o.kind == Kind::deis) return Deis{.order = o.solver_order};
  if (o.kind == Kind::lms) return Deis{.order = 4, .variable = Deis::Variable::sigma_over_alpha};
  if (o.kind == Kind::heun) return Heun{};
  if (o.kind == Kind::kdpm2) {
    return DpmSolver{.order = 2, .form = DpmSolver::Form::singlestep, .space = Space::noise};
  }
  if (o.kind == Kind::cogvideox_dpm) {
    return DpmSolver{
        .order = 2, .start = DpmSolver::Start::lower_order, .first_order_final = true, .tau = 1.0};
  }
  if (o.kind == Kind::sa_solver) {
    return SaSolver{.predictor_order = o.predictor_order,
                    .corrector_order = o.corrector_order > 1 ? o.corrector_order : 0,
                    .space = space_of(o),
                    .tau = sa_solver_tau};
  }
  if (is_one_of(o.kind, Kind::ddpm, Kind::ddpm_wuerstchen)) {
    const bool large = o.variance_type == "fixed_large";
    return Ddpm{.variance = large ? Ddpm::Variance::beta : Ddpm::Variance::posterior};
  }
  if (o.kind == Kind::pndm) {
    return Pndm{.warmup = o.skip_prk_steps ? Pndm::Warmup::plms : Pndm::Warmup::runge_kutta};
  }
  if (o.kind == Kind::kdpm2_ancestral) {
    return DpmSolver{.order = 2,
                     .form = DpmSolver::Form::singlestep,
                     .space = Space::noise,
                     .fresh = {.eta = 1.0}};
  }
  if (o.kind == Kind::dpm_sde) return DpmSolverSde{.fresh = {.eta = 1.0, .scale = run.s_noise}};
  if (o.kind == Kind::flow_match_lcm || o.stochastic_sampling) return Lcm{};
  if (o.kind == Kind::lcm) return Lcm{.timestep_scaling = o.timestep_scaling};
  if (o.kind == Kind::tcd) return Tcd{.eta = run.eta.value_or(0.3)};
  if (o.kind == Kind::ltx_euler_ancestral) {
    return Ddim{.eta = o.eta, .noise_scale = o.s_noise, .rule = FreshNoise::Rule::flow};
  }
  if (is_one_of(o.kind, Kind::ddim, Kind::ddim_inverse, Kind::cogvideox_ddim, Kind::euler,
                Kind::edm_euler, Kind::flow_match_euler)) {
    return Ddim{.eta = run.eta.value_or(0.0)};
  }
  if (o.kind == Kind::euler_ancestral) return Ddim{.eta = 1.0};
  return dpm_solver_of(o, steps, points.sigmas.back() == 0.0);
}

}  // namespace detail

/// The plan of the method that the variant holds.
[[nodiscard]] inline Plan make_plan(const Method& method, const Grid& grid, Prediction prediction,
                                    Correction correction = Correction::none) {
  return std::visit([&](const auto& m) { return dpm::make_plan(m, grid, prediction, correction); },
                    method);
}

}  // namespace dpm::diffusers
