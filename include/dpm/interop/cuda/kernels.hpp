// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The arithmetic of the kernels of dpm/interop/cuda.cu, in functions that the host compiles too: a
/// kernel calls one of them in each of its threads.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "dpm/interop/cuda/value_types.hpp"
#include "dpm/noise/box_muller.hpp"
#include "dpm/noise/philox.hpp"
#include "dpm/separate.hpp"
#include "dpm/standard_library.hpp"

namespace dpm::detail {

// On the device these are single instructions that the flags of nvcc (-use_fast_math, -ftz) leave
// alone. What they give is fixed by IEEE 754, so the host gives the same bits.

/// a b + c, rounded once.
DPM_DEVICE inline float fused(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  float sum;
  asm("fma.rn.f32 %0, %1, %2, %3;" : "=f"(sum) : "f"(a), "f"(b), "f"(c));
  return sum;
#else
  return std::fma(a, b, c);
#endif
}

DPM_DEVICE inline float product(float a, float b) {
#if defined(__CUDA_ARCH__)
  float result;
  asm("mul.rn.f32 %0, %1, %2;" : "=f"(result) : "f"(a), "f"(b));
  return result;
#else
  return a * b;
#endif
}

DPM_DEVICE inline double square_root(double x) {
#if defined(__CUDA_ARCH__)
  return __dsqrt_rn(x);
#else
  return std::sqrt(x);
#endif
}

/// Four values, which a thread reads or writes at once.
template <class Scalar>
struct FourValues {
  std::uint32_t words[sizeof(Scalar)];
};

template <class Scalar>
inline constexpr std::size_t bytes_of_four = 4 * sizeof(Scalar);

DPM_DEVICE inline void unpack(const FourValues<float>& from, float (&x)[4]) {
  for (int k = 0; k < 4; ++k) x[k] = bit_cast<float>(from.words[k]);
}
template <class Scalar>
DPM_DEVICE void unpack(const FourValues<Scalar>& from, float (&x)[4]) {
  for (int k = 0; k < 4; ++k) {
    const std::uint32_t bits = from.words[k / 2] >> (16 * (k % 2)) & 0xFFFF;
    x[k] = widen(Scalar{static_cast<std::uint16_t>(bits)});
  }
}

DPM_DEVICE inline void pack(const float (&x)[4], FourValues<float>& to) {
  for (int k = 0; k < 4; ++k) to.words[k] = bit_cast<std::uint32_t>(x[k]);
}
template <class Scalar>
DPM_DEVICE void pack(const float (&x)[4], FourValues<Scalar>& to) {
  for (std::size_t k = 0; k < 2; ++k) {
    Scalar low;
    Scalar high;
    narrow(x[2 * k], low);
    narrow(x[2 * k + 1], high);
    to.words[k] = low.bits | std::uint32_t{high.bits} << 16;
  }
}

// In one access, by the types that nvcc takes for one.
DPM_DEVICE inline void load_words(const void* from, std::uint32_t (&words)[4]) {
#if defined(__CUDA_ARCH__)
  const uint4 all = *static_cast<const uint4*>(from);
  words[0] = all.x;
  words[1] = all.y;
  words[2] = all.z;
  words[3] = all.w;
#else
  std::memcpy(words, from, sizeof words);
#endif
}
DPM_DEVICE inline void load_words(const void* from, std::uint32_t (&words)[2]) {
#if defined(__CUDA_ARCH__)
  const uint2 all = *static_cast<const uint2*>(from);
  words[0] = all.x;
  words[1] = all.y;
#else
  std::memcpy(words, from, sizeof words);
#endif
}
DPM_DEVICE inline void store_words(const std::uint32_t (&words)[4], void* to) {
#if defined(__CUDA_ARCH__)
  *static_cast<uint4*>(to) = {words[0], words[1], words[2], words[3]};
#else
  std::memcpy(to, words, sizeof words);
#endif
}
DPM_DEVICE inline void store_words(const std::uint32_t (&words)[2], void* to) {
#if defined(__CUDA_ARCH__)
  *static_cast<uint2*>(to) = {words[0], words[1]};
#else
  std::memcpy(to, words, sizeof words);
#endif
}

template <class Scalar>
DPM_DEVICE void read(const Scalar* from, float (&x)[4]) {
  FourValues<Scalar> four;
  load_words(from, four.words);
  unpack(four, x);
}
template <class Scalar>
DPM_DEVICE void read(const Scalar* from, float (&x)[1]) {
  x[0] = widen(*from);
}
template <class Scalar>
DPM_DEVICE void write(const float (&x)[4], Scalar* to) {
  FourValues<Scalar> four;
  pack(x, four);
  store_words(four.words, to);
}
template <class Scalar>
DPM_DEVICE void write(const float (&x)[1], Scalar* to) {
  narrow(x[0], *to);
}

/// Threads of one launch. Each takes the pieces number `thread`, `thread + threads` and so on.
struct Threads {
  std::uint64_t thread;
  std::uint64_t threads;
};

inline constexpr unsigned threads_in_block = 256;
/// More blocks than a device runs at a time; larger states take several rounds.
inline constexpr std::uint64_t most_blocks = std::uint64_t{1} << 20;

/// The blocks for so many pieces of work, of which there is at least one.
constexpr unsigned blocks_for(std::uint64_t pieces) {
  const std::uint64_t blocks = (pieces + threads_in_block - 1) / threads_in_block;
  return static_cast<unsigned>(blocks < most_blocks ? blocks : most_blocks);
}

/// A weighted sum (see `Weights`) of arrays on a device.
struct CombineJob {
  void* targets[3];
  const void* operands[8];
  float weights[3][8];
  std::uint64_t size;      ///< values of each array
  std::uint64_t fours;     ///< the values in `FourValues`, by four; 0 if not all arrays allow it
  unsigned target_count;   ///< 1 to 3
  unsigned operand_count;  ///< 1 to 8
  unsigned in_last;        ///< operands that the last target reads
};

/// The pieces of work: groups of four values and, after them, single ones.
constexpr std::uint64_t pieces_of(std::uint64_t size, std::uint64_t fours) {
  return fours > 0 ? fours : size;
}

/// The sums of one value or of four, from number `at` on. All reads come before the writes.
template <class Scalar, unsigned Targets, unsigned Operands, unsigned Count>
DPM_DEVICE void combine_at(const CombineJob& job, std::uint64_t at) {
  float x[Operands][Count];
  for (unsigned j = 0; j < Operands; ++j)
    read(static_cast<const Scalar*>(job.operands[j]) + at, x[j]);
  for (unsigned i = 0; i < Targets; ++i) {
    float sum[Count];
    for (unsigned k = 0; k < Count; ++k) sum[k] = product(job.weights[i][0], x[0][k]);
    for (unsigned j = 1; j < Operands; ++j) {
      if (i > 0 && i + 1 == Targets && j >= job.in_last) break;
      for (unsigned k = 0; k < Count; ++k) sum[k] = fused(job.weights[i][j], x[j][k], sum[k]);
    }
    write(sum, static_cast<Scalar*>(job.targets[i]) + at);
  }
}

/// Calls `four(at)` for the groups of four values that are one thread's part, and `one(at)` for its
/// single values.
template <class Four, class One>
DPM_DEVICE void for_each_piece(std::uint64_t size, std::uint64_t fours, const Threads& self,
                               const Four& four, const One& one) {
  for (std::uint64_t piece = self.thread; piece < fours; piece += self.threads) four(4 * piece);
  for (std::uint64_t at = 4 * fours + self.thread; at < size; at += self.threads) one(at);
}

/// One thread's part of a sum.
template <class Scalar, unsigned Targets, unsigned Operands>
DPM_DEVICE void combine_part(const CombineJob& job, const Threads& self) {
  for_each_piece(
      job.size, job.fours, self,
      [&](std::uint64_t at) { combine_at<Scalar, Targets, Operands, 4>(job, at); },
      [&](std::uint64_t at) { combine_at<Scalar, Targets, Operands, 1>(job, at); });
}

template <unsigned Size>
using SizeOf = std::integral_constant<unsigned, Size>;

template <unsigned Targets, class Function, unsigned... More>
void with_operands(unsigned operands, const Function& function,
                   std::integer_sequence<unsigned, More...>) {
  ((operands == More + 1 ? function(SizeOf<Targets>(), SizeOf<More + 1>()) : void()), ...);
}

/// Calls `function` with the numbers of a job's targets and operands as constants.
template <class Function>
void with_sizes(const CombineJob& job, const Function& function) {
  constexpr auto sizes = std::make_integer_sequence<unsigned, 8>{};
  if (job.target_count == 1) with_operands<1>(job.operand_count, function, sizes);
  if (job.target_count == 2) with_operands<2>(job.operand_count, function, sizes);
  if (job.target_count == 3) with_operands<3>(job.operand_count, function, sizes);
}

/// Clips an array on a device to [-most, most]. NaN and infinities stay: a step does not look for
/// them, so the end must still show them.
struct ClipJob {
  void* values;
  std::uint64_t size;
  std::uint64_t fours;  ///< as in `CombineJob`
  float most;
};

/// By bits, as no flag of a compiler changes that.
DPM_DEVICE inline bool is_finite_value(float x) {
  return (bit_cast<std::uint32_t>(x) & 0x7F800000) != 0x7F800000;
}

template <class Scalar, unsigned Count>
DPM_DEVICE void clip_at(const ClipJob& job, std::uint64_t at) {
  Scalar* const values = static_cast<Scalar*>(job.values) + at;
  float x[Count];
  read(values, x);
  for (unsigned k = 0; k < Count; ++k) {
    const float clipped = x[k] < -job.most ? -job.most : job.most < x[k] ? job.most : x[k];
    if (is_finite_value(x[k])) x[k] = clipped;
  }
  write(x, values);
}

/// One thread's part of the clipping.
template <class Scalar>
DPM_DEVICE void clip_part(const ClipJob& job, const Threads& self) {
  for_each_piece(
      job.size, job.fours, self, [&](std::uint64_t at) { clip_at<Scalar, 4>(job, at); },
      [&](std::uint64_t at) { clip_at<Scalar, 1>(job, at); });
}

/// Keyed noise (see `normal_draws`) for an array on a device.
struct NoiseJob {
  void* to;
  std::uint64_t elements;  ///< values of each sample
  std::uint64_t blocks;    ///< blocks of four values of each sample, the last may have fewer
  std::uint64_t samples;
  std::uint64_t seed;
  const std::uint64_t* seed_there;  ///< the seed in the device's memory, if it is not null
  std::uint64_t first_sample;
  std::uint32_t draw;
};

/// Draws one block of a sample.
template <class Scalar>
DPM_DEVICE void draw_block(const NoiseJob& job, std::uint64_t seed, std::uint64_t sample,
                           std::uint64_t block) {
  const std::uint64_t number = job.first_sample + sample;
  auto c0 = static_cast<std::uint32_t>(block);
  std::uint32_t c1 = job.draw;
  auto c2 = static_cast<std::uint32_t>(number);
  auto c3 = static_cast<std::uint32_t>(number >> 32);
  philox_rounds(c0, c1, c2, c3, static_cast<std::uint32_t>(seed),
                static_cast<std::uint32_t>(seed >> 32));
  const DrawPair first = polar(square_root(minus_two_log(c0)), c1);
  const DrawPair second = polar(square_root(minus_two_log(c2)), c3);
  const float values[4] = {static_cast<float>(first.first), static_cast<float>(first.second),
                           static_cast<float>(second.first), static_cast<float>(second.second)};
  Scalar* const to = static_cast<Scalar*>(job.to) + sample * job.elements + 4 * block;
  const std::uint64_t left = job.elements - 4 * block;
  if (left >= 4 && reinterpret_cast<std::uintptr_t>(to) % bytes_of_four<Scalar> == 0) {
    write(values, to);
  } else {
    for (unsigned k = 0; k < 4 && k < left; ++k) narrow(values[k], to[k]);
  }
}

/// Calls `block(sample, number)` for the blocks that are one thread's part.
template <class Block>
DPM_DEVICE void for_each_block(const NoiseJob& job, const Threads& self, const Block& block) {
  for (std::uint64_t b = self.thread; b < job.blocks * job.samples; b += self.threads) {
    const std::uint64_t sample = job.samples == 1 ? 0 : b / job.blocks;
    block(sample, b - sample * job.blocks);
  }
}

/// One thread's part of the noise.
template <class Scalar>
DPM_DEVICE void draw_part(const NoiseJob& job, const Threads& self) {
  const std::uint64_t seed = job.seed_there != nullptr ? *job.seed_there : job.seed;
  for_each_block(job, self, [&](std::uint64_t sample, std::uint64_t number) {
    draw_block<Scalar>(job, seed, sample, number);
  });
}

/// Whether the values that are one thread's part are all finite.
template <class Scalar>
DPM_DEVICE bool finite_part(const Scalar* values, std::uint64_t size, const Threads& self) {
  bool finite = true;
  for (std::uint64_t at = self.thread; at < size; at += self.threads) {
    finite = finite && is_finite_value(widen(values[at]));
  }
  return finite;
}

}  // namespace dpm::detail
