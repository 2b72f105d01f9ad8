// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The noise source of the library: a sample's noise does not depend on the batch around it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "dpm/error.hpp"
#include "dpm/noise/noise_blocks.hpp"
#include "dpm/noise/normal.hpp"
#include "dpm/run/options.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/parallel.hpp"

namespace dpm {

/// Standard normal noise: each value is a function of (seed, sample, draw, element) alone, the same
/// for every batch, number of threads, compiler and standard library (see noise/normal.hpp). It has
/// no state, so copies and forks of a run draw the same noise.
///
///     const dpm::NormalNoise noise{.seed = 42};
///     Eigen::ArrayXXf x(64, 16);   // 16 samples of 64 values
///     noise.fill(x);               // the start of the run
///     dpm::sample(plan, model, x, {.noise = noise});
struct NormalNoise {
  std::uint64_t seed = 0;
  /// The number of the batch's first sample: 7 gives it what column 7 of a larger batch gets.
  std::uint64_t first_sample = 0;
  /// Values of each sample, for ranges that hold several one after the other. 0: one sample, or
  /// those that are the columns of an Eigen object. The noise of a run needs it as its start does:
  /// nothing in a range tells that it is missing, and samples after the first get other noise then.
  std::size_t elements_per_sample = 0;

  /// Fills `x` with draw number 0, which is kept for the start of a run. Refuses an
  /// `elements_per_sample` that does not divide the size of `x`.
  template <DenseState State>
  void fill(State&& x) const {
    fill(dense_view(x), 0);
  }

  template <PointerToNumbers Pointer>
  void fill(Pointer&&) const {
    detail::refuse_pointer<Pointer>();
  }

  /// Fills `z` for the draw that a run asks for: draw k of a plan is number k + 1 here.
  template <DenseState State>
  void operator()(State& z, const NoiseRequest& request) const {
    fill(dense_view(z), request.draw + 1);
  }

 private:
  template <class Scalar>
  void fill(const DenseView<Scalar>& whole, std::uint32_t draw) const {
    const auto view = split_samples("NormalNoise", whole, elements_per_sample);
    detail::require(view.elements <= std::uint64_t{1} << 34, "NormalNoise: a sample of ",
                    view.elements, " values; one sample may have 2^34 at most");
    const std::size_t blocks = (view.elements + 3) / 4 * view.samples;
    if (blocks <= 2) return fill_few(view, draw);
    detail::in_small_chunks(4 * blocks, [&](std::size_t begin, std::size_t end) {
      fill_blocks(view, draw, begin / 4, end / 4);
    });
  }

  template <class Scalar>
  void fill_few(const DenseView<Scalar>& view, std::uint32_t draw) const {
    for (std::size_t s = 0; s < view.samples; ++s) {
      for (std::size_t e = 0; e < view.elements; e += 4) {
        const auto block = static_cast<std::uint32_t>(e / 4);
        const auto values = normal_draws(seed, first_sample + s, draw, block);
        put(values.data(), std::min(view.elements - e, std::size_t{4}), view, s, e);
      }
    }
  }

  /// Fills the blocks `begin` to `end` of all samples; small samples are drawn together.
  template <class Scalar>
  void fill_blocks(const DenseView<Scalar>& view, std::uint32_t draw, std::size_t begin,
                   std::size_t end) const {
    const std::size_t per_sample = (view.elements + 3) / 4;
    std::size_t sample = begin / per_sample;
    std::size_t block = begin % per_sample;
    while (begin < end) {
      const std::size_t count = std::min(end - begin, detail::blocks_at_once);
      double values[detail::values_at_once];
      detail::draw_blocks(seed, draw, {first_sample + sample, block, per_sample}, count, values);
      begin += count;
      for (std::size_t done = 0; done < count;) {
        const std::size_t blocks = std::min(count - done, per_sample - block);
        const std::size_t element = 4 * block;
        put(values + 4 * done, std::min(view.elements - element, 4 * blocks), view, sample,
            element);
        done += blocks;
        block += blocks;
        if (block == per_sample) {
          block = 0;
          ++sample;
        }
      }
    }
  }

  /// Copies `count` values into a sample, from `element` on.
  template <class Scalar>
  static void put(const double* from, std::size_t count, const DenseView<Scalar>& view,
                  std::size_t sample, std::size_t element) {
    const std::size_t stride = view.element_stride;
    Scalar* const to = view.data + sample * view.sample_stride + element * stride;
    if (stride == 1 && count == detail::values_at_once) {  // so that g++ -O2 vectorises it
      for (std::size_t k = 0; k < detail::values_at_once; ++k) to[k] = static_cast<Scalar>(from[k]);
    } else {
      for (std::size_t k = 0; k < count; ++k) to[k * stride] = static_cast<Scalar>(from[k]);
    }
  }
};

}  // namespace dpm
