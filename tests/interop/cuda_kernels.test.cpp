// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The arithmetic of the device's kernels, run by the host, gives the bits of the CPU's kernels.
#include <Eigen/Core>
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/interop/cuda/kernels.hpp"
#include "support/catch.hpp"
#include "support/host_threads.hpp"

namespace cuda_kernels_test {

namespace {

using dpm::CudaType;
using dpm::detail::BfloatBits;
using dpm::detail::CombineJob;
using dpm::detail::HalfBits;
using dpm::detail::NoiseJob;
using dpm::detail::Threads;

template <class Scalar>
constexpr CudaType type_of = sizeof(Scalar) == 4                         ? CudaType::float32
                             : std::numeric_limits<Scalar>::digits == 11 ? CudaType::float16
                                                                         : CudaType::bfloat16;

template <class Scalar>
bool same_bits(const std::vector<Scalar>& a, const std::vector<Scalar>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Scalar)) == 0;
}

template <class Scalar>
std::vector<Scalar> values(std::size_t size, double phase) {
  std::vector<Scalar> x(size);
  for (std::size_t k = 0; k < size; ++k) {
    x[k] = static_cast<Scalar>(static_cast<float>(std::sin(phase + 0.7 * double(k))));
  }
  return x;
}

/// Targets and operands `offset` values into their arrays, in both kernels.
template <class Scalar>
void require_same_sums(std::size_t size, std::size_t offset, std::size_t targets,
                       std::size_t operands, std::size_t in_last) {
  CAPTURE(size, offset, targets, operands, in_last);
  std::vector<double> weights;
  for (std::size_t i = 0; i < targets; ++i) {
    for (std::size_t j = 0; j < operands; ++j) {
      const bool zero = i + 1 == targets && j >= in_last;
      weights.push_back(zero ? 0.0 : 0.3 + 0.17 * double(i) - 0.29 * double(j));
    }
  }
  const dpm::Weights w(weights.data(), operands);
  std::vector<std::vector<Scalar>> cpu;
  for (std::size_t j = 0; j < operands + targets; ++j) {
    cpu.push_back(values<Scalar>(size + offset, 1.0 + 3.0 * double(j)));
  }
  if (targets > 1 && in_last < operands) {  // where the last target reads none of it
    constexpr float infinity = std::numeric_limits<float>::infinity();
    std::fill(cpu[operands - 1].begin(), cpu[operands - 1].end(), static_cast<Scalar>(infinity));
  }
  auto device = cpu;

  // The first operand is the first target too.
  std::vector<std::span<Scalar>> spans;
  for (auto& x : cpu) spans.push_back(std::span<Scalar>(x).subspan(offset));
  std::vector<std::span<Scalar>*> to{&spans[0]};
  for (std::size_t i = 1; i < targets; ++i) to.push_back(&spans[operands + i]);
  std::vector<const std::span<Scalar>*> from;
  for (std::size_t j = 0; j < operands; ++j) from.push_back(&spans[j]);
  dpm::combine(w, std::span<std::span<Scalar>* const>(to),
               std::span<const std::span<Scalar>* const>(from));

  CombineJob job{};
  job.size = size;
  // Only where the memory is aligned for it.
  const auto aligned = [&](const Scalar* p) {
    return reinterpret_cast<std::uintptr_t>(p) % (4 * sizeof(Scalar)) == 0;
  };
  job.fours = aligned(device[0].data() + offset) ? size / 4 : 0;
  job.target_count = static_cast<unsigned>(targets);
  job.operand_count = static_cast<unsigned>(operands);
  for (std::size_t i = 0; i < targets; ++i) {
    job.targets[i] = device[i == 0 ? 0 : operands + i].data() + offset;
    for (std::size_t j = 0; j < operands; ++j) {
      job.weights[i][j] = static_cast<float>(w(i, j));
    }
  }
  for (std::size_t j = 0; j < operands; ++j) job.operands[j] = device[j].data() + offset;
  job.in_last = static_cast<unsigned>(dpm::detail::terms_of_last(w, targets, operands));
  dpm_test::run_combine(type_of<Scalar>, job);
  for (std::size_t j = 0; j < cpu.size(); ++j) REQUIRE(same_bits(device[j], cpu[j]));
}

template <class Scalar>
void require_same_sums_of_all_sizes() {
  for (std::size_t targets = 1; targets <= 3; ++targets) {
    for (std::size_t operands = 1; operands <= 8; ++operands) {
      for (const std::size_t size : {1U, 2U, 3U, 4U, 5U, 7U, 8U, 31U, 130U}) {
        for (const std::size_t offset : {0U, 1U}) {
          require_same_sums<Scalar>(size, offset, targets, operands, operands);
        }
      }
      require_same_sums<Scalar>(37, 0, targets, operands, 2);
    }
  }
}

}  // namespace

TEST_CASE("values of the half types are widened and rounded on a device as they are on the CPU") {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto word = static_cast<std::uint16_t>(bits);
    const float half = dpm::detail::widen(HalfBits{word});
    const float bfloat = dpm::detail::widen(BfloatBits{word});
    const auto as_half = static_cast<float>(Eigen::numext::bit_cast<Eigen::half>(word));
    const auto as_bfloat = static_cast<float>(Eigen::numext::bit_cast<Eigen::bfloat16>(word));
    if (std::isnan(as_half)) {
      REQUIRE(std::isnan(half));
    } else {
      REQUIRE(std::bit_cast<std::uint32_t>(half) == std::bit_cast<std::uint32_t>(as_half));
    }
    if (std::isnan(as_bfloat)) {
      REQUIRE(std::isnan(bfloat));
    } else {
      REQUIRE(std::bit_cast<std::uint32_t>(bfloat) == std::bit_cast<std::uint32_t>(as_bfloat));
    }
  }
  // All exponents, with fractions on both sides of a tie of either type and on it.
  for (std::uint32_t exponent = 0; exponent < 0x200; ++exponent) {
    for (std::uint32_t k = 0; k < 256; ++k) {
      for (const std::uint32_t low :
           {0x0U, 0x1U, 0xFFFU, 0x1000U, 0x1001U, 0x7FFFU, 0x8000U, 0x8001U}) {
        const auto x = std::bit_cast<float>(exponent << 23 | ((k << 15) ^ low));
        HalfBits half;
        BfloatBits bfloat;
        dpm::detail::narrow(x, half);
        dpm::detail::narrow(x, bfloat);
        if (std::isnan(x)) {
          REQUIRE(std::isnan(dpm::detail::widen(half)));
          REQUIRE(std::isnan(dpm::detail::widen(bfloat)));
        } else {
          const bool same =
              half.bits == Eigen::numext::bit_cast<std::uint16_t>(Eigen::half(x)) &&
              bfloat.bits == Eigen::numext::bit_cast<std::uint16_t>(Eigen::bfloat16(x));
          CAPTURE(x);
          REQUIRE(same);
        }
      }
    }
  }
}

TEST_CASE("sums on a device have the bits of sums on the CPU for every size and alignment") {
  require_same_sums_of_all_sizes<float>();
  require_same_sums_of_all_sizes<Eigen::half>();
  require_same_sums_of_all_sizes<Eigen::bfloat16>();
}

TEST_CASE("a sum of no values on a device touches nothing") {
  float target = 3.0F;
  const float operand = 5.0F;
  CombineJob job{};
  job.targets[0] = &target;
  job.operands[0] = &operand;
  job.weights[0][0] = 1.0F;
  job.target_count = 1;
  job.operand_count = 1;
  dpm_test::run_combine(CudaType::float32, job);
  dpm_test::run_draw(CudaType::float32, {.to = &target,
                                         .elements = 0,
                                         .blocks = 0,
                                         .samples = 1,
                                         .seed = 1,
                                         .seed_there = nullptr,
                                         .first_sample = 0,
                                         .draw = 0});
  REQUIRE(target == 3.0F);
  REQUIRE(dpm_test::run_finite(CudaType::float32, &target, 0));
}

TEST_CASE("the parts of a device's threads cover more than 2^31 values, each once") {
  constexpr std::uint64_t threads = dpm::detail::most_blocks * dpm::detail::threads_in_block;
  constexpr std::uint64_t fours = (std::uint64_t{1} << 33) + 5;
  constexpr std::uint64_t size = 4 * fours + 3;
  static_assert(dpm::detail::blocks_for(1) == 1);
  static_assert(dpm::detail::blocks_for(256) == 1);
  static_assert(dpm::detail::blocks_for(257) == 2);
  static_assert(dpm::detail::blocks_for(fours) == dpm::detail::most_blocks);
  std::uint64_t last_four = 0;
  std::uint64_t last_one = 0;
  for (const std::uint64_t thread :
       {std::uint64_t{0}, std::uint64_t{2}, std::uint64_t{4}, std::uint64_t{5}, threads - 1}) {
    std::uint64_t next = 4 * thread;
    std::uint64_t singles = 0;
    dpm::detail::for_each_piece(
        size, fours, Threads{thread, threads},
        [&](std::uint64_t at) {
          REQUIRE(at == next);
          next += 4 * threads;
          last_four = std::max(last_four, at);
        },
        [&](std::uint64_t at) {
          ++singles;
          REQUIRE(at == 4 * fours + thread);
          last_one = std::max(last_one, at);
        });
    REQUIRE(next >= 4 * fours);          // up to the end
    REQUIRE(next - 4 * threads < size);  // and no further
    REQUIRE(singles == (thread < 3 ? 1 : 0));
  }
  REQUIRE(last_four == 4 * (fours - 1));
  REQUIRE(last_one == size - 1);

  // Noise of three samples of 2^34 - 1 values.
  NoiseJob job{};
  job.elements = (std::uint64_t{1} << 34) - 1;
  job.blocks = (job.elements + 3) / 4;
  job.samples = 3;
  const std::uint64_t all = job.blocks * job.samples;
  for (const std::uint64_t thread : {std::uint64_t{0}, std::uint64_t{77}, threads - 1}) {
    std::uint64_t next = thread;
    dpm::detail::for_each_block(job, Threads{thread, threads},
                                [&](std::uint64_t sample, std::uint64_t number) {
                                  REQUIRE(number < job.blocks);
                                  REQUIRE(sample * job.blocks + number == next);
                                  next += threads;
                                });
    REQUIRE(next >= all);
    REQUIRE(next - threads < all);
  }
}

namespace {

/// How many values of the device's noise differ from those of the CPU's.
template <class Scalar>
std::size_t differing_draws(std::size_t elements, std::size_t samples, std::size_t offset,
                            std::uint64_t seed, std::uint32_t draw) {
  std::vector<Scalar> cpu(elements * samples);
  const dpm::NormalNoise noise{
      .seed = seed, .first_sample = 0x1'0000'0003, .elements_per_sample = elements};
  if (draw == 0) {
    noise.fill(cpu);
  } else {
    noise(cpu, dpm::NoiseRequest{.draw = draw - 1, .from = {}, .to = {}});
  }
  std::vector<Scalar> device(offset + cpu.size() + 1, static_cast<Scalar>(9.0F));
  // In the device's memory if the seed is odd.
  const NoiseJob job{.to = device.data() + offset,
                     .elements = elements,
                     .blocks = (elements + 3) / 4,
                     .samples = samples,
                     .seed = seed % 2 == 0 ? seed : 0,
                     .seed_there = seed % 2 == 0 ? nullptr : &seed,
                     .first_sample = noise.first_sample,
                     .draw = draw};
  dpm_test::run_draw(type_of<Scalar>, job);
  REQUIRE(device.back() == static_cast<Scalar>(9.0F));  // behind the end
  std::size_t differing = 0;
  for (std::size_t k = 0; k < cpu.size(); ++k) {
    if (std::memcmp(&cpu[k], &device[offset + k], sizeof(Scalar)) != 0) ++differing;
  }
  return differing;
}

}  // namespace

TEST_CASE("noise on a device has the bits of NormalNoise, in all values") {
  REQUIRE(differing_draws<float>(100'000, 1, 0, 42, 0) == 0);
  REQUIRE(differing_draws<float>(100'000, 1, 1, 0xFEDC'BA98'7654'3211, 7) == 0);
  for (const std::size_t elements : {1U, 2U, 3U, 4U, 5U, 7U, 8U, 64U, 129U}) {
    for (const std::size_t samples : {1U, 2U, 5U}) {
      for (const std::size_t offset : {0U, 1U}) {
        CAPTURE(elements, samples, offset);
        REQUIRE(differing_draws<float>(elements, samples, offset, 8, 1) == 0);
        REQUIRE(differing_draws<Eigen::half>(elements, samples, offset, 9, 2) == 0);
        REQUIRE(differing_draws<Eigen::bfloat16>(elements, samples, offset, 10, 3) == 0);
      }
    }
  }
}

namespace {

template <class Scalar>
void require_same_clips() {
  for (const std::size_t size : {0U, 1U, 3U, 4U, 5U, 31U}) {
    for (const std::size_t offset : {0U, 1U}) {
      CAPTURE(size, offset);
      std::vector<Scalar> cpu = values<Scalar>(offset + size + 1, 2.0);
      const auto put_non_finite = [&] {
        if (size < 3) return;
        cpu[offset] = std::numeric_limits<Scalar>::infinity();
        cpu[offset + 1] = -std::numeric_limits<Scalar>::infinity();
        cpu[offset + 2] = std::numeric_limits<Scalar>::quiet_NaN();
      };
      put_non_finite();
      std::vector<Scalar> device = cpu;
      std::span<Scalar> clipped(cpu.data() + offset, size);
      dpm::Clip(0.5)(clipped, dpm::Level{});
      put_non_finite();  // which a device leaves for the end to find
      const auto at = reinterpret_cast<std::uintptr_t>(device.data() + offset);
      dpm_test::run_clip(type_of<Scalar>, {.values = device.data() + offset,
                                           .size = size,
                                           .fours = at % (4 * sizeof(Scalar)) == 0 ? size / 4 : 0,
                                           .most = 0.5F});
      REQUIRE(same_bits(device, cpu));  // also before and behind
    }
  }
}

}  // namespace

TEST_CASE(
    "finite values are clipped on a device to the bits of Clip for every size and alignment") {
  require_same_clips<float>();
  require_same_clips<Eigen::half>();
  require_same_clips<Eigen::bfloat16>();
}

TEST_CASE("one value on a device that is not finite is found wherever it stands") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
    for (std::size_t place = 0; place < 13; ++place) {
      std::vector<float> x(13, std::numeric_limits<float>::max());
      std::vector<Eigen::half> half(13, Eigen::half(65504.0F));
      std::vector<Eigen::bfloat16> bfloat(13, Eigen::bfloat16(-3e38F));
      REQUIRE(dpm_test::run_finite(CudaType::float32, x.data(), 13));
      REQUIRE(dpm_test::run_finite(CudaType::float16, half.data(), 13));
      REQUIRE(dpm_test::run_finite(CudaType::bfloat16, bfloat.data(), 13));
      x[place] = bad;
      half[place] = Eigen::half(bad);
      bfloat[place] = Eigen::bfloat16(bad);
      REQUIRE_FALSE(dpm_test::run_finite(CudaType::float32, x.data(), 13));
      REQUIRE_FALSE(dpm_test::run_finite(CudaType::float16, half.data(), 13));
      REQUIRE_FALSE(dpm_test::run_finite(CudaType::bfloat16, bfloat.data(), 13));
    }
  }
}

}  // namespace cuda_kernels_test
