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
#include "dpm/method/heun.hpp"
#include "dpm/method/pndm.hpp"
#include "dpm/method/sa_solver.hpp"
#include "dpm/method/unipc.hpp"

namespace dpm::diffusers {

/// The library's own method that is nearest to a configuration.
using Method = std::variant<DpmSolver, UniPc, Deis, SaSolver, Ddim, Ddpm, Pndm, Heun>;

namespace detail {

/// The levels of a run for a `Grid`, without a first or last step of length 0.
inline std::vector<Level> grid_levels(const AnySchedule& schedule, const Options& o, Mode mode,
                                      const Run& run, const Points& points) {
  std::vector<Level> levels;
  if (!points.sigmas.empty()) {
    levels = levels_of(schedule, o, points);
  } else {
    const Table table(o);
    std::vector<double> timesteps = points.timesteps;
    // PNDM calls the model more often than its grid has steps.
    if (o.kind == Kind::pndm) timesteps = table_timesteps(o, mode, table.size(), run.steps);
    for (const double t : timesteps) levels.push_back(table.level(static_cast<int>(t)));
    const bool inverse = o.kind == Kind::ddim_inverse;
    levels.insert(inverse ? levels.begin() : levels.end(), level_or_end(o, table, -1));
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
inline UniPc unipc_method_of(const Options& o, std::size_t steps) {
  UniPc method = unipc_of(o);
  std::size_t off = 0;
  for (std::size_t i = 0; i + 1 < steps; ++i) off += is_corrected(o, i) ? 0 : 1;
  method.corrector = off == 0;
  require(off == 0 || off + 1 == steps,
          "diffusers: UniPCMultistepScheduler with disable_corrector for ", off, " of ", steps,
          " steps has no method of its like here; use its plan, or dpm::UniPc{.corrector = false}");
  return method;
}

inline Method method_of(const Options& o, const Run& run, const Points& points) {
  if (o.kind == Kind::unipc) return unipc_method_of(o, points.timesteps.size());
  if (o.kind == Kind::deis) return Deis{.order = o.solver_order};
  if (o.kind == Kind::heun) return Heun{};
  if (o.kind == Kind::sa_solver) {
    return SaSolver{.predictor_order = o.predictor_order,
                    .corrector_order = o.corrector_order > 1 ? o.corrector_order : 0,
                    .space = space_of(o),
                    .tau = sa_solver_tau};
  }
  if (o.kind == Kind::ddpm) {
    const bool large = o.variance_type == "fixed_large";
    return Ddpm{.variance = large ? Ddpm::Variance::beta : Ddpm::Variance::posterior};
  }
  if (o.kind == Kind::pndm) {
    return Pndm{.warmup = o.skip_prk_steps ? Pndm::Warmup::plms : Pndm::Warmup::runge_kutta};
  }
  require(
      !(o.kind == Kind::flow_match_euler && o.stochastic_sampling),
      "diffusers: FlowMatchEulerDiscreteScheduler with stochastic_sampling has no method of its "
      "like here; use its plan");
  if (is_one_of(o.kind, Kind::ddim, Kind::ddim_inverse, Kind::euler, Kind::flow_match_euler)) {
    return Ddim{.eta = run.eta};
  }
  return dpm_solver_of(o, points.timesteps.size(), points.sigmas.back() == 0.0);
}

}  // namespace detail

/// The plan of the method that the variant holds.
[[nodiscard]] inline Plan make_plan(const Method& method, const Grid& grid, Prediction prediction,
                                    Correction correction = Correction::none) {
  return std::visit([&](const auto& m) { return dpm::make_plan(m, grid, prediction, correction); },
                    method);
}

}  // namespace dpm::diffusers
