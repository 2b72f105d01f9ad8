// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The exact model of data from a mixture of Gaussians, to test samplers on several modes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "dpm/analysis/gaussian.hpp"
#include "dpm/error.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/state/check_values.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {

/// The exact model of data from a mixture of Gaussians with diagonal covariances. With r_k the
/// probability that the noisy x came from component k (Bayes' rule on the components' marginals),
/// the score is the r-weighted mean of the components' scores, so
///
///     epsilon(x) = sum over k of r_k(x) epsilon_k(x),
///
/// epsilon_k being the noise prediction of component k alone. States as for `Gaussian`, with |x|
/// below 1e150, as squares of distances must not overflow. Cost: components x dimensions for each
/// sample, and a few small allocations for each call.
class GaussianMixture {
 public:
  struct Component {
    double weight = 1.0;  ///< share of the data; the weights need not sum to 1
    Gaussian gaussian;
  };

  /// Refuses an empty list, weights that are not positive and finite, and unequal dimensions.
  explicit GaussianMixture(std::vector<Component> components) : components_(std::move(components)) {
    detail::require(!components_.empty(),
                    "GaussianMixture: it was given no components; it must have at least one");
    for (std::size_t k = 0; k < components_.size(); ++k) {
      const Component& c = components_[k];
      detail::require(c.weight > 0.0 && std::isfinite(c.weight), "GaussianMixture: component ", k,
                      " has weight ", c.weight, "; weights must be positive and finite");
      detail::require(c.gaussian.dimensions() == dimensions(), "GaussianMixture: component ", k,
                      " has ", c.gaussian.dimensions(), " dimensions and component 0 has ",
                      dimensions(), "; all must have the same");
    }
  }

  [[nodiscard]] std::size_t dimensions() const { return components_[0].gaussian.dimensions(); }

  /// noise <- the noise prediction at x.
  template <DenseState State>
  void operator()(const State& x, const Level& at, State& noise) const {
    const auto from = dense_view(x);
    const auto to = dense_view(noise);
    const std::size_t d = dimensions();
    detail::require(from.elements % d == 0, "GaussianMixture: a sample of ", from.elements,
                    " values; it must be a multiple of the ", d, " dimensions");
    detail::require_shape(detail::shape_of(to), "x", detail::shape_of(from),
                          "GaussianMixture: the output");
    const double sigma = at.sigma();
    std::vector<double> point(d);
    std::vector<double> shares(components_.size());
    const std::vector<Marginal> marginals = marginals_at(at.alpha(), sigma);
    for (std::size_t s = 0; s < from.samples; ++s) {
      for (std::size_t first = 0; first < from.elements; first += d) {
        for (std::size_t i = 0; i < d; ++i) point[i] = static_cast<double>(from.at(first + i, s));
        find_shares(marginals, point, shares);
        for (std::size_t i = 0; i < d; ++i) {
          double sum = 0.0;
          for (std::size_t k = 0; k < shares.size(); ++k) {
            const Marginal& m = marginals[k * d + i];
            sum += shares[k] * (point[i] - m.mean) / m.variance;
          }
          to.at(first + i, s) = static_cast<ScalarOf<State>>(sigma * sum);
        }
      }
    }
  }

 private:
  /// One dimension of one component's noisy data.
  struct Marginal {
    double mean;
    double variance;
    double log_stddev;
  };

  [[nodiscard]] std::vector<Marginal> marginals_at(double alpha, double sigma) const {
    std::vector<Marginal> marginals;
    marginals.reserve(components_.size() * dimensions());
    for (const Component& c : components_) {
      for (std::size_t i = 0; i < dimensions(); ++i) {
        const double stddev = std::hypot(alpha * c.gaussian.stddev()[i], sigma);
        marginals.push_back({alpha * c.gaussian.mean()[i], stddev * stddev, std::log(stddev)});
      }
    }
    return marginals;
  }

  /// shares <- the probability of each component given one noisy sample, formed from logarithms
  /// less the largest, so that none is 0 / 0 far from every component.
  void find_shares(const std::vector<Marginal>& marginals, const std::vector<double>& point,
                   std::vector<double>& shares) const {
    double largest = -std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < shares.size(); ++k) {
      shares[k] = std::log(components_[k].weight);
      for (std::size_t i = 0; i < point.size(); ++i) {
        const Marginal& m = marginals[k * point.size() + i];
        const double distance = point[i] - m.mean;
        shares[k] -= 0.5 * distance * distance / m.variance + m.log_stddev;
      }
      largest = std::max(largest, shares[k]);
    }
    double sum = 0.0;
    for (double& share : shares) {
      share = std::exp(share - largest);
      sum += share;
    }
    for (double& share : shares) share /= sum;
  }

  std::vector<Component> components_;
};

}  // namespace dpm
