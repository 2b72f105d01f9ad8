// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The timesteps and sigmas of a run, as diffusers' `set_timesteps` makes them for each class.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "dpm/interop/diffusers/options.hpp"
#include "dpm/interop/diffusers/spacings.hpp"
#include "dpm/interop/diffusers/table.hpp"

namespace dpm::diffusers {

/// What `set_timesteps` leaves behind.
struct Points {
  /// What the model is given, one for each call of `step`.
  std::vector<double> timesteps;
  /// One more than there are intervals; empty for classes that have none.
  std::vector<double> sigmas;
};

namespace detail {

inline std::vector<double> sigmas_at(const Table& table, std::span<const double> timesteps) {
  return mapped(timesteps, [&](double timestep) { return table.sigma_at(timestep); });
}

inline std::vector<double> timesteps_at(const Table& table, std::span<const double> sigmas) {
  return mapped(sigmas, [&](double sigma) { return table.timestep_of(sigma); });
}

inline std::vector<double> flow_timesteps(const Options& o, std::span<const double> sigmas) {
  return mapped(sigmas, [&](double sigma) { return sigma * o.num_train_timesteps; });
}

inline std::vector<double> edm_timesteps(std::span<const double> sigmas) {
  return mapped(sigmas, [](double sigma) { return 0.25 * std::log(sigma); });
}

/// A flow's sigmas, evenly spread and then shifted. UniPC starts at sigma = 1, which it then
/// replaces by 1 - 1e-6; the other classes start at 1 - 1 / num_train_timesteps.
inline Points flow_points(const Options& o, const Run& run) {
  const double shift = shift_of(o, run, o.flow_shift);
  const double least = 1.0 / o.num_train_timesteps;
  Points points;
  for (int i = 0; i < run.steps; ++i) {
    const double sigma = o.kind == Kind::unipc
                             ? linspace(1.0, least, i, run.steps + 1)
                             : 1.0 - linspace(1.0, least, run.steps - i, run.steps + 1);
    points.sigmas.push_back(shifted(shift, sigma));
  }
  if (o.kind == Kind::unipc) {
    stretch_to_terminal(o, points.sigmas);
    if (std::abs(points.sigmas[0] - 1.0) < 1e-6) points.sigmas[0] -= 1e-6;
  }
  points.timesteps = flow_timesteps(o, points.sigmas);
  return points;
}

/// The grid of a class that steps in lambda (DPM-Solver, UniPC, DEIS, SA-Solver), high to low.
inline Points lambda_points(const Options& o, Mode mode, const Table& table, const Run& run) {
  const std::vector<Curve> curve = curves(o);
  Points points{run.timesteps, {}};
  if (run.timesteps.empty()) {
    const int cut = table.timesteps_left(o);
    points.timesteps = lambda_timesteps(o, mode, cut, run.steps);
  }
  if (!curve.empty()) {
    points.sigmas = sigmas_on(curve[0], o.sigma_max.value_or(table.sigma_max()),
                              o.sigma_min.value_or(table.sigma_min()), run.steps);
    points.timesteps = timesteps_at(table, points.sigmas);
    // Exponential and "lu" are the same sigmas; what differs is how timesteps are made whole.
    const bool cosine = o.beta_schedule == "squaredcos_cap_v2";
    const bool rounds = (o.use_karras_sigmas && (o.kind != Kind::dpm_multistep || !cosine)) ||
                        (o.use_lu_lambdas && !cosine);
    if (rounds) points.timesteps = rounded(points.timesteps);
    if (o.use_flow_sigmas) {
      for (double& sigma : points.sigmas) sigma /= sigma + 1.0;
      points.timesteps = flow_timesteps(o, points.sigmas);
    }
  } else if (o.use_flow_sigmas) {
    points = flow_points(o, run);
  } else {
    points.sigmas = sigmas_at(table, points.timesteps);
  }
  for (double& timestep : points.timesteps) timestep = std::trunc(timestep);

  const bool may_be_zero = !is_one_of(o.kind, Kind::deis, Kind::sa_solver);
  const bool own_end = o.kind == Kind::unipc || !may_be_zero;
  double end = table.sigma_min();
  if (own_end && (!curve.empty() || o.use_flow_sigmas)) end = points.sigmas.back();
  if (may_be_zero && o.final_sigmas_type == "zero") end = 0.0;
  points.sigmas.push_back(end);
  return points;
}

/// The grid of DPMSolverMultistepInverse, low to high.
inline Points inverse_points(const Options& o, Mode mode, const Table& table, const Run& run) {
  const std::vector<Curve> curve = curves(o);
  const int cut = table.timesteps_left(o);
  Points points;
  if (o.use_flow_sigmas) {
    require(mode == Mode::compatible,
            "diffusers: DPMSolverMultistepInverseScheduler with use_flow_sigmas runs towards the "
            "data; invert with dpm::DpmSolver over a reversed grid");
    points = flow_points(o, run);
    points.sigmas.push_back(points.sigmas.back());
  } else if (!curve.empty()) {
    points.sigmas = sigmas_on(curve[0], table.sigma_min(), table.sigma_max(), run.steps);
    points.timesteps = timesteps_at(table, points.sigmas);
    if (o.use_karras_sigmas) points.timesteps = rounded(points.timesteps);
    points.sigmas.push_back(points.sigmas.back());
  } else {
    points.timesteps = lambda_timesteps(o, mode, cut, run.steps);
    std::reverse(points.timesteps.begin(), points.timesteps.end());
    points.sigmas = sigmas_at(table, points.timesteps);
    points.sigmas.push_back(table.sigma_at(cut - 1.0));
  }
  // Repeated timesteps are dropped, before they are made whole; their sigmas are not.
  points.timesteps.erase(std::unique(points.timesteps.begin(), points.timesteps.end()),
                         points.timesteps.end());
  for (double& timestep : points.timesteps) timestep = std::trunc(timestep);
  return points;
}

/// The grid of EDMDPMSolverMultistep.
inline Points edm_points(const Options& o, Mode mode, const Run& run) {
  const double least = o.sigma_min.value_or(0.002);
  const Curve curve = o.sigma_schedule == "karras" ? Curve::karras : Curve::exponential;
  Points points{{}, sigmas_on(curve, o.sigma_max.value_or(80.0), least, run.steps, o.rho)};
  if (curve == Curve::exponential && run.steps == 1) {
    require(mode == Mode::compatible,
            "diffusers: EDMDPMSolverMultistepScheduler over 1 step with sigma_schedule exponential "
            "has sigma_min alone, where there is almost no noise; use sigma_schedule karras");
    points.sigmas = {least};
  }
  points.timesteps = edm_timesteps(points.sigmas);
  points.sigmas.push_back(o.final_sigmas_type == "zero" ? 0.0 : least);
  return points;
}

/// The grid of Euler and Heun.
inline Points euler_points(const Options& o, Mode mode, const Table& table, const Run& run) {
  const std::vector<Curve> curve = curves(o);
  Points points{run.timesteps, run.sigmas};
  if (!run.sigmas.empty()) {
    require(run.sigmas.size() >= 2, "diffusers: sigmas has ", run.sigmas.size(),
            " entries; it needs at least two, the last of which is where the run ends");
    points.sigmas.pop_back();
    points.timesteps = timesteps_at(table, points.sigmas);
  } else {
    if (run.timesteps.empty()) {
      points.timesteps = evenly_spread(o, mode, o.num_train_timesteps, run.steps);
    }
    if (o.interpolation_type == "linear") {
      points.sigmas = sigmas_at(table, points.timesteps);
    } else {
      // One more than there are timesteps, so that the run stops short of the final sigma.
      const int n = static_cast<int>(points.timesteps.size());
      points.sigmas = sigmas_on(Curve::exponential, table.sigma_max(), table.sigma_min(), n + 1);
    }
    if (!curve.empty()) {
      points.sigmas = sigmas_on(curve[0], o.sigma_max.value_or(points.sigmas.front()),
                                o.sigma_min.value_or(points.sigmas.back()), run.steps);
      points.timesteps = timesteps_at(table, points.sigmas);
    }
  }
  if (o.timestep_type == "continuous" && o.prediction_type == "v_prediction") {
    require(run.timesteps.empty(),
            "diffusers: timesteps are given and timestep_type continuous makes its own; leave them "
            "out");
    points.timesteps = edm_timesteps(points.sigmas);
  }
  const double end = o.final_sigmas_type == "sigma_min" ? table.sigma_min() : 0.0;
  points.sigmas.push_back(run.sigmas.empty() ? end : run.sigmas.back());
  return points;
}

/// The sigmas of FlowMatchEulerDiscrete. It takes the ends from a table that is already shifted,
/// spreads sigmas evenly between them, and shifts these once more.
inline Points flow_match_points(const Options& o, const Run& run) {
  const auto train = static_cast<double>(o.num_train_timesteps);
  Points points{{}, run.sigmas};
  if (run.sigmas.empty()) {
    const double least = o.use_dynamic_shifting ? 1.0 / train : shifted(o.shift, 1.0 / train);
    for (int i = 0; i < run.steps; ++i) {
      points.sigmas.push_back(linspace(train, least * train, i, run.steps) / train);
    }
  }
  const double shift = shift_of(o, run, o.shift);
  for (double& sigma : points.sigmas) {
    require(sigma > 0.0 && sigma <= 1.0, "diffusers: a flow's sigma is ", sigma,
            "; it must be greater than 0 and at most 1");
    sigma = o.use_dynamic_shifting ? shift / (shift + (1.0 / sigma - 1.0)) : shifted(shift, sigma);
  }
  stretch_to_terminal(o, points.sigmas);
  const std::vector<Curve> curve = curves(o);
  if (!curve.empty()) {
    points.sigmas = sigmas_on(curve[0], points.sigmas.front(), points.sigmas.back(),
                              static_cast<int>(points.sigmas.size()));
  }
  if (o.invert_sigmas) points.sigmas = mapped(points.sigmas, [](double s) { return 1.0 - s; });
  points.timesteps = flow_timesteps(o, points.sigmas);
  points.sigmas.push_back(o.invert_sigmas ? 1.0 : 0.0);
  return points;
}

/// Refuses sigmas that run the wrong way, and equal ones other than the last two: in strict mode
/// wherever they are, else where diffusers divides by their distance or expects their order.
/// Refuses, in strict mode, timesteps outside the table.
inline void check_order(const Options& o, Mode mode, const Points& points) {
  const bool strict = mode == Mode::strict;
  const bool lambda = steps_in_lambda(o.kind);
  const bool rises = o.invert_sigmas || o.kind == Kind::dpm_multistep_inverse;
  const bool divides = is_one_of(o.kind, Kind::unipc, Kind::sa_solver) ||
                       (o.solver_order > 1 && (lambda || o.kind == Kind::edm_dpm_multistep));
  const std::size_t n = points.timesteps.size();
  for (std::size_t i = 1; i <= n; ++i) {
    const double before = points.sigmas[i - 1];
    const double sigma = points.sigmas[i];
    // On a curve, rounding may part the last two.
    const bool same = i < n ? sigma == before : std::abs(sigma - before) <= 1e-12 * before;
    require(!same || i == n || !(strict || divides), "diffusers: ", class_name(o.kind), " over ", n,
            " steps has the same sigma twice, at timesteps ", points.timesteps[i - 1], " and ",
            points.timesteps[std::min(i, n - 1)], "; use fewer steps or another spacing");
    require(same || (lambda && !strict) || (rises ? sigma > before : sigma < before),
            "diffusers: ", class_name(o.kind), " has sigma ", sigma, " after ", before,
            "; sigmas must ",
            o.invert_sigmas ? "fall before they are inverted"
            : rises         ? "rise"
                            : "fall");
  }
  if (!strict || !has_betas(o.kind) || is_flow(o) || o.timestep_type == "continuous") return;
  for (const double t : points.timesteps) {
    require(t >= 0.0 && t <= o.num_train_timesteps - 1.0, "diffusers: ", class_name(o.kind),
            " over ", n, " steps has timestep ", t, "; it must lie between 0 and ",
            o.num_train_timesteps - 1, ", so use a smaller steps_offset");
  }
}

/// Refuses arguments that the class does not have, and values out of range.
inline void check_run(const Options& o, Mode mode, const Run& run) {
  const std::string_view name = class_name(o.kind);
  const int given = (run.steps != 0) + !run.timesteps.empty() + !run.sigmas.empty();
  require(given == 1, "diffusers: a run is given ", given,
          " of steps, timesteps and sigmas; it must be exactly one");
  require(run.eta == 0.0 || o.kind == Kind::ddim, "diffusers: eta = ", run.eta, " for ", name,
          "; only DDIMScheduler has it");
  require(!run.use_clipped_model_output || o.kind == Kind::ddim,
          "diffusers: use_clipped_model_output is on for ", name, "; only DDIMScheduler has it");
  check_shift(o, mode, run);
  require(run.steps == 0 || (run.steps >= 1 && run.steps <= 1'000'000),
          "diffusers: steps = ", run.steps, " for ", name, "; it must lie between 1 and 1000000");
  const bool takes_sigmas = is_one_of(o.kind, Kind::euler, Kind::flow_match_euler);
  require(run.sigmas.empty() || takes_sigmas, "diffusers: ", name,
          " takes no sigmas of one's own; give steps");
  const bool takes_timesteps = is_one_of(o.kind, Kind::dpm_multistep, Kind::dpm_singlestep,
                                         Kind::ddpm, Kind::euler, Kind::heun);
  require(run.timesteps.empty() || takes_timesteps, "diffusers: ", name,
          " takes no timesteps of one's own; give ",
          takes_sigmas ? "sigmas, before the shift" : "steps");
  require(run.timesteps.empty() || (curves(o).empty() && !o.use_flow_sigmas),
          "diffusers: timesteps are given and the configuration has sigmas of its own; leave "
          "the timesteps out");
  for (const double sigma : run.sigmas) {
    require(sigma >= 0.0 && sigma < 1e6, "diffusers: sigmas holds ", sigma,
            "; they must be at least 0 and less than 1e6");
  }
  for (std::size_t i = 0; i < run.timesteps.size(); ++i) {
    const double t = run.timesteps[i];
    require(t >= 0.0 && t < o.num_train_timesteps && (i == 0 || t < run.timesteps[i - 1]),
            "diffusers: timesteps[", i, "] = ", t, "; timesteps must fall and lie between 0 and ",
            o.num_train_timesteps - 1);
  }
}

/// The points of a run of a class that steps through the table.
inline Points table_points(const Options& o, Mode mode, const Run& run) {
  Points points{run.timesteps, {}};
  if (run.timesteps.empty()) {
    points.timesteps = table_timesteps(o, mode, o.num_train_timesteps, run.steps);
  }
  if (o.kind == Kind::pndm) {
    points.timesteps = pndm_calls(o, points.timesteps, o.num_train_timesteps / run.steps);
  }
  if (o.kind == Kind::ddim_inverse) std::reverse(points.timesteps.begin(), points.timesteps.end());
  return points;
}

/// The points of a run of a class that has sigmas.
inline Points sigma_points(const Options& o, Mode mode, const Run& run) {
  if (o.kind == Kind::flow_match_euler) return flow_match_points(o, run);
  if (o.kind == Kind::edm_dpm_multistep) return edm_points(o, mode, run);
  const Table table(o);
  if (is_one_of(o.kind, Kind::euler, Kind::heun)) return euler_points(o, mode, table, run);
  if (o.kind == Kind::dpm_multistep_inverse) return inverse_points(o, mode, table, run);
  return lambda_points(o, mode, table, run);
}

/// The points of a run, for every class.
inline Points points_of(const Options& o, Mode mode, const Run& run) {
  check_run(o, mode, run);
  if (is_one_of(o.kind, Kind::ddim, Kind::ddim_inverse, Kind::ddpm, Kind::pndm)) {
    return table_points(o, mode, run);
  }
  Points points = sigma_points(o, mode, run);
  if (mode == Mode::strict) check_order(o, mode, points);
  return points;
}

/// What standard normal noise is multiplied with to start a run.
inline double init_noise_sigma(const Options& o, const Points& points) {
  if (o.kind == Kind::edm_dpm_multistep) return std::hypot(o.sigma_max.value_or(80.0), 1.0);
  if (!is_one_of(o.kind, Kind::euler, Kind::heun)) return 1.0;
  return o.timestep_spacing == "leading" ? std::hypot(points.sigmas[0], 1.0) : points.sigmas[0];
}

/// The points as diffusers shows them: Heun's inner ones twice, once for each of their calls.
inline Points shown(const Options& o, const Points& points) {
  if (o.kind != Kind::heun) return points;
  Points twice;
  for (std::size_t i = 0; i < points.timesteps.size(); ++i) {
    const std::size_t calls = i == 0 ? 1 : 2;
    twice.timesteps.insert(twice.timesteps.end(), calls, points.timesteps[i]);
    twice.sigmas.insert(twice.sigmas.end(), calls, points.sigmas[i]);
  }
  twice.sigmas.push_back(points.sigmas.back());
  return twice;
}

}  // namespace detail
}  // namespace dpm::diffusers
