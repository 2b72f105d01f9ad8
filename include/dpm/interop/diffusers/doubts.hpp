// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What is legal in a run of a diffusers class and rarely meant.
#pragma once

#include <string>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/diffusers/options.hpp"
#include "dpm/interop/diffusers/run_checks.hpp"
#include "dpm/interop/diffusers/spacings.hpp"

namespace dpm::diffusers::detail {

/// A flow's class that takes sigmas and is given none: it spreads its own down to the table's end,
/// and where the shift is fixed it shifts that end twice.
inline std::vector<std::string> doubts_of(const Options& o, const Run& run, const Points& points) {
  if (!is_flow_match(o.kind) || o.kind == Kind::flow_match_heun || !run.sigmas.empty()) return {};
  const bool twice = !o.use_dynamic_shifting && o.shift != 1.0;
  return {dpm::detail::sentence(
      "diffusers: ", class_name(o.kind), " is given no sigmas and ",
      twice ? "shifts the end of its own twice" : "spreads its own to the end of the table",
      ", so that the last call of ", points.timesteps.size(), " is at timestep ",
      points.timesteps.back(),
      "; Stable Diffusion 3 is sampled so, and the pipelines of FLUX and others pass sigmas from 1 "
      "to 1 / steps: give them as sigmas (Run::sigmas)")};
}

}  // namespace dpm::diffusers::detail
