// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A program of a project that uses dpm; it checks that it got the version that it asked for.
#include <cmath>
#include <dpm/schedule/level.hpp>
#include <dpm/version.hpp>
#include <iostream>
#include <string>

int main() {
  const std::string version = std::to_string(DPM_VERSION_MAJOR) + "." +
                              std::to_string(DPM_VERSION_MINOR) + "." +
                              std::to_string(DPM_VERSION_PATCH);
  const dpm::Level level{.time = 0.5, .log_alpha = std::log(0.6), .log_sigma = std::log(0.8)};
  std::cout << "dpm " << version << ", lambda " << level.lambda() << '\n';
  return version == EXPECTED_VERSION && level.lambda() < 0.0 ? 0 : 1;
}
