// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// `add_noise`: noises clean data to a level, where an image-to-image run starts.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <type_traits>

#include "dpm/error.hpp"
#include "dpm/run/options.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/state/check_values.hpp"
#include "dpm/state/combine.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {

/// A source of standard normal values, as `RunOptions::noise` has it.
template <class State>
using NoiseSource = std::function<void(State&, const NoiseRequest&)>;

/// x <- alpha x + sigma z: clean data noised to `level`. Refuses, before it changes x, a level
/// whose alpha or sigma is not finite, a view with gaps, and noise of another shape
/// (`InvalidArgument`) or that is not finite (`NonFinite`). x itself may hold NaN or infinities.
///
/// @param noise  fills z; it is asked for draw number `draw`, by default one that no run asks for.
template <DenseState X>
void add_noise(X&& x, const Level& level,
               const std::type_identity_t<NoiseSource<OwnedState<X>>>& noise,
               std::uint32_t draw = std::numeric_limits<std::uint32_t>::max()) {
  detail::require(static_cast<bool>(noise), "add_noise: noise is empty; it must be a noise source");
  const auto to = dense_view(x);
  detail::require(to.contiguous(), "add_noise: x is a view of ", to.elements, " x ", to.samples,
                  " values with strides ", to.element_stride, " and ", to.sample_stride,
                  "; it must be contiguous");
  using Scalar = ScalarOf<X>;
  const auto alpha = static_cast<Scalar>(level.alpha());
  const auto sigma = static_cast<Scalar>(level.sigma());
  detail::require(
      std::isfinite(static_cast<double>(alpha)) && std::isfinite(static_cast<double>(sigma)),
      "add_noise: the level at time ", level.time, " has alpha = ", level.alpha(),
      " and sigma = ", level.sigma(), "; both must be finite in the type of x");
  OwnedState<X> z = detail::own(x);
  noise(z, NoiseRequest{draw, level, level});
  const auto from = dense_view(z);
  detail::require_shape(detail::shape_of(from), "x", detail::shape_of(to),
                        "add_noise: the noise (draw ", draw, ")");
  detail::require_finite(z, "add_noise: the noise (draw ", draw, ")");
  const double weights[] = {level.alpha(), level.sigma()};
  Scalar* const targets[] = {to.data};
  const Scalar* const operands[] = {to.data, from.data};
  detail::combine_arrays<Scalar>(Weights(weights, 2), targets, operands, to.size());
}

}  // namespace dpm
