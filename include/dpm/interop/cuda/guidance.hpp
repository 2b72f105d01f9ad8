// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Classifier-free guidance on a doubled batch in the memory of a CUDA device.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "dpm/error.hpp"
#include "dpm/guidance/guidance_scale.hpp"
#include "dpm/interop/cuda/state.hpp"
#include "dpm/model.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/state/weights.hpp"

namespace dpm {

/// `BatchedClassifierFreeGuidance` on a device, with its bits: one model, called once on [x | x],
/// whose output must be [conditional | unconditional].
///
///     dpm::CudaClassifierFreeGuidance guided(network, 7.5, x);
///     dpm::sample(schedule, 20, guided, x);
///
/// The model is called on both halves at every scale. Cost besides: two launches in the stream. The
/// two doubled states are taken from the device when it is made, so a call can be captured in a
/// graph. An object serves one run at a time. There is no rescaling.
template <class Model>
class CudaClassifierFreeGuidance {
 public:
  /// @param x  a batch like those that will be guided. Only its size, type, stream and allocator
  ///           count.
  ///
  /// Refuses an empty callable and a view that no run takes; for the scale see `GuidanceScale`.
  CudaClassifierFreeGuidance(Model model, GuidanceScale scale, const CudaView& x)
      : model_(std::move(model)),
        scale_(std::move(scale)),
        input_(CudaState::unfilled(x, 2 * x.size)),
        output_(CudaState::unfilled(x, 2 * x.size)) {
    detail::require_callable("CudaClassifierFreeGuidance", "model", model_);
  }

  /// out <- unconditional + scale (conditional - unconditional). Refuses an x of another size, type
  /// or stream than it was made for.
  void operator()(const CudaState& x, const Level& level, CudaState& out) {
    require_same(x);
    require_same(out);
    const double scale = scale_.at(level, 1.0);
    constexpr double ones[] = {1.0, 1.0};
    const CudaView halves[] = {half_of(input_, 0), half_of(input_, 1)};
    detail::combine_views(Weights(ones, 1), halves, std::span(&x.view(), 1));
    call_model<CudaState>(model_, input_, level, output_);
    const double weights[] = {scale, 1.0 - scale};
    const CudaView outputs[] = {half_of(output_, 0), half_of(output_, 1)};
    detail::combine_views(Weights(weights, 2), std::span(&out.view(), 1), outputs);
  }

  /// The same, and `unconditional` <- the unconditional half of the model's output, for CFG++. One
  /// launch more.
  void operator()(const CudaState& x, const Level& level, CudaState& out,
                  CudaState& unconditional) {
    require_same(unconditional);
    (*this)(x, level, out);
    constexpr double one = 1.0;
    const CudaView half = half_of(output_, 1);
    detail::combine_views(Weights(&one, 1), std::span(&unconditional.view(), 1),
                          std::span(&half, 1));
  }

 private:
  static CudaView half_of(CudaState& doubled, std::size_t index) {
    CudaView half = doubled.view();
    half.size /= 2;
    half.data = static_cast<std::byte*>(half.data) + index * (doubled.bytes() / 2);
    return half;
  }
  void require_same(const CudaState& x) const {
    const CudaView& is = x.view();
    const CudaView& made = input_.view();
    detail::require(2 * is.size == made.size && is.type == made.type && is.stream == made.stream,
                    "CudaClassifierFreeGuidance: the values are ", is.size, " of type ",
                    detail::name_of(is.type), "; it was made for ", made.size / 2, " of type ",
                    detail::name_of(made.type), " in one stream");
  }

  Model model_;
  GuidanceScale scale_;
  CudaState input_;
  CudaState output_;
};

}  // namespace dpm
