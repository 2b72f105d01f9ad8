// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A short list that lives in place, so that instructions need no heap of their own.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>

#include "dpm/error.hpp"

namespace dpm {

/// At most `Capacity` values of a trivial type, stored in place. Appending beyond that is refused
/// with `InvalidArgument`.
template <class T, std::size_t Capacity>
class BoundedVector {
 public:
  constexpr BoundedVector() = default;
  constexpr BoundedVector(std::initializer_list<T> values) {
    for (const T& value : values) push_back(value);
  }

  constexpr void push_back(const T& value) {
    detail::require(size_ < Capacity, "BoundedVector: it holds ", Capacity,
                    " values at most; one more was appended");
    values_[size_++] = value;
  }

  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
  [[nodiscard]] constexpr const T* begin() const { return values_.data(); }
  [[nodiscard]] constexpr const T* end() const { return values_.data() + size_; }
  [[nodiscard]] constexpr const T& operator[](std::size_t i) const { return values_[i]; }
  [[nodiscard]] constexpr T& operator[](std::size_t i) { return values_[i]; }
  [[nodiscard]] constexpr std::span<const T> span() const { return {begin(), size_}; }

  friend constexpr bool operator==(const BoundedVector& a, const BoundedVector& b) {
    if (a.size_ != b.size_) return false;
    for (std::size_t i = 0; i < a.size_; ++i) {
      if (!(a.values_[i] == b.values_[i])) return false;
    }
    return true;
  }

 private:
  std::array<T, Capacity> values_{};
  std::size_t size_ = 0;
};

}  // namespace dpm
