// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// How diffusers spreads timesteps and sigmas, in its own arithmetic.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include "dpm/interop/diffusers/options.hpp"
#include "dpm/math/beta_quantile.hpp"

namespace dpm::diffusers::detail {

/// f of each value.
template <class Function>
std::vector<double> mapped(std::span<const double> values, Function f) {
  std::vector<double> results;
  for (const double value : values) results.push_back(f(value));
  return results;
}

/// Number i of n equally spaced values, as numpy's linspace computes them.
inline double linspace(double first, double last, int i, int n) {
  if (n > 1 && i == n - 1) return last;
  return n == 1 ? first : i * ((last - first) / (n - 1)) + first;
}

/// The timesteps of "trailing", high to low: table_size, table_size - stride, ... above 0, computed
/// and counted as by numpy's arange, each less 1. For some numbers of steps rounding gives
/// diffusers one entry too many, -1.
inline std::vector<double> trailing(Mode mode, int table_size, int train_timesteps, int steps) {
  const double stride = train_timesteps / static_cast<double>(steps);
  const double difference = (table_size - stride) - table_size;
  const auto count = static_cast<int>(std::ceil(table_size / stride));
  std::vector<double> timesteps;
  timesteps.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    timesteps.push_back(std::nearbyint(table_size + i * difference) - 1.0);
  }
  require(mode == Mode::compatible || timesteps.back() >= 0.0,
          "diffusers: timestep_spacing trailing with ", steps,
          " steps makes diffusers add a timestep of -1; use another number of steps, or "
          "dpm::Trailing, which counts in whole numbers");
  return timesteps;
}

/// Timesteps in a table of `size` entries, high to low. Those of "linspace" are not rounded. One
/// timestep alone is the clean end's, which strict mode refuses.
inline std::vector<double> evenly_spread(const Options& o, Mode mode, int size, int count) {
  if (o.timestep_spacing == "trailing") return trailing(mode, size, size, count);
  require(mode == Mode::compatible || count > 1 || size == 1, "diffusers: ", class_name(o.kind),
          " over 1 step with timestep_spacing ", o.timestep_spacing, " has timestep ",
          o.timestep_spacing == "leading" ? o.steps_offset : 0,
          " alone, where there is almost no noise; use timestep_spacing trailing");
  const int stride = size / count;
  std::vector<double> timesteps;
  for (int i = count - 1; i >= 0; --i) {
    timesteps.push_back(o.timestep_spacing == "linspace"
                            ? linspace(0.0, size - 1.0, i, count)
                            : static_cast<double>(i * stride + o.steps_offset));
  }
  return timesteps;
}

inline std::vector<double> rounded(std::span<const double> timesteps) {
  return mapped(timesteps, [](double t) { return std::nearbyint(t); });
}

/// The timesteps of DDIM, its inverse, DDPM and PNDM, high to low.
inline std::vector<double> table_timesteps(const Options& o, Mode mode, int train, int steps) {
  require(steps <= train, "diffusers: steps = ", steps, " for ", class_name(o.kind),
          "; it must not be greater than num_train_timesteps = ", train);
  return rounded(evenly_spread(o, mode, train, steps));
}

/// The timesteps of the classes that step in lambda, high to low, in the first `cut` entries. An
/// inversion leaves out the noisy end's, the others the clean end's.
inline std::vector<double> lambda_timesteps(const Options& o, Mode mode, int cut, int steps) {
  if (o.timestep_spacing == "trailing") return trailing(mode, cut, o.num_train_timesteps, steps);
  std::vector<double> timesteps = rounded(evenly_spread(o, mode, cut, steps + 1));
  const bool inverse = o.kind == Kind::dpm_multistep_inverse;
  timesteps.erase(inverse ? timesteps.begin() : timesteps.end() - 1);
  return timesteps;
}

/// LCM and TCD take `steps` of the timesteps that the model was distilled with, high to low: those
/// of `original_inference_steps`, or where TCD is told a number of these, of the whole table.
inline std::vector<double> distilled_timesteps(const Options& o, const Run& run) {
  const int train = o.num_train_timesteps;
  const int original = run.original_inference_steps.value_or(o.original_inference_steps);
  require(original >= 1 && original <= train, "diffusers: original_inference_steps of ",
          class_name(o.kind), " is ", original,
          "; it must lie between 1 and num_train_timesteps = ", train);
  const bool whole_table = o.kind == Kind::tcd && run.original_inference_steps.has_value();
  const int stride = whole_table ? 1 : train / original;
  const int count = static_cast<int>((whole_table ? train : original) * run.strength);
  require(run.steps <= count, "diffusers: steps = ", run.steps, " for ", class_name(o.kind),
          "; with strength ", run.strength, " there are ", count,
          " timesteps that the model was distilled with");
  std::vector<double> timesteps;
  for (int i = 0; i < run.steps; ++i) {
    const double index = std::floor(i * (count / static_cast<double>(run.steps)));
    timesteps.push_back((count - index) * stride - 1.0);
  }
  return timesteps;
}

/// The timesteps of PNDM's calls, given its grid from high to low.
inline std::vector<double> pndm_calls(const Options& o, std::span<const double> grid, int stride) {
  std::vector<double> calls;
  if (o.skip_prk_steps) {
    calls.assign(grid.begin(), grid.end());
    if (grid.size() > 1) calls.insert(calls.begin() + 1, grid[1]);
    return calls;
  }
  require(grid.size() >= 4, "diffusers: steps = ", grid.size(),
          " for PNDMScheduler with skip_prk_steps false; it must be at least 4");
  const int half_stride = stride / 2;
  for (std::size_t block = 0; block < 3; ++block) {
    const double middle = grid[block + 1] + half_stride;
    calls.insert(calls.end(), {grid[block], middle, middle, grid[block + 1]});
  }
  calls.insert(calls.end(), grid.begin() + 3, grid.end());
  return calls;
}

/// CosineDPMSolver's timestep of a sigma, and IPNDM's: the angle whose tangent is sigma, in quarter
/// turns.
inline double timestep_of_angle(double sigma) { return std::atan(sigma) / std::numbers::pi * 2.0; }

enum class Curve : std::uint8_t { karras, exponential, beta };

/// The option that replaces evenly spread timesteps by sigmas on a curve, if one is on.
inline std::vector<Curve> curves(const Options& o) {
  std::vector<Curve> on;
  if (o.use_karras_sigmas) on.push_back(Curve::karras);
  // Karras goes before "lu", whose sigmas are the exponential ones.
  const bool lu = o.use_lu_lambdas && !o.use_karras_sigmas;
  if (o.use_exponential_sigmas || lu) on.push_back(Curve::exponential);
  if (o.use_beta_sigmas) on.push_back(Curve::beta);
  // UniPC turns Karras sigmas into a flow's.
  const bool flow = o.use_flow_sigmas && !(o.kind == Kind::unipc && o.use_karras_sigmas);
  require(static_cast<int>(on.size()) + static_cast<int>(flow) <= 1,
          "diffusers: more than one of use_karras_sigmas, use_exponential_sigmas, use_beta_sigmas, "
          "use_lu_lambdas and use_flow_sigmas is on; at most one may be");
  return on;
}

/// Sigmas from `most` to `least` on a curve: Karras et al. 2022 (arXiv 2206.00364, Eq. 5),
/// geometric, or the quantiles of beta(0.6, 0.6) (Lee et al. 2024, arXiv 2407.12173).
inline std::vector<double> sigmas_on(Curve curve, double most, double least, int steps,
                                     double rho = 7.0) {
  std::vector<double> sigmas;
  for (int i = 0; i < steps; ++i) {
    const double f = linspace(0.0, 1.0, i, steps);
    if (curve == Curve::karras) {
      const double first = std::pow(most, 1.0 / rho);
      sigmas.push_back(std::pow(first + f * (std::pow(least, 1.0 / rho) - first), rho));
    } else if (curve == Curve::exponential) {
      sigmas.push_back(std::exp(std::lerp(std::log(most), std::log(least), f)));
    } else {
      sigmas.push_back(least + beta_quantile(1.0 - f, 0.6, 0.6) * (most - least));
    }
  }
  sigmas.front() = most;  // so that its timestep is the table's last
  return sigmas;
}

/// Whether the class samples along a flow.
inline bool is_flow(const Options& o) {
  return is_flow_match(o.kind) || (steps_in_lambda(o.kind) && o.use_flow_sigmas);
}

/// Refuses a mu that has no effect, and to go on without one where the shift depends on it.
/// (diffusers' classes with use_flow_sigmas then take flow_shift.)
inline void check_shift(const Options& o, Mode mode, const Run& run) {
  require(!run.mu || o.use_dynamic_shifting,
          "diffusers: mu is given and use_dynamic_shifting is off; leave mu out");
  require(!run.mu || is_flow(o) || mode == Mode::compatible,
          "diffusers: mu is given and use_flow_sigmas is off; leave mu out");
  const bool needs_mu =
      is_flow(o) && o.use_dynamic_shifting && (is_flow_match(o.kind) || mode == Mode::strict);
  require(run.mu || !needs_mu, "diffusers: use_dynamic_shifting of ", class_name(o.kind),
          " is on and mu is missing; give mu (Run::mu), or turn it off for the shift ",
          is_flow_match(o.kind) ? o.shift : o.flow_shift);
}

/// A flow's shift: for a run with mu e^mu, or mu itself where the shift is "linear"; else `fixed`.
inline double shift_of(const Options& o, const Run& run, double fixed) {
  if (!run.mu) return fixed;
  const bool linear = o.time_shift_type == "linear";
  const double shift = linear ? *run.mu : std::exp(*run.mu);
  require(shift > 0.0 && shift < 1e6, "diffusers: mu is ", *run.mu, "; ",
          linear ? "it must be greater than 0 and less than 1e6" : "it must be less than 13");
  return shift;
}

inline double shifted(double shift, double sigma) {
  return shift * sigma / (1.0 + (shift - 1.0) * sigma);
}

/// Stretches a flow's sigmas away from 1 so that the last is `shift_terminal`.
inline void stretch_to_terminal(const Options& o, std::vector<double>& sigmas) {
  if (!o.shift_terminal || *o.shift_terminal == 0.0) return;
  require(sigmas.back() < 1.0, "diffusers: shift_terminal is ", *o.shift_terminal,
          " and the last sigma before the end is 1, which cannot be stretched to it; use more "
          "steps, or shift_terminal null");
  const double factor = (1.0 - sigmas.back()) / (1.0 - *o.shift_terminal);
  for (double& sigma : sigmas) sigma = 1.0 - (1.0 - sigma) / factor;
}

}  // namespace dpm::diffusers::detail
