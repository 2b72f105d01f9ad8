// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Keyed noise that is drawn on a CUDA device.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dpm/error.hpp"
#include "dpm/interop/cuda/device.hpp"
#include "dpm/interop/cuda/state.hpp"
#include "dpm/run/options.hpp"

namespace dpm {

/// `NormalNoise` on a device: the same bits, as both use the same arithmetic, which IEEE 754 fixes
/// (see noise/normal.hpp). One launch for each draw, in the stream of what it fills.
struct CudaNoise {
  std::uint64_t seed = 0;
  /// The number of the batch's first sample: 7 gives it what sample 7 of a larger batch gets.
  std::uint64_t first_sample = 0;
  /// Values of each sample, which lie one after the other. 0: all are one sample.
  std::size_t elements_per_sample = 0;
  /// If not null, where the device's memory holds the seed, and `seed` is not used. So a graph
  /// that was captured once draws other noise at each launch.
  const std::uint64_t* seed_on_device = nullptr;

  /// Fills `x` with draw number 0, which is kept for the start of a run. Refuses an
  /// `elements_per_sample` that does not divide the size of `x`.
  void fill(const CudaView& x) const { fill(x, 0); }
  void fill(CudaState& x) const { fill(x.view(), 0); }

  /// Fills `z` for the draw that a run asks for: draw k of a plan is number k + 1 here.
  void operator()(CudaState& z, const NoiseRequest& request) const {
    fill(z.view(), request.draw + 1);
  }

 private:
  void fill(const CudaView& x, std::uint32_t draw) const {
    detail::check_view("CudaNoise", x);
    const std::size_t elements = elements_per_sample > 0 ? elements_per_sample : x.size;
    detail::require(x.size % elements == 0, "CudaNoise: elements_per_sample = ", elements,
                    " for a batch of ", x.size, " values; it must divide them, or be 0");
    detail::require(elements <= std::uint64_t{1} << 34, "CudaNoise: a sample of ", elements,
                    " values; one sample may have 2^34 at most");
    const detail::NoiseJob job{.to = x.data,
                               .elements = elements,
                               .blocks = (elements + 3) / 4,
                               .samples = x.size / elements,
                               .seed = seed,
                               .seed_there = seed_on_device,
                               .first_sample = first_sample,
                               .draw = draw};
    detail::require_success(detail::device_draw(x.type, job, x.stream), "the launch of a draw");
  }
};

}  // namespace dpm
