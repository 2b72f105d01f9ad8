// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Standard normal draws that are the same bits on every machine.
#pragma once

#include <array>
#include <cstdint>

#include "dpm/noise/philox.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <cmath>

#  include "dpm/noise/box_muller.hpp"
#endif

namespace dpm {

/// Four standard normal draws from four random words: r cos(theta), r sin(theta) of words 0 and 1,
/// then of words 2 and 3 (Box and Muller, "A note on the generation of random normal deviates",
/// Ann. Math. Statist. 29, 1958), with
///
///     r = sqrt(-2 log u),  u = (first word + 1/2) / 2^32,
///     theta = 2 pi (n + 1/2) / 2^28,  n the upper 28 bits of the second word.
///
/// The draws are the same bits for every compiler, optimisation, standard library, and use of fused
/// multiply-adds or vectors; not under -ffast-math and its like, on x87 arithmetic, or where
/// rounding is not to nearest. Each has at most 26 significant bits (a float keeps 24), a relative
/// error below 1.5 / 2^26 and is never 0. The largest is sqrt(66 log 2) = 6.76. Cost: a division
/// and a square root for each pair; no branches, no tables.
[[nodiscard]] std::array<double, 4> normal4(const std::array<std::uint32_t, 4>& words);

/// The keyed noise: elements 4 `block` to 4 `block` + 3 of noise draw number `draw` for sample
/// number `sample` under `seed`. A pure function: a sample's noise depends neither on the batch it
/// is in, nor on how many threads make it, nor on what was drawn before.
///
/// This is a format, which never changes: `normal4` of the four words of `philox4x32` at
///
///     counter = {block, draw, sample mod 2^32, sample / 2^32}
///     key = {seed mod 2^32, seed / 2^32}
///
/// Element e of a sample is number e mod 4 of block e / 4, so a sample has at most 2^34 elements.
[[nodiscard]] std::array<double, 4> normal_draws(std::uint64_t seed, std::uint64_t sample,
                                                 std::uint32_t draw, std::uint32_t block);

#if DPM_DEFINE

DPM_INLINE std::array<double, 4> normal4(const std::array<std::uint32_t, 4>& words) {
  const detail::DrawPair first =
      detail::polar(std::sqrt(detail::minus_two_log(words[0])), words[1]);
  const detail::DrawPair second =
      detail::polar(std::sqrt(detail::minus_two_log(words[2])), words[3]);
  return {first.first, first.second, second.first, second.second};
}

DPM_INLINE std::array<double, 4> normal_draws(std::uint64_t seed, std::uint64_t sample,
                                              std::uint32_t draw, std::uint32_t block) {
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
  return normal4(philox4x32({block, draw, low(sample), high(sample)}, {low(seed), high(seed)}));
}

#endif

}  // namespace dpm
