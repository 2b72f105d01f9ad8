// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
#include "dpm/calibration/calibration_report.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "support/catch.hpp"

namespace calibration_report_test {

using namespace dpm_test;

namespace {

dpm::CalibrationReport report_of(const std::vector<double>& base,
                                 const std::vector<double>& calibrated, std::uint64_t seed = 0) {
  dpm::CalibrationReport report;
  dpm::detail::judge(base, calibrated, seed, report);
  return report;
}

/// 1, 2, ..., n times `factor`, in a mixed order.
std::vector<double> distances(std::size_t n, double factor, std::size_t step = 7) {
  std::vector<double> all;
  for (std::size_t i = 0; i < n; ++i) all.push_back(factor * double(1 + i * step % n));
  return all;
}

}  // namespace

TEST_CASE("a fit that halves each distance is better with certainty") {
  const dpm::CalibrationReport report = report_of(distances(15, 1.0), distances(15, 0.5));
  REQUIRE(report.measured == 15);
  REQUIRE(report.base_error == 8.0);
  REQUIRE(report.calibrated_error == 4.0);
  REQUIRE(report.ratio == 0.5);
  REQUIRE(report.least_ratio == 0.5);  // pairs are drawn together
  REQUIRE(report.most_ratio == 0.5);
  REQUIRE_FALSE(report.kept_base);
  REQUIRE_THAT(report.verdict, mentions("its error is 0.5 of the base's, between 0.5 and 0.5"));
  REQUIRE_THAT(report.verdict, mentions("on 15 samples that were not fitted, of which it leads 0 "
                                        "farther away"));
  REQUIRE(report.worst_ratio == 0.5);
  REQUIRE_THAT(report.base_root_mean_square, WithinRel(std::sqrt(31.0 * 16.0 / 6.0), 1e-12));
  REQUIRE_THAT(report.calibrated_root_mean_square,
               WithinRel(0.5 * std::sqrt(31.0 * 16.0 / 6.0), 1e-12));
}

TEST_CASE("samples that a better fit leads farther away are counted, and the worst is told") {
  std::vector<double> calibrated = distances(15, 0.5);
  calibrated[3] *= 20.0;
  calibrated[8] *= 5.0;
  const dpm::CalibrationReport report = report_of(distances(15, 1.0), calibrated);
  REQUIRE_FALSE(report.kept_base);  // the median decides
  REQUIRE(report.worse == 2);
  REQUIRE(report.worst_ratio == 10.0);
  REQUIRE(report.calibrated_root_mean_square > report.base_root_mean_square);
  REQUIRE_THAT(report.verdict, mentions("of which it leads 2 farther away"));
}

TEST_CASE("a fit that may be better by chance keeps the base") {
  // Pairs are unrelated, and the median falls a little.
  const dpm::CalibrationReport report = report_of(distances(16, 1.0, 7), distances(16, 0.95, 5));
  REQUIRE(report.ratio < 1.0);
  REQUIRE(report.least_ratio < 0.9);
  REQUIRE(report.most_ratio > 1.0);
  REQUIRE(report.kept_base);
  REQUIRE_THAT(report.verdict, mentions("the base is kept: the fitted plan is not better"));
}

TEST_CASE("a fit that is worse or not finite keeps the base") {
  REQUIRE(report_of(distances(15, 1.0), distances(15, 1.5)).kept_base);
  REQUIRE(report_of(distances(15, 1.0), distances(15, 1.0)).kept_base);
  REQUIRE(report_of(std::vector<double>(5, 0.0), std::vector<double>(5, 0.0)).kept_base);
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    const dpm::CalibrationReport report =
        report_of(distances(15, 1.0), std::vector<double>(15, bad));
    REQUIRE(report.kept_base);
    REQUIRE(report.ratio == std::numeric_limits<double>::infinity());
  }
}

TEST_CASE("a base without error is kept, and the ratio of a fit with one is infinite") {
  const dpm::CalibrationReport report = report_of(std::vector<double>(5, 0.0), distances(5, 0.1));
  REQUIRE(report.kept_base);
  REQUIRE(report.ratio == std::numeric_limits<double>::infinity());
}

TEST_CASE("the interval depends on the seed alone") {
  const std::vector<double> base = distances(32, 1.0, 7);
  const std::vector<double> calibrated = distances(32, 0.6, 5);
  const auto interval = [&](std::uint64_t seed) {
    const dpm::CalibrationReport report = report_of(base, calibrated, seed);
    return std::vector<double>{report.least_ratio, report.most_ratio};
  };
  REQUIRE(interval(1) == interval(1));
  REQUIRE(interval(1) != interval(2));
  REQUIRE(interval(1) != interval(std::uint64_t{1} << 32));
}

TEST_CASE("too few samples are said with their number") {
  REQUIRE(dpm::detail::too_few(3) ==
          "the base is kept: there are 3 samples, and a fit that can be trusted needs at least 12");
}

}  // namespace calibration_report_test
