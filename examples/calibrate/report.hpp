// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What calibrations have gained: a table, a plot, and a file by which they are not done twice.
#pragma once

#include <cstdint>
#include <dpm/calibration/calibration_report.hpp>
#include <map>
#include <string>

namespace calibrate {

/// A report, and what tells the plan that it is of from any other.
struct Kept {
  dpm::CalibrationReport report;
  std::uint64_t plan = 0;  ///< the fingerprint of the plan's file
};

using Reports = std::map<int, Kept>;  // by the number of calls

std::string as_table(const Reports& reports);

/// Draws the errors with and without calibration against the calls into an SVG, by gnuplot.
void plot(const Reports& reports, const std::string& title, const std::string& file);

void write_reports(const std::string& file, const std::string& fingerprint, const Reports& reports);

/// The reports of a file that is of this fingerprint. Else none, and `said` says why.
Reports read_reports(const std::string& file, const std::string& fingerprint, std::string& said);

}  // namespace calibrate
