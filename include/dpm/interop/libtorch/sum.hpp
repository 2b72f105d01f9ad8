// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Weighted sums of tensors.
#pragma once

#include <ATen/ScalarOps.h>
#include <torch/script.h>

#include <array>
#include <cstddef>

namespace dpm::detail {

/// Up to eight tensors, each with its weight. It keeps pointers to them.
class TensorSum {
 public:
  void add(const at::Tensor& x, double weight) {
    if (weight == 0.0) return;
    const std::size_t k = place(x);
    weights_[k] = k < size_ ? weights_[k] + weight : weight;
    terms_[k] = &x;
    if (k == size_) ++size_;
  }

  [[nodiscard]] bool reads(const at::Tensor& x) const { return place(x) < size_; }

  /// target <- the sum. The target may be a term: it is then the first to be read.
  void write_to(at::Tensor& target) const {
    if (size_ == 0) {
      target.zero_();
    } else if (target.element_size() < 4) {
      target.copy_(wide_sum());
    } else {
      const bool is_term = reads(target);
      const std::size_t first = is_term ? place(target) : 0;
      if (is_term) {
        target.mul_(weights_[first]);
      } else {
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

  /// In float, so that half types are rounded once.
  [[nodiscard]] at::Tensor wide_sum() const {
    at::Tensor sum = terms_[0]->to(at::kFloat).mul_(weights_[0]);
    for (std::size_t k = 1; k < size_; ++k) sum.add_(*terms_[k], weights_[k]);
    return sum;
  }

  std::array<const at::Tensor*, 8> terms_{};
  std::array<double, 8> weights_{};
  std::size_t size_ = 0;
};

}  // namespace dpm::detail
