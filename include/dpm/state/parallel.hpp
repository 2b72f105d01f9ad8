// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Loops over large states, on several threads in programs compiled with OpenMP.
#pragma once

#include <algorithm>
#include <cstddef>

#if defined(_OPENMP)
#  include <omp.h>
#endif

namespace dpm::detail {

/// Scalars from which on threads save more than they cost.
inline constexpr std::size_t parallel_size = std::size_t{1} << 16;
/// What the parts that threads take are a multiple of, in scalars.
inline constexpr std::size_t parallel_chunk = std::size_t{1} << 13;
/// The parts of loops that compute much, in scalars.
inline constexpr std::size_t small_chunk = std::size_t{1} << 11;

/// Calls `function(begin, end)`, which must not throw, for the parts of 0 .. size, all but the last
/// of a length that `parallel_chunk` divides, and returns whether every call returned true. With
/// OpenMP each thread has one part of a large size, which stays in its core's cache.
template <class Function>
bool in_chunks(std::size_t size, const Function& function) {
#if defined(_OPENMP)
  if (size >= parallel_size) {
    const auto threads = static_cast<std::size_t>(omp_get_max_threads());
    const std::size_t chunks = (size + parallel_chunk - 1) / parallel_chunk;
    const std::size_t part = (chunks + threads - 1) / threads * parallel_chunk;
    const auto parts = static_cast<std::ptrdiff_t>((size + part - 1) / part);
    bool all = true;
#  pragma omp parallel for schedule(static, 1) reduction(&& : all)
    for (std::ptrdiff_t p = 0; p < parts; ++p) {
      const std::size_t begin = static_cast<std::size_t>(p) * part;
      all = function(begin, std::min(begin + part, size)) && all;
    }
    return all;
  }
#endif
  return function(std::size_t{0}, size);
}

/// Calls `function(begin, end)`, which must not throw, for the parts of 0 .. size. For loops that
/// wait for arithmetic and not for memory: with OpenMP, free threads take parts of `small_chunk`.
template <class Function>
void in_small_chunks(std::size_t size, const Function& function) {
#if defined(_OPENMP)
  if (size >= parallel_size) {
    const auto parts = static_cast<std::ptrdiff_t>((size + small_chunk - 1) / small_chunk);
#  pragma omp parallel for schedule(dynamic)
    for (std::ptrdiff_t p = 0; p < parts; ++p) {
      const std::size_t begin = static_cast<std::size_t>(p) * small_chunk;
      function(begin, std::min(begin + small_chunk, size));
    }
    return;
  }
#endif
  function(std::size_t{0}, size);
}

}  // namespace dpm::detail
