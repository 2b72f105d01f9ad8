// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The model: the exact noise prediction of a kernel density estimate.
#pragma once

#include <Eigen/Core>
#include <dpm/schedule/level.hpp>
#include <utility>

namespace digits {

/// The noise prediction for data whose distribution is known: one of the images mu_k, each as
/// likely as the others, plus normal noise of standard deviation `width` in every pixel. At a level
/// (alpha, sigma) that is a Gaussian mixture with one component an image,
///
///     p_t(x) = mean over k of N(x; alpha mu_k, v),    v = alpha^2 width^2 + sigma^2,
///
/// and what a perfect network would predict is
///
///     epsilon(x) = -sigma grad log p_t(x) = (sigma / v) (x - alpha sum over k of r_k mu_k),
///     r = softmax over k of -|x - alpha mu_k|^2 / (2 v).
///
/// |x|^2 is the same for all k and cancels, so a batch costs two matrix products and a softmax:
/// 4 x pixels x images flops a sample. In double: float takes half the time, but its rounding
/// (2.5e-6 in a sample) would hide how far the converged samples have converged.
class KernelDensity {
 public:
  /// `images`: one in each column. `width` > 0.
  KernelDensity(Eigen::MatrixXd images, double width)
      : images_(std::move(images)),
        half_norms_(0.5 * images_.colwise().squaredNorm().transpose()),
        width_(width) {}

  /// noise <- epsilon(x) at `level`, for a batch with one sample in each column. Keeps its
  /// work space of images x samples from call to call.
  void operator()(const Eigen::MatrixXd& x, const dpm::Level& level, Eigen::MatrixXd& noise) {
    const double alpha = level.alpha();
    const double sigma = level.sigma();
    const double variance = alpha * alpha * width_ * width_ + sigma * sigma;

    shares_.noalias() = images_.transpose() * x;
    for (Eigen::Index j = 0; j < shares_.cols(); ++j) {
      auto share = shares_.col(j).array();
      share = (alpha / variance) * (share - alpha * half_norms_.array());
      // Below e^-100 a share is nothing beside the largest; denormal numbers would be slow.
      share = (share - share.maxCoeff()).max(-100.0).exp();
      share /= share.sum();
    }
    noise.noalias() = images_ * shares_;  // the mean image that x may have come from
    noise = (sigma / variance) * (x - alpha * noise);
  }

 private:
  Eigen::MatrixXd images_;
  Eigen::VectorXd half_norms_;
  double width_;
  Eigen::MatrixXd shares_;  // r, one column for each sample
};

}  // namespace digits
