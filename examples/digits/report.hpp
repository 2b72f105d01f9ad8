// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The results as a table, as CSV and as a picture.
#pragma once

#include <ostream>
#include <string>

#include "comparison.hpp"

namespace digits {

void write_table(std::ostream& out, const Comparison& comparison);

/// One line for each method and number of calls.
void write_csv(std::ostream& out, const Comparison& comparison);

/// A PNG: a row for each method, a column for each number of calls and one for the converged
/// samples, and the same few samples in every cell. Throws `std::runtime_error` if it cannot be
/// written.
void write_picture(const std::string& path, const Comparison& comparison);

/// A PNG of one sample for each digit, by each method at its first number of calls, with the
/// difference from the converged sample below. Throws `std::runtime_error` if it cannot be written.
void write_hero(const std::string& path, const Images& images, const Comparison& comparison);

}  // namespace digits
