// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Moves the levels of a calibrated plan to where it does best.
#pragma once

#include <cstddef>
#include <vector>

#include "dpm/calibration/multistep_form.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/separate.hpp"

namespace dpm::detail {

/// How far the lambda of a level may be from the schedule's that lies on it.
inline constexpr double schedule_rounding = 1e-6;

/// The times of a form's levels, and those that the model is told.
struct FormTimes {
  std::vector<double> levels;  ///< the start, each inner level, the end
  std::vector<double> asked;   ///< one for each model call
};

/// The times of a form. Empty if they do not fall strictly, as those of methods that call the model
/// twice at one level, or if the schedule has other levels there: such a form stays as it is.
FormTimes times_of(const MultistepForm& form, const AnySchedule& schedule);

/// The form at other times: UniPC of third order in the form's space, which is exact for any grid,
/// with the start and the end of `form`.
MultistepForm form_at(const FormTimes& times, const MultistepForm& form,
                      const AnySchedule& schedule);

/// How many coordinates may move: the inner levels, and what the model is told at each call.
std::size_t coordinates_of(const FormTimes& times);

/// Moves one coordinate by the part `reach` of the way to its neighbour, toward the data if it is
/// positive. An inner level takes what the model is told there along. Neither goes below
/// `first_time` or above `last_time`, the schedule's ends, though the plan may end at sigma = 0.
/// Returns false where there is no way.
bool move_coordinate(FormTimes& times, std::size_t coordinate, double reach, double first_time,
                     double last_time);

/// Improves a fitted form by moving one coordinate at a time, in `sweeps` passes over all. `fit`
/// takes a form, fits its weights and returns its error; a move stays if that falls by half a per
/// cent. Each coordinate has its own reach, which is halved where neither direction helps.
template <class Fit>
void search_grid(MultistepForm& best, double& best_error, const AnySchedule& schedule, int sweeps,
                 const Fit& fit) {
  FormTimes times = times_of(best, schedule);
  std::vector<double> reach(coordinates_of(times), 0.25);
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    for (std::size_t c = 0; c < reach.size(); ++c) {
      bool moved = false;
      for (const double direction : {1.0, -1.0}) {
        FormTimes trial_times = times;
        if (!move_coordinate(trial_times, c, direction * reach[c], schedule.first_time(),
                             schedule.last_time())) {
          continue;
        }
        MultistepForm trial = form_at(trial_times, best, schedule);
        const double error = fit(trial);
        if (!(error < 0.995 * best_error)) continue;
        best = trial;
        best_error = error;
        times = trial_times;
        moved = true;
        break;
      }
      if (!moved) reach[c] *= 0.5;
    }
  }
}

}  // namespace dpm::detail

#if DPM_DEFINE

#  include <algorithm>
#  include <cmath>

#  include "dpm/grid/grid.hpp"
#  include "dpm/method/method.hpp"
#  include "dpm/method/unipc.hpp"

namespace dpm::detail {

DPM_INLINE FormTimes times_of(const MultistepForm& form, const AnySchedule& schedule) {
  FormTimes times;
  for (const MultistepForm::Step& step : form.steps) {
    times.levels.push_back(step.from.time);
    times.asked.push_back(step.asked.time);
    const double last = step.to.time;
    const bool inner = times.levels.size() > 1;
    const bool falls = last < step.from.time && step.to.lambda() > step.from.lambda();
    if (!falls || (inner && std::abs(schedule.level(step.from.time).lambda() - step.from.lambda()) >
                                schedule_rounding)) {
      return {};
    }
  }
  times.levels.push_back(form.steps.back().to.time);
  return times;
}

DPM_INLINE MultistepForm form_at(const FormTimes& times, const MultistepForm& form,
                                 const AnySchedule& schedule) {
  std::vector<Level> levels{form.steps.front().from};
  for (std::size_t j = 1; j < form.steps.size(); ++j) {
    levels.push_back(schedule.level(times.levels[j]));
  }
  levels.push_back(form.steps.back().to);
  const UniPc method{.order = 3,
                     .coefficients = UniPc::Coefficients::varying,
                     .space = form.space,
                     .lower_order_final = true};
  MultistepForm result = multistep_form(make_plan(method, Grid(schedule, levels), form.prediction));
  for (std::size_t j = 0; j < result.steps.size(); ++j) {
    if (times.asked[j] != times.levels[j]) result.steps[j].asked = schedule.level(times.asked[j]);
  }
  return result;
}

DPM_INLINE std::size_t coordinates_of(const FormTimes& times) {
  return times.asked.empty() ? 0 : 2 * times.asked.size() - 1;
}

DPM_INLINE bool move_coordinate(FormTimes& times, std::size_t coordinate, double reach,
                                double first_time, double last_time) {
  const std::size_t inner = times.asked.size() - 1;
  const bool is_level = coordinate < inner;
  const std::size_t j = is_level ? coordinate + 1 : coordinate - inner;
  double& moved = is_level ? times.levels[j] : times.asked[j];
  double neighbour = last_time;
  if (reach > 0.0) {
    neighbour = std::min(moved, std::max(times.levels[j + 1], first_time));
  } else if (j > 0) {
    neighbour = times.levels[j - 1];
  }
  const double by = std::abs(reach) * (neighbour - moved);
  if (by == 0.0) return false;
  moved += by;
  if (is_level) {
    const double least = std::min(times.asked[j], first_time);
    times.asked[j] = std::clamp(times.asked[j] + by, least, last_time);
  }
  return true;
}

}  // namespace dpm::detail

#endif
