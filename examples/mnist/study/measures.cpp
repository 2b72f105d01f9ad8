// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Checks what the study measures with against what is known in closed form.
#include <torch/script.h>

#include <Eigen/Core>
#include <Eigen/Geometry>
#include <cmath>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <random>
#include <vector>

#include "black_box.hpp"
#include "frechet.hpp"

namespace {

int failures = 0;

void expect_near(const char* what, double is, double should_be, double tolerance) {
  if (std::abs(is - should_be) <= tolerance) return;
  std::printf("%s: %.6g instead of %.6g\n", what, is, should_be);
  ++failures;
}

/// Features with exactly this mean and these standard deviations, not correlated.
Eigen::MatrixXd features(const Eigen::Vector3d& mean, const Eigen::Vector3d& deviation) {
  Eigen::MatrixXd all(3, 6);  // two for each axis
  for (Eigen::Index j = 0; j < 6; ++j) {
    all.col(j) = mean;
    all(j / 2, j) += (j % 2 == 0 ? 1.0 : -1.0) * deviation(j / 2) * std::sqrt(5.0 / 2.0);
  }
  return all;
}

/// Of normal distributions whose covariances commute it is |m - m'|^2 + the sum of (s - s')^2.
void check_frechet_distance() {
  const Eigen::Vector3d mean(1.0, -2.0, 0.5);
  const Eigen::Vector3d deviation(2.0, 1.0, 0.25);
  const Eigen::Vector3d squares = deviation.array().square();
  const study::FrechetDistance frechet({.mean = mean, .covariance = squares.asDiagonal()});
  expect_near("Frechet distance from itself", frechet(features(mean, deviation)), 0.0, 1e-12);
  const Eigen::Vector3d shift(0.5, 0.0, -1.0);
  expect_near("Frechet distance of a shift", frechet(features(mean + shift, deviation)), 1.25,
              1e-12);
  const Eigen::Vector3d other(1.0, 3.0, 0.5);
  expect_near("Frechet distance of widths", frechet(features(mean, other)),
              (other - deviation).squaredNorm(), 1e-12);
  // Turned axes change nothing.
  const Eigen::Matrix3d turn =
      Eigen::AngleAxisd(0.7, Eigen::Vector3d(1.0, 2.0, 3.0).normalized()).toRotationMatrix();
  const study::FrechetDistance turned(
      {.mean = turn * mean, .covariance = turn * squares.asDiagonal() * turn.transpose()});
  expect_near("Frechet distance on other axes", turned(turn * features(mean + shift, other)),
              1.25 + (other - deviation).squaredNorm(), 1e-12);

  // Of n features of variance 1 in one dimension it is about (g^2 + h^2 / 2) / n, g and h normal.
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  Eigen::MatrixXd drawn(1, 4000);
  for (double& value : drawn.reshaped()) value = normal(random);
  const study::FrechetDistance far(
      {.mean = Eigen::VectorXd::Constant(1, 3.0), .covariance = Eigen::MatrixXd::Identity(1, 1)});
  // Here the mean's part 9 dominates, whose deviation is 2 * 3 / sqrt(n); 200 resamples know a
  // deviation to a twentieth.
  expect_near("deviation of a Frechet distance", far.deviation(drawn, 200), 6.0 / std::sqrt(4000.0),
              0.2 * 6.0 / std::sqrt(4000.0));
}

/// Normal data, whose ODE has a known end. On a smooth schedule: a discrete one has a thousand
/// kinks, which no estimate of a step's error sees, and keeps the method about 1e-4 away.
void check_black_box() {
  const dpm::Gaussian data({0.5, -1.0}, {0.3, 0.8});
  const auto network = [&](const dpm::TensorState& x, const dpm::Level& level,
                           dpm::TensorState& noise) {
    const double* const values = x.tensor().data_ptr<double>();
    std::vector<double> output(2);
    data(std::vector<double>(values, values + 2), level, output);
    noise = torch::tensor(output, torch::kDouble);
  };
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const std::vector<double> start{0.7, -0.4};
  const dpm::Level first = schedule.level(schedule.first_time());
  std::vector<double> end = data.solve_ode(start, schedule.level(schedule.last_time()), first);
  // The last call leads from there to sigma = 0.
  std::vector<double> noise(2);
  data(end, first, noise);
  for (std::size_t i = 0; i < 2; ++i) end[i] = (end[i] - first.sigma() * noise[i]) / first.alpha();
  const torch::Tensor is =
      study::solve_black_box(schedule, network, torch::tensor(start, torch::kDouble), 1e-8);
  for (int i = 0; i < 2; ++i) {
    expect_near("the end of the black-box method", is[i].item<double>(),
                end[static_cast<std::size_t>(i)], 1e-6);
  }
}

}  // namespace

int main() {
  check_frechet_distance();
  check_black_box();
  std::printf("%d measures are wrong\n", failures);
  return failures == 0 ? 0 : 1;
}
