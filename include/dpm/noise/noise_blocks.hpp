// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Many blocks of keyed noise at once, in loops that compilers turn into vector instructions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <cstring>

#  include "dpm/noise/box_muller.hpp"
#  include "dpm/noise/philox.hpp"
#  include "dpm/state/simd.hpp"
#endif

namespace dpm::detail {

/// The most blocks of four values that are drawn together, and their values.
inline constexpr std::size_t blocks_at_once = 32;
inline constexpr std::size_t values_at_once = 4 * blocks_at_once;

/// The blocks from number `block` of sample `sample` on, and then those of the samples after it.
struct NoiseBlocks {
  std::uint64_t sample;
  std::uint64_t block;
  std::uint64_t per_sample;
};

/// `normal_draws` of the first `count` blocks, one after the other. Values beyond them change too.
void draw_blocks(std::uint64_t seed, std::uint32_t draw, const NoiseBlocks& at, std::size_t count,
                 double (&values)[values_at_once]);

#if DPM_DEFINE

/// The counters of some blocks, or what `philox4x32` makes of them: word k of block j is the lower
/// half of number j of row k. Upper halves mean nothing.
using PhiloxWords = std::uint64_t[4][blocks_at_once];

/// `philox4x32` of the first 8 `groups` counters under the two words of `key`: round by round for
/// all of them, so that compilers find vectors.
inline void philox4x32_blocks(PhiloxWords& words, std::size_t groups, std::uint64_t key) {
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  std::uint32_t c[4][blocks_at_once];
  for (std::size_t k = 0; k < 4; ++k) {
    for (std::size_t j = 0; j < 8 * groups; ++j) c[k][j] = low(words[k][j]);
  }
  std::uint32_t key_0 = low(key);
  std::uint32_t key_1 = low(key >> 32);
  for (int round = 0; round < 10; ++round) {
    for (std::size_t j = 0; j < 8 * groups; ++j) {
      philox_round(c[0][j], c[1][j], c[2][j], c[3][j], key_0, key_1);
    }
    key_0 += philox_weyl_0;
    key_1 += philox_weyl_1;
  }
  for (std::size_t k = 0; k < 4; ++k) {
    for (std::size_t j = 0; j < 8 * groups; ++j) words[k][j] = c[k][j];
  }
}

#  if DPM_X86_KERNELS
using FourWords [[gnu::vector_size(32)]] = std::uint64_t;

/// The products of the lower halves: one instruction, which g++ does not find by itself.
DPM_KERNEL inline void multiply_words(FourWords& product, const FourWords& a, std::uint32_t b) {
  const FourWords factor = FourWords{} + b;
#    if defined(__clang__)
  product = (a & 0xFFFFFFFF) * factor;
#    else
  using Halves [[gnu::vector_size(32)]] = int;
  product = FourWords(__builtin_ia32_pmuludq256(Halves(a), Halves(factor)));
#    endif
}

/// `philox_round` of four counters, whose words are the lower halves.
DPM_KERNEL inline void philox_round_of_four(FourWords (&c)[4], std::uint32_t key_0,
                                            std::uint32_t key_1) {
  FourWords product_0;
  FourWords product_1;
  multiply_words(product_0, c[0], philox_multiplier_0);
  multiply_words(product_1, c[2], philox_multiplier_1);
  c[0] = (product_1 >> 32) ^ c[1] ^ key_0;
  c[1] = product_1;
  c[2] = (product_0 >> 32) ^ c[3] ^ key_1;
  c[3] = product_0;
}

/// `philox4x32_blocks`, four blocks at a time.
[[gnu::flatten]] DPM_KERNEL inline void philox4x32_blocks_avx2(PhiloxWords& words,
                                                               std::size_t groups,
                                                               std::uint64_t key) {
  for (std::size_t j = 0; j < 8 * groups; j += 4) {
    FourWords c[4];
    DPM_UNROLL
    for (std::size_t k = 0; k < 4; ++k) std::memcpy(&c[k], &words[k][j], sizeof c[k]);
    auto key_0 = static_cast<std::uint32_t>(key);
    auto key_1 = static_cast<std::uint32_t>(key >> 32);
    DPM_UNROLL_UP_TO(10)
    for (int round = 0; round < 10; ++round) {
      philox_round_of_four(c, key_0, key_1);
      key_0 += philox_weyl_0;
      key_1 += philox_weyl_1;
    }
    DPM_UNROLL
    for (std::size_t k = 0; k < 4; ++k) std::memcpy(&words[k][j], &c[k], sizeof c[k]);
  }
}
#  endif

/// `normal4` of the first 8 `groups` blocks of words. Lengths are written as multiples of 8, since
/// g++ -O2 makes vectors only of loops that leave nothing over.
inline void box_muller(const PhiloxWords& words, std::size_t groups, double* values) {
  std::uint64_t radius_words[2 * blocks_at_once];
  std::uint64_t angle_words[2 * blocks_at_once];
  double radii[2 * blocks_at_once];
  for (std::size_t j = 0; j < 8 * groups; ++j) {
    radius_words[2 * j] = words[0][j];
    angle_words[2 * j] = words[1][j];
    radius_words[2 * j + 1] = words[2][j];
    angle_words[2 * j + 1] = words[3][j];
  }
  for (std::size_t i = 0; i < 16 * groups; ++i) radii[i] = minus_two_log(radius_words[i]);
  square_roots(radii, 16 * groups);
  for (std::size_t i = 0; i < 16 * groups; ++i) {
    const DrawPair pair = polar(radii[i], angle_words[i]);
    values[2 * i] = pair.first;
    values[2 * i + 1] = pair.second;
  }
}

/// The Philox counters of the first 8 `groups` blocks.
inline void noise_counters(NoiseBlocks at, std::uint32_t draw, std::size_t groups,
                           PhiloxWords& words) {
  if (at.block + 8 * groups <= at.per_sample) {
    for (std::size_t j = 0; j < 8 * groups; ++j) words[0][j] = at.block + j;
    for (std::size_t j = 0; j < 8 * groups; ++j) words[2][j] = at.sample;
  } else {
    for (std::size_t j = 0; j < 8 * groups; ++j) {
      words[0][j] = at.block;
      words[2][j] = at.sample;
      if (++at.block == at.per_sample) at = {at.sample + 1, 0, at.per_sample};
    }
  }
  for (std::size_t j = 0; j < 8 * groups; ++j) words[1][j] = draw;
  for (std::size_t j = 0; j < 8 * groups; ++j) words[3][j] = words[2][j] >> 32;
}

/// `normal_draws` of the first 8 `groups` blocks.
inline void draw_groups(std::uint64_t seed, std::uint32_t draw, const NoiseBlocks& at,
                        std::size_t groups, double* values) {
  PhiloxWords words;
  noise_counters(at, draw, groups, words);
  philox4x32_blocks(words, groups, seed);
  box_muller(words, groups, values);
}

#  if DPM_X86_KERNELS
/// `draw_groups` for AVX2. All that it calls is inlined, and so compiled for AVX2 too.
[[gnu::flatten]] DPM_KERNEL inline void draw_groups_avx2(std::uint64_t seed, std::uint32_t draw,
                                                         const NoiseBlocks& at, std::size_t groups,
                                                         double* values) {
  PhiloxWords words;
  noise_counters(at, draw, groups, words);
  philox4x32_blocks_avx2(words, groups, seed);
  box_muller(words, groups, values);
}
#  endif

DPM_INLINE void draw_blocks(std::uint64_t seed, std::uint32_t draw, const NoiseBlocks& at,
                            std::size_t count, double (&values)[values_at_once]) {
  const std::size_t groups = (count + 7) / 8;
#  if DPM_X86_KERNELS
  if (has_kernels()) return draw_groups_avx2(seed, draw, at, groups, values);
#  endif
  draw_groups(seed, draw, at, groups, values);
}

#endif

}  // namespace dpm::detail
