// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Tables of noise variances beta_0 ... beta_{n-1}, which discrete-time models are trained with.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <numbers>
#include <span>
#include <vector>

#include "dpm/error.hpp"

namespace dpm {

namespace detail {

inline void check_beta_count(std::size_t n) {
  require(n >= 1, "the number of betas must be at least 1 and is ", n);
  require(n <= 10'000'000, "the number of betas must be at most 10000000 and is ", n);
}

inline void check_beta_range(std::size_t n, double first, double last) {
  check_beta_count(n);
  require(first > 0 && first < 1, "the first beta must be in (0, 1) and is ", first);
  require(last >= first && last < 1, "the last beta must be in [", first, ", 1) and is ", last);
}

/// A table of noise variances: not empty, every entry in (0, 1), and no fall from the first to the
/// last. The last may be 1, which leaves no signal at all.
template <std::floating_point Scalar>
void check_betas(std::span<const Scalar> betas) {
  require(!betas.empty(), "betas must not be empty");
  const std::size_t last = betas.size() - 1;
  for (std::size_t i = 0; i <= last; ++i) {
    const bool allowed = betas[i] > 0 && (betas[i] < 1 || (i == last && betas[i] == 1));
    require(allowed, "betas[", i, "] must be in (0, 1", i == last ? "]" : ")", " and is ",
            betas[i]);
  }
  require(betas[last] >= betas[0], "betas fall from ", betas[0], " to ", betas[last],
          "; noise variances rise, so turn round a table that begins with the noise, and give "
          "cumulative products of 1 - beta to DiscreteSchedule::from_alphas_cumprod");
}

/// Value i of n equally spaced values from `first` to `last`, both included.
template <std::floating_point Scalar>
Scalar linspace(Scalar first, Scalar last, std::size_t i, std::size_t n) {
  return n == 1 ? first
                : std::lerp(first, last, static_cast<Scalar>(i) / static_cast<Scalar>(n - 1));
}

}  // namespace detail

/// n betas, equally spaced from `first` to `last` (Ho et al. 2020, arXiv 2006.11239, Sec. 4).
/// 0 < first <= last < 1.
template <std::floating_point Scalar = double>
[[nodiscard]] std::vector<Scalar> linear_betas(std::size_t n = 1000, double first = 1e-4,
                                               double last = 0.02) {
  detail::check_beta_range(n, first, last);
  std::vector<Scalar> betas(n);
  for (std::size_t i = 0; i < n; ++i) {
    betas[i] = detail::linspace(static_cast<Scalar>(first), static_cast<Scalar>(last), i, n);
  }
  return betas;
}

/// n betas whose square roots are equally spaced, as latent diffusion models have them (Rombach et
/// al. 2022, arXiv 2112.10752, public code). 0 < first <= last < 1.
template <std::floating_point Scalar = double>
[[nodiscard]] std::vector<Scalar> scaled_linear_betas(std::size_t n = 1000, double first = 0.00085,
                                                      double last = 0.012) {
  detail::check_beta_range(n, first, last);
  const Scalar first_root = std::sqrt(static_cast<Scalar>(first));
  const Scalar last_root = std::sqrt(static_cast<Scalar>(last));
  std::vector<Scalar> betas(n);
  for (std::size_t i = 0; i < n; ++i) {
    const Scalar root = detail::linspace(first_root, last_root, i, n);
    betas[i] = root * root;
  }
  return betas;
}

/// n betas on a logistic curve over [-6, 6] from about `first` to about `last` (Xu et al. 2022,
/// arXiv 2203.02923, public code). 0 < first <= last < 1.
template <std::floating_point Scalar = double>
[[nodiscard]] std::vector<Scalar> sigmoid_betas(std::size_t n = 1000, double first = 1e-4,
                                                double last = 0.02) {
  detail::check_beta_range(n, first, last);
  const Scalar range = static_cast<Scalar>(last) - static_cast<Scalar>(first);
  std::vector<Scalar> betas(n);
  for (std::size_t i = 0; i < n; ++i) {
    const Scalar x = detail::linspace<Scalar>(-6, 6, i, n);
    betas[i] = static_cast<Scalar>(first) + range / (1 + std::exp(-x));
  }
  return betas;
}

/// The n betas known as squaredcos_cap_v2: 1 - f((i+1)/n) / f(i/n) with
/// f(t) = cos^2((t + 0.008) / 1.008 pi/2), at most `max_beta` (Nichol & Dhariwal 2021, arXiv
/// 2102.09672, Eq. 17 and below). 0 < max_beta < 1.
///
/// Computed as sin(v - u) sin(2 m) / cos^2 u, with u and v the two angles and m their mean, and
/// with cosines taken as sines of the angle left to pi/2: nothing cancels at either end.
template <std::floating_point Scalar = double>
[[nodiscard]] std::vector<Scalar> cosine_betas(std::size_t n = 1000, double max_beta = 0.999) {
  detail::check_beta_count(n);
  detail::require(max_beta > 0 && max_beta < 1, "max_beta must be in (0, 1) and is ", max_beta);
  constexpr Scalar s = static_cast<Scalar>(0.008);
  constexpr Scalar half = static_cast<Scalar>(0.5);
  const Scalar steps = static_cast<Scalar>(n);
  const Scalar angle = std::numbers::pi_v<Scalar> / 2 / (steps * (1 + s));  // v - u, of one step
  std::vector<Scalar> betas(n);
  for (std::size_t i = 0; i < n; ++i) {
    const Scalar left = static_cast<Scalar>(n - i);  // steps from u to pi/2
    const Scalar cos_u = std::sin(left * angle);
    const Scalar sin_m = std::sin((steps * s + static_cast<Scalar>(i) + half) * angle);
    const Scalar cos_m = std::sin((left - half) * angle);
    const Scalar beta = 2 * std::sin(angle) * sin_m * cos_m / (cos_u * cos_u);
    betas[i] = std::min(beta, static_cast<Scalar>(max_beta));
  }
  return betas;
}

/// Rescales the betas so that the last time is pure noise: with r_i the square roots of the
/// cumulative products of 1 - beta, r_i <- (r_i - r_last) r_0 / (r_0 - r_last) (Lin et al. 2023,
/// arXiv 2305.08891, Algorithm 1). The first beta stays, the last becomes exactly 1.
///
/// `betas`: at least 2, all in (0, 1), the last in (0, 1]. The new 1 - beta_i is the square of the
/// ratio r_i / r_{i-1} of new neighbours. What that ratio lacks to 1 is the old fall r_{i-1} - r_i
/// over the sum of this and all later falls, so nothing cancels.
template <std::floating_point Scalar>
[[nodiscard]] std::vector<Scalar> rescale_zero_terminal_snr(std::vector<Scalar> betas) {
  detail::check_betas<Scalar>(betas);
  detail::require(betas.size() >= 2, "rescale_zero_terminal_snr needs at least 2 betas and has ",
                  betas.size());
  std::vector<Scalar> falls(betas.size());
  Scalar r = std::sqrt(1 - betas[0]);
  for (std::size_t i = 1; i < betas.size(); ++i) {
    const Scalar ratio = std::sqrt(1 - betas[i]);
    falls[i] = r * betas[i] / (1 + ratio);
    r *= ratio;
  }
  Scalar falls_to_come = 0;
  for (std::size_t i = betas.size() - 1; i >= 1; --i) {
    falls_to_come += falls[i];
    const Scalar lack = falls[i] / falls_to_come;
    betas[i] = lack * (2 - lack);
  }
  return betas;
}

/// Divides the signal-to-noise ratio a / (1 - a) of every entry by `scale`: a <- a / (scale +
/// (1 - scale) a). CogVideoX is trained so, with 3 or 1 (Yang et al. 2024, arXiv 2408.06072, public
/// code; `snr_shift_scale` of diffusers), before the table is rescaled to zero terminal SNR.
///
/// `alphas_cumprod`: cumulative products of 1 - beta, each in [0, 1]. 0 < scale, finite.
template <std::floating_point Scalar>
[[nodiscard]] std::vector<Scalar> shift_snr(std::vector<Scalar> alphas_cumprod, double scale) {
  detail::require(scale > 0 && std::isfinite(scale), "shift_snr: scale must be in (0, inf) and is ",
                  scale);
  const auto s = static_cast<Scalar>(scale);
  for (std::size_t i = 0; i < alphas_cumprod.size(); ++i) {
    Scalar& entry = alphas_cumprod[i];
    detail::require(entry >= 0 && entry <= 1, "shift_snr: alphas_cumprod[", i,
                    "] must be in [0, 1] and is ", entry);
    entry = entry / (entry + s * (1 - entry));
  }
  return alphas_cumprod;
}

}  // namespace dpm
