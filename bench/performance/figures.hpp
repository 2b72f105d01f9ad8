// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The figures of all programs, and Markdown tables of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace dpm_bench {

/// The methods whose steps are timed.
inline const std::vector<std::string> step_methods{"2M", "3M", "3S", "UniPC-2", "PNDM", "DDIM"};

/// Figures by name; those of "threads.tsv" begin with "threads/".
class Figures {
 public:
  /// Reads all .tsv files of a folder, and the digits' results.csv.
  explicit Figures(const std::filesystem::path& folder) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() != ".tsv") continue;
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        const std::size_t tab = line.find('\t');
        if (tab == std::string::npos) continue;
        values_[entry.path().stem().string() + "/" + line.substr(0, tab)] =
            std::stod(line.substr(tab + 1));
      }
    }
    read_digits(folder / "results.csv");
  }

  /// NaN if it was not measured.
  [[nodiscard]] double operator()(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::numeric_limits<double>::quiet_NaN() : found->second;
  }

  /// The names that come next after `prefix`, numbers in their order.
  [[nodiscard]] std::vector<std::string> after(const std::string& prefix) const {
    std::vector<std::string> parts;
    for (const auto& [name, value] : values_) {
      if (name.rfind(prefix, 0) != 0) continue;
      const std::size_t end = name.find('/', prefix.size());
      const std::string part = name.substr(prefix.size(), end - prefix.size());
      if (parts.empty() || parts.back() != part) parts.push_back(part);
    }
    const auto number = [](const std::string& s) { return std::atof(s.c_str()); };
    std::stable_sort(parts.begin(), parts.end(), [&](const std::string& a, const std::string& b) {
      return number(a) < number(b);
    });
    return parts;
  }

 private:
  /// The sampler's share for each method and number of calls.
  void read_digits(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      std::vector<std::string> cells;
      std::istringstream row(line);
      for (std::string cell; std::getline(row, cell, ',');) cells.push_back(cell);
      if (cells.size() != 7) continue;
      const double model = std::stod(cells[5]);
      const double sampler = std::stod(cells[6]);
      values_["digits/" + cells[0] + "/" + cells[2]] = sampler / (model + sampler);
    }
  }

  std::map<std::string, double> values_;
};

/// A number that is written by printf; "-" for none.
inline std::string text(const char* format, double value) {
  if (std::isnan(value)) return "-";
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

/// A time in nanoseconds, in a unit that suits it.
inline std::string time_text(double nanoseconds) {
  if (nanoseconds < 1e3) return text("%.0f ns", nanoseconds);
  if (nanoseconds < 1e6) return text("%.3g us", nanoseconds / 1e3);
  return text("%.3g ms", nanoseconds / 1e6);
}

/// 12582912 as 12,582,912.
inline std::string size_text(std::string digits) {
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

/// A Markdown table.
class Table {
 public:
  explicit Table(std::vector<std::string> head) : rows_{std::move(head)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  /// With columns of equal width, so that it reads well in a terminal too.
  friend std::ostream& operator<<(std::ostream& out, const Table& table) {
    std::vector<std::size_t> widths(table.rows_[0].size(), 3);
    for (const auto& row : table.rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (std::size_t r = 0; r < table.rows_.size(); ++r) {
      for (std::size_t i = 0; i < widths.size(); ++i) {
        const std::string& cell = table.rows_[r][i];
        out << "| " << cell << std::string(widths[i] - cell.size() + 1, ' ');
      }
      out << "|\n";
      if (r > 0) continue;
      for (const std::size_t width : widths) out << '|' << std::string(width + 2, '-');
      out << "|\n";
    }
    return out;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// The tables below the one of targets.
void write_details(std::ostream& out, const Figures& figures);

/// The columns of the plot: nanoseconds a step by size.
void write_sizes(std::ostream& out, const Figures& figures);

}  // namespace dpm_bench
