// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The results as tables and as CSV.
#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

#include "report.hpp"

namespace study {
namespace {

/// A Markdown table whose columns are as wide as what is in them; ASCII only.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { add(std::move(head)); }

  void add(std::vector<std::string> row) {
    widths_.resize(std::max(widths_.size(), row.size()), 0);
    for (std::size_t i = 0; i < row.size(); ++i) widths_[i] = std::max(widths_[i], row[i].size());
    rows_.push_back(std::move(row));
  }

  /// `texts` columns are flush left, the others are numbers.
  void write(std::ostream& out, std::size_t texts) const {
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      for (std::size_t i = 0; i < rows_[r].size(); ++i) {
        const std::string padding(widths_[i] - rows_[r][i].size(), ' ');
        out << "| " << (i < texts ? rows_[r][i] + padding : padding + rows_[r][i]) << ' ';
      }
      out << "|\n";
      if (r > 0) continue;
      for (std::size_t i = 0; i < widths_.size(); ++i) {
        out << '|' << std::string(widths_[i] + 1, '-') << (i < texts ? '-' : ':');
      }
      out << "|\n";
    }
  }

 private:
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
};

struct Measure {
  const char* title;
  const char* format;
  double (*value)(const Cell&);
  bool of_converged;  ///< whether the converged samples have it
  bool guided_only = false;
};

const std::vector<Measure>& measures() {
  static const std::vector<Measure> all{
      {"Frechet distance from real digits", "%.2f", [](const Cell& c) { return c.frechet; }, true},
      {"Distance from the converged samples", "%#.2g", [](const Cell& c) { return c.distance; },
       false},
      {"Samples that show the digit asked for (%)", "%.1f",
       [](const Cell& c) { return 100.0 * c.accuracy; }, true, true},
      {"Milliseconds a sample", "%.2f", [](const Cell& c) { return 1e3 * c.seconds(); }, true},
      {"The sampler's share of the time (%)", "%.2f",
       [](const Cell& c) { return 100.0 * c.sampler_share(); }, true},
  };
  return all;
}

void write_measure(std::ostream& out, const Section& section, const Measure& measure) {
  out << "\n**" << measure.title << ", " << section.title() << "**\n\n";
  std::vector<std::string> head{"method", "grid"};
  for (const int calls : section.calls) head.push_back(std::to_string(calls));
  if (measure.of_converged) head.push_back("converged");
  Table table(head);
  for (const Row& row : section.rows) {
    if (row.method.is_adaptive()) continue;
    std::vector<std::string> texts{row.method.label, row.method.grid};
    for (const int calls : section.calls) {
      const Cell* const cell = row.find(calls);
      texts.push_back(
          formatted(measure.format, cell == nullptr ? not_measured : measure.value(*cell)));
    }
    if (measure.of_converged) {
      texts.push_back(formatted(measure.format, measure.value(section.converged)));
    }
    table.add(texts);
  }
  table.write(out, 2);
}

void write_adaptive(std::ostream& out, const Section& section, const Row& row) {
  out << "\n**" << row.method.label << ", " << section.title() << "**\n\n";
  std::vector<std::string> head{"tolerance", "calls"};
  for (const Measure& measure : measures()) {
    if (section.is_guided() || !measure.guided_only) head.emplace_back(measure.title);
  }
  Table table(head);
  for (const Cell& cell : row.cells) {
    std::vector<std::string> texts{formatted("%g", cell.tolerance), formatted("%.0f", cell.calls)};
    for (const Measure& measure : measures()) {
      if (measure.guided_only && !section.is_guided()) continue;
      texts.push_back(formatted(measure.format, measure.value(cell)));
    }
    table.add(texts);
  }
  table.write(out, 0);
}

std::pair<double, double> range_of_deviations(const Section& section) {
  std::pair<double, double> range(section.converged.frechet_deviation,
                                  section.converged.frechet_deviation);
  for (const Row& row : section.rows) {
    for (const Cell& cell : row.cells) {
      range.first = std::min(range.first, cell.frechet_deviation);
      range.second = std::max(range.second, cell.frechet_deviation);
    }
  }
  return range;
}

}  // namespace

void write_tables(std::ostream& out, const Results& results) {
  const Settings& settings = results.settings;
  out << "\n## The tables\n\nColumns: model calls a sample. Converged: " << reference_method().label
      << " with " << settings.reference_calls
      << " calls, from the same starts.\nDistance from these: root mean square over pixels, of "
         "which "
         "paper is -1 and ink 1; median over samples.\nFrechet distance: between the classifier's "
         "features of "
      << settings.samples
      << " samples, as the sampler leaves them, and\nof 2,000 real digits that it was not trained "
         "on; 2,000 that it was trained on have "
      << formatted("%.2f", results.floor) << ".\n";
  for (const Section& section : results.sections) {
    const auto [least, most] = range_of_deviations(section);
    out << "\n### " << section.title() << "\n\nThe sampling error of the Frechet distances (one "
        << "standard deviation) is " << formatted("%.2f", least) << " to "
        << formatted("%.2f", most)
        << "; less of it\nis in their differences, as all cells have the same starts. With half "
           "the calls the converged\nsamples change by "
        << formatted("%.1e", section.reference_change) << ".\n";
    for (const Measure& measure : measures()) {
      if (section.is_guided() || !measure.guided_only) write_measure(out, section, measure);
    }
    for (const Row& row : section.rows) {
      if (row.method.is_adaptive()) write_adaptive(out, section, row);
    }
  }
  out << "\nDDPM draws fresh noise in every step, so it has no sample to converge to. Guidance "
         "calls "
         "the network on\ntwo batches at once, but not at scale 1, which is the network with its "
         "class. Times are medians over\nbatches, of this run.\n";
}

void write_csv(std::ostream& out, const Results& results) {
  out << "setup,method,grid,tolerance,calls,frechet,frechet_deviation,accuracy,distance,"
         "network_ms,sampler_ms\n";
  const auto write = [&](const Section& section, const Method& method, const Cell& cell) {
    out << section.key() << ',' << method.name << ',' << method.grid << ',' << cell.tolerance << ','
        << cell.calls << ',' << cell.frechet << ',' << cell.frechet_deviation << ','
        << cell.accuracy << ',' << cell.distance << ',' << 1e3 * cell.network_seconds << ','
        << 1e3 * cell.sampler_seconds << '\n';
  };
  for (const Section& section : results.sections) {
    write(section, {"converged", "", reference_method().grid}, section.converged);
    for (const Row& row : section.rows) {
      for (const Cell& cell : row.cells) write(section, row.method, cell);
    }
  }
}

void require_written(const std::ostream& out, const std::string& path) {
  if (!out) throw std::runtime_error("cannot write " + path);
}

}  // namespace study
