// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A plan as text for people and for compilers, and as a picture.
#pragma once

#include <dpm/plan/plan.hpp>
#include <string>

/// The levels that the plan visits, one line a step, then what each step computes. `start` says
/// what x is at first.
std::string as_table(const dpm::Plan& plan, const std::string& start);

/// The plan as a C header with one array: what to compute, instruction by instruction, with weights
/// that are read back to the bit. `title` and `start` stand in its comment. Refuses a plan with
/// corrections.
std::string as_c_array(const dpm::Plan& plan, const std::string& title, const std::string& start);

/// Draws sigma / alpha, of a flow sigma, and lambda against the step into an SVG, by gnuplot.
void plot(const dpm::Plan& plan, const std::string& title, const std::string& file);
