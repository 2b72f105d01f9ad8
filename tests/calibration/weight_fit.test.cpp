// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
#include "dpm/calibration/weight_fit.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "support/catch.hpp"

namespace weight_fit_test {

using namespace dpm_test;
using dpm::detail::FeatureWeights;
using dpm::detail::SampleMoments;

namespace {

constexpr FeatureWeights truth{0.7, -1.3, 0.2, 0.05, 0.0, 0.0};

/// Samples of ten values with four features, whose targets are `truth` times the features and
/// `error(sample, value)`.
template <class Error>
std::vector<SampleMoments> samples(std::size_t count, const Error& error) {
  std::vector<SampleMoments> all(count);
  for (std::size_t s = 0; s < count; ++s) {
    for (std::size_t e = 0; e < 10; ++e) {
      const auto at = static_cast<double>(10 * s + e);
      const FeatureWeights features{std::cos(1.1 * at), std::sin(0.7 * at + 1.0),
                                    0.1 * std::cos(2.3 * at), 0.01 * std::sin(3.1 * at)};
      double y = error(s, e);
      for (std::size_t k = 0; k < 4; ++k) y += truth[k] * features[k];
      all[s].add(features, 4, y, 0.1);
    }
  }
  return all;
}

std::vector<const SampleMoments*> pointers(const std::vector<SampleMoments>& all) {
  std::vector<const SampleMoments*> result;
  for (const SampleMoments& sample : all) result.push_back(&sample);
  return result;
}

double no_error(std::size_t, std::size_t) { return 0.0; }

}  // namespace

TEST_CASE("weights that explain the target are found") {
  const FeatureWeights weights = dpm::detail::fit_weights(samples(8, no_error), 4);
  for (std::size_t k = 0; k < truth.size(); ++k)
    REQUIRE_THAT(weights[k], WithinAbs(truth[k], 1e-6));
}

TEST_CASE("features beyond those allowed get no weight") {
  const FeatureWeights weights = dpm::detail::fit_weights(samples(8, no_error), 2);
  REQUIRE_THAT(weights[0], WithinAbs(truth[0], 0.02));
  REQUIRE_THAT(weights[1], WithinAbs(truth[1], 0.02));
  for (std::size_t k = 2; k < truth.size(); ++k) REQUIRE(weights[k] == 0.0);
}

TEST_CASE("a ridge shrinks each weight by the same part where features are independent") {
  std::vector<SampleMoments> all(1);
  all[0].add({2.0, 0.0}, 2, 3.0, 1.0);
  all[0].add({0.0, 0.01}, 2, 0.04, 1.0);
  const auto with = [&](double ridge) {
    return dpm::detail::robust_ridge(pointers(all), 2, ridge);
  };
  REQUIRE_THAT(with(0.0)[0], WithinRel(1.5, 1e-12));
  REQUIRE_THAT(with(0.0)[1], WithinRel(4.0, 1e-12));
  REQUIRE_THAT(with(1.0)[0], WithinRel(0.75, 1e-12));
  REQUIRE_THAT(with(1.0)[1], WithinRel(2.0, 1e-12));
}

TEST_CASE("a sample that ends elsewhere does not rule the weights") {
  const auto error = [](std::size_t s, std::size_t e) {
    const double small = 0.01 * std::sin(double(7 * s + 3 * e));
    return s == 3 ? 20.0 + double(e) : small;
  };
  const std::vector<SampleMoments> all = samples(12, error);
  const FeatureWeights weights = dpm::detail::robust_ridge(pointers(all), 2, 0.0);
  REQUIRE_THAT(weights[0], WithinAbs(truth[0], 0.05));
  REQUIRE_THAT(weights[1], WithinAbs(truth[1], 0.05));
}

TEST_CASE("a condition that recurs with the number of parts is never left out whole") {
  std::vector<SampleMoments> all(16);
  for (std::size_t s = 0; s < all.size(); ++s) {
    all[s].add({1.0, 0.0}, 2, 0.5, 1.0);
    all[s].add({0.0, s % 4 == 1 ? 1.0 : 0.0}, 2, s % 4 == 1 ? 3.0 : 0.0, 1.0);
  }
  const FeatureWeights weights = dpm::detail::fit_weights(all, 2);
  REQUIRE_THAT(weights[0], WithinAbs(0.5, 1e-6));
  REQUIRE_THAT(weights[1], WithinAbs(3.0, 1e-6));
}

TEST_CASE("a step is left alone where nothing explains the target") {
  std::vector<SampleMoments> all(8);
  for (std::size_t s = 0; s < all.size(); ++s) {
    // Each sample has a direction of its own for its target, which others know nothing of.
    const double sign = s % 2 == 0 ? 1.0 : -1.0;
    all[s].add({1.0}, 1, sign, 1.0);
  }
  REQUIRE(dpm::detail::fit_weights(all, 1) == FeatureWeights{});
}

TEST_CASE("features that are all zero or not finite change nothing") {
  std::vector<SampleMoments> all(8);
  for (SampleMoments& sample : all) sample.add({0.0, 0.0}, 2, 1.0, 1.0);
  REQUIRE(dpm::detail::fit_weights(all, 2) == FeatureWeights{});
  all[2].add({std::numeric_limits<double>::quiet_NaN(), 1.0}, 2, 1.0, 1.0);
  REQUIRE(dpm::detail::fit_weights(all, 2) == FeatureWeights{});
}

TEST_CASE("one sample alone changes nothing and two may") {
  REQUIRE(dpm::detail::fit_weights(samples(1, no_error), 4) == FeatureWeights{});
  REQUIRE(dpm::detail::fit_weights({}, 4) == FeatureWeights{});
  REQUIRE_FALSE(dpm::detail::fit_weights(samples(2, no_error), 2) == FeatureWeights{});
}

TEST_CASE("a residual is the root mean square that the weights leave") {
  SampleMoments sample;
  sample.add({1.0, 2.0}, 2, 4.0, 0.5);
  sample.add({3.0, -1.0}, 2, 1.0, 0.5);
  // 4 - (2 - 2) = 4 and 1 - (6 + 1) = -6.
  REQUIRE_THAT(sample.residual({2.0, -1.0}), WithinRel(std::sqrt(0.5 * (16.0 + 36.0)), 1e-14));
  REQUIRE_THAT(sample.residual({}), WithinRel(std::sqrt(8.5), 1e-14));
}

}  // namespace weight_fit_test
