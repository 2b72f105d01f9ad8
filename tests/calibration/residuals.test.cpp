// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
#include "dpm/calibration/residuals.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.hpp"

namespace residuals_test {

using namespace dpm_test;

TEST_CASE("the distance of a sample is the root of the sum of its squares") {
  const dpm::detail::Residuals residuals{{3.0, -4.0, 2.0, 1.0, 2.0, 2.0}, {2, 1, 3}};
  REQUIRE(residuals.distances() == std::vector<double>{5.0, 2.0, 3.0});
  REQUIRE(dpm::detail::Residuals{}.distances().empty());
}

TEST_CASE("robust factors are a half at three medians and a tenth at nine") {
  const std::vector<double> factors =
      dpm::detail::robust_factors(std::vector<double>{0.0, 1.0, 1.0, 3.0, 9.0});
  REQUIRE(factors[0] == 1.0);
  REQUIRE_THAT(factors[1], WithinRel(0.9, 1e-14));
  REQUIRE_THAT(factors[3], WithinRel(0.5, 1e-14));
  REQUIRE_THAT(factors[4], WithinRel(0.1, 1e-14));
  // Where most samples are exact there is no measure of what is far.
  REQUIRE(dpm::detail::robust_factors(std::vector<double>{0.0, 0.0, 5.0}) ==
          std::vector<double>{1.0, 1.0, 1.0});
}

TEST_CASE("the typical distance follows the bulk and keeps a NaN") {
  REQUIRE_THAT(dpm::detail::typical(std::vector<double>{4.0, 4.0, 4.0}), WithinRel(4.0, 1e-14));
  REQUIRE_THAT(dpm::detail::typical(std::vector<double>{1.0, 9.0}), WithinRel(4.0, 1e-14));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  REQUIRE(std::isnan(dpm::detail::typical(std::vector<double>{1.0, nan})));
}

TEST_CASE("the median of an even number is the mean of the middle two") {
  REQUIRE(dpm::detail::median({3.0, 1.0, 100.0}) == 3.0);
  REQUIRE(dpm::detail::median({3.0, 1.0, 100.0, 5.0}) == 4.0);
  REQUIRE(dpm::detail::median({}) == 0.0);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  REQUIRE(dpm::detail::median({nan, 2.0, nan, 1.0, 3.0}) == 3.0);
}

}  // namespace residuals_test
