// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// PyTorch's generator of normal numbers on the CPU, call after call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dpm/noise/mersenne_twister.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/dense.hpp"
#if DPM_DEFINE
#  include <array>
#  include <cmath>
#  include <numbers>
#endif

namespace dpm {

/// The `dtype` of tensors in PyTorch: after the same seed the two hold different numbers.
enum class TorchType : std::uint8_t { float32, float64 };

/// PyTorch's CPU generator after `torch.manual_seed(seed)`: each `randn` goes on where the last one
/// ended. A copy goes on from the same place. `TorchNoise` is the noise source of a run.
///
///     dpm::TorchGenerator generator(42);
///     generator.randn(image_noise);  // the first torch.randn of the other program
///     generator.randn(x);            // and the second
///
/// Values have the order of a contiguous tensor whose first index is the sample: sample after
/// sample, which are the columns of an Eigen object. The state's type need not be the tensor's.
///
/// How exact: tensors of float32 with 16 values and more are PyTorch's bits where it runs on x86-64
/// with AVX2 and was built by g++ (checked with PyTorch 1.13.1). Its polynomials are repeated here,
/// with the same bits on every machine. PyTorch elsewhere differs from itself by up to 2e-6.
/// Smaller tensors and those of float64 are made with log, sin and cos of double, so they agree but
/// for the last places of these functions. float16 and bfloat16 tensors hold other numbers, which
/// are not reproduced.
///
/// Source: ATen/native/cpu/DistributionTemplates.h. The seed has 32 bits, as PyTorch ignores the
/// others. Cost: about 50 ns a value.
class TorchGenerator {
 public:
  explicit TorchGenerator(std::uint64_t seed) : words_(static_cast<std::uint32_t>(seed)) {}

  /// Fills `x` as `torch.randn` would fill a tensor of as many values.
  template <DenseState State>
  void randn(State&& x, TorchType type = TorchType::float32) {
    fill(dense_view(x), type);
  }

  template <PointerToNumbers Pointer>
  void randn(Pointer&&, TorchType = TorchType::float32) {
    detail::refuse_pointer<Pointer>();
  }

  /// Goes on as after `calls` calls of `randn` for `count` values each. Cost: about 1 ns a value.
  void skip(std::uint64_t calls, std::size_t count, TorchType type = TorchType::float32);

 private:
  friend struct TorchNoise;

  /// Larger tensors are made of so many values at a time.
  static constexpr std::size_t block = 16;

  template <class Scalar>
  void fill(const DenseView<Scalar>& x, TorchType type) {
    const std::size_t count = x.size();
    double values[block];
    if (count < block) {
      for (std::size_t i = 0; i < count; ++i) values[i] = next_normal(type);
      return put(values, count, x, 0);
    }
    for (std::size_t i = 0; i + block <= count; i += block) {
      next_block(type, values);
      put(values, block, x, i);
    }
    if (count % block == 0) return;
    skip_uniforms(count % block, type);
    next_block(type, values);
    put(values, block, x, count - block);  // the last 16 once more, of new numbers
  }

  /// Copies `count` values to x, from the value on that is number `first` in the tensor's order.
  template <class Scalar>
  static void put(const double* values, std::size_t count, const DenseView<Scalar>& x,
                  std::size_t first) {
    if (count == 0) return;
    std::size_t sample = first / x.elements;
    std::size_t element = first % x.elements;
    for (std::size_t i = 0; i < count; ++i) {
      x.at(element, sample) = static_cast<Scalar>(values[i]);
      if (++element == x.elements) {
        element = 0;
        ++sample;
      }
    }
  }

  double next_normal(TorchType type);
  void next_block(TorchType type, double (&values)[block]);
  float next_uniform_float();
  double next_uniform_double();
  void skip_uniforms(std::uint64_t count, TorchType type);

  detail::MersenneTwister words_;
  double kept_ = 0.0;  // the second number of a pair made for a tensor of fewer than 16
  bool has_kept_ = false;
};

#if DPM_DEFINE

namespace detail {

// The logf and sincosf of Cephes (Moshier), as Pommier's sse_mathfun and PyTorch's avx_mathfun.h
// have them. g++ makes fused multiply-adds of that file's products and sums, which are written out
// here. No other product meets a sum, unless it is exact: so no compiler can change the bits.

/// log u for u in [2^-24, 1].
inline float torch_log(float u) {
  int exponent = 0;
  float x = std::frexp(u, &exponent);
  if (x < 0.707106781186547524F) {
    --exponent;
    x = (x - 1.0F) + x;
  } else {
    x -= 1.0F;
  }
  const auto e = static_cast<float>(exponent);
  const float z = x * x;
  float y = 7.0376836292e-2F;
  for (const float coefficient :
       {-1.1514610310e-1F, 1.1676998740e-1F, -1.2420140846e-1F, 1.4249322787e-1F, -1.6668057665e-1F,
        2.0000714765e-1F, -2.4999993993e-1F, 3.3333331174e-1F}) {
    y = std::fma(y, x, coefficient);
  }
  y *= x;
  y = std::fma(y, z, e * -2.12194440e-4F);
  y = std::fma(z, -0.5F, y);
  return std::fma(e, 0.693359375F, x + y);  // log 2 is the sum of both factors of e
}

/// cos(theta) and sin(theta) for theta in [0, 2 pi].
inline std::array<float, 2> torch_cos_sin(float theta) {
  const int octant = static_cast<int>(theta * 1.27323954473516F);  // 4 / pi
  const int even = (octant + 1) & ~1;
  const auto j = static_cast<float>(even);
  float x = std::fma(j, -0.78515625F, theta);  // less j pi / 4, in three parts
  x = std::fma(j, -2.4187564849853515625e-4F, x);
  x = std::fma(j, -3.77489497744594108e-8F, x);
  const float z = x * x;

  float c = std::fma(2.443315711809948e-5F, z, -1.388731625493765e-3F);
  c = std::fma(c, z, 4.166664568298827e-2F) * z;
  c = std::fma(c, z, z * -0.5F) + 1.0F;
  float s = std::fma(-1.9515295891e-4F, z, 8.3321608736e-3F);
  s = std::fma(s, z, -1.6666654611e-1F) * z;
  s = std::fma(s, x, x);

  switch (even % 8) {
    case 0:
      return {c, s};
    case 2:
      return {-s, c};
    case 4:
      return {-c, -s};
    default:
      return {s, -c};
  }
}

}  // namespace detail

DPM_INLINE float TorchGenerator::next_uniform_float() {
  return static_cast<float>(words_.next() & 0xFFFFFF) * 0x1p-24F;
}

DPM_INLINE double TorchGenerator::next_uniform_double() {
  const std::uint64_t high = words_.next();
  const std::uint64_t word = high << 32 | words_.next();
  return static_cast<double>(word & ((std::uint64_t{1} << 53) - 1)) * 0x1p-53;
}

DPM_INLINE void TorchGenerator::skip_uniforms(std::uint64_t count, TorchType type) {
  words_.skip(type == TorchType::float64 ? 2 * count : count);
}

/// One number of a tensor with fewer than 16: each pair is made in double, whatever the type.
DPM_INLINE double TorchGenerator::next_normal(TorchType type) {
  double z = kept_;
  if (!has_kept_) {
    const double theta = 2.0 * std::numbers::pi * next_uniform_double();
    const double r = std::sqrt(-2.0 * std::log1p(-next_uniform_double()));
    kept_ = r * std::sin(theta);
    z = r * std::cos(theta);
  }
  has_kept_ = !has_kept_;
  z += 0.0;  // the mean: no -0
  return type == TorchType::float64 ? z : static_cast<double>(static_cast<float>(z));
}

/// The next 16 numbers of a larger tensor: number i is r cos(theta) and number i + 8 is
/// r sin(theta), with r = sqrt(-2 log(1 - u_i)) and theta = 2 pi u_(i + 8).
DPM_INLINE void TorchGenerator::next_block(TorchType type, double (&values)[block]) {
  constexpr std::size_t half = block / 2;
  if (type == TorchType::float64) {
    for (double& u : values) u = next_uniform_double();
    for (std::size_t i = 0; i < half; ++i) {
      const double r = std::sqrt(-2.0 * std::log(1.0 - values[i]));
      const double theta = 2.0 * std::numbers::pi * values[i + half];
      values[i] = r * std::cos(theta) + 0.0;
      values[i + half] = r * std::sin(theta) + 0.0;
    }
    return;
  }
  float uniform[block];
  for (float& u : uniform) u = next_uniform_float();
  for (std::size_t i = 0; i < half; ++i) {
    const float r = std::sqrt(-2.0F * detail::torch_log(1.0F - uniform[i]));
    const auto cos_sin =
        detail::torch_cos_sin(2.0F * std::numbers::pi_v<float> * uniform[i + half]);
    values[i] = static_cast<double>(r * cos_sin[0] + 0.0F);
    values[i + half] = static_cast<double>(r * cos_sin[1] + 0.0F);
  }
}

DPM_INLINE void TorchGenerator::skip(std::uint64_t calls, std::size_t count, TorchType type) {
  if (count >= block) {
    return skip_uniforms(calls * (count + (count % block == 0 ? 0 : block)), type);
  }
  std::uint64_t numbers = calls * count;
  if (numbers > 0 && has_kept_) {
    has_kept_ = false;
    --numbers;
  }
  skip_uniforms(numbers - numbers % 2, TorchType::float64);
  if (numbers % 2 != 0) next_normal(type);
}

#endif

}  // namespace dpm
