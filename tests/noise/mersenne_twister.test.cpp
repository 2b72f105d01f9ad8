// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The Mersenne Twister against the standard library's, drawn and skipped.
#include "dpm/noise/mersenne_twister.hpp"

#include <cstdint>
#include <random>

#include "support/catch.hpp"

namespace mersenne_twister_test {

using dpm::detail::MersenneTwister;

TEST_CASE("the Mersenne Twister has the words of the standard's") {
  for (const std::uint32_t seed : {0U, 1U, 42U, 5489U, 0xFFFFFFFFU}) {
    std::mt19937 expected(seed);
    MersenneTwister words(seed);
    for (int i = 0; i < 3000; ++i) REQUIRE(words.next() == expected());
  }
  // C++20, 26.6.6: the 10000th word of a default-constructed mt19937.
  MersenneTwister words(5489);
  words.skip(9999);
  REQUIRE(words.next() == 4123659995U);
}

TEST_CASE("the Mersenne Twister skips as many words as it is told") {
  for (const std::uint64_t before : {0U, 1U, 623U, 624U, 625U}) {
    for (const std::uint64_t words : {0U, 1U, 622U, 623U, 624U, 625U, 1248U, 100000U}) {
      CAPTURE(before, words);
      std::mt19937 expected(42);
      expected.discard(before + words);
      MersenneTwister skipped(42);
      for (std::uint64_t i = 0; i < before; ++i) skipped.next();
      skipped.skip(words);
      for (int i = 0; i < 700; ++i) REQUIRE(skipped.next() == expected());
    }
  }
}

}  // namespace mersenne_twister_test
