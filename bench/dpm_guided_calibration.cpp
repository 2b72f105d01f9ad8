// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Calibrated plans for scales of guidance between two: dpm_guided_calibration CALLS...
///
/// The exact networks of a mixture of Gaussians are guided toward two of its five modes. Plans are
/// calibrated at scales 2 and 6, the second from the first. At each scale from 2 to 6 it prints the
/// median error of the candidate that the calibration began with, of a calibration at that scale,
/// and of the plan that is interpolated, on starts that nothing was fitted to. It fails where an
/// interpolated plan is worse than that candidate.
#include <Eigen/Core>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "dpm/calibration/calibrate.hpp"
#include "dpm/calibration/interpolate_plans.hpp"
#include "dpm/calibration/residuals.hpp"
#include "dpm/dpm.hpp"

namespace {

using State = Eigen::ArrayXXd;

constexpr double low = 2.0;
constexpr double high = 6.0;

State drawn(Eigen::Index count, std::uint64_t seed) {
  State x(2, count);
  dpm::NormalNoise{.seed = seed}.fill(x);
  return x;
}

/// The guided network of a scale, references for it, and other starts with their ends.
struct Guided {
  explicit Guided(const dpm::AnySchedule& schedule, double scale)
      : network(dpm::GaussianMixture(modes(2)), dpm::GaussianMixture(modes(5)), scale),
        references(dpm::make_plan(schedule, 400), network, std::vector<State>{drawn(64, 1)}),
        exact(drawn(101, 2)) {
    dpm::sample(dpm::make_plan(schedule, 1000), network, exact);
  }

  static std::vector<dpm::GaussianMixture::Component> modes(std::size_t count) {
    std::vector<dpm::GaussianMixture::Component> all{{1.0, dpm::Gaussian({1.0, 0.0}, {0.3, 0.4})},
                                                     {2.0, dpm::Gaussian({0.2, 1.0}, {0.4, 0.2})},
                                                     {1.5, dpm::Gaussian({-0.4, -0.9}, {0.3, 0.5})},
                                                     {0.7, dpm::Gaussian({-1.6, 0.2}, {0.4, 0.4})},
                                                     {1.0, dpm::Gaussian({-0.8, 1.2}, {0.5, 0.3})}};
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(count), all.end());
    return all;
  }

  double error(const dpm::Plan& plan) {
    State x = drawn(101, 2);
    dpm::sample(plan, network, x);
    const Eigen::ArrayXd all = (x - exact).square().colwise().mean().sqrt();
    return dpm::detail::median({all.begin(), all.end()});
  }

  dpm::ClassifierFreeGuidance<dpm::GaussianMixture, dpm::GaussianMixture> network;
  dpm::References<State> references;
  State exact;
};

bool compare(const dpm::AnySchedule& schedule, std::vector<Guided>& guided, int calls) {
  const std::vector<dpm::Plan> candidates = dpm::calibration_candidates(schedule, calls);
  const auto first = dpm::calibrate(candidates, guided.front().network, guided.front().references);
  const auto last = dpm::calibrate(first.plan, guided.back().network, guided.back().references);
  const dpm::Plan& base = candidates[first.report.base];
  std::printf("\n%d calls\nscale   base       calibrated there   interpolated\n", calls);
  bool better = true;
  for (std::size_t i = 0; i < guided.size(); ++i) {
    const double scale = low + static_cast<double>(i);
    const auto own = dpm::calibrate(base, guided[i].network, guided[i].references);
    const dpm::Plan plan = dpm::interpolate_plans(first.plan, low, last.plan, high, scale);
    const double before = guided[i].error(base);
    const double between = guided[i].error(plan);
    std::printf("%5g   %.2e   %.2e (%.2f)    %.2e (%.2f)\n", scale, before,
                guided[i].error(own.plan), guided[i].error(own.plan) / before, between,
                between / before);
    better = better && between < before;
  }
  return better;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: dpm_guided_calibration CALLS...\n");
    return 2;
  }
  const dpm::AnySchedule schedule = dpm::VpLinear();
  std::vector<Guided> guided;
  for (double scale = low; scale <= high; scale += 1.0) guided.emplace_back(schedule, scale);
  std::puts("Median errors at scales of guidance, and their ratios to the base's");
  bool better = true;
  for (int i = 1; i < argc; ++i) better = compare(schedule, guided, std::atoi(argv[i])) && better;
  return better ? 0 : 1;
}
