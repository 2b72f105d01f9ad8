// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A short list stored in place, so that instructions allocate nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <span>

#include "dpm/error.hpp"

namespace dpm {
namespace detail {

/// Outside `push_back`, to keep that short.
[[noreturn]] inline void refuse_to_append(std::size_t capacity) {
  refuse({"BoundedVector: it holds ", capacity, " values at most; one more was appended"});
}

}  // namespace detail

/// At most `Capacity` values of a trivial type, stored in place. Appending beyond that is refused
/// with `InvalidArgument`.
template <class T, std::size_t Capacity>
class BoundedVector {
 public:
  constexpr BoundedVector() = default;
  constexpr BoundedVector(std::initializer_list<T> values) {
    for (const T& value : values) push_back(value);
  }

  constexpr explicit BoundedVector(std::span<const T> values) {
    for (const T& value : values) push_back(value);
  }

  constexpr void push_back(const T& value) {
    if (size_ == Capacity) detail::refuse_to_append(Capacity);
    values_[size_++] = value;
  }

  /// Drops all but the first `size` values; there must be at least as many.
  constexpr void truncate(std::size_t size) { size_ = size; }

  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
  [[nodiscard]] constexpr const T* begin() const { return values_; }
  [[nodiscard]] constexpr const T* end() const { return values_ + size_; }
  [[nodiscard]] constexpr const T& operator[](std::size_t i) const { return values_[i]; }
  [[nodiscard]] constexpr T& operator[](std::size_t i) { return values_[i]; }
  [[nodiscard]] constexpr std::span<const T> span() const { return {begin(), size_}; }

  friend constexpr bool operator==(const BoundedVector& a, const BoundedVector& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  T values_[Capacity] = {};
  std::size_t size_ = 0;
};

}  // namespace dpm
