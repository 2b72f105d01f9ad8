// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Another file of the program, where the library is compiled once for both.
#include <dpm/dpm.hpp>
#include <vector>

int calls_of_second_file() {
  const auto network = [](const std::vector<float>& x, double) { return x; };
  std::vector<float> x(3, 0.5F);
  return dpm::sample(dpm::VpCosine(), 7, network, x).model_calls;
}
