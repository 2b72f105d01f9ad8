// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Which runs of a diffusers scheduler are refused.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include "dpm/interop/diffusers/options.hpp"
#include "dpm/interop/diffusers/spacings.hpp"

namespace dpm::diffusers {

/// What `set_timesteps` leaves behind.
struct Points {
  /// What the model is given, one for each call of `step`.
  std::vector<double> timesteps;
  /// One more than there are intervals; empty for classes that have none.
  std::vector<double> sigmas;
  /// How many intervals of the whole run are left out before these.
  std::size_t skipped = 0;
  /// Whether the run starts from an image, with noise added to it.
  bool of_image = false;
};

namespace detail {

/// Refuses sigmas that run the wrong way, and equal ones other than the last two: in strict mode
/// wherever they are, else where diffusers divides by their distance or expects their order.
/// Refuses, in strict mode, timesteps outside the table.
inline void check_order(const Options& o, Mode mode, const Points& points) {
  const bool strict = mode == Mode::strict;
  const bool lambda = steps_in_lambda(o.kind);
  const bool rises = o.invert_sigmas || o.kind == Kind::dpm_multistep_inverse;
  const bool divides = is_one_of(o.kind, Kind::unipc, Kind::sa_solver, Kind::lms) ||
                       (o.solver_order > 1 && (lambda || o.kind == Kind::edm_dpm_multistep));
  const std::size_t n = points.timesteps.size();
  for (std::size_t i = 1; i <= n; ++i) {
    const double before = points.sigmas[i - 1];
    const double sigma = points.sigmas[i];
    require(before > 0.0 || o.invert_sigmas, "diffusers: ", class_name(o.kind), " over ", n,
            " steps has sigma 0 before the end, where there is nothing left to do");
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

/// Refuses noise that is added before each step where the class has none. diffusers calls the model
/// before it adds the noise, which then stays in the sample.
inline void check_noise(const Options& o, Mode mode, const Run& run) {
  const bool churns = is_one_of(o.kind, Kind::euler, Kind::edm_euler);
  require(run.s_churn == 0.0 || churns, "diffusers: s_churn = ", run.s_churn, " for ",
          class_name(o.kind), "; only EulerDiscreteScheduler and EDMEulerScheduler have it here");
  require(run.s_noise == 1.0 || churns || o.kind == Kind::dpm_sde,
          "diffusers: s_noise = ", run.s_noise, " for ", class_name(o.kind), "; it must be 1");
  require(run.s_churn >= 0.0 && run.s_churn < 1e6, "diffusers: s_churn = ", run.s_churn,
          "; it must be at least 0 and less than 1e6");
  require(run.s_noise >= 0.0 && run.s_noise < 1e6, "diffusers: s_noise = ", run.s_noise,
          "; it must be at least 0 and less than 1e6");
  require(run.s_churn == 0.0 || mode == Mode::compatible, "diffusers: s_churn = ", run.s_churn,
          " for ", class_name(o.kind),
          " adds noise after the model was called, which the step then leaves in the sample; write "
          "dpm::Ddim{.churn = {.amount = s_churn}} over grid(steps)");
}

/// Refuses a part of a run that is not one.
inline void check_part(const Options& o, const Run& run) {
  const std::string_view name = class_name(o.kind);
  require(run.strength > 0.0 && run.strength <= 1.0, "diffusers: strength = ", run.strength,
          "; it must be greater than 0 and at most 1");
  require(run.begin >= 0 && (run.begin == 0 || run.strength == 1.0),
          "diffusers: begin = ", run.begin, " with strength = ", run.strength,
          "; begin must be at least 0, and one of the two left out");
  const bool whole = is_one_of(o.kind, Kind::dpm_multistep_inverse, Kind::ddim_inverse, Kind::pndm);
  require(
      !whole || (run.strength == 1.0 && run.begin == 0), "diffusers: ", name,
      " runs as a whole; leave strength and begin out",
      o.kind == Kind::pndm ? ", or use DDIMScheduler (diffusers loses a step of PNDM there)" : "");
}

/// How many of n intervals a run leaves out at its start.
inline std::size_t skipped_intervals(const Options& o, const Run& run, std::size_t n) {
  const auto steps = static_cast<double>(n);
  double skipped = run.begin;
  if (run.strength < 1.0) {
    skipped = is_flow_match(o.kind) ? std::trunc(steps - steps * run.strength)
                                    : steps - std::trunc(steps * run.strength);
  }
  require(skipped < steps, "diffusers: ", run.strength < 1.0 ? "strength = " : "begin = ",
          run.strength < 1.0 ? run.strength : run.begin, " of ", n,
          " steps leaves none; use more steps, or leave the image as it is");
  return static_cast<std::size_t>(skipped);
}

/// Refuses arguments that the class does not have, and values out of range.
inline void check_run(const Options& o, Mode mode, const Run& run) {
  const std::string_view name = class_name(o.kind);
  const int given = (run.steps != 0) + !run.timesteps.empty() + !run.sigmas.empty();
  require(given > 0,
          "diffusers: steps = 0 and no timesteps or sigmas, so there is nothing to do; give at "
          "least 1 step");
  require(given == 1, "diffusers: a run is given ", given,
          " of steps, timesteps and sigmas; it must be exactly one");
  const double eta = run.eta.value_or(0.0);
  require(eta == 0.0 || is_one_of(o.kind, Kind::ddim, Kind::tcd), "diffusers: eta = ", eta, " for ",
          name, "; only DDIMScheduler and TCDScheduler have it");
  require(o.kind != Kind::tcd || (eta >= 0.0 && eta <= 1.0), "diffusers: eta = ", eta, " for ",
          name, "; it must lie between 0 and 1");
  require(!run.original_inference_steps || is_one_of(o.kind, Kind::lcm, Kind::tcd),
          "diffusers: original_inference_steps is given for ", name,
          "; only LCMScheduler and TCDScheduler have it");
  require(!run.use_clipped_model_output || o.kind == Kind::ddim,
          "diffusers: use_clipped_model_output is on for ", name, "; only DDIMScheduler has it");
  check_shift(o, mode, run);
  check_noise(o, mode, run);
  check_part(o, run);
  require(run.steps == 0 || (run.steps >= 1 && run.steps <= 1'000'000),
          "diffusers: steps = ", run.steps, " for ", name, "; it must lie between 1 and 1000000");
  const bool takes_sigmas = is_one_of(o.kind, Kind::euler, Kind::flow_match_euler,
                                      Kind::flow_match_lcm, Kind::ltx_euler_ancestral);
  require(run.sigmas.empty() || takes_sigmas, "diffusers: ", name,
          " takes no sigmas of one's own; give steps");
  const bool takes_timesteps = is_one_of(o.kind, Kind::dpm_multistep, Kind::dpm_singlestep,
                                         Kind::ddpm, Kind::euler, Kind::heun, Kind::lcm, Kind::tcd);
  require(run.timesteps.empty() || takes_timesteps, "diffusers: ", name,
          " takes no timesteps of one's own; give ",
          is_flow_match(o.kind) && takes_sigmas ? "sigmas, before the shift" : "steps");
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

}  // namespace detail
}  // namespace dpm::diffusers
