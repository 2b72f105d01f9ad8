// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
#include "dpm/calibration/frechet.hpp"

#include <Eigen/Dense>
#include <cmath>
#include <cstddef>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace frechet_test {

using namespace dpm_test;
using Features = std::vector<std::vector<double>>;

namespace {

/// Correlated normal features.
Features draw(std::size_t samples, std::size_t features, std::uint64_t seed, double scale = 1.0) {
  Features all;
  for (std::size_t i = 0; i < samples; ++i) {
    std::vector<double>& x = all.emplace_back(features);
    dpm::NormalNoise{.seed = seed, .first_sample = i}.fill(x);
    for (std::size_t k = 1; k < features; ++k) x[k] = scale * (x[k] + 0.7 * x[k - 1]);
  }
  return all;
}

Eigen::MatrixXd matrix(const Features& all) {
  Eigen::MatrixXd result(static_cast<Eigen::Index>(all[0].size()),
                         static_cast<Eigen::Index>(all.size()));
  for (std::size_t i = 0; i < all.size(); ++i) {
    result.col(static_cast<Eigen::Index>(i)) =
        Eigen::Map<const Eigen::VectorXd>(all[i].data(), result.rows());
  }
  return result;
}

Eigen::MatrixXd covariance(const Eigen::MatrixXd& x) {
  const Eigen::MatrixXd centred = x.colwise() - x.rowwise().mean();
  return centred * centred.transpose() / double(x.cols() - 1);
}

/// By the definition, with eigenvalues of matrices of the number of features.
double textbook(const Features& a, const Features& b) {
  const Eigen::MatrixXd x = matrix(a);
  const Eigen::MatrixXd y = matrix(b);
  const Eigen::MatrixXd c = covariance(x);
  const Eigen::MatrixXd d = covariance(y);
  const Eigen::VectorXd roots =
      Eigen::EigenSolver<Eigen::MatrixXd>(c * d, false).eigenvalues().real().cwiseMax(0.0);
  return (x.rowwise().mean() - y.rowwise().mean()).squaredNorm() + c.trace() + d.trace() -
         2.0 * roots.cwiseSqrt().sum();
}

}  // namespace

TEST_CASE("the Frechet distance is that of the definition") {
  const Features a = draw(40, 5, 1);
  const Features b = draw(30, 5, 2, 1.5);
  REQUIRE(textbook(a, b) > 1.0);
  REQUIRE_THAT(dpm::frechet_distance(a, b), WithinRel(textbook(a, b), 1e-10));
  REQUIRE_THAT(dpm::frechet_distance(b, a), WithinRel(textbook(a, b), 1e-10));
}

TEST_CASE("the Frechet distance takes more features than samples") {
  const Features a = draw(6, 20, 1);
  const Features b = draw(6, 20, 2, 0.8);
  // The 15 eigenvalues that are 0 have roots of about 1e-8 in the definition.
  REQUIRE_THAT(dpm::frechet_distance(a, b), WithinAbs(textbook(a, b), 1e-5));
}

TEST_CASE("the Frechet distance of shifted features is the square of the shift") {
  const Features a = draw(10, 3, 1);
  Features b = a;
  REQUIRE_THAT(dpm::frechet_distance(a, a), WithinAbs(0.0, 1e-12));
  for (std::vector<double>& x : b) x[1] += 3.0;
  REQUIRE_THAT(dpm::frechet_distance(a, b), WithinRel(9.0, 1e-12));
}

TEST_CASE("the Frechet distance of constant features is defined") {
  const Features a(4, {1.0, 2.0});
  const Features b(4, {1.0, 4.0});
  REQUIRE(dpm::frechet_distance(a, a) == 0.0);
  REQUIRE(dpm::frechet_distance(a, b) == 4.0);
}

TEST_CASE("the Frechet distance of a NaN is NaN") {
  const Features a = draw(4, 2, 1);
  Features b = a;
  b[2][1] = std::nan("");
  REQUIRE(std::isnan(dpm::frechet_distance(a, b)));
  REQUIRE(std::isnan(dpm::frechet_distance(b, a)));
}

TEST_CASE("features that cannot be compared are refused") {
  const Features a = draw(4, 2, 1);
  REQUIRE_THROWS_WITH(dpm::frechet_distance(a, draw(1, 2, 1)),
                      "frechet_distance: there are 4 and 1 samples; each set must have at least 2");
  REQUIRE_THROWS_WITH(
      dpm::frechet_distance(a, draw(4, 3, 1)),
      "frechet_distance: sample 0 has 3 features and the first has 2; all must have as many");
}

}  // namespace frechet_test
