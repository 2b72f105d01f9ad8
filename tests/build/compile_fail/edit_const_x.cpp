// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The samples of a run with edits are left in x, so it cannot be const.
// expect: x must not be const
#include <Eigen/Core>

#include <dpm/dpm.hpp>
#include <dpm/run/edit.hpp>

using State = Eigen::ArrayXXf;
#ifdef DPM_FIXED
using X = State;
#else
using X = const State;
#endif

void run(const dpm::Grid& grid, X& x) {
  const auto model = [](const State& in, double, State& out) { out = in; };
  const auto edit = [](State&, const dpm::Progress<State>&) { return false; };
  dpm::sample_with_edits(dpm::Ddim{}, grid, model, x, edit);
}
