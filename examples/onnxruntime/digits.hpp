// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What is drawn with the network of examples/mnist, whoever runs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <dpm/dpm.hpp>
#include <vector>

namespace example {

constexpr std::size_t image_side = 28;
constexpr std::size_t pixels = image_side * image_side;
constexpr std::int64_t any_digit = 10;

struct Drawing {
  std::vector<std::int64_t> digits{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  int calls = 20;
  double scale = 3.0;  ///< of guidance
  std::uint64_t seed = 1;
};

inline dpm::Plan plan_of(const Drawing& drawing) {
  return dpm::make_plan(dpm::DiscreteSchedule(dpm::linear_betas(1000)), drawing.calls);
}

/// The noise that becomes the digits, one after the other.
inline std::vector<float> start_of(const Drawing& drawing) {
  std::vector<float> x(drawing.digits.size() * pixels);
  dpm::NormalNoise{.seed = drawing.seed, .elements_per_sample = pixels}.fill(x);
  return x;
}

/// For the doubled batch of guidance: the digits, and as often "any digit".
inline std::vector<std::int64_t> labels_of(const Drawing& drawing) {
  std::vector<std::int64_t> labels = drawing.digits;
  labels.resize(2 * labels.size(), any_digit);
  return labels;
}

}  // namespace example
