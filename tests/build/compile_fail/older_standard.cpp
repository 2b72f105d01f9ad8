// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// C++17 is answered with one sentence, after which the compiler stops.
// expect: dpm needs C\+\+20: compile with -std=c\+\+20.*the compiler stops here
// with: -std=c++17
#include <dpm/dpm.hpp>

int steps_of(const dpm::Plan& plan) { return plan.model_calls(); }
