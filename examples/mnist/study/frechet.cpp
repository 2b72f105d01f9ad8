// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Distances.
#include "frechet.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <random>

namespace study {
namespace {

using Solver = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>;

}  // namespace

FrechetDistance::FrechetDistance(const RealDigits& real)
    : mean_(real.mean), trace_(real.covariance.trace()) {
  const Solver solver(real.covariance);
  // Rounding may leave eigenvalues just below 0.
  const Eigen::VectorXd roots = solver.eigenvalues().cwiseMax(0.0).cwiseSqrt();
  root_ = solver.eigenvectors() * roots.asDiagonal() * solver.eigenvectors().transpose();
}

double FrechetDistance::operator()(const Eigen::MatrixXd& features) const {
  const Eigen::VectorXd mean = features.rowwise().mean();
  const Eigen::MatrixXd centred = features.colwise() - mean;
  const Eigen::MatrixXd covariance =
      centred * centred.transpose() / static_cast<double>(features.cols() - 1);
  const Solver solver(root_ * covariance * root_, Eigen::EigenvaluesOnly);
  const double roots = solver.eigenvalues().cwiseMax(0.0).cwiseSqrt().sum();
  return (mean - mean_).squaredNorm() + covariance.trace() + trace_ - 2.0 * roots;
}

double FrechetDistance::deviation(const Eigen::MatrixXd& features, int resamples) const {
  std::mt19937 random(1);
  std::uniform_int_distribution<Eigen::Index> any(0, features.cols() - 1);
  Eigen::MatrixXd drawn(features.rows(), features.cols());
  Eigen::VectorXd distances(resamples);
  for (double& distance : distances) {
    for (Eigen::Index j = 0; j < drawn.cols(); ++j) drawn.col(j) = features.col(any(random));
    distance = (*this)(drawn);
  }
  return std::sqrt((distances.array() - distances.mean()).square().sum() / (resamples - 1));
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return 0.5 * (values[(n - 1) / 2] + values[n / 2]);
}

std::vector<double> differences(const Eigen::MatrixXf& a, const Eigen::MatrixXf& b) {
  std::vector<double> result;
  for (Eigen::Index j = 0; j < a.cols(); ++j) {
    const double squares = (a.col(j) - b.col(j)).cast<double>().squaredNorm();
    result.push_back(std::sqrt(squares / static_cast<double>(a.rows())));
  }
  return result;
}

}  // namespace study
