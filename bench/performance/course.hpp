// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The runs in which steps are timed.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "dpm/dpm.hpp"
#include "points.hpp"

namespace dpm_bench {

/// The levels of a run in which every method takes the same steps, equal in lambda: `warm` steps
/// with which a method starts, then those that are timed. One more is never reached, since last
/// steps differ.
struct Course {
  static constexpr std::size_t warm = 4;
  using Weigh = WeightsOf<float> (*)(const Point<float>*);

  std::size_t stages = 1;                      ///< of a step
  std::shared_ptr<const dpm::Plan> plan = {};  ///< the library's
  std::vector<Point<float>> points = {};       ///< the levels, `stages` a step
  std::vector<WeightsOf<float>> weights = {};  ///< of each step after the warm ones, made outside
  Weigh weigh = nullptr;                       ///< makes them in float

  [[nodiscard]] const WeightsOf<float>& weights_of(std::size_t step) const {
    return weights[step - warm];
  }
  [[nodiscard]] WeightsOf<float> weights_now(std::size_t step) const {
    return weigh(&points[step * stages]);
  }
};

template <class Method>
Course course_of(std::size_t timed) {
  Course course{.stages = Method::stages, .weigh = &Method::template weights<float>};
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const std::size_t intervals = (Course::warm + timed + 1) * Method::stages;
  std::vector<Point<double>> points;
  std::vector<double> ends;
  for (std::size_t i = 0; i <= intervals; ++i) {
    const double lambda = 2.0 * static_cast<double>(i) / static_cast<double>(intervals);
    const dpm::Level level = schedule.level_at_lambda(lambda);
    points.push_back({level.alpha(), level.sigma(), lambda});
    course.points.push_back({static_cast<float>(level.alpha()), static_cast<float>(level.sigma()),
                             static_cast<float>(lambda)});
    if (i % Method::stages == 0) ends.push_back(lambda);
  }
  course.plan = std::make_shared<const dpm::Plan>(Method::plan(grid_of_lambdas(schedule, ends)));
  for (std::size_t i = Course::warm; i < Course::warm + timed; ++i) {
    const auto exact = Method::weights(&points[i * Method::stages]);
    auto& rounded = course.weights.emplace_back();
    for (std::size_t j = 0; j < exact.size(); ++j) rounded[j] = static_cast<float>(exact[j]);
  }
  return course;
}

}  // namespace dpm_bench
