// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The timesteps and sigmas of a run, as diffusers' `set_timesteps` makes them for each class.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <string_view>
#include <vector>

#include "dpm/interop/diffusers/options.hpp"
#include "dpm/interop/diffusers/run_checks.hpp"
#include "dpm/interop/diffusers/spacings.hpp"
#include "dpm/interop/diffusers/table.hpp"

namespace dpm::diffusers::detail {

inline std::vector<double> sigmas_at(const Table& table, std::span<const double> timesteps) {
  return mapped(timesteps, [&](double timestep) { return table.sigma_at(timestep); });
}

inline std::vector<double> timesteps_at(const Table& table, std::span<const double> sigmas) {
  return mapped(sigmas, [&](double sigma) { return table.timestep_of(sigma); });
}

inline std::vector<double> flow_timesteps(const Options& o, std::span<const double> sigmas) {
  return mapped(sigmas, [&](double sigma) { return sigma * o.num_train_timesteps; });
}

inline std::vector<double> edm_timesteps(const Options& o, std::span<const double> sigmas) {
  return mapped(sigmas, [&](double sigma) {
    return o.kind == Kind::cosine_dpm_multistep ? timestep_of_angle(sigma) : 0.25 * std::log(sigma);
  });
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

/// The grid of the classes with EDM's preconditioning.
inline Points edm_points(const Options& o, Mode mode, const Run& run) {
  const double least = o.sigma_min.value_or(0.002);
  const Curve curve = o.sigma_schedule == "karras" ? Curve::karras : Curve::exponential;
  Points points{{}, sigmas_on(curve, o.sigma_max.value_or(80.0), least, run.steps, o.rho)};
  if (curve == Curve::exponential && run.steps == 1) {
    require(
        mode == Mode::compatible, "diffusers: ", class_name(o.kind),
        " over 1 step with sigma_schedule exponential has sigma_min alone, where there is almost "
        "no noise; use sigma_schedule karras");
    points.sigmas = {least};
  }
  points.timesteps = edm_timesteps(o, points.sigmas);
  points.sigmas.push_back(o.final_sigmas_type == "zero" ? 0.0 : least);
  return points;
}

/// The grid of the classes that step in sigma.
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
      const bool rounds = is_one_of(o.kind, Kind::kdpm2, Kind::kdpm2_ancestral);
      if (rounds && o.use_karras_sigmas) points.timesteps = rounded(points.timesteps);
    }
  }
  if (o.timestep_type == "continuous" && o.prediction_type == "v_prediction") {
    require(run.timesteps.empty(),
            "diffusers: timesteps are given and timestep_type continuous makes its own; leave them "
            "out");
    points.timesteps = edm_timesteps(o, points.sigmas);
  }
  const double end = o.final_sigmas_type == "sigma_min" ? table.sigma_min() : 0.0;
  points.sigmas.push_back(run.sigmas.empty() ? end : run.sigmas.back());
  return points;
}

/// The sigmas of the classes for flows. They take the ends from a table that is already shifted,
/// spread sigmas evenly between them, and shift these once more. LTXEulerAncestralRF takes sigmas
/// of one's own as they are, with the end.
inline Points flow_match_points(const Options& o, const Run& run) {
  const auto train = static_cast<double>(o.num_train_timesteps);
  Points points{{}, run.sigmas};
  if (o.kind == Kind::ltx_euler_ancestral && !run.sigmas.empty()) {
    require(run.sigmas.size() >= 2 && run.sigmas[0] <= 1.0, "diffusers: sigmas of ",
            class_name(o.kind), " has ", run.sigmas.size(), " entries from ", run.sigmas[0],
            "; it needs at least two, at most 1, the last of which is where the run ends");
    points.timesteps = flow_timesteps(o, std::span(run.sigmas).first(run.sigmas.size() - 1));
    return points;
  }
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
  if (is_flow_match(o.kind)) return flow_match_points(o, run);
  if (is_edm(o.kind)) return edm_points(o, mode, run);
  const Table table(o);
  if (steps_in_sigma(o.kind)) return euler_points(o, mode, table, run);
  if (o.kind == Kind::dpm_multistep_inverse) return inverse_points(o, mode, table, run);
  return lambda_points(o, mode, table, run);
}

/// The timesteps of IPNDM, whose angles are those of beta = sin^2, and of DDPMWuerstchen.
inline std::vector<double> continuous_timesteps(const Options& o, int steps) {
  std::vector<double> timesteps;
  for (int i = 0; i < steps; ++i) {
    const double t = linspace(1.0, 0.0, i, steps + 1);
    const double root = std::sin(t * std::numbers::pi / 2.0);
    const double beta = root * root;
    timesteps.push_back(o.kind == Kind::ipndm ? std::atan2(beta, std::sqrt(1.0 - beta * beta)) /
                                                    std::numbers::pi * 2.0
                                              : t);
  }
  return timesteps;
}

/// The points of a run, for every class.
inline Points points_of(const Options& o, Mode mode, const Run& run) {
  check_run(o, mode, run);
  const bool distilled = is_one_of(o.kind, Kind::lcm, Kind::tcd);
  Points points;
  if (is_continuous(o.kind)) {
    points.timesteps = continuous_timesteps(o, run.steps);
  } else if (distilled && run.steps > 0) {
    points.timesteps = distilled_timesteps(o, run);
  } else if (steps_in_table(o.kind)) {
    points = table_points(o, mode, run);
  } else {
    points = sigma_points(o, mode, run);
    if (mode == Mode::strict) check_order(o, mode, points);
  }
  points.of_image = run.begin > 0 || run.strength < 1.0;
  Run part = run;
  if (distilled && run.steps > 0) part.strength = 1.0;  // the timesteps are those of it
  points.skipped = skipped_intervals(o, part, points.timesteps.size());
  const auto first = static_cast<std::ptrdiff_t>(points.skipped);
  points.timesteps.erase(points.timesteps.begin(), points.timesteps.begin() + first);
  if (!points.sigmas.empty()) {
    points.sigmas.erase(points.sigmas.begin(), points.sigmas.begin() + first);
  }
  return points;
}

/// What standard normal noise is multiplied with to start a run.
inline double init_noise_sigma(const Options& o, const Points& points) {
  require(!points.of_image,
          "diffusers: a run of image-to-image starts from the image; add noise to it with "
          "dpm::add_noise(image, plan.start(), noise)");
  if (is_edm(o.kind)) return std::hypot(o.sigma_max.value_or(80.0), 1.0);
  if (!steps_in_sigma(o.kind)) return 1.0;
  return o.timestep_spacing == "leading" ? std::hypot(points.sigmas[0], 1.0) : points.sigmas[0];
}

/// Whether each step calls the model in its middle.
inline bool has_middle(const Options& o) {
  return is_one_of(o.kind, Kind::kdpm2, Kind::kdpm2_ancestral, Kind::dpm_sde);
}

/// The sigma in the middle of a step of these, halfway in log sigma to where it leads without its
/// fresh noise; of DPMSolverSDE, to its end.
inline double middle_sigma(const Options& o, double s, double t) {
  return o.kind == Kind::kdpm2_ancestral ? t : std::sqrt(s * t);
}

/// The points as diffusers shows them, one timestep for each call: Heun's inner ones twice, and the
/// others' with the middles between them.
inline Points shown(const Options& o, const Points& points) {
  const bool middles = has_middle(o);
  if (!middles && o.kind != Kind::heun && o.kind != Kind::flow_match_heun) return points;
  const std::size_t n = points.timesteps.size();
  Points calls;
  for (std::size_t i = 0; i < n; ++i) {
    calls.timesteps.push_back(points.timesteps[i]);
    calls.sigmas.insert(calls.sigmas.end(), i == 0 ? 1 : 2, points.sigmas[i]);
    if (i + 1 == n) continue;
    calls.timesteps.push_back(
        middles ? Table(o).timestep_of(middle_sigma(o, points.sigmas[i], points.sigmas[i + 1]))
                : points.timesteps[i + 1]);
  }
  const bool listed_thrice = middles && o.kind != Kind::dpm_sde;
  calls.sigmas.insert(calls.sigmas.end(), listed_thrice ? 3 : 1, points.sigmas.back());
  return calls;
}

}  // namespace dpm::diffusers::detail
