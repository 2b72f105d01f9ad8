// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Noise as PyTorch makes it, on the CPU and on CUDA: the same seed gives the same start as there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dpm/noise/torch_generator.hpp"
#include "dpm/run/options.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/dense.hpp"
#if DPM_DEFINE
#  include <algorithm>
#  include <array>
#  include <cmath>
#  include <numbers>

#  include "dpm/error.hpp"
#  include "dpm/noise/philox.hpp"
#endif

namespace dpm {
namespace detail {

/// The call of `torch.randn` that makes the start. Refuses, in the name of `who`, to have none.
std::uint32_t torch_start(const char* who, std::uint32_t first_draw);

/// Refuses, in the name of `TorchNoise`, a call that is too far away.
void require_torch_call(std::uint32_t call);

/// A tensor that `torch.randn` fills on a GPU, and who makes which value.
class CudaTensor {
 public:
  /// Refuses, in the name of `TorchCudaNoise`, what it documents.
  CudaTensor(std::size_t values, std::size_t threads_of_gpu);

  /// Value number `i` of call number `call`, where all calls are for such tensors.
  [[nodiscard]] double value(std::uint64_t seed, std::uint64_t call, std::size_t i) const;

 private:
  std::size_t threads_;
  std::uint64_t rounds_;  // Philox counters that each thread takes for the tensor
};

/// Calls `fill(tensor, seed)` for each tensor that one call of `torch.randn` makes.
template <class Scalar, class Fill>
void for_each_torch_tensor(const char* who, DenseView<Scalar> view, std::size_t elements_per_sample,
                           std::uint64_t seed, const Fill& fill) {
  if (elements_per_sample == 0) return fill(view, seed);
  if (view.samples == 1 || view.elements != elements_per_sample) {
    view = split_samples(who, view, elements_per_sample);
  }
  for (std::size_t s = 0; s < view.samples; ++s) {
    Scalar* const sample = view.data + s * view.sample_stride;
    fill(DenseView<Scalar>{sample, view.elements, 1, view.element_stride, 0}, seed + s);
  }
}

}  // namespace detail

/// The noise of a PyTorch program whose generator is on the CPU, such as
/// `torch.Generator("cpu").manual_seed(42)` in diffusers. `TorchGenerator` says how exactly.
///
///     const dpm::TorchNoise noise{.seed = 42};
///     std::vector<float> x(4 * 64 * 64);
///     noise.fill(x);  // torch.manual_seed(42); torch.randn(1, 4, 64, 64)
///     dpm::sample(plan, model, x, {.noise = noise});  // each draw is the next torch.randn
///
/// It has no state: a draw is the same whenever and however often a run asks for it. So copies,
/// forks and saved runs that go on elsewhere have the right one. In return a draw goes through the
/// numbers of all draws before it. Cost: about 50 ns a value, and 1 ns for each value of each
/// earlier draw. For very many draws hand over a generator, which cannot go back:
/// `[generator](auto& z, const auto&) mutable { generator.randn(z); }`.
struct TorchNoise {
  std::uint64_t seed = 0;
  /// The generator's call, counted from 0, that makes draw 0 of a run. The call before it makes the
  /// start. 0: a generator that did not make the start. 2: another tensor was drawn first. All
  /// calls are for tensors of the size of x.
  std::uint32_t first_draw = 1;
  /// 0: one call makes the whole state. Otherwise each sample of so many values, of an Eigen object
  /// each column, has a generator of its own, with the seeds `seed`, `seed` + 1, and so on.
  std::size_t elements_per_sample = 0;
  TorchType type = TorchType::float32;

  /// Fills `x` with the start. Refuses `first_draw` = 0, and an `elements_per_sample` that does not
  /// divide the size of a range, or is not the number of an Eigen object's rows.
  template <DenseState State>
  void fill(State&& x) const {
    randn(dense_view(x), detail::torch_start("TorchNoise", first_draw));
  }

  template <PointerToNumbers Pointer>
  void fill(Pointer&&) const {
    detail::refuse_pointer<Pointer>();
  }

  /// Fills `z` for the draw that a run asks for. `add_noise` gets the start. Refuses what `fill`
  /// refuses, and calls from 2^20 on, which takes too long (`Inpaint` numbers its draws from 2^31).
  template <DenseState State>
  void operator()(State& z, const NoiseRequest& request) const {
    randn(dense_view(z), request.draw + first_draw);
  }

 private:
  template <class Scalar>
  void randn(const DenseView<Scalar>& x, std::uint32_t call) const {
    detail::require_torch_call(call);
    detail::for_each_torch_tensor("TorchNoise", x, elements_per_sample, seed,
                                  [&](const auto& tensor, std::uint64_t its_seed) {
                                    TorchGenerator generator(its_seed);
                                    generator.skip(call, tensor.size(), type);
                                    generator.fill(tensor, type);
                                  });
  }
};

/// The noise of a PyTorch program whose generator is on an NVIDIA GPU, in float32. (A tensor of
/// float16 holds the same numbers, rounded.) A1111's source "NV" and the generator "cuda" of
/// stable-diffusion.cpp imitate it as well. Order and draws are those of `TorchNoise`.
///
/// The integers are exact: Philox4x32-10 with curand's numbering, where thread i makes value i. A
/// GPU has so many threads at once, and how a larger tensor goes around again depends on their
/// number: give `threads` for those. The values agree with a GPU's up to about 1e-5, as its sine is
/// an approximation (`__sincosf`).
///
/// Source: ATen/native/cuda/DistributionTemplates.h; checked against tensors that PyTorch 2.5 and
/// 2.7 printed on an RTX 3060, an A100 and an H100. Cost: about 80 ns a value, whatever the draw.
struct TorchCudaNoise {
  std::uint64_t seed = 0;
  std::uint32_t first_draw = 1;         ///< as in `TorchNoise`
  std::size_t elements_per_sample = 0;  ///< as in `TorchNoise`
  /// Multiprocessors times threads that each can hold, a multiple of 256: 28 * 1536 for an
  /// RTX 3060, 82 * 1536 for a 3090, 128 * 1536 for a 4090, 108 * 2048 for an A100, 132 * 2048 for
  /// an H100. 0: as many as there are values, which is what A1111 and stable-diffusion.cpp do.
  std::size_t threads = 0;

  /// Fills `x` with the start. Refuses what `TorchNoise::fill` refuses, `threads` that are not a
  /// multiple of 256, and tensors of more than 2^29 values, which PyTorch divides.
  template <DenseState State>
  void fill(State&& x) const {
    randn(dense_view(x), detail::torch_start("TorchCudaNoise", first_draw));
  }

  template <PointerToNumbers Pointer>
  void fill(Pointer&&) const {
    detail::refuse_pointer<Pointer>();
  }

  /// Fills `z` for the draw that a run asks for. `add_noise` gets the start.
  template <DenseState State>
  void operator()(State& z, const NoiseRequest& request) const {
    randn(dense_view(z), request.draw + first_draw);
  }

 private:
  template <class Scalar>
  void randn(const DenseView<Scalar>& x, std::uint32_t call) const {
    detail::for_each_torch_tensor("TorchCudaNoise", x, elements_per_sample, seed,
                                  [&](const auto& tensor, std::uint64_t its_seed) {
                                    const detail::CudaTensor numbers(tensor.size(), threads);
                                    for (std::size_t i = 0; i < tensor.size(); ++i) {
                                      tensor.at(i % tensor.elements, i / tensor.elements) =
                                          static_cast<Scalar>(numbers.value(its_seed, call, i));
                                    }
                                  });
  }
};

#if DPM_DEFINE

namespace detail {

DPM_INLINE std::uint32_t torch_start(const char* who, std::uint32_t first_draw) {
  require(
      first_draw > 0, who,
      ": first_draw = 0 leaves no call of torch.randn for the start; it must be 1 or more where "
      "this generator makes the start");
  return first_draw - 1;
}

DPM_INLINE void require_torch_call(std::uint32_t call) {
  require(
      call < std::uint32_t{1} << 20, "TorchNoise: call ", call,
      " of torch.randn; it must be below 2^20, as all calls before it are gone through. Inpaint "
      "numbers its draws from 2^31: hand it a source that says which call it takes, such as "
      "[noise](auto& z, const auto&) { noise.fill(z); }");
}

/// As curand's `curand_normal4` of `curand_init(seed, thread, 4 * counter)`: the parts 0 to 3 are
/// r sin(theta) and r cos(theta) of words 0 and 1, and then of words 2 and 3.
inline double curand_normal(std::uint64_t seed, std::uint64_t counter, std::size_t thread,
                            std::size_t part) {
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  const auto words =
      philox4x32({low(counter), low(counter >> 32), low(thread), 0}, {low(seed), low(seed >> 32)});
  const std::size_t pair = part / 2 * 2;
  constexpr float turn = 2.0F * std::numbers::pi_v<float>;
  const float u = std::fma(static_cast<float>(words[pair]), 0x1p-32F, 0x1p-33F);
  const float theta =
      std::fma(static_cast<float>(words[pair + 1]), 0x1p-32F * turn, 0x1p-33F * turn);
  const auto log_u = static_cast<float>(std::log(static_cast<double>(u)));
  const auto angle = static_cast<double>(theta);
  const auto projection = static_cast<float>(part % 2 == 0 ? std::sin(angle) : std::cos(angle));
  return static_cast<double>(std::sqrt(-2.0F * log_u) * projection + 0.0F);
}

/// PyTorch starts blocks of 256 threads, as many as there are values or as the GPU holds at once.
/// Thread t makes the values t, t + threads, ..., four of each Philox counter.
DPM_INLINE CudaTensor::CudaTensor(std::size_t values, std::size_t threads_of_gpu) {
  constexpr std::size_t block = 256;
  require(threads_of_gpu % block == 0, "TorchCudaNoise: threads = ", threads_of_gpu,
          "; it must be a multiple of 256, the multiprocessors of the GPU times the threads that "
          "each can hold, or 0");
  require(values <= std::size_t{1} << 29, "TorchCudaNoise: a tensor of ", values,
          " values; one call of torch.randn on a GPU may fill 2^29 at most");
  threads_ = (values + block - 1) / block * block;
  if (threads_of_gpu > 0) threads_ = std::min(threads_, threads_of_gpu);
  rounds_ = values == 0 ? 0 : (values - 1) / (4 * threads_) + 1;
}

DPM_INLINE double CudaTensor::value(std::uint64_t seed, std::uint64_t call, std::size_t i) const {
  const std::size_t turn = i / threads_;
  return curand_normal(seed, call * rounds_ + turn / 4, i % threads_, turn % 4);
}

}  // namespace detail

#endif

}  // namespace dpm
