// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Reads the reference numbers that tests compare with.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace dpm_test {

/// The parsed contents of `file` in tests/reference, the folder that DPM_TEST_DATA names.
inline nlohmann::json reference_data(const std::string& file) {
  const std::string path = std::string(DPM_TEST_DATA) + "/" + file;
  std::ifstream stream(path);
  if (!stream) throw std::runtime_error("cannot open " + path);
  return nlohmann::json::parse(stream);
}

}  // namespace dpm_test
