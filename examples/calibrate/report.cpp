// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Tables, plots and the file of reports.
#include "report.hpp"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace calibrate {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("''") : std::string(1, c);
  return result + "'";
}

template <class... Values>
std::string formatted(const char* format, Values... values) {
  char line[200];
  std::snprintf(line, sizeof line, format, values...);
  return line;
}

}  // namespace

std::string as_table(const Reports& reports) {
  std::string text = "calls   base       calibrated   ratio   95 %           farther away\n";
  for (const auto& [calls, kept] : reports) {
    const dpm::CalibrationReport& r = kept.report;
    text += formatted("%5d   %.2e   %.2e     %.2f    %.2f to %.2f   %zu of %zu%s\n", calls,
                      r.base_error, r.calibrated_error, r.ratio, r.least_ratio, r.most_ratio,
                      r.worse, r.measured, r.kept_base ? "   the base is kept" : "");
  }
  return text;
}

void plot(const Reports& reports, const std::string& title, const std::string& file) {
  std::string data;
  for (const auto& [calls, kept] : reports) {
    const dpm::CalibrationReport& r = kept.report;
    data += formatted("%d %.9g %.9g\n", calls, r.base_error,
                      r.kept_base ? r.base_error : r.calibrated_error);
  }
  const std::string script =
      "set terminal svg size 640,420 font 'sans-serif,13' background rgb 'white' noenhanced\n"
      "set output " +
      quoted(file) + "\n$errors << end\n" + data + "end\nset title " + quoted(title) +
      "\nset grid lc rgb '#dddddd'\nset logscale y\nset format y '%.0e'\nset xlabel 'model calls'\n"
      "set ylabel 'median distance from the references'\n"
      "plot $errors using 1:2 with linespoints lc rgb '#d55e00' pt 7 ps 0.5 title 'base', "
      "$errors using 1:3 with linespoints lc rgb '#0072b2' pt 7 ps 0.5 title 'calibrated'\n";
  std::FILE* const gnuplot = popen("gnuplot", "w");
  // Where gnuplot is not there or has ended, the write fails and does not end this program.
  auto* const before = std::signal(SIGPIPE, SIG_IGN);
  bool drawn = gnuplot != nullptr && std::fputs(script.c_str(), gnuplot) >= 0;
  if (gnuplot != nullptr) drawn = pclose(gnuplot) == 0 && drawn;
  (void)std::signal(SIGPIPE, before);
  if (!drawn) throw std::runtime_error("gnuplot has not drawn " + file + "; is it installed?");
}

void write_reports(const std::string& file, const std::string& fingerprint,
                   const Reports& reports) {
  nlohmann::json all{{"calibration", fingerprint}, {"reports", nlohmann::json::array()}};
  for (const auto& [calls, kept] : reports) {
    const dpm::CalibrationReport& r = kept.report;
    all["reports"].push_back({{"calls", calls},
                              {"plan", kept.plan},
                              {"base_error", r.base_error},
                              {"calibrated_error", r.calibrated_error},
                              {"ratio", r.ratio},
                              {"least_ratio", r.least_ratio},
                              {"most_ratio", r.most_ratio},
                              {"base_root_mean_square", r.base_root_mean_square},
                              {"calibrated_root_mean_square", r.calibrated_root_mean_square},
                              {"worst_ratio", r.worst_ratio},
                              {"worse", r.worse},
                              {"measured", r.measured},
                              {"kept_base", r.kept_base},
                              {"verdict", r.verdict},
                              {"fit_calls", r.fit_calls}});
  }
  // Renamed when it is whole, so that a program that is killed leaves the file before.
  std::ofstream out(file + ".new");
  out << all.dump(2) << '\n';
  out.close();
  if (!out) throw std::runtime_error("cannot write " + file);
  std::filesystem::rename(file + ".new", file);
}

Reports read_reports(const std::string& file, const std::string& fingerprint, std::string& said) {
  std::ifstream in(file);
  if (!in) return {};
  Reports reports;
  try {
    const nlohmann::json all = nlohmann::json::parse(in);
    if (all.at("calibration") != fingerprint) {
      said = file + " is not of this calibration: all plans are fitted anew";
      return {};
    }
    for (const auto& one : all.at("reports")) {
      Kept& kept = reports[one.at("calls").get<int>()];
      dpm::CalibrationReport& r = kept.report;
      kept.plan = one.at("plan").get<std::uint64_t>();
      const auto number = [&](const char* key) {
        constexpr double infinity = std::numeric_limits<double>::infinity();  // null in JSON
        return one.at(key).is_null() ? infinity : one.at(key).get<double>();
      };
      r.base_error = number("base_error");
      r.calibrated_error = number("calibrated_error");
      r.ratio = number("ratio");
      r.least_ratio = number("least_ratio");
      r.most_ratio = number("most_ratio");
      r.base_root_mean_square = number("base_root_mean_square");
      r.calibrated_root_mean_square = number("calibrated_root_mean_square");
      r.worst_ratio = number("worst_ratio");
      r.worse = one.at("worse").get<std::size_t>();
      r.measured = one.at("measured").get<std::size_t>();
      r.kept_base = one.at("kept_base").get<bool>();
      r.verdict = one.at("verdict").get<std::string>();
      r.fit_calls = one.at("fit_calls").get<long long>();
    }
  } catch (const nlohmann::json::exception&) {
    said = file + " is cut off or damaged: all plans are fitted anew";
    return {};
  }
  return reports;
}

}  // namespace calibrate
