// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The results as tables, as CSV, as pictures and as verdicts.
#pragma once

#include <array>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <string>

#include "study.hpp"

namespace study {

/// A number that is written by printf; "-" where nothing was measured.
inline std::string formatted(const char* format, double value) {
  if (std::isnan(value)) return "-";
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

/// In Markdown, and readable as it stands.
void write_tables(std::ostream& out, const Results& results);

/// One line for each cell, and for the converged samples.
void write_csv(std::ostream& out, const Results& results);

/// The claims that made DPM-Solver known, one by one, with what was measured here and a verdict.
void write_claims(std::ostream& out, const Results& results);

/// A PNG: a row for each method, a column for each number of calls and one for the converged
/// samples, and the same few samples in every cell. Throws `std::runtime_error` if it cannot be
/// written.
void write_sheet(const std::string& path, const Section& section);

/// quality.svg and time.svg in `folder`, and the numbers in them in one file a section. Throws
/// `std::runtime_error` where that does not work.
void draw_plots(const std::string& folder, const Results& results);

/// Throws `std::runtime_error` if what was written to the file has not arrived there.
void require_written(const std::ostream& out, const std::string& path);

}  // namespace study
