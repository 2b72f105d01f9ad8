// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A model of two arguments must return its prediction.
// expect: the forms without out return the prediction
#include <vector>

#include <dpm/dpm.hpp>

void run(const dpm::Plan& plan, std::vector<float>& x) {
  std::vector<float> prediction(x.size());
  const auto model = [&](const std::vector<float>& in, double) {
    prediction = in;
#ifdef DPM_FIXED
    return prediction;
#endif
  };
  dpm::sample(plan, model, x);
}
