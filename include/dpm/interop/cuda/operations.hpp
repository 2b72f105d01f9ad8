// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Clipping and `add_noise` in the memory of a CUDA device.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include "dpm/error.hpp"
#include "dpm/interop/cuda/device.hpp"
#include "dpm/interop/cuda/kernels.hpp"
#include "dpm/interop/cuda/state.hpp"
#include "dpm/run/add_noise.hpp"
#include "dpm/run/options.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/state/weights.hpp"

namespace dpm {
namespace detail {

/// `bound` rounded to a type of the device's memory.
inline float rounded_to(CudaType type, double bound) {
  float rounded = 0.0F;
  with_scalar(type, [&](auto scalar) {
    narrow(static_cast<float>(bound), scalar);
    rounded = widen(scalar);
  });
  return rounded;
}

}  // namespace detail

/// Clips the values to [-range, range] in one launch: what `Clip` does to a `CudaState`. Refuses a
/// range that is 0 or infinite in the type of the values.
inline void clip(CudaState& x, double range) {
  detail::check_view("Clip", x.view());
  const float most = detail::rounded_to(x.type(), range);
  detail::require(most > 0.0F && std::isfinite(most), "Clip: range = ", range, ", which is ",
                  double(most), " in the type of the values; it must be positive and finite there");
  const detail::ClipJob job{.values = x.data(),
                            .size = x.size(),
                            .fours = detail::takes_fours(x.view()) ? x.size() / 4 : 0,
                            .most = most};
  detail::require_success(detail::device_clip(x.type(), job, x.stream()), "the launch of a clip");
}

/// x <- alpha x + sigma z on the device: clean data noised to `level`, where an image-to-image run
/// starts. Takes memory for z, and gives it back, in the stream; does not wait, and so does not
/// look at the noise. Refuses, before it changes x, a view that no run takes and a level whose
/// alpha or sigma is not finite as a float.
///
/// @param noise  fills z; it is asked for draw number `draw`, by default one that no run asks for.
inline void add_noise(const CudaView& x, const Level& level, const NoiseSource<CudaState>& noise,
                      std::uint32_t draw = std::numeric_limits<std::uint32_t>::max()) {
  detail::require(static_cast<bool>(noise), "add_noise: noise is empty; it must be a noise source");
  const double weights[] = {level.alpha(), level.sigma()};
  detail::require(std::isfinite(static_cast<float>(weights[0])) &&
                      std::isfinite(static_cast<float>(weights[1])),
                  "add_noise: the level at time ", level.time, " has alpha = ", weights[0],
                  " and sigma = ", weights[1], "; both must be finite as floats");
  CudaState z = CudaState::unfilled(x, x.size);
  noise(z, NoiseRequest{draw, level, level});
  const CudaView operands[] = {x, z.view()};
  detail::combine_views(Weights(weights, 2), std::span(&x, 1), operands);
}
inline void add_noise(CudaState& x, const Level& level, const NoiseSource<CudaState>& noise,
                      std::uint32_t draw = std::numeric_limits<std::uint32_t>::max()) {
  add_noise(x.view(), level, noise, draw);
}

}  // namespace dpm
