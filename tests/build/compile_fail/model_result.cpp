// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a model returns must be assignable to the state.
// expect: the forms without out return the prediction
#include <vector>

#include <dpm/dpm.hpp>

#ifdef DPM_FIXED
using Prediction = std::vector<float>;
#else
using Prediction = std::vector<double>;
#endif

Prediction model(const std::vector<float>& x, const dpm::Level&) { return {x.begin(), x.end()}; }

void run(const dpm::Plan& plan, std::vector<float>& x) { dpm::sample(plan, model, x); }
