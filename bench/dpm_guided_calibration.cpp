// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Calibrated plans for scales of guidance between two: dpm_guided_calibration CALLS...
///
/// The exact networks of a mixture of Gaussians are guided toward two of its five modes. Plans are
/// calibrated at two scales, the second from the first, and interpolated at scales between: with
/// the weights of each step fitted for itself, and with the joint fit of all weights after it. It
/// prints the median errors of the candidate that the calibration began with and of these plans, on
/// starts that nothing was fitted to. It fails where a plan without the joint fit is worse than
/// that candidate.
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

/// Two calibrations, at the first and the last of some scales.
struct Calibrated {
  Calibrated(const std::vector<dpm::Plan>& candidates, std::vector<Guided>& guided, int turns)
      : options{.turns = turns},
        first(
            dpm::calibrate(candidates, guided.front().network, guided.front().references, options)),
        last(dpm::calibrate(first.plan, guided.back().network, guided.back().references, options)) {
  }

  [[nodiscard]] dpm::Plan at(double scale, double low, double high) const {
    return dpm::interpolate_plans(first.plan, low, last.plan, high, scale);
  }

  dpm::CalibrationOptions options;
  dpm::CalibratedPlan first;
  dpm::CalibratedPlan last;
};

/// Prints the errors at the scales low to high, which are those of `guided`.
bool compare(const dpm::AnySchedule& schedule, std::vector<Guided>& guided, double low, double high,
             int calls) {
  const std::vector<dpm::Plan> candidates = dpm::calibration_candidates(schedule, calls);
  const Calibrated each(candidates, guided, 0);
  const Calibrated all(candidates, guided, 3);
  const dpm::Plan& base = candidates[each.first.report.base];
  std::printf(
      "\n%d calls             calibrated there        interpolated from %g and %g\n"
      "scale   base       jointly                 jointly             step by step\n",
      calls, low, high);
  bool better = true;
  for (std::size_t i = 0; i < guided.size(); ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(guided.size() - 1);
    const double scale = low + share * (high - low);
    const auto own = dpm::calibrate(base, guided[i].network, guided[i].references);
    const double before = guided[i].error(base);
    const double there = guided[i].error(own.plan);
    const double jointly = guided[i].error(all.at(scale, low, high));
    const double stepwise = guided[i].error(each.at(scale, low, high));
    std::printf("%5g   %.2e   %.2e (%.2f)         %.2e (%.2f)     %.2e (%.2f)\n", scale, before,
                there, there / before, jointly, jointly / before, stepwise, stepwise / before);
    better = better && stepwise < before;
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
  std::puts("Median errors at scales of guidance, and their ratios to the base's");
  bool better = true;
  for (const double high : {3.0, 6.0}) {
    constexpr double low = 2.0;
    std::vector<Guided> guided;
    for (int i = 0; i <= 4; ++i) guided.emplace_back(schedule, low + 0.25 * i * (high - low));
    for (int i = 1; i < argc; ++i) {
      better = compare(schedule, guided, low, high, std::atoi(argv[i])) && better;
    }
  }
  return better ? 0 : 1;
}
