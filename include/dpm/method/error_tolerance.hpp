// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What error an adaptive step may make.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dpm {

/// What error a step may make, and how the errors of all values become one number.
struct ErrorTolerance {
  enum class Norm : std::uint8_t {
    largest_sample,  ///< the root mean square over each sample, and of these the largest
    whole_batch,     ///< the root mean square over everything
  };
  /// Values below `absolute / relative` need be no more exact than `absolute`; (0, inf). The
  /// default is one of 256 grey values between -1 and 1.
  double absolute = 0.0078;
  /// The error allowed for each unit of a value's size; [0, inf).
  double relative = 0.05;
  Norm norm = Norm::largest_sample;
  /// For ranges that hold several samples one after the other: values in each; 0: one sample.
  std::size_t elements_per_sample = 0;
};

}  // namespace dpm
