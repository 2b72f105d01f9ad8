// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The keyed noise: known answers, fixed bits, accuracy, distribution and independence of keys.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <set>
#include <vector>

#include "dpm/noise/noise_blocks.hpp"
#include "dpm/noise/normal.hpp"
#include "dpm/noise/normal_noise.hpp"
#include "dpm/noise/philox.hpp"
#include "support/catch.hpp"
#include "support/noise_golden.hpp"

namespace noise_generator_test {

using dpm_test::NoiseKey;
using dpm_test::WithinAbs;

namespace {

struct KnownAnswer {
  std::array<std::uint32_t, 4> counter;
  std::array<std::uint32_t, 2> key;
  std::array<std::uint32_t, 4> words;
};

// The three lines "philox4x32 10" of tests/kat_vectors in the authors' Random123.
constexpr KnownAnswer known_answers[] = {
    {{0x00000000, 0x00000000, 0x00000000, 0x00000000},
     {0x00000000, 0x00000000},
     {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static_assert(dpm::philox4x32(known_answers[2].counter, known_answers[2].key) ==
              known_answers[2].words);

/// Elements 0 to count - 1 of the sample and draw that `key` names, from its block on.
std::vector<double> stream(NoiseKey key, std::size_t count) {
  std::vector<double> z;
  z.reserve(count);
  for (; z.size() < count; ++key.block) {
    for (const double draw : dpm_test::draws_of(key)) z.push_back(draw);
  }
  return z;
}

/// sin(2 pi turns), reduced exactly to a quarter of a turn on either side of 0.
long double sine_of_turns(long double turns) {
  const long double half_turns = std::round(2 * turns);
  const long double sine = std::sin(2 * std::numbers::pi_v<long double> * (turns - half_turns / 2));
  return std::fmod(half_turns, 2.0L) == 0 ? sine : -sine;
}

/// The formulas that `normal4` documents, with the standard library's functions.
std::array<long double, 2> box_muller(std::uint32_t radius_word, std::uint32_t angle_word) {
  const long double u = (radius_word + 0.5L) * 0x1p-32L;
  const long double r = std::sqrt(-2 * std::log(u));
  const std::uint32_t n = angle_word >> 4;
  const long double turns = (n + 0.5L) * 0x1p-28L;
  return {r * sine_of_turns(turns + 0.25L), r * sine_of_turns(turns)};
}

/// The largest relative error of the four draws, against the formulas.
double relative_error(const std::array<std::uint32_t, 4>& words) {
  const auto draws = dpm::normal4(words);
  double worst = 0.0;
  for (std::size_t pair = 0; pair < 2; ++pair) {
    const auto exact = box_muller(words[2 * pair], words[2 * pair + 1]);
    for (std::size_t i = 0; i < 2; ++i) {
      const long double error = std::abs((draws[2 * pair + i] - exact[i]) / exact[i]);
      worst = std::max(worst, static_cast<double>(error));
    }
  }
  return worst;
}

/// The correlation of f(a[i]) and f(b[i + lag]), where f has the given mean and variance, times the
/// square root of the number of pairs: of variance 1 where the two are independent.
template <class Function>
double scaled_correlation(const std::vector<double>& a, const std::vector<double>& b,
                          std::size_t lag, Function f, double mean, double variance) {
  const std::size_t pairs = a.size() - lag;
  double sum = 0.0;
  for (std::size_t i = 0; i < pairs; ++i) sum += (f(a[i]) - mean) * (f(b[i + lag]) - mean);
  return sum / (variance * std::sqrt(static_cast<double>(pairs)));
}

double value(double z) { return z; }
double square(double z) { return z * z; }

/// Neither the draws nor their squares are correlated, to 5 standard errors. The squares show a
/// shared radius, which the signs of the draws hide.
void require_independent(const std::vector<double>& a, const std::vector<double>& b,
                         std::size_t lag = 0) {
  REQUIRE_THAT(scaled_correlation(a, b, lag, value, 0.0, 1.0), WithinAbs(0.0, 5.0));
  REQUIRE_THAT(scaled_correlation(a, b, lag, square, 1.0, 2.0), WithinAbs(0.0, 5.0));
}

constexpr NoiseKey base_key{0x0123456789abcdef, 0x42, 3, 0};

/// `base_key` with one component changed by one, or by one in its upper half, or two exchanged.
std::vector<NoiseKey> neighbours_of_base_key() {
  constexpr std::uint64_t high = std::uint64_t{1} << 32;
  std::vector<NoiseKey> keys(7, base_key);
  keys[0].seed += 1;
  keys[1].seed += high;
  keys[2].sample += 1;
  keys[3].sample += high;
  keys[4].draw += 1;
  keys[5].sample = base_key.draw;
  keys[5].draw = static_cast<std::uint32_t>(base_key.sample);
  keys[6].block += std::uint32_t{1} << 31;
  return keys;
}

constexpr std::size_t many = std::size_t{1} << 20;

}  // namespace

TEST_CASE("philox4x32 gives the published known answers") {
  for (const auto& known : known_answers) {
    REQUIRE(dpm::philox4x32(known.counter, known.key) == known.words);
  }
}

TEST_CASE("the noise has the bits it has always had") {
  for (const auto& golden : dpm_test::keyed_goldens) {
    CAPTURE(golden.key.seed, golden.key.sample, golden.key.draw, golden.key.block);
    REQUIRE(dpm_test::bits_of(dpm_test::draws_of(golden.key)) == golden.bits);
  }
  for (const auto& golden : dpm_test::words_goldens) {
    CAPTURE(golden.words);
    REQUIRE(dpm_test::bits_of(dpm::normal4(golden.words)) == golden.bits);
  }
  REQUIRE(dpm_test::noise_fingerprint() == dpm_test::golden_fingerprint);
}

TEST_CASE("the noise key maps to Philox's counter and key as documented") {
  const auto words =
      dpm::philox4x32({0xb10cb10c, 0xd3a3d3a3, 0x55667788, 0x11223344}, {0xddeeff00, 0x99aabbcc});
  REQUIRE(dpm::normal_draws(0x99aabbccddeeff00, 0x1122334455667788, 0xd3a3d3a3, 0xb10cb10c) ==
          dpm::normal4(words));
}

TEST_CASE("every component of the noise key matters") {
  std::set<std::array<double, 4>> seen{dpm_test::draws_of(base_key)};
  for (const auto& key : neighbours_of_base_key()) {
    REQUIRE(seen.insert(dpm_test::draws_of(key)).second);
  }
}

TEST_CASE("a draw is within 1.5 / 2^26 of the Box-Muller formulas, relatively") {
  constexpr double bound = 1.5 * 0x1p-26;
  // Where something changes: both ends, powers of two, sqrt(1/2) and the edges of the quadrants.
  std::vector<std::uint32_t> edges{0xb504f333, 0x5a82799a, 0x20000000, 0x60000000,
                                   0xa0000000, 0xe0000000, 0xc0000000};
  for (int bit = 0; bit < 32; ++bit) edges.push_back(std::uint32_t{1} << bit);
  double worst = 0.0;
  for (const std::uint32_t radius : edges) {
    for (const std::uint32_t angle : edges) {
      worst = std::max({worst, relative_error({radius, angle, radius - 1, angle - 1}),
                        relative_error({0 - radius, 0 - angle, ~radius, angle + 16})});
    }
  }
  REQUIRE(worst < bound);

  for (std::uint32_t i = 0; i < 200000; ++i) {
    worst = std::max(worst, relative_error(dpm::philox4x32({i, 0, 0, 0}, {1, 2})));
  }
  REQUIRE(worst < bound);
  REQUIRE(worst > 0.9 * 0x1p-26);  // the measure is not blind: rounding to 26 bits costs this much
}

TEST_CASE("draws are never 0, of at most 26 bits and no larger than sqrt(66 log 2)") {
  const double largest = std::sqrt(66 * std::numbers::ln2);
  REQUIRE_THAT(dpm::normal4({0, 0, 0, 0})[0], WithinAbs(largest, 0x1p-24));
  REQUIRE_THAT(dpm::normal4({0, 0x40000000, 0, 0})[1], WithinAbs(largest, 0x1p-24));

  // The smallest radius meets the angles closest to both axes.
  for (const std::uint32_t angle : {0x0u, 0x40000000u, 0x80000000u, 0xc0000000u}) {
    for (const double z : dpm::normal4({0xffffffff, angle, 0xffffffff, angle - 1})) {
      REQUIRE(z != 0.0);
    }
  }
  for (const double z : stream(base_key, 4096)) {
    const int exponent = std::ilogb(z);
    const double digits = std::scalbn(z, 25 - exponent);
    REQUIRE(digits == std::trunc(digits));
  }
}

TEST_CASE("the moments of the draws are those of the standard normal") {
  const auto z = stream(base_key, many);
  std::array<double, 5> sum{};
  for (const double x : z) {
    double power = 1.0;
    for (std::size_t k = 1; k < sum.size(); ++k) sum[k] += power *= x;
  }
  // E z^k and the variance E z^2k - (E z^k)^2 of one z^k; five standard errors of the mean.
  constexpr std::array<double, 5> moment{1, 0, 1, 0, 3};
  constexpr std::array<double, 5> variance{0, 1, 2, 15, 96};
  const double n = static_cast<double>(many);
  for (std::size_t k = 1; k < sum.size(); ++k) {
    CAPTURE(k);
    REQUIRE_THAT(sum[k] / n, WithinAbs(moment[k], 5.0 * std::sqrt(variance[k] / n)));
  }
}

TEST_CASE("the distribution of the draws is the normal one") {
  auto z = stream(base_key, many);
  std::sort(z.begin(), z.end());
  const double n = static_cast<double>(many);

  SECTION("by Kolmogorov and Smirnov's test, at a significance of 1 in 1000") {
    double distance = 0.0;
    for (std::size_t i = 0; i < many; ++i) {
      const double cdf = 0.5 * std::erfc(-z[i] / std::numbers::sqrt2);
      const double rank = static_cast<double>(i);
      distance = std::max({distance, cdf - rank / n, (rank + 1.0) / n - cdf});
    }
    REQUIRE(distance * std::sqrt(n) < 1.949);  // 2 exp(-2 x^2) = 0.001
  }
  SECTION("in each tail beyond 4, by five standard deviations of the count") {
    const double expected = n * 0.5 * std::erfc(4.0 / std::numbers::sqrt2);
    const auto below = std::lower_bound(z.begin(), z.end(), -4.0) - z.begin();
    const auto above = z.end() - std::upper_bound(z.begin(), z.end(), 4.0);
    REQUIRE_THAT(static_cast<double>(below), WithinAbs(expected, 5.0 * std::sqrt(expected)));
    REQUIRE_THAT(static_cast<double>(above), WithinAbs(expected, 5.0 * std::sqrt(expected)));
  }
}

TEST_CASE("noise under different keys is independent") {
  constexpr std::size_t count = std::size_t{1} << 18;
  const auto base = stream(base_key, count);
  for (const auto& key : neighbours_of_base_key()) {
    CAPTURE(key.seed, key.sample, key.draw, key.block);
    require_independent(base, stream(key, count));
  }
  for (const std::size_t lag : {1u, 2u, 3u, 4u, 8u}) {
    CAPTURE(lag);
    require_independent(base, base, lag);
  }
}

TEST_CASE("noise is independent from sample to sample, draw to draw and seed to seed") {
  // Each series takes four numbers from every key in a row, as small samples do.
  constexpr std::uint32_t keys = 1u << 16;
  std::vector<double> by_sample, by_draw, by_seed;
  for (std::uint32_t i = 0; i < keys; ++i) {
    for (const double z : dpm::normal_draws(0, i, 0, 0)) by_sample.push_back(z);
    for (const double z : dpm::normal_draws(0, 0, i, 0)) by_draw.push_back(z);
    for (const double z : dpm::normal_draws(i, 0, 0, 0)) by_seed.push_back(z);
  }
  for (const std::size_t lag : {1u, 2u, 3u, 4u, 8u}) {
    CAPTURE(lag);
    require_independent(by_sample, by_sample, lag);
    require_independent(by_draw, by_draw, lag);
    require_independent(by_seed, by_seed, lag);
  }
}

namespace {

using DrawGroups = void (*)(std::uint64_t, std::uint32_t, const dpm::detail::NoiseBlocks&,
                            std::size_t, double*);

/// Requires of `draw` that it makes the draws of each of the first `count` blocks from `at` on.
void require_draws(const auto& draw, dpm::detail::NoiseBlocks at, std::size_t count) {
  constexpr std::uint64_t seed = 0xfedcba9876543210;
  double values[dpm::detail::values_at_once] = {};
  draw(seed, 5, at, count, values);
  for (std::size_t j = 0; j < count; ++j) {
    CAPTURE(at.sample, at.block, at.per_sample, count, j);
    const auto block = dpm::normal_draws(seed, at.sample, 5, static_cast<std::uint32_t>(at.block));
    REQUIRE(std::equal(block.begin(), block.end(), values + 4 * j));
    if (++at.block == at.per_sample) at = {at.sample + 1, 0, at.per_sample};
  }
}

/// The same at the ends of samples and of numbers.
void require_draws(const auto& draw, std::size_t count) {
  constexpr std::uint64_t high = std::uint64_t{1} << 32;
  for (const std::uint64_t per_sample : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3},
                                         std::uint64_t{7}, std::uint64_t{32}, std::uint64_t{40}}) {
    require_draws(draw, {77, per_sample / 2, per_sample}, count);
    require_draws(draw, {high - 3, per_sample - 1, per_sample}, count);
    require_draws(draw, {0 - std::uint64_t{3}, 0, per_sample}, count);
  }
  require_draws(draw, {5, 1000, 2000}, count);
  require_draws(draw, {5, high - 32, high}, count);
  require_draws(draw, {5, high - 31, high}, count);
}

#if DPM_DEFINE  // where the library is compiled separately, its loops are in that file alone

/// Requires of `philox` that it is `philox4x32` in every place, whatever the upper halves.
void require_philox(const auto& philox) {
  constexpr std::uint64_t rubbish = 0xdeadbeef00000000;
  for (const auto& known : known_answers) {
    for (std::size_t groups = 1; groups <= 4; ++groups) {
      dpm::detail::PhiloxWords words;
      for (std::uint32_t k = 0; k < 4; ++k) {
        for (std::uint32_t j = 0; j < 32; ++j) words[k][j] = rubbish + (known.counter[k] ^ j);
      }
      philox(words, groups, known.key[0] | std::uint64_t{known.key[1]} << 32);
      for (std::uint32_t j = 0; j < 8 * groups; ++j) {
        auto counter = known.counter;
        for (std::uint32_t& word : counter) word ^= j;
        const auto expected = dpm::philox4x32(counter, known.key);
        for (std::size_t k = 0; k < 4; ++k) {
          REQUIRE(static_cast<std::uint32_t>(words[k][j]) == expected[k]);
        }
      }
    }
  }
}

#endif

}  // namespace

TEST_CASE("blocks that are drawn together have the bits of each alone") {
  for (std::size_t count = 1; count <= dpm::detail::blocks_at_once; ++count) {
    require_draws(dpm::detail::draw_blocks, count);
  }
}

#if DPM_DEFINE

// `draw_blocks` chooses one of these by the processor.
TEST_CASE("groups of blocks have these bits from each of the library's loops") {
  std::vector<DrawGroups> loops{dpm::detail::draw_groups};
#  if DPM_X86_KERNELS
  if (dpm::detail::has_kernels()) loops.push_back(dpm::detail::draw_groups_avx2);
#  endif
  for (const DrawGroups loop : loops) {
    for (std::size_t groups = 1; groups <= 4; ++groups) {
      const auto draw = [&](std::uint64_t seed, std::uint32_t number, const auto& at, std::size_t,
                            double* values) { loop(seed, number, at, groups, values); };
      require_draws(draw, 8 * groups);
    }
  }
}

TEST_CASE("philox4x32 of many counters is that of each") {
  require_philox(dpm::detail::philox4x32_blocks);
#  if DPM_X86_KERNELS
  if (dpm::detail::has_kernels()) require_philox(dpm::detail::philox4x32_blocks_avx2);
#  endif
}

#endif

}  // namespace noise_generator_test
