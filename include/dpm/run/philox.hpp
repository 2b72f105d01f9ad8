// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Philox4x32-10, the counter-based generator behind the keyed noise.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

// Where one function can be compiled for AVX2, whatever the rest is compiled for, and called if the
// processor has it. (On Windows g++ does not align the stack for such functions.)
#if defined(__GNUC__) && defined(__x86_64__) && !defined(_WIN32)
#  define DPM_NOISE_AVX2 1
#else
#  define DPM_NOISE_AVX2 0
#endif

namespace dpm {
namespace detail {

inline constexpr std::uint32_t philox_multiplier_0 = 0xD2511F53;
inline constexpr std::uint32_t philox_multiplier_1 = 0xCD9E8D57;
inline constexpr std::uint32_t philox_weyl_0 = 0x9E3779B9;  // golden ratio
inline constexpr std::uint32_t philox_weyl_1 = 0xBB67AE85;  // sqrt(3) - 1

}  // namespace detail

/// Four random words that are a pure function of `counter` and `key`: for a fixed key, a bijection
/// of the 2^128 counters. There is no state to seed, advance or share, so any word of any stream
/// can be had in any order and from any thread. Not for cryptography.
///
/// Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
/// SC 2011, Section 3.3; agrees with the authors' Random123. Cost: 20 32-bit products.
[[nodiscard]] constexpr std::array<std::uint32_t, 4> philox4x32(
    std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product_0 = std::uint64_t{detail::philox_multiplier_0} * counter[0];
    const std::uint64_t product_1 = std::uint64_t{detail::philox_multiplier_1} * counter[2];
    counter = {static_cast<std::uint32_t>(product_1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product_1),
               static_cast<std::uint32_t>(product_0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product_0)};
    key = {key[0] + detail::philox_weyl_0, key[1] + detail::philox_weyl_1};
  }
  return counter;
}

namespace detail {

/// Blocks of noise that are made together at most.
inline constexpr std::size_t run_blocks = 32;

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

}  // namespace detail
}  // namespace dpm
