// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The tables of docs/names.md, from the catalogue:
///
///     names_table             prints them
///     names_table PAGE.md     says whether they stand at the end of the page
///     names_table --code      prints a macro call for each row, for names_code.cpp
#include <cstdio>
#include <dpm/catalogue.hpp>
#include <exception>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::string row_of(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line += cell.empty() ? " |" : " " + cell + " |";
  return line + "\n";
}

std::string as_code(const std::string& text) { return text.empty() ? "" : "`" + text + "`"; }

std::string joined(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + as_code(name);
  return list;
}

std::string tables() {
  std::string text = "\n## Samplers\n\n";
  text += row_of({"Name", "A1111", "Other names", "Here", "Order", "Calls a step", "Noise"});
  text += "|---|---|---|---|---|---|---|\n";
  for (const dpm::Sampler& s : dpm::samplers()) {
    text += row_of({as_code(s.name), s.label, joined(s.aliases), as_code(s.code),
                    s.order() > 0 ? std::to_string(s.order()) : "-",
                    std::to_string(s.model_calls_a_step()), s.draws_noise() ? "yes" : "no"});
  }
  text += "\n## Schedulers\n\n";
  text += row_of({"Name", "A1111", "Other names", "Here"});
  text += "|---|---|---|---|\n";
  for (const dpm::Scheduler& s : dpm::schedulers()) {
    text += row_of({as_code(s.name), s.label, joined(s.aliases), as_code(s.code)});
  }
  return text;
}

std::string code() {
  std::string text;
  for (const dpm::Sampler& s : dpm::samplers()) {
    text += "DPM_SAMPLER_CODE(\"" + s.name + "\", " + s.code + ")\n";
  }
  for (const dpm::Scheduler& s : dpm::schedulers()) {
    text += "DPM_SCHEDULER_CODE(\"" + s.name + "\", " + s.code + ")\n";
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc > 2) throw std::invalid_argument("usage: names_table [PAGE.md | --code]");
  if (argc == 1 || std::string_view(argv[1]) == "--code") {
    std::fputs((argc == 1 ? tables() : code()).c_str(), stdout);
    return 0;
  }
  std::ifstream file(argv[1]);
  const std::string page{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::string mark = "<!-- What follows is written by the target publish_names. -->\n";
  if (!page.ends_with(mark + tables())) {
    throw std::runtime_error(
        std::string(argv[1]) +
        ": its tables are not the catalogue's; build the target publish_names");
  }
  std::puts("the tables of the page are the catalogue's");
  return 0;
} catch (const std::exception& error) {
  std::printf("%s\n", error.what());
  return 1;
}
