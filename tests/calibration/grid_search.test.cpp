// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
#include "dpm/calibration/grid_search.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace grid_search_test {

using namespace dpm_test;
using dpm::MultistepForm;
using dpm::detail::FormTimes;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

MultistepForm usual_form(int calls = 4) {
  return dpm::multistep_form(dpm::make_plan(dpm::UniPc{}, schedule, calls, dpm::UniformTime{}));
}

/// Times that fall by 1 from 3 to 0, for three calls.
const FormTimes even{{3.0, 2.0, 1.0, 0.0}, {3.0, 2.0, 1.0}};

}  // namespace

TEST_CASE("the times of a form are those of its levels") {
  const MultistepForm form = usual_form(3);
  const FormTimes times = dpm::detail::times_of(form, schedule);
  REQUIRE(times.levels.size() == 4);
  for (std::size_t j = 0; j < 3; ++j) {
    REQUIRE(times.levels[j] == form.steps[j].from.time);
    REQUIRE(times.asked[j] == form.steps[j].from.time);
  }
  REQUIRE(times.levels[3] == schedule.first_time());
  REQUIRE(dpm::detail::coordinates_of(times) == 5);  // two inner levels, three calls
}

TEST_CASE("forms whose levels repeat or lie on another schedule do not move") {
  const auto coordinates = [](const MultistepForm& form, const dpm::AnySchedule& on) {
    return dpm::detail::coordinates_of(dpm::detail::times_of(form, on));
  };
  const dpm::Plan heun = dpm::make_plan(dpm::Heun{}, schedule, 6);
  REQUIRE(coordinates(dpm::multistep_form(heun), schedule) == 0);
  REQUIRE(coordinates(usual_form(), dpm::VpLinear(0.1, 10.0)) == 0);
  REQUIRE(coordinates(usual_form(), schedule) == 7);
}

TEST_CASE("an inner level moves part of the way to its neighbour and takes its call along") {
  FormTimes times = even;
  REQUIRE(dpm::detail::move_coordinate(times, 0, 0.25, 0.0, 3.0));
  REQUIRE(times.levels == std::vector<double>{3.0, 1.75, 1.0, 0.0});
  REQUIRE(times.asked == std::vector<double>{3.0, 1.75, 1.0});
  times = even;
  REQUIRE(dpm::detail::move_coordinate(times, 1, -0.5, 0.0, 3.0));
  REQUIRE(times.levels == std::vector<double>{3.0, 2.0, 1.5, 0.0});
  REQUIRE(times.asked == std::vector<double>{3.0, 2.0, 1.5});
}

TEST_CASE("the time that the model is told moves alone") {
  FormTimes times = even;
  REQUIRE(dpm::detail::move_coordinate(times, 4, 0.25, 0.0, 3.0));
  REQUIRE(times.levels == even.levels);
  REQUIRE(times.asked == std::vector<double>{3.0, 2.0, 0.75});
  times = even;
  REQUIRE(dpm::detail::move_coordinate(times, 3, -0.25, 0.0, 3.0));
  REQUIRE(times.asked == std::vector<double>{3.0, 2.25, 1.0});
}

TEST_CASE("the first call is told no time above the schedule's last") {
  FormTimes times = even;
  REQUIRE_FALSE(dpm::detail::move_coordinate(times, 2, -0.25, 0.0, 3.0));
  REQUIRE(times.asked == even.asked);
  REQUIRE(dpm::detail::move_coordinate(times, 2, -0.25, 0.0, 4.0));
  REQUIRE(times.asked[0] == 3.25);
  times = even;
  REQUIRE(dpm::detail::move_coordinate(times, 2, 0.25, 0.0, 3.0));
  REQUIRE(times.asked[0] == 2.75);
}

TEST_CASE("a form at other times is UniPC of third order over them") {
  const MultistepForm form = usual_form(4);
  FormTimes times = dpm::detail::times_of(form, schedule);
  REQUIRE(dpm::detail::move_coordinate(times, 1, 0.25, 0.0, 1.0));
  const dpm::UniPc method{
      .order = 3, .coefficients = dpm::UniPc::Coefficients::varying, .lower_order_final = true};
  const MultistepForm moved = dpm::detail::form_at(times, form, schedule);
  const MultistepForm expected =
      dpm::multistep_form(dpm::make_plan(method, dpm::grid_of_times(schedule, times.levels)));
  REQUIRE(dpm::plan_of(moved) == dpm::plan_of(expected));

  times.asked[2] *= 0.9;
  const MultistepForm told = dpm::detail::form_at(times, form, schedule);
  REQUIRE(told.steps[2].asked == schedule.level(times.asked[2]));
  REQUIRE(told.steps[2].from == moved.steps[2].from);
  REQUIRE(told.steps[1].asked == moved.steps[1].asked);
}

TEST_CASE("the search finds the levels where an error is least") {
  // The error says where the inner levels should be, and that calls should be told their levels.
  const std::vector<double> goal{1.0, 0.6, 0.35, 0.1};
  const auto error = [&](MultistepForm& form) {
    double sum = 1e-6;
    for (std::size_t j = 0; j < form.steps.size(); ++j) {
      sum += std::abs(form.steps[j].from.time - goal[j]);
      sum += std::abs(form.steps[j].asked.time - form.steps[j].from.time);
    }
    return sum;
  };
  MultistepForm best = usual_form(4);
  double best_error = error(best);
  const double at_first = best_error;
  dpm::detail::search_grid(best, best_error, schedule, 20, error);
  REQUIRE(at_first > 0.3);
  REQUIRE(best_error == error(best));
  REQUIRE(best_error < 0.01);
}

TEST_CASE("no call is told a time that the schedule does not have") {
  FormTimes times{{3.0, 2.0, 1.0, 0.0}, {3.0, 2.0, 0.125}};
  REQUIRE(dpm::detail::move_coordinate(times, 1, 0.5, 0.0, 3.0));
  REQUIRE(times.levels[2] == 0.5);
  REQUIRE(times.asked[2] == 0.0);
  times = {{3.0, 2.0, 1.0, 0.0}, {3.0, 2.75, 1.0}};
  REQUIRE(dpm::detail::move_coordinate(times, 0, -0.5, 0.0, 3.0));
  REQUIRE(times.levels[1] == 2.5);
  REQUIRE(times.asked[1] == 3.0);

  // A fit that always improves takes every move.
  MultistepForm best = usual_form(5);
  double best_error = 1.0;
  double earliest = 1.0;
  dpm::detail::search_grid(best, best_error, schedule, 6, [&](MultistepForm& form) {
    for (const MultistepForm::Step& step : form.steps) {
      earliest = std::min(earliest, step.asked.time);
    }
    return 0.9 * best_error;
  });
  REQUIRE(best_error < 1e-2);
  REQUIRE(earliest >= schedule.first_time());
}

TEST_CASE("levels and told times stay above the schedule's first where the plan ends at sigma 0") {
  FormTimes times{{3.0, 2.0, 1.0, 0.0}, {3.0, 2.0, 1.0}};
  REQUIRE(dpm::detail::move_coordinate(times, 1, 0.5, 0.5, 3.0));
  REQUIRE(times.levels[2] == 0.75);
  REQUIRE(dpm::detail::move_coordinate(times, 4, 1.0, 0.5, 3.0));
  REQUIRE(times.asked[2] == 0.5);
  REQUIRE_FALSE(dpm::detail::move_coordinate(times, 4, 0.5, 0.5, 3.0));

  MultistepForm best = dpm::multistep_form(dpm::make_plan(schedule, 5));
  REQUIRE(best.steps.back().to.sigma() == 0.0);
  double best_error = 1.0;
  double earliest = 1.0;
  dpm::detail::search_grid(best, best_error, schedule, 12, [&](MultistepForm& form) {
    for (const MultistepForm::Step& step : form.steps) {
      earliest = std::min({earliest, step.asked.time, step.from.time});
    }
    return 0.9 * best_error;
  });
  REQUIRE(best_error < 1e-2);
  REQUIRE(earliest >= schedule.first_time());
}

TEST_CASE("the search keeps the form where nothing is better") {
  MultistepForm best = usual_form(4);
  const dpm::Plan before = dpm::plan_of(best);
  double best_error = 1.0;
  int fits = 0;
  dpm::detail::search_grid(best, best_error, schedule, 2, [&](MultistepForm&) {
    ++fits;
    return 0.996;  // less than half a per cent better
  });
  REQUIRE(fits == 2 * (2 * 7 - 1));  // the first call is told no later time
  REQUIRE(best_error == 1.0);
  REQUIRE(dpm::plan_of(best) == before);
}

}  // namespace grid_search_test
