// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Philox4x32-10, the counter-based generator behind the keyed noise.
#pragma once

#include <array>
#include <cstdint>

#include "dpm/separate.hpp"

namespace dpm {
namespace detail {

inline constexpr std::uint32_t philox_multiplier_0 = 0xD2511F53;
inline constexpr std::uint32_t philox_multiplier_1 = 0xCD9E8D57;
inline constexpr std::uint32_t philox_weyl_0 = 0x9E3779B9;  // golden ratio
inline constexpr std::uint32_t philox_weyl_1 = 0xBB67AE85;  // sqrt(3) - 1

/// One of the ten rounds on the counter c.
DPM_DEVICE constexpr void philox_round(std::uint32_t& c0, std::uint32_t& c1, std::uint32_t& c2,
                                       std::uint32_t& c3, std::uint32_t key_0,
                                       std::uint32_t key_1) {
  const std::uint64_t product_0 = std::uint64_t{c0} * philox_multiplier_0;
  const std::uint64_t product_1 = std::uint64_t{c2} * philox_multiplier_1;
  c0 = static_cast<std::uint32_t>(product_1 >> 32) ^ c1 ^ key_0;
  c1 = static_cast<std::uint32_t>(product_1);
  c2 = static_cast<std::uint32_t>(product_0 >> 32) ^ c3 ^ key_1;
  c3 = static_cast<std::uint32_t>(product_0);
}

/// The ten rounds on the counter c.
DPM_DEVICE constexpr void philox_rounds(std::uint32_t& c0, std::uint32_t& c1, std::uint32_t& c2,
                                        std::uint32_t& c3, std::uint32_t key_0,
                                        std::uint32_t key_1) {
  for (int round = 0; round < 10; ++round) {
    philox_round(c0, c1, c2, c3, key_0, key_1);
    key_0 += philox_weyl_0;
    key_1 += philox_weyl_1;
  }
}

}  // namespace detail

/// Four random words that are a pure function of `counter` and `key`: for a fixed key, a bijection
/// of the 2^128 counters. It has no state: take any words, in any order. Not for cryptography.
///
/// Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
/// SC 2011, Section 3.3; agrees with the authors' Random123. Cost: 20 32-bit products.
[[nodiscard]] constexpr std::array<std::uint32_t, 4> philox4x32(
    std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  detail::philox_rounds(counter[0], counter[1], counter[2], counter[3], key[0], key[1]);
  return counter;
}

}  // namespace dpm
