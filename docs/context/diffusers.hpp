// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What the page on diffusers uses: the text of a configuration file, and the networks of the other
/// pages.
#pragma once

#include <string>

#include "latent.hpp"

namespace page {

/// The scheduler_config.json of Stable Diffusion 1.5, read by DPMSolverMultistepScheduler.
inline const std::string text_of_scheduler_config_json = R"({
  "_class_name": "DPMSolverMultistepScheduler",
  "_diffusers_version": "0.30.0",
  "beta_start": 0.00085,
  "beta_end": 0.012,
  "beta_schedule": "scaled_linear",
  "num_train_timesteps": 1000,
  "prediction_type": "epsilon",
  "algorithm_type": "dpmsolver++",
  "solver_order": 2,
  "use_karras_sigmas": true,
  "steps_offset": 1
})";

}  // namespace page
