// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The library's noise source: keyed, so that a sample does not depend on its company.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "dpm/error.hpp"
#include "dpm/run/normal.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {

/// Standard normal noise in which each value is a function of (seed, sample, draw, element) alone:
/// the same whatever the batch around the sample, the number of threads, the compiler and the
/// standard library (see run/normal.hpp). It has no state, so copies and forks of a run draw the
/// same noise.
///
///     const dpm::NormalNoise noise{.seed = 42};
///     Eigen::ArrayXXf x(64, 16);   // 16 samples of 64 values
///     noise.fill(x);               // the start of the run
///     dpm::sample(plan, model, x, {.noise = noise});
struct NormalNoise {
  std::uint64_t seed = 0;
  /// The number of the first sample of the batch: sample 7 alone (`first_sample = 7`) gets what
  /// column 7 of a larger batch gets.
  std::uint64_t first_sample = 0;
  /// For ranges that hold several samples one after the other: values in each; 0: one sample. Eigen
  /// objects have their samples in columns, and leave it 0.
  std::size_t elements_per_sample = 0;

  /// Fills `x` with draw number 0, which is kept for the start of a run. Refuses an
  /// `elements_per_sample` that does not divide the size of `x`.
  template <DenseState State>
  void fill(State&& x) const {
    fill(dense_view(x), 0);
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
    for (std::size_t s = 0; s < view.samples; ++s) {
      Scalar* const sample = view.data + s * view.sample_stride;
      std::size_t e = 0;
      for (std::array<double, 64> run; e + run.size() <= view.elements; e += run.size()) {
        normal_run(seed, first_sample + s, draw, static_cast<std::uint32_t>(e / 4), run);
        for (std::size_t k = 0; k < run.size(); ++k) {
          sample[(e + k) * view.element_stride] = static_cast<Scalar>(run[k]);
        }
      }
      for (; e < view.elements; e += 4) {
        const auto block = static_cast<std::uint32_t>(e / 4);
        const auto values = normal_draws(seed, first_sample + s, draw, block);
        for (std::size_t k = 0; k < 4 && e + k < view.elements; ++k) {
          sample[(e + k) * view.element_stride] = static_cast<Scalar>(values[k]);
        }
      }
    }
  }
};

}  // namespace dpm
