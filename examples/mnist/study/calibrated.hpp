// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Plans that are fitted to the network.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "sampler.hpp"

namespace study {

/// What `study --calibrate` fits.
struct CalibrationSettings {
  std::vector<double> scales;  ///< of guidance; see `Sampler`
  std::vector<int> calls;      ///< model calls of the plans
  int samples = 32;            ///< that weights and levels are fitted and chosen by
  int most_searched = 12;      ///< plans of more calls keep their levels: a search takes long
  int reference_calls = 200;   ///< of the fine runs
};

/// Fits a plan for each scale and number of calls, writes it to `folder` and says on `out` what it
/// gained. The samples are those from number 1,000,000 on, which no cell of the study has.
void calibrate(Sampler& sampler, const CalibrationSettings& settings, const std::string& folder,
               std::ostream& out);

}  // namespace study
