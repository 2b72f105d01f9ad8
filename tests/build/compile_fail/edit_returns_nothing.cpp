// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// An edit must return whether it has changed the sample.
// expect: progress\) and return whether it has changed x
#include <vector>

#include <dpm/dpm.hpp>
#include <dpm/run/edit.hpp>

using State = std::vector<float>;

void run(const dpm::Grid& grid, State& x) {
  const auto edit = [](State& at, const dpm::Progress<State>&) {
    at[0] = 0.5F;
#ifdef DPM_FIXED
    return true;
#endif
  };
  const auto model = [](const State& in, double, State& out) { out = in; };
  dpm::sample_with_edits(dpm::Ddim{}, grid, model, x, edit);
}
