// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Samples of a run with edits that are left in a temporary are lost.
// expect: x is a temporary, and the samples would be lost
#include <utility>
#include <vector>

#include <dpm/dpm.hpp>
#include <dpm/run/edit.hpp>

using State = std::vector<float>;

void run(const dpm::Grid& grid, State& x) {
  const auto model = [](const State& in, double, State& out) { out = in; };
  const auto edit = [](State&, const dpm::Progress<State>&) { return false; };
#ifdef DPM_FIXED
  dpm::sample_with_edits(dpm::Ddim{}, grid, model, x, edit);
#else
  dpm::sample_with_edits(dpm::Ddim{}, grid, model, std::move(x), edit);
#endif
}
