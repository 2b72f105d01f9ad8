// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The samples are left in x, so it cannot be const.
// expect: x must not be const
#include <Eigen/Core>

#include <dpm/dpm.hpp>

#ifdef DPM_FIXED
using X = Eigen::ArrayXXf;
#else
using X = const Eigen::ArrayXXf;
#endif

void run(const dpm::Plan& plan, X& x) {
  dpm::sample(
      plan, [](const Eigen::ArrayXXf& in, double, Eigen::ArrayXXf& out) { out = in; }, x);
}
