// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Holds the figures against the targets.
///
///     performance_report folder
///
/// Reads the folder's figures, prints the table of targets, and leaves figures.md, which is what
/// docs/performance.md ends with, and sizes.dat, which is plotted.
#include <benchmark/benchmark.h>

#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <thread>

#include "figures.hpp"

namespace dpm_bench {
namespace {

/// The least and the greatest of some ratios, and where they are.
struct Range {
  double least = std::numeric_limits<double>::quiet_NaN();
  double greatest = std::numeric_limits<double>::quiet_NaN();
  std::string where_least;
  std::string where_greatest;
  bool is_complete = true;

  void see(double value, const std::string& where) {
    if (std::isnan(value)) {
      is_complete = false;
      return;
    }
    if (!(value >= least)) {
      least = value;
      where_least = where;
    }
    if (!(value <= greatest)) {
      greatest = value;
      where_greatest = where;
    }
  }
  [[nodiscard]] std::string both(const char* format = "%.2f") const {
    if (std::isnan(least) || !is_complete) return "-";
    return text(format, least) + " (" + where_least + ") to " + text(format, greatest) + " (" +
           where_greatest + ")";
  }
};

/// The ratio of two contestants in every group of a topic, as "O3/step".
Range ratios(const Figures& figures, const std::string& topic, const std::string& of,
             const std::string& to) {
  Range range;
  for (const std::string& method : step_methods) {
    const std::string prefix = topic + "/" + method + "/";
    if (figures.after(prefix).empty()) range.is_complete = false;
    for (const std::string& size : figures.after(prefix)) {
      range.see(figures(prefix + size + "/" + of) / figures(prefix + size + "/" + to),
                method + ", " + size_text(size));
    }
  }
  return range;
}

/// The table of targets.
class Targets {
 public:
  void at_most(const std::string& number, const std::string& what, const char* format, double limit,
               const Range& measured) {
    const double worst = measured.is_complete ? measured.greatest : std::nan("");
    at_most(number, what, format, limit, worst, measured.where_greatest);
  }
  void at_least(const std::string& number, const std::string& what, double limit,
                const Range& measured) {
    const double worst = measured.is_complete ? measured.least : std::nan("");
    at_least(number, what, limit, worst, measured.where_least);
  }
  void at_most(const std::string& number, const std::string& what, const char* format, double limit,
               double measured, const std::string& where) {
    add(number, what, "at most " + text(format, limit), text(format, measured), where,
        measured <= limit, std::isnan(measured));
  }
  void at_least(const std::string& number, const std::string& what, double limit, double measured,
                const std::string& where) {
    add(number, what, "at least " + text("%.1f", limit), text("%.2f", measured), where,
        measured >= limit, std::isnan(measured));
  }
  void printed(const std::string& number, const std::string& what, const std::string& measured) {
    table_.add({number, what, "", measured, measured == "-" ? "not measured" : ""});
  }
  friend std::ostream& operator<<(std::ostream& out, const Targets& targets) {
    return out << targets.table_;
  }

 private:
  void add(const std::string& number, const std::string& what, const std::string& target,
           const std::string& measured, const std::string& where, bool met, bool missing) {
    table_.add({number, what, target, where.empty() ? measured : measured + " (" + where + ")",
                missing ? "not measured"
                : met   ? "met"
                        : "**missed**"});
  }
  Table table_{{"", "target", "", "measured", "verdict"}};
};

void add_steps(Targets& targets, const Figures& figures) {
  const std::map<std::string, std::string> how{{"O3", "at -O3; dpm at -O3"},
                                               {"O2", "at -O3; dpm at -O2"},
                                               {"native", "both at -O3 -march=native"}};
  for (const auto& [program, options] : how) {
    const Range range = ratios(figures, program + "/step", "library", "hand");
    targets.at_most("1", "a step, checks off / the loop by hand, " + options, "%.2f", 1.10, range);
  }
  targets.printed("1", "a step / a copy of as many bytes",
                  ratios(figures, "O3/step", "library", "copy").both());
  targets.printed("1", "a step with checks for NaN, the default / without",
                  ratios(figures, "O3/step", "checked", "library").both());
  targets.printed("1", "a step with checks for NaN / the loop by hand",
                  ratios(figures, "O3/step", "checked", "hand").both());
  targets.printed("2", "Eigen expressions / dpm",
                  ratios(figures, "O3/written", "expressions", "library").both());
  targets.printed("2", "engine's vectors / dpm",
                  ratios(figures, "O3/written", "engine", "library").both());
}

void add_allocations(Targets& targets, const Figures& figures) {
  const std::string all = text("%.0f methods", figures("allocations/methods"));
  targets.at_most("3", "allocations of a run after its stepper is made", "%.0f", 0,
                  figures("allocations/run"), all);
  targets.at_most("3", "allocations of a reset and its run", "%.0f", 0,
                  figures("allocations/reset"), all);
}

void add_plans(Targets& targets, const Figures& figures) {
  Range range;
  for (const std::string& method : figures.after("O3/plan/")) {
    const std::string prefix = "O3/plan/" + method + "/";
    range.see(figures(prefix + "make") / figures(prefix + "five steps"), method);
  }
  targets.at_most("4", "a plan of 20 steps / five steps of 16,384", "%.2f", 1.0, range);
}

void add_threads(Targets& targets, const Figures& figures) {
  constexpr double limit = 1.7;
  Range machine;
  for (const std::string what : {"step", "noise"}) {
    const std::string prefix = "threads/" + what + "/";
    Range small;
    Range cached;
    Range without_second_core;
    Range large;
    for (const std::string& size : figures.after(prefix)) {
      const auto gain_of = [&](const std::string& contestant) {
        const std::string path = prefix + size + "/" + contestant;
        return figures(path + "1") / figures(path + "2");
      };
      const double gain = gain_of("");
      const double possible = gain_of("possible ");
      const std::size_t floats = std::stoul(size);
      machine.see(possible, what + ", " + size_text(size));
      if (floats < 1U << 18 || floats > 1U << 20) {
        (floats < 1U << 18 ? small : large).see(gain, size_text(size));
      } else {
        const bool judged = gain >= limit || !(possible < limit);
        (judged ? cached : without_second_core)
            .see(gain, size_text(size) + ", possible " + text("%.2f", possible));
      }
    }
    targets.printed("5", what + " with two threads: gain below 2^18 floats", small.both());
    targets.at_least("5", what + " with two threads: gain in cache, from 2^18 on", limit, cached);
    if (!std::isnan(without_second_core.least)) {
      targets.printed("5", "the same where no loop could: the machine gave less",
                      without_second_core.both());
    }
    targets.printed("5", what + " with two threads: gain beyond", large.both());
  }
  targets.printed("5", "what the machine lets two threads gain at the same times", machine.both());
  Range cost;
  for (const std::string& size : figures.after("threads/one/")) {
    cost.see(figures("threads/one/" + size + "/OpenMP") / figures("threads/one/" + size + "/plain"),
             size_text(size));
  }
  targets.printed("5", "a sum on one thread of OpenMP / without OpenMP", cost.both());
}

void add_noise(Targets& targets, const Figures& figures) {
  Range range;
  for (const std::string& size : figures.after("O3/noise/")) {
    const std::string prefix = "O3/noise/" + size + "/";
    range.see(figures(prefix + "standard") / figures(prefix + "dpm"), size_text(size));
  }
  targets.at_least("6", "rate of noise / std::normal_distribution", 4.0, range);
}

void add_half(Targets& targets, const Figures& figures) {
  for (const std::string type : {"half", "bfloat16"}) {
    Range time;
    Range error;
    for (const std::string& size : figures.after("O3/sizes/2M/")) {
      const std::string prefix = "O3/sizes/2M/" + size + "/";
      time.see(figures(prefix + type) / figures(prefix + "library"), size_text(size));
    }
    for (const std::string& method : figures.after("error/")) {
      error.see(figures("error/" + method + "/" + type), method);
    }
    targets.printed("7", "a step in " + type + " / in float", time.both());
    targets.printed("7", "error that " + type + " adds to 20 calls", error.both("%.1e"));
  }
}

void add_small(Targets& targets, const Figures& figures) {
  Range once;
  Range again;
  for (const std::string& method : figures.after("O3/small/")) {
    once.see(figures("O3/small/" + method + "/sample"), method);
    again.see(figures("O3/small/" + method + "/reset"), method);
  }
  targets.at_most("8", "ns a step in the plane, beside the model", "%.1f", 40.0, again);
  targets.printed("8", "ns a step, with the making of the run and the check of its plan",
                  once.both("%.1f"));
  targets.at_most("8", "allocations of it", "%.0f", 0, figures("allocations/small"),
                  text("%.0f methods", figures("allocations/methods")));
}

void add_compile_time(Targets& targets, const Figures& figures) {
  for (const std::string& compiler : figures.after("compile/")) {
    const std::string prefix = "compile/" + compiler + "/";
    const double eigen = figures(prefix + "eigen");
    const auto sampling = [&](const char* how, const char* source) {
      const double seconds = figures(prefix + source);
      targets.at_most("9", how + compiler, "%.2f", 1.6, seconds / eigen, text("%.1f s", seconds));
    };
    sampling("compile time, with dpm::separate / Eigen/Core, ", "separate");
    sampling("compile time, headers alone / Eigen/Core, ", "dpm");
    targets.printed("9", "dpm/definitions.cpp, once for all files / Eigen/Core, " + compiler,
                    text("%.2f", figures(prefix + "definitions") / eigen));
    targets.printed("9", "dpm/dpm.hpp included but not used / Eigen/Core, " + compiler,
                    text("%.2f", figures(prefix + "include") / eigen));
    targets.printed("9", "the plan side, without Eigen / Eigen/Core, " + compiler,
                    text("%.2f", figures(prefix + "plan") / eigen));
  }
}

void add_digits(Targets& targets, const Figures& figures) {
  Range range;
  for (const std::string& method : figures.after("digits/")) {
    for (const std::string& calls : figures.after("digits/" + method + "/")) {
      const std::string name = method + "/" + calls;
      range.see(100.0 * figures("digits/" + name), method + ", " + calls + " calls");
    }
  }
  targets.at_most("10", "% of the time in the digits' sampler", "%.2f", 1.0, range);
}

std::string machine() {
  std::string model = "unknown processor";
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    model = line.substr(line.find(':') + 2);
    break;
  }
  const auto& cpu = benchmark::CPUInfo::Get();
  std::string caches;
  for (const auto& cache : cpu.caches) {
    caches += ", L" + std::to_string(cache.level) + " " + cache.type + " " +
              std::to_string(cache.size / 1024) + " KiB";
  }
#if defined(__clang__)
  const std::string compiler = __VERSION__;
#else
  const std::string compiler = "g++ " __VERSION__;
#endif
  return model + ", " + std::to_string(std::thread::hardware_concurrency()) + " cores at " +
         text("%.1f GHz", cpu.cycles_per_second / 1e9) + caches + "; " + compiler +
         ", no -march; load average " +
         (cpu.load_avg.empty() ? "unknown" : text("%.1f", cpu.load_avg[0]));
}

void report(const std::filesystem::path& folder) {
  const Figures figures(folder);
  Targets targets;
  for (const auto add : {&add_steps, &add_allocations, &add_plans, &add_threads, &add_noise,
                         &add_half, &add_small, &add_compile_time, &add_digits}) {
    add(targets, figures);
  }
  std::cout << '\n' << machine() << "\n\n" << targets;
  std::ofstream details(folder / "figures.md");
  details << "Measured on " << machine() << ".\n\n" << targets << '\n';
  write_details(details, figures);
  std::ofstream sizes(folder / "sizes.dat");
  write_sizes(sizes, figures);
}

}  // namespace
}  // namespace dpm_bench

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " folder\n";
    return 2;
  }
  dpm_bench::report(argv[1]);
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
