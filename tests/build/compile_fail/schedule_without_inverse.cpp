// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A schedule that cannot be inverted is no noise schedule, and the compiler names what is missing.
// expect: schedule\.time_of_lambda\(value\)
#include <dpm/schedule/noise_schedule.hpp>

struct Schedule {
  [[nodiscard]] dpm::Level level(double time) const { return {.time = time}; }
#ifdef DPM_FIXED
  [[nodiscard]] double time_of_lambda(double lambda) const { return lambda; }
#endif
  [[nodiscard]] double first_time() const { return 0.0; }
  [[nodiscard]] double last_time() const { return 1.0; }
};

const dpm::AnySchedule schedule(Schedule{});
