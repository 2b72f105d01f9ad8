// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Tensors as states, and weighted sums of them.
#pragma once

#include <ATen/ScalarOps.h>
#include <torch/script.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "dpm/error.hpp"
#include "dpm/run/options.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/error_norm.hpp"
#include "dpm/state/weights.hpp"

namespace dpm {
namespace detail {

/// "[16, 1, 28, 28] of Float on cpu".
inline std::string describe(const at::Tensor& x) {
  if (!x.defined()) return "undefined";
  std::string shape;
  for (const std::int64_t size : x.sizes()) {
    shape += (shape.empty() ? "" : ", ") + std::to_string(size);
  }
  return "[" + shape + "] of " + c10::toString(x.scalar_type()) + " on " + x.device().str();
}

inline bool alike(const at::Tensor& a, const at::Tensor& b) {
  return a.defined() && a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() &&
         a.device() == b.device();
}

/// Up to eight tensors, each with its weight. It keeps pointers to them.
class TensorSum {
 public:
  void add(const at::Tensor& x, double weight) {
    if (weight == 0.0) return;
    const std::size_t k = place(x);
    terms_[k] = &x;
    weights_[k] += weight;
    if (k == size_) ++size_;
  }

  [[nodiscard]] bool reads(const at::Tensor& x) const { return place(x) < size_; }

  /// target <- the sum. The target may be a term: it is then the first to be read.
  void write_to(at::Tensor& target) const {
    if (size_ == 0) {
      target.zero_();
    } else if (target.element_size() < 4) {
      // In float, so that half types are rounded once.
      at::Tensor sum = terms_[0]->to(at::kFloat).mul_(weights_[0]);
      for (std::size_t k = 1; k < size_; ++k) sum.add_(*terms_[k], weights_[k]);
      target.copy_(sum);
    } else {
      std::size_t first = place(target);
      if (first < size_) {
        target.mul_(weights_[first]);
      } else {
        first = 0;
        at::mul_out(target, *terms_[0], at::native::wrapped_scalar_tensor(weights_[0]));
      }
      for (std::size_t k = 0; k < size_; ++k) {
        if (k != first) target.add_(*terms_[k], weights_[k]);
      }
    }
  }

  /// The sum in a new tensor, of the shape and dtype of another.
  [[nodiscard]] at::Tensor like(const at::Tensor& other) const {
    at::Tensor result = at::empty_like(other);
    write_to(result);
    return result;
  }

 private:
  [[nodiscard]] std::size_t place(const at::Tensor& x) const {
    std::size_t k = 0;
    while (k < size_ && terms_[k] != &x) ++k;
    return k;
  }

  std::array<const at::Tensor*, 8> terms_{};
  std::array<double, 8> weights_{};
  std::size_t size_ = 0;
};

}  // namespace detail

/// The state of a run on a `torch::Tensor`: a tensor that owns its values. (A `torch::Tensor` is a
/// handle, whose copies share their values, so its `OwnedState` is this type.) Models, noise
/// sources, corrections and observers are given it, and it converts to `const torch::Tensor&`:
///
///     options.correction = [](dpm::TensorState& data, const dpm::Level&) {
///       data.tensor().clamp_(-1, 1);
///     };
///
/// A tensor that was taken from it keeps its values while the run goes on. `sample` assigns a new
/// tensor to x; others that shared the memory of x still hold the start.
class TensorState {
 public:
  /// A copy of the values of x, with its strides if they are dense, and else contiguous. Refuses a
  /// tensor that is empty or not of real floating-point numbers.
  TensorState(const at::Tensor& x) {
    detail::require(x.defined() && x.is_floating_point() && x.numel() > 0,
                    "TensorState: the tensor is ", detail::describe(x),
                    "; it must hold at least one value, of a floating-point type");
    tensor_ = copy(x);
  }
  TensorState(const TensorState& other) : tensor_(copy(other.tensor_)) {}
  TensorState(TensorState&& other) noexcept = default;
  ~TensorState() = default;

  /// Copies the values of x. Refuses a tensor of another shape or dtype or on another device, and
  /// then has changed nothing.
  TensorState& operator=(const at::Tensor& x) {
    detail::require(!tensor_.defined() || detail::alike(x, tensor_),
                    "TensorState: the new values are ", detail::describe(x),
                    "; they must be like those before, ", detail::describe(tensor_));
    if (x.is_same(tensor_)) return *this;
    if (is_unshared()) {
      const at::NoGradGuard no_grad;
      tensor_.copy_(x);
    } else {
      tensor_ = copy(x);
    }
    return *this;
  }
  TensorState& operator=(const TensorState& other) { return *this = other.tensor_; }
  TensorState& operator=(TensorState&& other) noexcept = default;

  [[nodiscard]] const at::Tensor& tensor() const { return tensor_; }
  operator const at::Tensor&() const { return tensor_; }

 private:
  friend void combine(const Weights& weights, std::span<TensorState* const> targets,
                      std::span<const TensorState* const> operands);

  static at::Tensor copy(const at::Tensor& x) { return x.defined() ? x.detach().clone() : x; }

  /// Whether no other tensor shares the values.
  [[nodiscard]] bool is_unshared() const {
    return tensor_.defined() && tensor_.use_count() == 1 && tensor_.storage().use_count() == 1;
  }

  at::Tensor tensor_;
};

/// Whether two states have the same shape, dtype and device.
[[nodiscard]] inline bool is_like(const TensorState& a, const TensorState& b) {
  return detail::alike(a.tensor(), b.tensor());
}

template <>
struct detail::Owned<at::Tensor> {
  using type = TensorState;
};

// So that `Stepper stepper(plan, x)` takes a tensor.
Stepper(const Plan&, const at::Tensor&)->Stepper<TensorState>;
Stepper(const Plan&, const at::Tensor&, RunOptions<TensorState>)->Stepper<TensorState>;
Stepper(std::shared_ptr<const Plan>, const at::Tensor&)->Stepper<TensorState>;
Stepper(std::shared_ptr<const Plan>, const at::Tensor&, RunOptions<TensorState>)
    ->Stepper<TensorState>;

/// `combine` for tensors (see `Weights`): in place where that is possible, half types rounded once.
/// Terms of weight 0 are not read.
inline void combine(const Weights& weights, std::span<TensorState* const> targets,
                    std::span<const TensorState* const> operands) {
  const at::NoGradGuard no_grad;
  std::array<detail::TensorSum, 3> sums;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    for (std::size_t j = 0; j < operands.size(); ++j) {
      sums[i].add(operands[j]->tensor_, weights(i, j));
    }
  }
  std::array<at::Tensor, 3> results;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    bool in_place = targets[i]->is_unshared();
    for (std::size_t k = i + 1; k < targets.size(); ++k) {
      in_place = in_place && !sums[k].reads(targets[i]->tensor_);
    }
    if (in_place) {
      sums[i].write_to(targets[i]->tensor_);
    } else {
      results[i] = sums[i].like(targets[i]->tensor_);
    }
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (results[i].defined()) targets[i]->tensor_ = std::move(results[i]);
  }
}

/// Whether every value is finite. One pass; waits for the device. A run asks it of its result.
[[nodiscard]] inline bool all_finite(const TensorState& state) {
  const at::Tensor& x = state.tensor();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const at::Tensor values = x.element_size() < 4 ? x.to(at::kFloat) : x;
  return std::isfinite(at::linalg_vector_norm(values.detach(), infinity).item<double>());
}

/// For adaptive steps (see `error_norm` of dense states). A sample is an entry of the first
/// dimension; `elements_per_sample` must be 0. Waits for the device.
[[nodiscard]] inline double error_norm(const TensorState& lower, const TensorState& higher,
                                       const TensorState& previous,
                                       const ErrorTolerance& tolerance) {
  detail::require(tolerance.elements_per_sample == 0,
                  "error_norm: elements_per_sample = ", tolerance.elements_per_sample,
                  "; it must be 0 for tensors, whose samples are entries of the first dimension");
  const at::NoGradGuard no_grad;
  const at::Tensor low = lower.tensor().to(at::kDouble);
  const at::Tensor size = at::maximum(low.abs(), previous.tensor().to(at::kDouble).abs());
  const at::Tensor allowed = size.mul_(tolerance.relative).clamp_min_(tolerance.absolute);
  at::Tensor squares = (higher.tensor().to(at::kDouble) - low).div_(allowed).square_();
  const bool samples = low.dim() > 1 && tolerance.norm == ErrorTolerance::Norm::largest_sample;
  if (samples) squares = squares.flatten(1).mean(1).max();
  return std::sqrt(squares.mean().item<double>());
}

}  // namespace dpm
