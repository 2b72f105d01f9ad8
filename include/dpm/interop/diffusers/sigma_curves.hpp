// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The sigmas that diffusers can choose in place of evenly spread timesteps.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/diffusers/options.hpp"
#include "dpm/interop/diffusers/timesteps.hpp"
#include "dpm/math/beta_quantile.hpp"

namespace dpm::diffusers::detail {

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
    switch (curve) {
      case Curve::karras: {
        const double first = std::pow(most, 1.0 / rho);
        sigmas.push_back(std::pow(first + f * (std::pow(least, 1.0 / rho) - first), rho));
        break;
      }
      case Curve::exponential:
        sigmas.push_back(std::exp(std::lerp(std::log(most), std::log(least), f)));
        break;
      case Curve::beta:
        sigmas.push_back(least + beta_quantile(1.0 - f, 0.6, 0.6) * (most - least));
        break;
    }
  }
  sigmas.front() = most;  // so that its timestep is the table's last
  return sigmas;
}

/// The shift of a flow that is dynamic: e^mu, or mu itself where the shift is "linear".
inline double dynamic_shift(const Options& o, const Run& run) {
  const bool linear = o.time_shift_type == "linear";
  const double shift = linear ? *run.mu : std::exp(*run.mu);
  require(shift > 0.0 && shift < 1e6, "diffusers: mu is ", *run.mu, "; ",
          linear ? "it must be greater than 0 and less than 1e6" : "it must be less than 13");
  return shift;
}

/// The shift of a flow: e^mu where it is dynamic.
inline double flow_shift(const Options& o, const Run& run) {
  return run.mu ? dynamic_shift(o, run) : o.flow_shift;
}

inline double shifted(double shift, double sigma) {
  return shift * sigma / (1.0 + (shift - 1.0) * sigma);
}

/// Stretches a flow's sigmas away from 1 so that the last is `shift_terminal`.
inline void stretch_to_terminal(const Options& o, std::vector<double>& sigmas) {
  if (!o.shift_terminal || *o.shift_terminal == 0.0) return;
  const double factor = (1.0 - sigmas.back()) / (1.0 - *o.shift_terminal);
  for (double& sigma : sigmas) sigma = 1.0 - (1.0 - sigma) / factor;
}

}  // namespace dpm::diffusers::detail
