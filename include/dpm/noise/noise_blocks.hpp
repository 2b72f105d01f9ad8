// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// How much noise is made at once.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dpm::detail {

/// Blocks of noise that are made together at most, and their values.
inline constexpr std::size_t run_blocks = 32;
inline constexpr std::size_t run_values = 4 * run_blocks;

/// The blocks from number `block` of sample number `sample` on, and on into the samples after it.
struct NoiseBlocks {
  std::uint64_t sample;
  std::uint64_t block;
  std::uint64_t per_sample;
};

}  // namespace dpm::detail
