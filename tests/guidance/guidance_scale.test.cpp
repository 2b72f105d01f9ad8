// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Guidance scales: their intervals and what is refused.
#include <Eigen/Core>
#include <cmath>
#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace guidance_scale_test {

using namespace dpm_test;
using dpm::BatchedClassifierFreeGuidance;
using dpm::ClassifierFreeGuidance;
using dpm::GuidanceScale;

namespace {

const dpm::Level level = dpm::VpLinear().level(0.5);
const auto conditional = [](const auto& x, double, auto& out) { out = x.sin() + 0.2; };
const auto unconditional = [](const auto& x, double, auto& out) { out = 0.3 * x.cos(); };

}  // namespace

TEST_CASE("scales, intervals and phi out of range are refused") {
  for (const auto& [scale, text] : std::vector<std::pair<double, std::string>>{
           {-1.0, "-1"}, {not_a_number, "nan"}, {infinity, "inf"}}) {
    refused([&, s = scale] { (void)GuidanceScale(s); },
            "GuidanceScale: scale = " + text + "; it must be in [0, inf)");
    const auto varying = [s = scale](const dpm::Level&) { return s; };
    refused([&] { (void)GuidanceScale(varying).at(level, 1.0); },
            "GuidanceScale: scale = " + text + " at time 0.5; it must be in [0, inf)");
  }
  refused([] { (void)GuidanceScale(std::function<double(const dpm::Level&)>()); },
          "GuidanceScale: the function is empty; it must return the scale at a level");
  for (const auto& [low, high, text] : std::vector<std::tuple<double, double, std::string>>{
           {-0.5, 2.0, "low = -0.5 and high = 2"},
           {2.0, 2.0, "low = 2 and high = 2"},
           {3.0, 1.0, "low = 3 and high = 1"},
           {not_a_number, 1.0, "low = nan and high = 1"},
           {0.0, not_a_number, "low = 0 and high = nan"}}) {
    refused([l = low, h = high] { (void)GuidanceScale(2.0).within(l, h); },
            "GuidanceScale: " + text + "; they must be 0 <= low < high");
  }
  for (const auto& [phi, text] : std::vector<std::pair<double, std::string>>{
           {-0.1, "-0.1"}, {1.5, "1.5"}, {not_a_number, "nan"}}) {
    const dpm::GuidanceRescale rescale{.phi = phi};
    refused([&] { ClassifierFreeGuidance(conditional, unconditional, 2.0, rescale); },
            "ClassifierFreeGuidance: phi = " + text + "; it must be in [0, 1]");
    refused([&] { BatchedClassifierFreeGuidance(conditional, 2.0, rescale); },
            "BatchedClassifierFreeGuidance: phi = " + text + "; it must be in [0, 1]");
  }
}

TEST_CASE("an interval is half-open in sigma over alpha, with its ends exact") {
  const dpm::VarianceExploding exploding;
  const auto at = [&](const GuidanceScale& scale, double ratio) {
    return scale.at(exploding.level(ratio), 1.0);
  };
  const GuidanceScale scale = GuidanceScale(2.0).within(0.28, 2.9);
  CHECK(at(scale, 0.28) == 1.0);
  CHECK(at(scale, std::nextafter(0.28, 1.0) + 1e-15) == 2.0);
  CHECK(at(scale, 2.9) == 2.0);
  CHECK(at(scale, 2.9 + 1e-14) == 1.0);
  CHECK(at(GuidanceScale(2.0).within(0.0, 2.9), 0.0) == 2.0);
  CHECK(at(GuidanceScale(2.0).within(1e-9, 2.9), 0.0) == 1.0);
  const dpm::Level pure_noise{.time = 1.0, .log_alpha = -infinity, .log_sigma = 0.0};
  CHECK(GuidanceScale(2.0).within(0.28, infinity).at(pure_noise, 1.0) == 2.0);
  CHECK(GuidanceScale(2.0).within(0.28, 2.9).at(pure_noise, 0.0) == 0.0);
  CHECK(GuidanceScale(2.0).at(pure_noise, 1.0) == 2.0);
}

}  // namespace guidance_scale_test
