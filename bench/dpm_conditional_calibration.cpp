// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Calibrated plans on conditions that were not among the starts:
/// dpm_conditional_calibration CALLS...
///
/// The exact networks of ten modes in the plane are guided toward one of them, with scale 3. Plans
/// are fitted to 80 starts toward the first five in turn, and run from other starts toward each of
/// the ten. It prints the median errors over all starts of a condition, the mean over five
/// conditions, and their ratio to the base's. It fails where the ratio on the other five conditions
/// is not below 1.
#include <Eigen/Core>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "dpm/calibration/calibrate.hpp"
#include "dpm/calibration/residuals.hpp"
#include "dpm/dpm.hpp"

namespace {

using State = Eigen::ArrayXXd;
using Guided = dpm::ClassifierFreeGuidance<dpm::GaussianMixture, dpm::GaussianMixture>;

constexpr int conditions = 10;
constexpr int known = 5;
constexpr double scale = 3.0;

/// Ten modes of unlike shapes on a spiral; neighbours overlap.
dpm::GaussianMixture::Component mode(int condition) {
  const double angle = 2.4 * condition;  // so that each five lie all around
  const double radius = 0.5 + 0.15 * condition;
  const double wide = 0.2 + 0.05 * ((7 * condition) % 5);
  const double narrow = 0.15 + 0.04 * ((3 * condition) % 4);
  return {1.0, dpm::Gaussian({radius * std::cos(angle), radius * std::sin(angle)}, {wide, narrow})};
}

Guided network_of(int condition) {
  std::vector<dpm::GaussianMixture::Component> all;
  all.reserve(conditions);
  for (int c = 0; c < conditions; ++c) all.push_back(mode(c));
  return Guided(dpm::GaussianMixture({mode(condition)}), dpm::GaussianMixture(all), scale);
}

State drawn(Eigen::Index count, std::uint64_t seed, std::uint64_t first) {
  State x(2, count);
  dpm::NormalNoise{.seed = seed, .first_sample = first}.fill(x);
  return x;
}

/// The median error of a plan toward one condition, from 101 starts that nothing was fitted to.
double error(const dpm::Plan& plan, const dpm::Plan& fine, int condition) {
  State x = drawn(101, 2, 0);
  State exact = x;
  Guided network = network_of(condition);
  dpm::sample(plan, network, x);
  dpm::sample(fine, network, exact);
  const Eigen::ArrayXd all = (x - exact).square().colwise().mean().sqrt();
  return dpm::detail::median({all.begin(), all.end()});
}

bool compare(const dpm::AnySchedule& schedule, int calls) {
  std::vector<State> starts;
  for (std::uint64_t c = 0; c < known; ++c) starts.push_back(drawn(16, 1, 16 * c));
  const auto network = [](std::size_t start) { return network_of(static_cast<int>(start)); };
  const dpm::References<State> references(dpm::make_plan(schedule, 400), network, starts);
  const std::vector<dpm::Plan> candidates = dpm::calibration_candidates(schedule, calls);
  const auto [plan, report] =
      dpm::calibrate(candidates, network, references, {.schedule = schedule});
  const dpm::Plan& base = candidates[report.base];
  const dpm::Plan fine = dpm::make_plan(schedule, 1000);
  std::array<double, 2> before{};
  std::array<double, 2> after{};
  for (int c = 0; c < conditions; ++c) {
    const auto other = static_cast<std::size_t>(c >= known);
    before[other] += error(base, fine, c) / known;
    after[other] += error(plan, fine, c) / known;
  }
  std::printf("%5d   %.2e   %.2e (%.2f)     %.2e   %.2e (%.2f)\n", calls, before[0], after[0],
              after[0] / before[0], before[1], after[1], after[1] / before[1]);
  return after[1] < before[1];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: dpm_conditional_calibration CALLS...\n");
    return 2;
  }
  std::puts(
      "        conditions among the starts      other conditions\n"
      "calls   base       calibrated            base       calibrated");
  const dpm::AnySchedule schedule = dpm::VpLinear();
  bool better = true;
  for (int i = 1; i < argc; ++i) better = compare(schedule, std::atoi(argv[i])) && better;
  return better ? 0 : 1;
}
