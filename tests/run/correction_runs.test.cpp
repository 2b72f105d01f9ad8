// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Clipping and dynamic thresholding within runs, in noise and in data space.
#include <Eigen/Core>
#include <cmath>
#include <limits>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/thresholding.hpp"

using namespace dpm_test;
using dpm::Clip;
using dpm::DynamicThresholding;
using dpm::Space;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const dpm::AnySchedule schedule = dpm::VpLinear();
/// Data of standard deviation 2, so that its predictions leave [-1, 1].
const dpm::Gaussian network({0.5}, {2.0});

}  // namespace

TEST_CASE(
    "second-order steps with corrected data by hand, in noise space with the noise rederived") {
  const std::vector<double> times{0.7, 0.5, 0.35};
  const dpm::Grid grid = grid_of_times(schedule, times);
  const Batch start = 2.0 * values(8, 3);
  for (const Space space : {Space::noise, Space::data}) {
    for (const bool clips : {true, false}) {
      CAPTURE(static_cast<int>(space), clips);
      const auto prediction = [&](const Batch& x, const dpm::Level& at) -> Batch {
        Batch noise(x.rows(), x.cols());
        network(x, at, noise);
        Batch data = (x - at.sigma() * noise) / at.alpha();
        REQUIRE((data.abs() > 1.0).any());
        data = clips ? Batch(data.max(-1.0).min(1.0)) : thresholded(data, 0.9, 1.0, infinity);
        return space == Space::data ? data : Batch((x - at.alpha() * data) / at.sigma());
      };
      const dpm::Level s = grid[0];
      const dpm::Level m = grid[1];
      const dpm::Level t = grid[2];
      const double h0 = m.lambda() - s.lambda();
      const double h = t.lambda() - m.lambda();
      const Batch first = prediction(start, s);
      Batch expected;
      if (space == Space::noise) {
        const Batch middle = m.alpha() / s.alpha() * start - m.sigma() * (std::exp(h0) - 1) * first;
        const Batch second = prediction(middle, m);
        const Batch mix = second + h / (2 * h0) * (second - first);
        expected = t.alpha() / m.alpha() * middle - t.sigma() * (std::exp(h) - 1) * mix;
      } else {
        const Batch middle =
            m.sigma() / s.sigma() * start + m.alpha() * (1 - std::exp(-h0)) * first;
        const Batch second = prediction(middle, m);
        const Batch mix = second + h / (2 * h0) * (second - first);
        expected = t.sigma() / m.sigma() * middle + t.alpha() * (1 - std::exp(-h)) * mix;
      }
      const dpm::Plan plan = make_plan(dpm::DpmSolver{.order = 2, .space = space}, grid,
                                       dpm::Prediction::noise, dpm::Correction::data);
      dpm::RunOptions<Batch> options;
      if (clips) options.correction = Clip();
      if (!clips) options.correction = DynamicThresholding(0.9);
      Batch x = start;
      dpm::sample(plan, network, x, options);
      CHECK(difference(x, expected) < 2e-14);
    }
  }
}

TEST_CASE("a clipped run ends within its range, from pure noise and over EDM's levels too") {
  const auto check = [](const dpm::AnySchedule& process, dpm::Prediction prediction, auto model) {
    const dpm::Grid grid = make_grid(dpm::UniformTime{.end = 0.0}, process, 12);
    Batch x = 3.0 * grid.front().sigma() * values(8, 3);
    const Batch start = x;
    dpm::sample(make_plan(dpm::DpmSolver{}, grid, prediction), model, x);
    CHECK(x.abs().maxCoeff() > 1.5);
    x = start;
    const dpm::Plan plan = make_plan(dpm::DpmSolver{}, grid, prediction, dpm::Correction::data);
    dpm::sample(plan, model, x, {.correction = Clip()});
    CHECK(x.abs().maxCoeff() == 1.0);
  };
  check(schedule, dpm::Prediction::noise, network);
  // Networks that always say 2 in every value of x_0: of a flow, epsilon - x_0; of EDM, F.
  const auto flow = [](const Batch& x, const dpm::Level& at) -> Batch {
    return (x - 2.0) / at.sigma();
  };
  check(dpm::RectifiedFlow(3.0), dpm::Prediction::flow, flow);
  const auto edm = [](const Batch& u, const dpm::Level& at) -> Batch {
    const dpm::Conversion to_data = dpm::to_data(dpm::Prediction::edm, at);
    return (2.0 - to_data.input * u / at.input_scale()) / to_data.output;
  };
  check(dpm::Edm(), dpm::Prediction::edm, edm);
}

TEST_CASE(
    "a run with thresholding treats each sample as if it were alone, in every kind of state") {
  const Batch start = 2.0 * values(9, 4);
  for (const Space space : {Space::noise, Space::data}) {
    CAPTURE(static_cast<int>(space));
    const dpm::Plan plan = make_plan(dpm::DpmSolver{.order = 3, .space = space},
                                     make_grid(dpm::UniformLambda{}, schedule, 10),
                                     dpm::Prediction::noise, dpm::Correction::data);
    Batch batch = start;
    dpm::sample(plan, network, batch, {.correction = DynamicThresholding(0.8)});
    for (Eigen::Index c = 0; c < 4; ++c) {
      Batch alone = start.col(c);
      dpm::sample(plan, network, alone, {.correction = DynamicThresholding(0.8)});
      CHECK(difference(alone, batch.col(c)) < 1e-13);
    }
    std::vector<double> range(start.data(), start.data() + start.size());
    dpm::sample(plan, network, range, {.correction = DynamicThresholding(0.8, 1.0, infinity, 9)});
    CHECK(difference(Eigen::Map<Batch>(range.data(), 9, 4), batch) < 1e-13);
  }
}
