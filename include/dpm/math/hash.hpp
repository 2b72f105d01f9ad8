// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A 64-bit hash of words, numbers and bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dpm/standard_library.hpp"

namespace dpm::detail {

/// A 64-bit hash that tells plans apart and notices damaged files; it does not protect against
/// intent. Each word goes through a bijection, so that one changed word always changes the result;
/// the rotation brings high bits down to where the next product spreads them.
class Hash {
 public:
  void add(std::uint64_t word) { value_ = std::rotl((value_ ^ word) * 0x9e37'79b9'7f4a'7c15U, 29); }
  void add(double number) { add(bit_cast<std::uint64_t>(number)); }
  /// Eight bytes at a time, the low byte of a word first; then how many there were.
  void add(std::span<const std::byte> bytes) {
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      std::uint64_t word = 0;
      for (std::size_t k = 0; k < 8 && i + k < bytes.size(); ++k) {
        word |= std::uint64_t(bytes[i + k]) << (8 * k);
      }
      add(word);
    }
    add(std::uint64_t{bytes.size()});
  }
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0x6a09'e667'f3bc'c908U;  // so that leading zeros count
};

}  // namespace dpm::detail
