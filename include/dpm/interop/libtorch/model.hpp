// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// TorchScript modules as models.
#pragma once

#include <torch/script.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/libtorch/state.hpp"

namespace dpm {

/// A TorchScript module as a model. Its `forward(x, t, ...)` is called without gradients. x is the
/// noisy batch, t the timestep, repeated for each sample (entry of the first dimension), and what
/// follows are the inputs that the constructor was given, such as class labels.
///
///     dpm::TorchModel model(torch::jit::load("unet.pt"), {digits});
///
/// `t` is on the device of x. Its dtype is that of x, or float where x is of a half type, which
/// cannot hold every timestep; `timestep_type` torch::kLong gives integers. What forward returns
/// must have the shape, dtype and device of x. Copies share the module.
class TorchModel {
 public:
  /// Puts the module into evaluation mode.
  explicit TorchModel(torch::jit::Module module, std::vector<c10::IValue> more_inputs = {},
                      std::optional<at::ScalarType> timestep_type = std::nullopt)
      : module_(std::move(module)),
        more_inputs_(std::move(more_inputs)),
        timestep_type_(timestep_type) {
    module_.eval();
  }

  /// out <- the module's output. Refuses an x that is not on the device or not of the dtype of the
  /// module's first floating-point parameter, a timestep with a fraction where it is to be an
  /// integer, and a module that writes to x. What torch throws is passed on. The other inputs are
  /// not copied: a module that writes to them changes them for later calls.
  void operator()(const TensorState& x, double timestep, TensorState& out) const {
    detail::require(!timestep_type_ || !at::isIntegralType(*timestep_type_, false) ||
                        timestep == std::floor(timestep),
                    "TorchModel: timestep = ", timestep,
                    "; it must be a whole number, as the module takes integers (make the schedule "
                    "with TimestepType::discrete)");
    for (const at::Tensor& parameter : module_.parameters()) {
      if (!parameter.is_floating_point()) continue;
      detail::require(parameter.device() == x.tensor().device() &&
                          parameter.scalar_type() == x.tensor().scalar_type(),
                      "TorchModel: x is ", detail::describe(x.tensor()),
                      " and the module's parameters are of ",
                      c10::toString(parameter.scalar_type()), " on ", parameter.device().str(),
                      "; they must agree");
      break;
    }
    const at::NoGradGuard no_grad;
    const auto type = x.tensor().element_size() < 4 ? at::kFloat : x.tensor().scalar_type();
    const std::int64_t batch = x.tensor().dim() > 0 ? x.tensor().size(0) : 1;
    std::vector<c10::IValue> inputs{
        x.tensor(),
        at::full({batch}, timestep, x.tensor().options().dtype(timestep_type_.value_or(type)))};
    inputs.insert(inputs.end(), more_inputs_.begin(), more_inputs_.end());
    // x belongs to the run. A tensor's version counts the writes to it.
    const auto writes = [&x] { return x.tensor().is_inference() ? 0 : x.tensor()._version(); };
    const auto before = writes();
    const c10::IValue output = module_.get_method("forward")(std::move(inputs));
    detail::require(writes() == before,
                    "TorchModel: the module has changed its input x; it must leave x as it is");
    detail::require(output.isTensor(), "TorchModel: the module returns ", output.tagKind(),
                    "; it must return one tensor");
    out = output.toTensor();
  }

 private:
  torch::jit::Module module_;
  std::vector<c10::IValue> more_inputs_;
  std::optional<at::ScalarType> timestep_type_;
};

}  // namespace dpm
