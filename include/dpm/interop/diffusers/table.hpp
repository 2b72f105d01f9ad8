// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The table of noise variances of a diffusers configuration, and its sigmas.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

#include "dpm/interop/diffusers/options.hpp"
#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/level.hpp"

namespace dpm::diffusers::detail {

/// Betas that follow from a function alpha_bar of time: 1 - f((i + 1) / N) / f(i / N), at most
/// 0.999.
template <class AlphaBar>
std::vector<double> betas_of(std::size_t n, AlphaBar f) {
  std::vector<double> betas(n);
  const auto steps = static_cast<double>(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto t = static_cast<double>(i);
    betas[i] = std::min(1.0 - f((t + 1.0) / steps) / f(t / steps), 0.999);
  }
  return betas;
}

inline std::vector<double> betas(const Options& o) {
  if (!o.trained_betas.empty()) return o.trained_betas;
  const auto n = static_cast<std::size_t>(o.num_train_timesteps);
  if (o.beta_schedule == "squaredcos_cap_v2") {
    return betas_of(n, [](double t) {
      const double cosine = std::cos((t + 0.008) / 1.008 * std::numbers::pi / 2.0);
      return cosine * cosine;
    });
  }
  if (o.beta_schedule == "exp") return betas_of(n, [](double t) { return std::exp(-12.0 * t); });
  if (o.beta_schedule == "laplace") {
    return betas_of(n, [](double t) {
      const double lambda =
          -0.5 * std::copysign(1.0, 0.5 - t) * std::log(1.0 - 2.0 * std::abs(0.5 - t) + 1e-6);
      const double snr = std::exp(lambda);
      return std::sqrt(snr / (1.0 + snr));
    });
  }
  for (const auto& [name, value] :
       {std::pair{"beta_start", o.beta_start}, std::pair{"beta_end", o.beta_end}}) {
    require(value > 0.0 && value < 1.0, "diffusers: ", name, " is ", value,
            "; it must lie between 0 and 1");
  }
  require(o.beta_start <= o.beta_end, "diffusers: beta_start is ", o.beta_start,
          "; it must not be greater than beta_end, ", o.beta_end);
  if (o.beta_schedule == "sigmoid") return sigmoid_betas(n, o.beta_start, o.beta_end);
  if (o.beta_schedule == "scaled_linear") return scaled_linear_betas(n, o.beta_start, o.beta_end);
  return linear_betas(n, o.beta_start, o.beta_end);
}

/// diffusers' own arithmetic for `rescale_zero_terminal_snr`.
inline std::vector<double> rescaled(std::vector<double> betas) {
  double cumprod = 1.0;
  for (double& entry : betas) {
    cumprod *= 1.0 - entry;
    entry = std::sqrt(cumprod);
  }
  const double first = betas.front();
  const double last = betas.back();
  double before = 1.0;
  for (double& entry : betas) {
    const double root = (entry - last) * (first / (first - last));
    entry = 1.0 - root * root / before;
    before = root * root;
  }
  return betas;
}

/// The table of alphas_cumprod as diffusers computes it, by multiplying up 1 - beta, in double.
/// (The library's own schedules keep more digits.)
class Table {
 public:
  explicit Table(const Options& o) {
    std::vector<double> variances = betas(o);
    const bool shifts = is_one_of(o.kind, Kind::cogvideox_ddim, Kind::cogvideox_dpm);
    if (o.rescale_betas_zero_snr && !shifts) variances = rescaled(std::move(variances));
    dpm::detail::check_betas<double>(variances);
    double cumprod = 1.0;
    for (const double beta : variances) {
      cumprod *= 1.0 - beta;
      alphas_cumprod_.push_back(cumprod);
    }
    if (shifts) shift_snr(o);
    // These classes divide by alpha, so diffusers keeps it above 0.
    if (o.rescale_betas_zero_snr &&
        is_one_of(o.kind, Kind::dpm_multistep, Kind::unipc, Kind::euler, Kind::euler_ancestral)) {
      alphas_cumprod_.back() = std::pow(2.0, -24);
    }
    for (const double entry : alphas_cumprod_) sigmas_.push_back(std::sqrt((1.0 - entry) / entry));
    // These classes have pure noise and clean data as levels; the others take logarithms of sigma.
    if (steps_in_table(o.kind)) return;
    require(sigma_min() > 0.0 && std::isfinite(sigma_max()), "diffusers: the betas of ",
            class_name(o.kind), " make a table of sigmas from ", sigma_min(), " to ", sigma_max(),
            "; they must be greater than 0 and finite, so use ",
            sigma_min() > 0.0 ? "smaller" : "greater", " betas");
  }

  [[nodiscard]] int size() const { return static_cast<int>(sigmas_.size()); }
  [[nodiscard]] double sigma_min() const { return sigmas_.front(); }
  [[nodiscard]] double sigma_max() const { return sigmas_.back(); }

  [[nodiscard]] DiscreteSchedule<double> schedule() const {
    // In zero-SNR tables that last alpha may be greater than the one before it.
    std::vector<double> alphas_cumprod = alphas_cumprod_;
    const std::size_t n = alphas_cumprod.size();
    if (n > 1 && alphas_cumprod[n - 1] >= alphas_cumprod[n - 2]) alphas_cumprod[n - 1] = 0.0;
    return DiscreteSchedule<double>::from_alphas_cumprod(alphas_cumprod);
  }

  /// The level of one entry. Counts from the end below 0, as Python does.
  [[nodiscard]] Level level(int index) const {
    const std::size_t entry = entry_of(index);
    return dpm::detail::variance_preserving_level((static_cast<double>(entry) + 1.0) / size(),
                                                  0.5 * std::log(alphas_cumprod_[entry]), index);
  }
  /// alpha^2 of one entry, counted as above.
  [[nodiscard]] double alpha_cumprod(int index) const { return alphas_cumprod_[entry_of(index)]; }

  /// sigma at a real timestep, linear between entries and constant outside.
  [[nodiscard]] double sigma_at(double timestep) const {
    const double position = std::clamp(timestep, 0.0, size() - 1.0);
    const auto below = static_cast<std::size_t>(position);
    if (below + 1 == sigmas_.size()) return sigmas_.back();
    return std::lerp(sigmas_[below], sigmas_[below + 1], position - static_cast<double>(below));
  }

  /// The real timestep of a sigma, linear in log sigma between entries and constant outside.
  [[nodiscard]] double timestep_of(double sigma) const {
    if (sigmas_.size() == 1) return 0.0;
    const double log_sigma = std::log(std::max(sigma, 1e-10));
    // The last entry that is not greater, in a table whose last entry may fall back.
    std::size_t low = sigmas_.size() - 2;
    if (sigma < sigmas_.back()) {
      const auto above = std::upper_bound(sigmas_.begin(), sigmas_.end() - 1, sigma);
      low = static_cast<std::size_t>(std::max<std::ptrdiff_t>(above - sigmas_.begin() - 1, 0));
    }
    const double log_low = std::log(sigmas_[low]);
    const double log_high = std::log(sigmas_[low + 1]);
    const double weight = std::clamp((log_low - log_sigma) / (log_low - log_high), 0.0, 1.0);
    return static_cast<double>(low) + weight;
  }

  /// How many timesteps are left without those at the noisy end whose lambda is below
  /// `lambda_min_clipped`. Refuses to leave none.
  [[nodiscard]] int timesteps_left(const Options& o) const {
    int count = size();
    const auto lambda_of = [&](int i) { return -std::log(sigmas_[static_cast<std::size_t>(i)]); };
    while (count > 0 && lambda_of(count - 1) < o.lambda_min_clipped) --count;
    // Where the table has another length than it should, this counts as diffusers does.
    const int left = o.num_train_timesteps - (size() - count);
    require(count > 0 && left > 0, "diffusers: lambda_min_clipped is ", o.lambda_min_clipped,
            ", which leaves no timestep of ", o.num_train_timesteps,
            "; it must not lie above the whole table, whose greatest lambda is ", lambda_of(0));
    return left;
  }

 private:
  /// CogVideoX (Yang et al. 2024, arXiv 2408.06072, Sec. 3.2): the signal-to-noise ratio divided by
  /// snr_shift_scale, and after that, if asked for, the rescaling to zero at the end.
  void shift_snr(const Options& o) {
    const double scale = o.snr_shift_scale;
    for (double& entry : alphas_cumprod_) entry /= scale + (1.0 - scale) * entry;
    if (!o.rescale_betas_zero_snr) return;
    const double first = std::sqrt(alphas_cumprod_.front());
    const double last = std::sqrt(alphas_cumprod_.back());
    for (double& entry : alphas_cumprod_) {
      const double root = (std::sqrt(entry) - last) * (first / (first - last));
      entry = root * root;
    }
  }

  [[nodiscard]] std::size_t entry_of(int index) const {
    require(index >= -size() && index < size(), "diffusers: timestep ", index,
            " lies outside the table of ", size());
    return static_cast<std::size_t>(index < 0 ? index + size() : index);
  }

  std::vector<double> alphas_cumprod_;
  std::vector<double> sigmas_;  // sigma / alpha, rising
};

}  // namespace dpm::diffusers::detail
