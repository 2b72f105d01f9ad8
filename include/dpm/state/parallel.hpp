// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Loops over large states on several threads, where the user compiles with OpenMP.
#pragma once

#include <algorithm>
#include <cstddef>

namespace dpm::detail {

/// Scalars from which on threads save more than they cost.
inline constexpr std::size_t parallel_size = std::size_t{1} << 16;
/// Scalars that one thread takes at a time.
inline constexpr std::size_t parallel_chunk = std::size_t{1} << 13;

/// Calls `function(begin, end)` for the parts of 0 .. size, all but the last of a length that
/// `parallel_chunk` divides, and returns whether every call did. With OpenMP, large sizes are
/// shared among threads; `function` must not throw.
template <class Function>
bool in_chunks(std::size_t size, const Function& function) {
#if defined(_OPENMP)
  if (size >= parallel_size) {
    const auto chunks = static_cast<std::ptrdiff_t>((size + parallel_chunk - 1) / parallel_chunk);
    bool all = true;
#  pragma omp parallel for schedule(static) reduction(&& : all)
    for (std::ptrdiff_t c = 0; c < chunks; ++c) {
      const std::size_t begin = static_cast<std::size_t>(c) * parallel_chunk;
      all = function(begin, std::min(begin + parallel_chunk, size)) && all;
    }
    return all;
  }
#endif
  return function(std::size_t{0}, size);
}

}  // namespace dpm::detail
