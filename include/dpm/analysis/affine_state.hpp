// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The exact mean and standard deviation of what a plan makes of Gaussian data.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "dpm/analysis/gaussian.hpp"
#include "dpm/error.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/state/combine.hpp"

namespace dpm {

/// A state of coefficients: in each dimension an affine function of the start x_T and of the draws,
///
///     x = start * x_T + one * 1 + sum over k of draw[k] * z_k.
///
/// On Gaussian data every prediction is affine in x, so a `Stepper` run on these gives the sample
/// as a function of its start and its noise.
class AffineState {
 public:
  /// x itself, for a run with the given number of draws.
  AffineState(std::size_t dimensions, std::size_t draws)
      : stride_(2 + draws), coefficients_(dimensions * stride_, 0.0) {
    for (std::size_t i = 0; i < dimensions; ++i) start(i) = 1.0;
  }

  [[nodiscard]] std::size_t dimensions() const { return coefficients_.size() / stride_; }
  [[nodiscard]] double& start(std::size_t i) { return coefficients_[i * stride_]; }
  [[nodiscard]] double& one(std::size_t i) { return coefficients_[i * stride_ + 1]; }
  [[nodiscard]] double start(std::size_t i) const { return coefficients_[i * stride_]; }
  [[nodiscard]] double one(std::size_t i) const { return coefficients_[i * stride_ + 1]; }
  [[nodiscard]] std::span<const double> draws(std::size_t i) const {
    return {coefficients_.data() + i * stride_ + 2, stride_ - 2};
  }

  /// this <- z_k in every dimension.
  void set_to_draw(std::size_t k) {
    coefficients_.assign(coefficients_.size(), 0.0);
    for (std::size_t j = 2 + k; j < coefficients_.size(); j += stride_) coefficients_[j] = 1.0;
  }

  /// this <- factor * (x - shift) in dimension i.
  void set_to_affine_of(const AffineState& x, std::size_t i, double factor, double shift) {
    for (std::size_t j = i * stride_; j < (i + 1) * stride_; ++j) {
      coefficients_[j] = factor * x.coefficients_[j];
    }
    one(i) -= factor * shift;
  }

  friend void combine(const Weights& weights, std::span<AffineState* const> targets,
                      std::span<const AffineState* const> operands) {
    std::array<std::vector<double>*, Combine::max_targets> to{};
    std::array<const std::vector<double>*, Combine::max_operands> from{};
    for (std::size_t i = 0; i < targets.size(); ++i) to[i] = &targets[i]->coefficients_;
    for (std::size_t j = 0; j < operands.size(); ++j) from[j] = &operands[j]->coefficients_;
    combine(weights, std::span<std::vector<double>* const>(to.data(), targets.size()),
            std::span<const std::vector<double>* const>(from.data(), operands.size()));
  }

 private:
  std::size_t stride_;
  std::vector<double> coefficients_;
};

/// Mean and standard deviation in each dimension.
struct Moments {
  std::vector<double> mean;
  std::vector<double> stddev;
};

/// The exact moments of what `plan` makes of Gaussian data from a start that has the distribution
/// of its first level. Compare with `gaussian` at its last level. Refuses a plan for another
/// prediction than noise, and one with a correction.
[[nodiscard]] inline Moments output_moments(const Plan& plan, const Gaussian& gaussian) {
  detail::require(
      plan.prediction == Prediction::noise,
      "output_moments: the plan is for a model that does not predict noise; make it with "
      "Prediction::noise");
  const std::size_t d = gaussian.dimensions();
  RunOptions<AffineState> options;
  options.noise = [](AffineState& z, const NoiseRequest& request) { z.set_to_draw(request.draw); };
  Stepper<AffineState> stepper(plan, AffineState(d, static_cast<std::size_t>(plan.draws())),
                               std::move(options));
  while (auto call = stepper.next()) {
    for (std::size_t i = 0; i < d; ++i) {
      const double stddev = gaussian.marginal_stddev(i, call->level);
      call->output.set_to_affine_of(call->input, i, call->level.sigma() / (stddev * stddev),
                                    call->level.alpha() * gaussian.mean()[i]);
    }
  }
  const Level& start = plan.start();
  Moments moments;
  for (std::size_t i = 0; i < d; ++i) {
    const AffineState& x = stepper.sample();
    const double from_start = x.start(i) * gaussian.marginal_stddev(i, start);
    double variance = from_start * from_start;
    for (const double c : x.draws(i)) variance += c * c;
    moments.mean.push_back(x.start(i) * start.alpha() * gaussian.mean()[i] + x.one(i));
    moments.stddev.push_back(std::sqrt(variance));
  }
  return moments;
}

}  // namespace dpm
