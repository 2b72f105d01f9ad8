// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// An edit is told how far the run has come, and the compiler shows how it must be callable.
// expect: the edit cannot be called\. It must be callable as edit\(State& x, const
#include <vector>

#include <dpm/dpm.hpp>
#include <dpm/run/edit.hpp>

using State = std::vector<float>;

void run(const dpm::Grid& grid, State& x) {
#ifdef DPM_FIXED
  const auto edit = [](State& at, const dpm::Progress<State>&) {
#else
  const auto edit = [](State& at) {
#endif
    at[0] = 0.5F;
    return true;
  };
  const auto model = [](const State& in, double, State& out) { out = in; };
  dpm::sample_with_edits(dpm::Ddim{}, grid, model, x, edit);
}
