// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The results as a table and as CSV.
#include <array>
#include <cstdio>

#include "report.hpp"

namespace digits {
namespace {

constexpr int label_width = 26;
constexpr int spacing_width = 10;

std::string left(const std::string& text, int width) {
  return text + std::string(static_cast<std::size_t>(width) - text.size(), ' ');
}

/// A number that is written by printf.
std::string formatted(const char* format, double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

/// A part of the table: one number, made from the cell by `value`, for each method and number of
/// calls.
template <class Value>
void write_block(std::ostream& out, const Comparison& comparison, const char* title,
                 const char* format, Value value) {
  out << '\n' << title << '\n' << left("method", label_width) << left("grid", spacing_width);
  for (const int calls : comparison.calls) out << formatted("%9.0f", calls);
  out << '\n';
  for (const Row& row : comparison.rows) {
    out << left(row.method.label, label_width) << left(row.method.spacing, spacing_width);
    for (const Cell& cell : row.cells) out << formatted(format, value(cell));
    out << '\n';
  }
}

}  // namespace

void write_table(std::ostream& out, const Comparison& comparison) {
  out << comparison.converged.cols()
      << " samples from the same starts. Columns: model calls a sample. Grid: uniform in time or "
         "in lambda.\nThe default ends at sigma = 0, the others at 0.01; each is compared with the "
         "converged sample there.\nConverged: DPM-Solver++ 3 multistep with "
      << comparison.converged_calls << " calls; with half of them the samples change by\n"
      << formatted("%.1e", comparison.median_change) << " in the median and "
      << formatted("%.1e", comparison.largest_change) << " at most.\n";
  write_block(out, comparison, "Median error to the converged sample (RMS over pixels in [-1, 1])",
              "%#9.2g", [](const Cell& cell) { return cell.median_error; });
  write_block(out, comparison, "Samples that show the digit of the converged sample (%)", "%9.0f",
              [](const Cell& cell) { return 100.0 * cell.class_share; });
  write_block(out, comparison, "Seconds in the model (of processor time)", "%9.3f",
              [](const Cell& cell) { return cell.model_seconds; });
  write_block(out, comparison, "Seconds in the sampler", "%9.4f",
              [](const Cell& cell) { return cell.sampler_seconds; });
  write_block(out, comparison, "The sampler's share of the time (%)", "%9.2f",
              [](const Cell& cell) { return 100.0 * cell.sampler_share(); });
  for (const Row& row : comparison.rows) {
    if (row.cells.front().noise_draws == 0) continue;
    out << '\n'
        << row.method.label
        << " draws fresh noise in every step, so it has no sample to converge to, only a "
           "distribution:\nits first two blocks compare independent samples.\n";
  }
}

void write_csv(std::ostream& out, const Comparison& comparison) {
  out << "method,grid,calls,median_error,class_share,model_seconds,sampler_seconds\n";
  for (const Row& row : comparison.rows) {
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const Cell& cell = row.cells[i];
      out << row.method.name << ',' << row.method.spacing << ',' << comparison.calls[i] << ','
          << cell.median_error << ',' << cell.class_share << ',' << cell.model_seconds << ','
          << cell.sampler_seconds << '\n';
    }
  }
}

}  // namespace digits
