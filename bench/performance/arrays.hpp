// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What the rivals of the library keep their values in, and the models that all of them call.
#pragma once

#include <Eigen/Core>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace dpm_bench {

/// A vector as today's C++ engines have it: each operator makes a new one.
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(std::vector<float> values) : values_(std::move(values)) {}

  [[nodiscard]] std::size_t size() const { return values_.size(); }
  float* data() { return values_.data(); }
  [[nodiscard]] const float* data() const { return values_.data(); }

  friend Tensor operator*(float factor, const Tensor& a) {
    Tensor result(std::vector<float>(a.size()));
    for (std::size_t i = 0; i < a.size(); ++i) result.values_[i] = factor * a.values_[i];
    return result;
  }
  friend Tensor operator+(const Tensor& a, const Tensor& b) {
    Tensor result(std::vector<float>(a.size()));
    for (std::size_t i = 0; i < a.size(); ++i) result.values_[i] = a.values_[i] + b.values_[i];
    return result;
  }

 private:
  std::vector<float> values_;
};

/// The arrays of one run: the sample, what a singlestep stage makes, the predictions, and what the
/// network returns where it must be converted. Those that a method does not use stay empty.
template <class Values>
struct Arrays {
  Values x;
  Values y;
  std::array<Values, 4> m;
  Values output;
};

/// A network that costs nothing: it leaves in the output what was there.
struct NoModel {
  template <class Values>
  void operator()(const Values& /*x*/, Values& output) const {
    output.data()[0] = static_cast<std::remove_reference_t<decltype(output.data()[0])>>(0.5F);
  }
};

/// One whose output tells whether all contestants compute the same.
struct TestModel {
  template <class Values>
  void operator()(const Values& x, Values& output) const {
    const auto size = static_cast<std::size_t>(x.size());
    for (std::size_t i = 0; i < size; ++i) {
      output.data()[i] = 0.9F * x.data()[i] + 0.1F + 0.001F * static_cast<float>(i % 7);
    }
  }
};

}  // namespace dpm_bench
