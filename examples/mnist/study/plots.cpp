// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The plots, by gnuplot.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <vector>

#include "report.hpp"

namespace study {
namespace {

/// A line for each cell; blocks for the methods, with two blank lines between.
void write_data(const std::string& path, const Section& section) {
  std::ofstream out(path);
  const auto write = [&](const Cell& cell, double calls) {
    out << calls << ' ' << cell.frechet << ' ' << cell.distance << ' ' << 1e3 * cell.seconds()
        << ' ' << 100.0 * cell.sampler_share() << '\n';
  };
  for (const Row& row : section.rows) {
    if (row.cells.empty()) continue;
    out << '"' << row.method.label << "\"\n";
    for (const Cell& cell : row.cells) write(cell, cell.calls);
    out << "\n\n";
  }
  Cell converged;  // a level line, of the Frechet distance alone
  converged.frechet = section.converged.frechet;
  out << "\"converged\"\n";
  write(converged, section.calls.front());
  write(converged, section.calls.back());
  out.close();
  require_written(out, path);
}

/// Runs a program, without a shell, and waits for it.
bool succeeds(std::vector<std::string> command) {
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t process = 0;
  if (posix_spawnp(&process, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) {
    return false;
  }
  int status = 0;
  waitpid(process, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

void draw_plots(const std::string& folder, const Results& results) {
  std::string keys;
  for (const Section& section : results.sections) {
    write_data(folder + "/" + section.key() + ".dat", section);
    keys += (keys.empty() ? "" : " ") + section.key();
  }
  for (const std::string plot : {"quality", "time"}) {
    const std::string script = DPM_STUDY_SCRIPTS + ("/" + plot + ".gnuplot");
    if (!succeeds({"gnuplot", "-c", script, folder, keys})) {
      throw std::runtime_error("gnuplot has not drawn " + plot + ".svg in " + folder +
                               "; is it installed?");
    }
  }
}

}  // namespace study
