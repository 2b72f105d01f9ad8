// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
#include <dpm.hpp>

dpm::Plan plan_of_other_file(const dpm::AnySchedule& schedule) {
  return dpm::plan_by_name("dpmpp_2m", "karras", schedule, 12);
}
