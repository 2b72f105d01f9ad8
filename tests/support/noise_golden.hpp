// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The bits that the keyed noise must have in every build, for ever.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "dpm/noise/normal.hpp"

namespace dpm_test {

using Bits = std::array<std::uint64_t, 4>;

struct NoiseKey {
  std::uint64_t seed, sample;
  std::uint32_t draw, block;
};

struct KeyedGolden {
  NoiseKey key;
  Bits bits;
};

struct WordsGolden {
  std::array<std::uint32_t, 4> words;
  Bits bits;
};

// From an implementation of the same formulas in another language, without fused multiply-adds.
inline constexpr KeyedGolden keyed_goldens[] = {
    {{0x0, 0x0, 0x0, 0x0},
     {0x3fefb76658000000, 0xbfed96d608000000, 0xbfe3c373e0000000, 0xbfdeda3638000000}},
    {{0x1, 0x0, 0x0, 0x0},
     {0x3fd8587c50000000, 0xbfd2f63790000000, 0xbfcfe6e180000000, 0xbff00fb7a8000000}},
    {{0x1, 0x0, 0x0, 0x1},
     {0x3fe40ff4f0000000, 0xbfe4499858000000, 0xbfe5b46698000000, 0xbff0359408000000}},
    {{0x1, 0x0, 0x1, 0x0},
     {0x3fe898a7a0000000, 0x3feba07378000000, 0x3ffeaec1a8000000, 0x3fe14eb138000000}},
    {{0x1, 0x1, 0x0, 0x0},
     {0xbfc5204870000000, 0x4005695da8000000, 0xbff8f52918000000, 0x3fe8281a78000000}},
    {{0x123456789abcdef, 0xfedcba987654321, 0x3e8, 0xffff},
     {0xbfd9515890000000, 0x3fd8321ea0000000, 0xbff4341100000000, 0xbffcefe548000000}},
    {{0xffffffffffffffff, 0xffffffffffffffff, 0xffffffff, 0xffffffff},
     {0xbfb294a758000000, 0x3ffa8859d8000000, 0xbfeb721900000000, 0x3fdb137908000000}},
    {{0x100000000, 0x100000000, 0x0, 0x0},
     {0x3fe1f54fa8000000, 0x3feb9e2be8000000, 0x3ff52f2470000000, 0x3fd1086cb0000000}},
};

// Both ends of the radius and of every quadrant, and where the logarithm's mantissa wraps.
inline constexpr WordsGolden words_goldens[] = {
    {{0x00000000, 0x00000000, 0xffffffff, 0xffffffff},
     {0x401b0e08d8000000, 0x3e753fb1e0000000, 0x3ef0000000000000, 0xbd4921fb50000000}},
    {{0x00000000, 0xffffffff, 0xffffffff, 0x00000000},
     {0x401b0e08d8000000, 0xbe753fb1e0000000, 0x3ef0000000000000, 0x3d4921fb50000000}},
    {{0xb504f333, 0x1fffffff, 0xb504f334, 0x20000000},
     {0x3fe2d6abe8000000, 0x3fe2d6abe0000000, 0x3fe2d6abe0000000, 0x3fe2d6abe8000000}},
    {{0x7fffffff, 0x5fffffff, 0x80000000, 0x60000000},
     {0xbfeaa44988000000, 0x3feaa44998000000, 0xbfeaa44998000000, 0x3feaa44988000000}},
    {{0x00000001, 0x9fffffff, 0xfffffffe, 0xa0000000},
     {0xc012aa6388000000, 0xc012aa6380000000, 0xbef3988e10000000, 0xbef3988e18000000}},
    {{0x5a827999, 0xdfffffff, 0x5a82799a, 0xe0000000},
     {0x3ff0508e50000000, 0xbff0508e58000000, 0x3ff0508e58000000, 0xbff0508e50000000}},
    {{0x40000000, 0x3fffffff, 0x3fffffff, 0x40000000},
     {0x3e54eca420000000, 0x3ffaa44990000000, 0xbe54eca420000000, 0x3ffaa44990000000}},
    {{0x12345678, 0x7fffffff, 0x9abcdef0, 0x80000000},
     {0xc002651318000000, 0x3e5ce4ff38000000, 0xbff00e16b0000000, 0xbe49381cb0000000}},
    {{0x243f6a88, 0xbfffffff, 0x85a308d3, 0xc0000000},
     {0xbe58d8dd28000000, 0xbfffa2e748000000, 0x3e4ca82860000000, 0xbff23e57d8000000}},
};

inline constexpr std::uint64_t golden_fingerprint = 0x407631e49257b358;

inline Bits bits_of(const std::array<double, 4>& draws) { return std::bit_cast<Bits>(draws); }

inline std::array<double, 4> draws_of(const NoiseKey& key) {
  return dpm::normal_draws(key.seed, key.sample, key.draw, key.block);
}

/// A hash of 65536 draws and of their sum. The sum is made in a loop of its own, where a compiler
/// that contracts would fuse it with the last product of an unprotected draw.
inline std::uint64_t noise_fingerprint() {
  std::uint64_t hash = 0;
  const auto mix = [&hash](std::uint64_t bits) {
    hash = (hash ^ bits) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
  };
  double sum = 0.0;
  for (std::uint64_t sample = 0; sample < 16; ++sample) {
    std::array<Bits, 1024> blocks;
    for (std::uint32_t i = 0; i < blocks.size(); ++i) {
      blocks[i] = bits_of(dpm::normal_draws(42, sample, 7, i));
    }
    for (const Bits& block : blocks) {
      for (const std::uint64_t bits : block) mix(bits);
    }
    for (std::uint32_t i = 0; i < blocks.size(); ++i) {
      for (const double z : dpm::normal_draws(42, sample, 7, i)) sum += z;
    }
  }
  mix(std::bit_cast<std::uint64_t>(sum));
  return hash;
}

}  // namespace dpm_test
