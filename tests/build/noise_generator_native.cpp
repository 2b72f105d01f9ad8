// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Checks the noise's bits in a program of its own, built with -O3 -march=native
/// -ffp-contract=fast: in the test program, the linker would merge the two builds of each inline
/// function into one.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "dpm/noise/normal_noise.hpp"
#include "dpm/noise/torch_generator.hpp"
#include "support/noise_golden.hpp"
#include "support/torch_golden.hpp"

namespace {

/// Whether this build fuses a x + c: then 1 + 2^-29 + 2^-60 is not rounded before the subtraction.
bool multiply_adds_are_fused() {
  volatile double factor = 1.0 + 0x1p-30;
  volatile double term = -(1.0 + 0x1p-29);
  const double x = factor;
  const double c = term;
  return x * x + c != 0.0;
}

/// Of the blocks from `at` on, how many have other bits when they are drawn together.
int failures_of(dpm::detail::NoiseBlocks at) {
  int failures = 0;
  for (std::size_t count = 1; count <= dpm::detail::blocks_at_once; ++count) {
    double values[dpm::detail::values_at_once];
    dpm::detail::draw_blocks(42, 7, at, count, values);
    for (std::size_t j = 0; j < count; ++j) {
      const std::uint64_t n = at.block + j;
      const auto block = dpm::normal_draws(42, at.sample + n / at.per_sample, 7,
                                           static_cast<std::uint32_t>(n % at.per_sample));
      failures += !std::equal(block.begin(), block.end(), values + 4 * j);
    }
  }
  return failures;
}

}  // namespace

int main() {
  int failures = 0;
  for (const auto& golden : dpm_test::keyed_goldens) {
    failures += dpm_test::bits_of(dpm_test::draws_of(golden.key)) != golden.bits;
  }
  for (const auto& golden : dpm_test::words_goldens) {
    failures += dpm_test::bits_of(dpm::normal4(golden.words)) != golden.bits;
  }
  failures += dpm_test::noise_fingerprint() != dpm_test::golden_fingerprint;

  failures += failures_of({77, 1000, 2000}) + failures_of({77, 2, 5});

  for (const auto& tensors : dpm_test::torch_fingerprints) {
    dpm::TorchGenerator generator(tensors.seed);
    for (const std::uint64_t fingerprint : tensors.calls) {
      failures += dpm_test::torch_fingerprint(generator, tensors.size) != fingerprint;
    }
  }

  const bool fused = multiply_adds_are_fused();
  std::printf("%d failures; multiply-adds are %s\n", failures, fused ? "fused" : "not fused");
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  if (!fused) {
    std::printf("but this processor has them: build this with -O3 -ffp-contract=fast\n");
    return 1;
  }
#endif
  return failures == 0 ? 0 : 1;
}
