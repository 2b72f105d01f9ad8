// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The plot, by gnuplot.
#include <cmath>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "formats.hpp"

namespace {

/// The text between quotes as gnuplot reads it.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("''") : std::string(1, c);
  return result + "'";
}

}  // namespace

void plot(const dpm::Plan& plan, const std::string& title, const std::string& file) {
  const bool flow = plan.prediction == dpm::Prediction::flow;
  std::string data;
  int step = 0;
  const auto add = [&](const dpm::Level& level) {
    char line[100];
    const bool finite = std::isfinite(level.lambda());
    std::snprintf(line, sizeof line, "%d %.9g %.9g\n", step++,
                  flow ? level.sigma() : std::exp(-level.lambda()),
                  finite ? level.lambda() : std::nan(""));
    data += line;
  };
  for (const dpm::Step& s : plan.steps) add(s.from);
  add(plan.end());
  const std::string script =
      "set terminal svg size 1000,420 font 'sans-serif,13' background rgb "
      "'white' noenhanced\nset output " +
      quoted(file) + "\nset datafile missing 'nan'\n$plan << end\n" + data +
      "end\nset grid lc rgb '#dddddd'\nset key off\nset xlabel 'step'\n" +
      "set multiplot layout 1,2 title " + quoted(title) + "\nset title '" +
      (flow ? "sigma" : "sigma / alpha") + "'\n" +
      "plot $plan using 1:2 with linespoints lc rgb '#0072b2' pt 7 ps 0.4\n" +
      "set title 'lambda'\n" +
      "plot $plan using 1:3 with linespoints lc rgb '#d55e00' pt 7 ps 0.4\n";
  std::FILE* const gnuplot = popen("gnuplot", "w");
  // Where gnuplot is not there or has ended, the write fails and does not end this program.
  auto* const before = std::signal(SIGPIPE, SIG_IGN);
  bool drawn = gnuplot != nullptr && std::fputs(script.c_str(), gnuplot) >= 0;
  if (gnuplot != nullptr) drawn = pclose(gnuplot) == 0 && drawn;
  (void)std::signal(SIGPIPE, before);
  if (!drawn) throw std::runtime_error("gnuplot has not drawn " + file + "; is it installed?");
}
