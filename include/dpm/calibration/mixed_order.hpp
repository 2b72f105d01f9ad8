// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Samples in an order that has nothing to do with their numbers.
#pragma once

#include <cstddef>
#include <vector>

#include "dpm/separate.hpp"

namespace dpm::detail {

/// The numbers below `count` in a drawn order, always the same. Samples often have conditions that
/// recur with a period; parts of this order hold each condition about as often as the whole.
std::vector<std::size_t> mixed_order(std::size_t count);

}  // namespace dpm::detail

#if DPM_DEFINE

#  include <cstdint>
#  include <utility>

#  include "dpm/noise/philox.hpp"

namespace dpm::detail {

DPM_INLINE std::vector<std::size_t> mixed_order(std::size_t count) {
  // With this key the first two quarters of 64 and of 128 hold all residues of 2, 4 and 10.
  constexpr std::uint32_t key = 196;
  std::vector<std::size_t> order(count);
  for (std::size_t i = 0; i < count; ++i) order[i] = i;
  for (std::size_t left = count; left > 1; --left) {  // Fisher and Yates
    const std::uint32_t word = philox4x32({static_cast<std::uint32_t>(left), 0, 0, 0}, {key, 0})[0];
    std::swap(order[left - 1], order[std::uint64_t{word} * left >> 32]);
  }
  return order;
}

}  // namespace dpm::detail

#endif
