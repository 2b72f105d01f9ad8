// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The exact model of Gaussian data, to test samplers: its diffusion ODE has a closed solution.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/check_values.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {

/// The exact model of data x_0 ~ N(mean, diag(stddev^2)). At level (alpha, sigma) the noisy data is
/// N(alpha mean, alpha^2 stddev^2 + sigma^2), so the noise prediction that minimises the training
/// loss is (arXiv 2011.13456, Sec. 3, with epsilon = -sigma score)
///
///     epsilon(x) = sigma (x - alpha mean) / (alpha^2 stddev^2 + sigma^2).
///
/// It is a model as `sample` takes it, for dense states of any scalar: `dimensions()` rows for each
/// sample of an Eigen object, or a range of one or more samples one after the other.
class Gaussian {
 public:
  /// Refuses an empty mean, a stddev of another size, values that are not finite, and stddev <= 0.
  Gaussian(std::vector<double> mean, std::vector<double> stddev);

  [[nodiscard]] std::size_t dimensions() const { return mean_.size(); }
  [[nodiscard]] std::span<const double> mean() const;
  [[nodiscard]] std::span<const double> stddev() const;

  /// Standard deviation of the noisy data in dimension i.
  [[nodiscard]] double marginal_stddev(std::size_t i, const Level& at) const {
    return std::hypot(at.alpha() * stddev_[i], at.sigma());
  }

  /// noise <- the noise prediction at x.
  template <DenseState State>
  void operator()(const State& x, const Level& at, State& noise) const {
    for_each(x, noise, [&, alpha = at.alpha(), sigma = at.sigma()](std::size_t i, double value) {
      const double data_variance = alpha * alpha * stddev_[i] * stddev_[i];
      return sigma * (value - alpha * mean_[i]) / (data_variance + sigma * sigma);
    });
  }

  /// The exact solution at level `to` of the diffusion ODE that stands at x at level `from`: values
  /// keep their place in the marginal, counted in standard deviations from its mean.
  template <DenseState State>
  [[nodiscard]] OwnedState<State> solve_ode(const State& x, const Level& from,
                                            const Level& to) const {
    OwnedState<State> result = detail::own(x);
    for_each(result, result, [&](std::size_t i, double value) {
      const double place = (value - from.alpha() * mean_[i]) / marginal_stddev(i, from);
      return to.alpha() * mean_[i] + marginal_stddev(i, to) * place;
    });
    return result;
  }

 private:
  /// out <- function(dimension, value) for each value of x.
  template <class State, class Function>
  void for_each(const State& x, State& out, Function function) const {
    const auto from = dense_view(x);
    const auto to = dense_view(out);
    detail::require(from.elements % mean_.size() == 0, "Gaussian: a sample of ", from.elements,
                    " values; it must be a multiple of the ", mean_.size(), " dimensions");
    detail::require_shape(detail::shape_of(to), "x", detail::shape_of(from),
                          "Gaussian: the output");
    for (std::size_t s = 0; s < from.samples; ++s) {
      for (std::size_t e = 0; e < from.elements; ++e) {
        const auto value = static_cast<double>(from.at(e, s));
        to.at(e, s) = static_cast<ScalarOf<State>>(function(e % mean_.size(), value));
      }
    }
  }

  std::vector<double> mean_;
  std::vector<double> stddev_;
};

#if DPM_DEFINE

DPM_INLINE Gaussian::Gaussian(std::vector<double> mean, std::vector<double> stddev)
    : mean_(std::move(mean)), stddev_(std::move(stddev)) {
  detail::require(!mean_.empty() && mean_.size() == stddev_.size(), "Gaussian: ", mean_.size(),
                  " means and ", stddev_.size(),
                  " standard deviations; there must be one of each for every dimension");
  for (std::size_t i = 0; i < mean_.size(); ++i) {
    detail::require(std::isfinite(mean_[i]) && std::isfinite(stddev_[i]) && stddev_[i] > 0.0,
                    "Gaussian: dimension ", i, " has mean ", mean_[i], " and standard deviation ",
                    stddev_[i], "; both must be finite and the latter positive");
  }
}

DPM_INLINE std::span<const double> Gaussian::mean() const { return mean_; }

DPM_INLINE std::span<const double> Gaussian::stddev() const { return stddev_; }

#endif

}  // namespace dpm
