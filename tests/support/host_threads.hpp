// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The kernels of a device, run by the host thread after thread.
#pragma once

#include <cstdint>

#include "dpm/interop/cuda/kernels.hpp"

namespace dpm_test {

/// Fewer threads than there is work, so that each takes several pieces; the last comes first.
template <class Part>
void run_threads(std::uint64_t threads, const Part& part) {
  for (std::uint64_t i = threads; i > 0; --i) part(dpm::detail::Threads{i - 1, threads});
}

inline void run_combine(dpm::CudaType type, const dpm::detail::CombineJob& job,
                        std::uint64_t threads = 5) {
  dpm::detail::with_scalar(type, [&](auto scalar) {
    using Scalar = decltype(scalar);
    dpm::detail::with_sizes(job, [&](auto targets, auto operands) {
      run_threads(threads, [&](const dpm::detail::Threads& self) {
        dpm::detail::combine_part<Scalar, decltype(targets)::value, decltype(operands)::value>(
            job, self);
      });
    });
  });
}

inline void run_draw(dpm::CudaType type, const dpm::detail::NoiseJob& job,
                     std::uint64_t threads = 5) {
  dpm::detail::with_scalar(type, [&](auto scalar) {
    run_threads(threads, [&](const dpm::detail::Threads& self) {
      dpm::detail::draw_part<decltype(scalar)>(job, self);
    });
  });
}

inline void run_clip(dpm::CudaType type, const dpm::detail::ClipJob& job,
                     std::uint64_t threads = 5) {
  dpm::detail::with_scalar(type, [&](auto scalar) {
    run_threads(threads, [&](const dpm::detail::Threads& self) {
      dpm::detail::clip_part<decltype(scalar)>(job, self);
    });
  });
}

inline bool run_finite(dpm::CudaType type, const void* values, std::uint64_t size,
                       std::uint64_t threads = 5) {
  bool finite = true;
  dpm::detail::with_scalar(type, [&](auto scalar) {
    run_threads(threads, [&](const dpm::detail::Threads& self) {
      const auto* const from = static_cast<const decltype(scalar)*>(values);
      finite = dpm::detail::finite_part(from, size, self) && finite;
    });
  });
  return finite;
}

}  // namespace dpm_test
