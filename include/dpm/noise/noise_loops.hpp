// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Many blocks of keyed noise at once, in loops that compilers turn into vector instructions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dpm/noise/box_muller.hpp"
#include "dpm/noise/noise_blocks.hpp"
#include "dpm/noise/philox.hpp"

// Where one function can be compiled for AVX2, whatever the rest is compiled for, and called if the
// processor has it. (On Windows g++ does not align the stack for such functions.)
#if defined(__GNUC__) && defined(__x86_64__) && !defined(_WIN32)
#  define DPM_NOISE_AVX2 1
#else
#  define DPM_NOISE_AVX2 0
#endif

namespace dpm::detail {

/// Counters of that many blocks, or what `philox4x32` makes of them: word k of block j is the lower
/// half of number j of row k. Upper halves mean nothing.
using PhiloxWords = std::uint64_t[4][run_blocks];

/// `philox4x32` of the first 8 `groups` counters, under the key whose two words `key` holds: round
/// by round for all of them, so that compilers find vectors.
inline void philox4x32_blocks(PhiloxWords& words, std::size_t groups, std::uint64_t key) {
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  std::uint32_t c[4][run_blocks];
  for (std::size_t k = 0; k < 4; ++k) {
    for (std::size_t j = 0; j < 8 * groups; ++j) c[k][j] = low(words[k][j]);
  }
  std::uint32_t key_0 = low(key);
  std::uint32_t key_1 = low(key >> 32);
  for (int round = 0; round < 10; ++round) {
    for (std::size_t j = 0; j < 8 * groups; ++j) {
      const std::uint64_t product_0 = std::uint64_t{philox_multiplier_0} * c[0][j];
      const std::uint64_t product_1 = std::uint64_t{philox_multiplier_1} * c[2][j];
      c[0][j] = low(product_1 >> 32) ^ c[1][j] ^ key_0;
      c[1][j] = low(product_1);
      c[2][j] = low(product_0 >> 32) ^ c[3][j] ^ key_1;
      c[3][j] = low(product_0);
    }
    key_0 += philox_weyl_0;
    key_1 += philox_weyl_1;
  }
  for (std::size_t k = 0; k < 4; ++k) {
    for (std::size_t j = 0; j < 8 * groups; ++j) words[k][j] = c[k][j];
  }
}

#if DPM_NOISE_AVX2
using FourWords [[gnu::vector_size(32)]] = std::uint64_t;

/// The products of the lower halves: one instruction, which g++ does not find by itself.
[[gnu::target("avx2")]] inline FourWords wide_product(FourWords a, FourWords b) {
#  if defined(__clang__)
  return (a & 0xFFFFFFFF) * (b & 0xFFFFFFFF);
#  else
  using Halves [[gnu::vector_size(32)]] = int;
  return FourWords(__builtin_ia32_pmuludq256(Halves(a), Halves(b)));
#  endif
}

[[gnu::target("avx2")]] inline FourWords load_four(const std::uint64_t* from) {
  FourWords words;
  std::memcpy(&words, from, sizeof words);
  return words;
}

/// `philox4x32_blocks`, four blocks at a time.
[[gnu::target("avx2")]] inline void philox4x32_blocks_avx2(PhiloxWords& words, std::size_t groups,
                                                           std::uint64_t key) {
  const FourWords multiplier_0 = FourWords{} + philox_multiplier_0;
  const FourWords multiplier_1 = FourWords{} + philox_multiplier_1;
  for (std::size_t j = 0; j < 8 * groups; j += 4) {
    FourWords c0 = load_four(&words[0][j]);
    FourWords c1 = load_four(&words[1][j]);
    FourWords c2 = load_four(&words[2][j]);
    FourWords c3 = load_four(&words[3][j]);
    std::uint64_t key_0 = key;
    std::uint64_t key_1 = key >> 32;
#  pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      const FourWords product_0 = wide_product(multiplier_0, c0);
      const FourWords product_1 = wide_product(multiplier_1, c2);
      c0 = (product_1 >> 32) ^ c1 ^ key_0;
      c1 = product_1;
      c2 = (product_0 >> 32) ^ c3 ^ key_1;
      c3 = product_0;
      key_0 += philox_weyl_0;
      key_1 += philox_weyl_1;
    }
    std::memcpy(&words[0][j], &c0, sizeof c0);
    std::memcpy(&words[1][j], &c1, sizeof c1);
    std::memcpy(&words[2][j], &c2, sizeof c2);
    std::memcpy(&words[3][j], &c3, sizeof c3);
  }
}
#endif

/// `normal4` of the first 8 `groups` blocks of words.
///
/// Compilers turn these loops into vector instructions. Each says that its length is a multiple of
/// 8: g++ -O2 leaves a loop alone if anything might be left over.
inline void box_muller(const PhiloxWords& words, std::size_t groups, double* values) {
  std::uint64_t radius_words[2 * run_blocks];
  std::uint64_t angle_words[2 * run_blocks];
  double radii[2 * run_blocks];
  for (std::size_t j = 0; j < 8 * groups; ++j) {
    radius_words[2 * j] = words[0][j];
    angle_words[2 * j] = words[1][j];
    radius_words[2 * j + 1] = words[2][j];
    angle_words[2 * j + 1] = words[3][j];
  }
  for (std::size_t i = 0; i < 16 * groups; ++i) radii[i] = minus_two_log(radius_words[i]);
  square_roots(radii, 16 * groups);
  for (std::size_t i = 0; i < 16 * groups; ++i) {
    const auto pair = polar(radii[i], angle_words[i]);
    values[2 * i] = pair[0];
    values[2 * i + 1] = pair[1];
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

#if DPM_NOISE_AVX2
/// The same: all that it calls becomes a part of it, and so is compiled for AVX2.
[[gnu::target("avx2"), gnu::flatten]] inline void draw_groups_avx2(std::uint64_t seed,
                                                                   std::uint32_t draw,
                                                                   const NoiseBlocks& at,
                                                                   std::size_t groups,
                                                                   double* values) {
  PhiloxWords words;
  noise_counters(at, draw, groups, words);
  philox4x32_blocks_avx2(words, groups, seed);
  box_muller(words, groups, values);
}
#endif

}  // namespace dpm::detail
