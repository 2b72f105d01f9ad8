// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The library in one header, in two files of one program.
#include <dpm.hpp>
// Again, as two headers of a program may.
#include <dpm.hpp>

#include <cstdio>
#include <vector>

dpm::Plan plan_of_other_file(const dpm::AnySchedule& schedule);

int main() {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const dpm::Plan plan = dpm::plan_by_name("DPM++ 2M", "karras", schedule, 12);
  std::vector<double> x{0.3, -1.2};
  dpm::sample(plan, dpm::Gaussian({1.0, -1.0}, {0.1, 0.1}), x);
  const bool same = plan == plan_of_other_file(schedule);
  std::printf("%d calls to %g and %g; the plans are %s\n", plan.model_calls(), x[0], x[1],
              same ? "the same" : "not the same");
  const auto near = [](double a, double b) { return a > b - 0.3 && a < b + 0.3; };
  return same && near(x[0], 1.0) && near(x[1], -1.0) ? 0 : 1;
}
