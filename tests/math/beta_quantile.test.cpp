// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Quantiles of the beta distribution.
#include "dpm/math/beta_quantile.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "dpm/grid/grid.hpp"
#include "dpm/grid/sigma_spacing.hpp"
#include "dpm/grid/spacing.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace beta_quantile_test {

using namespace dpm_test;
using dpm::beta_quantile;

namespace {

const std::vector<double> probabilities{1e-12, 1e-6, 0.01, 0.1,  0.25,       0.4999,
                                        0.5,   0.75, 0.9,  0.99, 1 - 0x1p-20};

/// Requires the error that the function promises, 1e-14, relative to x. Two things add to it: x
/// comes from its logarithm, and the complete beta function from lgamma, each good to units in its
/// last place; lgamma(a + b) is at most 12 for shapes up to 7 and 13000 for the largest.
void require_quantile(double p, double a, double b, double expected) {
  CAPTURE(p, a, b);
  const double promised = 1e-14 + 1e-15 * std::abs(std::log(expected));
  REQUIRE_THAT(beta_quantile(p, a, b),
               WithinRel(expected, promised + 2e-16 * std::max(0.0, std::lgamma(a + b) - 12)));
}

}  // namespace

TEST_CASE("beta(1, 1) is uniform") {
  for (const double p : probabilities) require_quantile(p, 1.0, 1.0, p);
}

TEST_CASE("beta(1/2, 1/2) is the arcsine law") {
  for (const double p : probabilities) {
    const double root = std::sin(std::numbers::pi / 2 * p);
    require_quantile(p, 0.5, 0.5, root * root);
  }
}

TEST_CASE("beta(a, 1) is a power, beta(1, b) its mirror image") {
  for (const double p : probabilities) {
    for (const double shape : {0.05, 0.6, 2.0, 7.0}) {
      require_quantile(p, shape, 1.0, std::exp(std::log(p) / shape));
      require_quantile(p, 1.0, shape, -std::expm1(std::log1p(-p) / shape));
    }
  }
  for (const double p : {0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99}) {
    require_quantile(p, 1000.0, 1.0, std::exp(std::log(p) / 1000));
    require_quantile(p, 1.0, 1000.0, -std::expm1(std::log1p(-p) / 1000));
  }
}

TEST_CASE("beta(2, 2) has a cubic for its distribution") {
  for (const double p : probabilities) {
    const double x = beta_quantile(p, 2.0, 2.0);
    CAPTURE(p);
    REQUIRE_THAT(x * x * (3 - 2 * x), WithinRel(p, 4e-14));  // p is at most x^2
  }
}

TEST_CASE("beta quantiles agree with known digits") {
  // Computed with 60 decimal digits by bisection of the regularised incomplete beta function.
  require_quantile(1e-12, 0.6, 0.6, 1.8558824624914105009e-20);
  require_quantile(0.1, 0.6, 0.6, 0.039584405588780851714);
  require_quantile(0.25, 0.6, 0.6, 0.1756803786526950145);
  require_quantile(0.9, 0.6, 0.6, 0.96041559441121916641);
  require_quantile(1e-6, 2.5, 0.7, 0.0050112985071793474683);
  require_quantile(0.3, 2.5, 0.7, 0.70977589121488045238);
  require_quantile(0.3, 0.01, 0.02, 2.0289416312650608153e-35);
  require_quantile(0.7, 50.0, 3.0, 0.96316347292897444399);
  require_quantile(0.001, 300.0, 1000.0, 0.19589310430470684025);
  require_quantile(0.75, 1000.0, 1000.0, 0.50754153835055238331);
}

TEST_CASE("the median of a symmetric beta distribution is 1/2") {
  for (int hundredths = 1; hundredths <= 1000; ++hundredths) {
    REQUIRE(dpm::beta_quantile(0.5, hundredths / 100.0, hundredths / 100.0) == 0.5);
  }
}

TEST_CASE("exchanging a and b mirrors the distribution") {
  // Probabilities whose mirror image is exact in binary.
  for (const double p : {0x1p-30, 0.125, 0.25, 0.5, 0.625, 0.875, 1 - 0x1p-30}) {
    for (const auto& [a, b] : std::vector<std::pair<double, double>>{
             {0.6, 0.6}, {0.05, 3.0}, {2.0, 0.3}, {20.0, 50.0}, {1000.0, 0.5}}) {
      CAPTURE(p, a, b);
      REQUIRE_THAT(beta_quantile(p, a, b) + beta_quantile(1 - p, b, a), WithinAbs(1.0, 1e-14));
    }
  }
}

TEST_CASE("the distribution function takes a quantile back to its probability") {
  for (const double p : {1e-9, 0.001, 0.2, 0.5, 0.8, 0.999}) {
    for (const double a : {0.2, 0.6, 1.5, 10.0, 400.0}) {
      for (const double b : {0.2, 0.6, 1.5, 10.0, 400.0}) {
        const double x = beta_quantile(p, a, b);
        CAPTURE(p, a, b, x);
        // An error of x moves p by the density times as much; for the rest see require_quantile.
        const double density = std::exp((a - 1) * std::log(x) + (b - 1) * std::log1p(-x) -
                                        (std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b)));
        const double error = 1e-14 + 1e-15 * std::abs(std::log(x));
        const double of_x = error * std::min(x, 1 - x) + 2e-16;
        const double of_beta = 4e-16 * (1 + std::abs(std::lgamma(a + b)));
        REQUIRE_THAT(dpm::detail::beta_distribution(x, a, b),
                     WithinAbs(p, of_x * density + of_beta));
      }
    }
  }
}

TEST_CASE("quantiles rise with the probability, between 0 and 1") {
  for (const auto& [a, b] : std::vector<std::pair<double, double>>{
           {0.6, 0.6}, {0.05, 0.05}, {0.01, 1000.0}, {1000.0, 0.01}, {3.0, 700.0}}) {
    double before = beta_quantile(0.0, a, b);
    REQUIRE(before == 0.0);
    for (int i = 1; i < 1000; ++i) {
      const double x = beta_quantile(i / 1000.0, a, b);
      CAPTURE(a, b, i);
      REQUIRE(x >= before);
      REQUIRE(x <= 1.0);
      before = x;
    }
    REQUIRE(beta_quantile(1.0, a, b) == 1.0);
  }
}

TEST_CASE("beta quantiles refuse what is no probability and shapes out of range") {
  const auto sentence = [](double p, double a, double b) -> std::string {
    try {
      (void)beta_quantile(p, a, b);
    } catch (const dpm::InvalidArgument& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  CHECK(sentence(-0.25, 1, 1) == "beta_quantile: p = -0.25; it must be in [0, 1]");
  CHECK(sentence(1.25, 1, 1) == "beta_quantile: p = 1.25; it must be in [0, 1]");
  CHECK(sentence(not_a_number, 1, 1) == "beta_quantile: p = nan; it must be in [0, 1]");
  const std::string must = "; both must be in [0.01, 1000]";
  CHECK(sentence(0.5, 0, 1) == "beta_quantile: a = 0, b = 1" + must);
  CHECK(sentence(0.5, 1, -2) == "beta_quantile: a = 1, b = -2" + must);
  CHECK(sentence(0.0, 1001, 1) == "beta_quantile: a = 1001, b = 1" + must);
  CHECK(sentence(0.5, 1, not_a_number) == "beta_quantile: a = 1, b = nan" + must);
}

}  // namespace beta_quantile_test
