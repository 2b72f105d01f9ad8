// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Classifier-free guidance of tensors on a doubled batch.
#pragma once

#include <torch/script.h>

#include <optional>
#include <utility>

#include "dpm/error.hpp"
#include "dpm/guidance/guidance_scale.hpp"
#include "dpm/interop/libtorch/state.hpp"
#include "dpm/model.hpp"
#include "dpm/schedule/level.hpp"

namespace dpm {

/// `BatchedClassifierFreeGuidance` for tensors: one model, called once on a batch that is doubled
/// along its first dimension. Its input is [x | x], its output [conditional | unconditional], and
/// conditions go in the same order:
///
///     const torch::Tensor none = torch::full_like(digits, 10);
///     dpm::TorchModel network(module, {torch::cat({digits, none})});
///     dpm::TorchClassifierFreeGuidance guided(network, 3.0);
///     dpm::sample(schedule, 20, guided, x);
///
/// The model is called on both halves whatever the scale. Two doubled tensors are kept from call to
/// call, so an object serves one thread at a time. For two models use `ClassifierFreeGuidance`,
/// which takes tensors too.
template <class Model>
class TorchClassifierFreeGuidance {
 public:
  /// Refuses an empty callable; for the scale see `GuidanceScale`.
  TorchClassifierFreeGuidance(Model model, GuidanceScale scale)
      : model_(std::move(model)), scale_(std::move(scale)) {
    detail::require_callable("TorchClassifierFreeGuidance", "model", model_);
  }

  /// out <- unconditional + scale (conditional - unconditional). Refuses an x without dimensions.
  void operator()(const TensorState& x, const Level& level, TensorState& out) {
    detail::require(x.tensor().dim() > 0, "TorchClassifierFreeGuidance: x is ",
                    detail::describe(x.tensor()), "; it must have a dimension to double");
    const double scale = scale_.at(level, 1.0);
    const at::NoGradGuard no_grad;
    const at::Tensor doubled = at::cat({x.tensor(), x.tensor()});
    if (!input_ || !detail::alike(doubled, input_->tensor())) {
      input_.emplace(doubled);
      output_.emplace(doubled);
    } else {
      *input_ = doubled;
    }
    call_model<TensorState>(model_, *input_, level, *output_);
    const auto halves = output_->tensor().chunk(2);
    detail::TensorSum guided;
    guided.add(halves[0], scale);
    guided.add(halves[1], 1.0 - scale);
    out = guided.like(x.tensor());
  }

 private:
  Model model_;
  GuidanceScale scale_;
  std::optional<TensorState> input_;
  std::optional<TensorState> output_;
};

}  // namespace dpm
