// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A model that takes its time first cannot be called, and the compiler shows what could be.
// expect: the model cannot be called\. It must be callable as model\(x, timestep\)
#include <Eigen/Core>

#include <dpm/dpm.hpp>

void run(const dpm::Plan& plan, Eigen::ArrayXXf& x) {
#ifdef DPM_FIXED
  const auto model = [](const Eigen::ArrayXXf& in, double timestep) -> Eigen::ArrayXXf {
#else
  const auto model = [](double timestep, const Eigen::ArrayXXf& in) -> Eigen::ArrayXXf {
#endif
    return in * static_cast<float>(timestep);
  };
  dpm::sample(plan, model, x);
}
