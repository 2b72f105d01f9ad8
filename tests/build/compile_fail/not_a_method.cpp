// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A struct of options without `write` is no method.
// expect: this is not a method.*name.*void write\(dpm::PlanBuilder&
#include <unistd.h>  // ::write of POSIX is no method's function

#include <vector>

#include <dpm/dpm.hpp>

struct Options {
  static constexpr const char* name = "Options";
};

#ifdef DPM_FIXED
void write(dpm::PlanBuilder& builder, const Options&, const dpm::Grid& grid) {
  write(builder, dpm::Ddim{}, grid);
}
#endif

void run(const dpm::AnySchedule& schedule, std::vector<float>& x) {
  using State = std::vector<float>;
  const auto model = [](const State& in, double, State& out) { out = in; };
  dpm::sample(Options{}, schedule, 20, model, x);
}
