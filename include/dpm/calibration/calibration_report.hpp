// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a calibration has gained, and how sure that is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "dpm/separate.hpp"

namespace dpm {

/// What a calibration has gained, measured on samples that it has neither fitted nor chosen by. An
/// error is the median over these samples of the distance from the reference, which is the root
/// mean square over the values of a sample. The median alone decides; a plan with a better one may
/// lead some samples farther away, which the means and the count below tell.
struct CalibrationReport {
  /// The candidate with the least error before any fit, by its number; the base.
  std::size_t base = 0;
  double base_error = 0.0;
  double calibrated_error = 0.0;
  /// `calibrated_error` / `base_error`, and the interval that holds it with a probability of 95 %,
  /// as far as other draws of the measured samples tell (bootstrap, Efron 1979). The ratio is that
  /// of the fitted plan, even where the base was kept.
  double ratio = 1.0;
  double least_ratio = 0.0;
  double most_ratio = 0.0;
  /// The root mean squares of the distances, which the farthest samples rule.
  double base_root_mean_square = 0.0;
  double calibrated_root_mean_square = 0.0;
  /// The greatest ratio of one sample's distances, and how many of the measured samples the fitted
  /// plan leads farther away than the base.
  double worst_ratio = 1.0;
  std::size_t worse = 0;
  /// With `CalibrationOptions::features`, the Frechet distances of the measured samples from where
  /// their references end, by the base and by the fitted plan, even where the base was kept. So few
  /// samples make it too large: compare it with nothing but the other.
  std::optional<double> base_frechet = std::nullopt;
  std::optional<double> calibrated_frechet = std::nullopt;
  std::size_t fitted = 0;    ///< samples that weights were fitted to
  std::size_t held_out = 0;  ///< samples that grids and methods were chosen by
  std::size_t measured = 0;  ///< samples that these errors are of
  long long reference_calls =
      0;                    ///< model calls of the references; a call may be of several samples
  long long fit_calls = 0;  ///< model calls of everything else
  /// Whether the plan is the base as it was, and in a sentence why or why not.
  bool kept_base = true;
  std::string verdict;
};

namespace detail {

/// Sets the errors, the ratio and its interval, and the verdict.
void judge(std::span<const double> base, std::span<const double> calibrated, std::uint64_t seed,
           CalibrationReport& report);

/// The verdict where there are too few samples.
std::string too_few(std::size_t samples);
/// The verdict where nothing was fitted with less error than it had before.
std::string no_fit_gained();

}  // namespace detail
}  // namespace dpm

#if DPM_DEFINE

#  include <algorithm>
#  include <vector>

#  include "dpm/calibration/residuals.hpp"
#  include "dpm/error.hpp"
#  include "dpm/noise/philox.hpp"

namespace dpm::detail {

DPM_INLINE void judge(std::span<const double> base, std::span<const double> calibrated,
                      std::uint64_t seed, CalibrationReport& report) {
  const auto ratio_of = [](const std::vector<double>& above, const std::vector<double>& below) {
    const double error = median(above);
    const double by = median(below);
    return error == by ? 1.0 : error / by;  // infinite where only the base has no error
  };
  const std::size_t n = base.size();
  std::vector<double> some_base(base.begin(), base.end());
  std::vector<double> some_calibrated(calibrated.begin(), calibrated.end());
  report.measured = n;
  report.base_error = median(some_base);
  report.calibrated_error = median(some_calibrated);
  report.ratio = ratio_of(some_calibrated, some_base);
  report.base_root_mean_square = root_mean_square(base);
  report.calibrated_root_mean_square = root_mean_square(calibrated);
  report.worst_ratio = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    const double ratio = ratio_of({calibrated[i]}, {base[i]});
    report.worst_ratio = std::max(report.worst_ratio, ratio);
    if (ratio > 1.0) ++report.worse;
  }
  constexpr std::uint32_t draws = 1000;
  std::vector<double> ratios;
  for (std::uint32_t draw = 0; draw < draws; ++draw) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint32_t word =
          philox4x32({static_cast<std::uint32_t>(i), draw, 0, 0},
                     {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)})[0];
      const std::size_t sample = std::uint64_t{word} * n >> 32;
      some_base[i] = base[sample];
      some_calibrated[i] = calibrated[sample];
    }
    ratios.push_back(ratio_of(some_calibrated, some_base));
  }
  std::sort(ratios.begin(), ratios.end());
  report.least_ratio = ratios[draws / 40];
  report.most_ratio = ratios[draws - 1 - draws / 40];
  report.kept_base = !(report.most_ratio < 1.0);
  const auto shown = [](double value) { return static_cast<float>(value); };  // fewer digits
  report.verdict = sentence(
      report.kept_base ? "the base is kept: the fitted plan is not better with confidence, as its "
                         "error is "
                       : "the fitted plan is better: its error is ",
      shown(report.ratio), " of the base's, between ", shown(report.least_ratio), " and ",
      shown(report.most_ratio), " with a probability of 95 %, on ", n,
      " samples that were not fitted, of which it leads ", report.worse, " farther away");
}

DPM_INLINE std::string too_few(std::size_t samples) {
  return sentence("the base is kept: there are ", samples,
                  " samples, and a fit that can be trusted needs at least 12");
}

DPM_INLINE std::string no_fit_gained() {
  return "the base is kept: no fit has come nearer to the references on the samples held out";
}

}  // namespace dpm::detail

#endif
