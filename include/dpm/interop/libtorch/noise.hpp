// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Noise from torch's own generator.
#pragma once

#include <torch/script.h>

#include <cstdint>
#include <mutex>

#include "dpm/interop/libtorch/state.hpp"
#include "dpm/run/options.hpp"

namespace dpm {

/// Standard normal noise by torch's own generator, on the device where it is wanted. Draw k of a
/// run is a function of (seed, k) and of the batch: the same whenever it is asked for, and for
/// copies and forks of a run.
///
/// Its bits depend on the shape, strides and dtype of the batch, the kind of device and the version
/// of torch. Those of `NormalNoise`, which works on the host, do not:
///
///     dpm::NormalNoise{.seed = 42, .elements_per_sample = 784}
///         .fill(std::span(x.data_ptr<float>(), 16 * 784));   // x is contiguous and on the CPU
struct TensorNoise {
  std::uint64_t seed = 0;

  /// Fills x with draw number 0, which is kept for the start of a run.
  void fill(const at::Tensor& x) const { fill(x, 0); }

  /// Fills z for the draw that a run asks for: draw k of a plan is number k + 1 here.
  void operator()(TensorState& z, const NoiseRequest& request) const {
    fill(z.tensor(), std::uint64_t{request.draw} + 1);
  }

 private:
  void fill(const at::Tensor& x, std::uint64_t draw) const {
    at::Generator shared = at::globalContext().defaultGenerator(x.device());
    at::Generator own;
    {
      const std::lock_guard<std::mutex> lock(shared.mutex());
      own = shared.clone();
    }
    // Mixes seed and draw into all bits (the finalizer of SplitMix64): the CPU's generator uses the
    // lower 32 bits alone.
    std::uint64_t bits = seed;
    for (const std::uint64_t word : {std::uint64_t{0}, draw}) {
      bits = (bits ^ word) + 0x9e37'79b9'7f4a'7c15U;
      bits = (bits ^ bits >> 30U) * 0xbf58'476d'1ce4'e5b9U;
      bits = (bits ^ bits >> 27U) * 0x94d0'49bb'1331'11ebU;
      bits ^= bits >> 31U;
    }
    own.set_current_seed(bits);
    const at::NoGradGuard no_grad;
    x.normal_(0.0, 1.0, own);
  }
};

}  // namespace dpm
