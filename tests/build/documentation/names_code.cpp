// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What docs/names.md says to write for each name compiles as it stands there, and makes what the
/// row of the name holds. The rows are in names_code.inc, which names_table writes. (That the rows
/// are what other programs have is shown by the conformance tests.)
#include <cstddef>
#include <cstdio>
#include <dpm/catalogue.hpp>
#include <exception>
#include <variant>

namespace {

using namespace dpm;  // NOLINT(google-build-using-namespace): as the page's tables say

int rows = 0;
int wrong = 0;

void count(const char* name, bool same) {
  ++rows;
  if (same) return;
  ++wrong;
  std::printf("%s: what the table says to write is something else\n", name);
}

const AnySchedule table = LogSigmaTable(DiscreteSchedule(scaled_linear_betas(1000)));
const AnySchedule flow = RectifiedFlow(3.0);

template <class Method>
void compare_sampler(const char* name, const Method& method) {
  const Grid grid = make_grid(KarrasSigma{}, table, 24);
  const Sampler& row = sampler_by_name(name);
  count(name,
        std::visit([&](const auto& m) { return make_plan(m, grid) == make_plan(method, grid); },
                   row.method));
}

template <class Spacing>
void compare_scheduler(const char* name, const Spacing& spacing) {
  const Scheduler& row = scheduler_by_name(name);
  const AnySchedule& schedule = row.name.starts_with("optimal_steps") ? flow : table;
  const Grid a = row.grid(schedule, 12);
  const Grid b = make_grid(spacing, schedule, 12);
  bool same = a.steps() == b.steps();
  for (std::size_t i = 0; same && i <= a.steps(); ++i) same = a[i] == b[i];
  count(name, same);
}

}  // namespace

#define DPM_SAMPLER_CODE(name, ...) compare_sampler(name, __VA_ARGS__);
#define DPM_SCHEDULER_CODE(name, ...) compare_scheduler(name, __VA_ARGS__);

int main() try {
#include "names_code.inc"
  std::printf("%d rows, %d wrong\n", rows, wrong);
  return wrong == 0 && rows > 0 ? 0 : 1;
} catch (const std::exception& error) {
  std::printf("%s\n", error.what());
  return 1;
}
