// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Inpainting: after each step the known part of an image, noised, replaces the sample.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "dpm/error.hpp"
#include "dpm/run/add_noise.hpp"
#include "dpm/run/options.hpp"
#include "dpm/state/check_values.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/simd.hpp"

namespace dpm {

/// Keeps the known part of an image while the rest is sampled, as the hook of `sample_with_edits`:
/// after each step x <- mask * noised + (1 - mask) * x, where `noised` is the known image noised to
/// the step's level (Lugmayr et al. 2022, arXiv 2201.09865, Eq. 8).
///
/// Each step starts afresh from the changed sample, so take a method that needs no history: Ddim,
/// Ddpm or a singlestep method (without `DpmSolver::model_calls`, which every new plan would make).
///
///     dpm::sample_with_edits(dpm::Ddim{}, grid, model, x, dpm::Inpaint(image, mask, noise));
template <DenseState State>
class Inpaint {
  static_assert(std::is_same_v<State, OwnedState<State>>,
                "dpm: the known image of Inpaint is a view; give it a type that owns its values.");

 public:
  /// @param known  clean data in the shape of x; only where the mask is above 0 does it count.
  /// @param mask   1 where x is known, 0 where it is to be sampled, or between; the same shape.
  /// @param noise  its draws are numbered from 2^31, so that one source can serve the run as well.
  Inpaint(State known, State mask, std::type_identity_t<NoiseSource<State>> noise)
      : known_(std::move(known)), mask_(std::move(mask)), noise_(std::move(noise)) {
    detail::require_shape(detail::shape_of(mask_), "known", detail::shape_of(known_),
                          "Inpaint: mask");
    for (std::size_t i = 0; i < dense_view(mask_).size(); ++i) {
      const auto value = static_cast<double>(dense_view(mask_).data[i]);
      const auto known_value = static_cast<double>(dense_view(known_).data[i]);
      detail::require(!(value > 0.0) || std::isfinite(known_value), "Inpaint: known holds ",
                      known_value, " where the mask is ", value, "; it must be finite there");
      detail::require(value >= 0.0 && value <= 1.0, "Inpaint: mask holds ", value,
                      "; its values must lie between 0 and 1");
    }
    detail::require(static_cast<bool>(noise_),
                    "Inpaint: noise is empty; it must be a noise source");
  }

  bool operator()(State& x, const Progress<State>& progress) const {
    const auto to = dense_view(x);
    const auto mask = dense_view(mask_);
    detail::require_shape(detail::shape_of(to), "the mask", detail::shape_of(mask), "Inpaint: x");
    State noised = known_;
    constexpr std::uint32_t first_draw = std::uint32_t{1} << 31;
    add_noise(noised, progress.level, noise_,
              first_draw + static_cast<std::uint32_t>(progress.step));
    const auto from = dense_view(noised);
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (mask.data[i] == 0) continue;  // known may be anything there, NaN too
      using Wide = detail::WideOf<ScalarOf<State>>;
      const auto share = static_cast<Wide>(mask.data[i]);
      const auto known = static_cast<Wide>(from.data[i]);
      const auto kept = (1 - share) * static_cast<Wide>(to.data[i]);
      to.data[i] = static_cast<ScalarOf<State>>(detail::multiply_add(share, known, kept));
    }
    return true;
  }

 private:
  State known_;
  State mask_;
  NoiseSource<State> noise_;
};

}  // namespace dpm
