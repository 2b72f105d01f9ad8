// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
#include "figures.hpp"

namespace dpm_bench {
namespace {

std::string ratio(double a, double b) { return text("%.2f", a / b); }

void write_steps(std::ostream& out, const Figures& figures) {
  out << "### Steps (targets 1 and 2)\n\nTimes of the library; the others as multiples of it, the "
         "library as a multiple of the loop and of the copy.\n\n";
  Table table({"method", "floats", "a step", "/ loop", "/ loop, dpm at -O2", "/ loop, native",
               "/ copy", "with checks", "Eigen expressions", "engine's vectors"});
  for (const std::string& method : step_methods) {
    for (const std::string& size : figures.after("O3/step/" + method + "/")) {
      const std::string group = method + "/" + size + "/";
      const auto step = [&](const char* who) { return figures("O3/step/" + group + who); };
      const auto written = [&](const char* who) { return figures("O3/written/" + group + who); };
      table.add(
          {method, size_text(size), time_text(step("library")),
           ratio(step("library"), step("hand")),
           ratio(figures("O2/step/" + group + "library"), figures("O2/step/" + group + "hand")),
           ratio(figures("native/step/" + group + "library"),
                 figures("native/step/" + group + "hand")),
           ratio(step("library"), step("copy")), ratio(step("checked"), step("library")),
           ratio(written("expressions"), written("library")),
           ratio(written("engine"), written("library"))});
    }
  }
  out << table << '\n';
}

void write_plans(std::ostream& out, const Figures& figures) {
  out << "### Plans (target 4)\n\nThe six methods above and the five that come nearest to their "
         "limit.\n\n";
  std::vector<std::pair<double, std::string>> ranked;
  for (const std::string& method : figures.after("O3/plan/")) {
    const std::string prefix = "O3/plan/" + method + "/";
    ranked.emplace_back(figures(prefix + "make") / figures(prefix + "five steps"), method);
  }
  std::sort(ranked.rbegin(), ranked.rend());
  std::vector<std::string> shown{"DPM-Solver++-2 multistep", "DPM-Solver++-3 multistep",
                                 "DPM-Solver-3 singlestep",  "UniPC-2 bh2",
                                 "PNDM, PLMS only",          "DDIM"};
  for (std::size_t i = 0; i < ranked.size() && i < 5; ++i) {
    const std::string& name = ranked[i].second;
    if (std::find(shown.begin(), shown.end(), name) == shown.end()) shown.push_back(name);
  }
  Table table({"method", "a plan of 20 steps", "five steps of 16,384 floats", "ratio"});
  for (const std::string& method : shown) {
    const double make = figures("O3/plan/" + method + "/make");
    const double steps = figures("O3/plan/" + method + "/five steps");
    table.add({method, time_text(make), time_text(steps), ratio(make, steps)});
  }
  out << table << '\n';
}

void write_threads(std::ostream& out, const Figures& figures) {
  out << "### Threads (target 5)\n\n";
  Table table({"what", "floats", "1 thread", "2 threads", "gain", "possible"});
  for (const std::string what : {"step", "noise"}) {
    for (const std::string& size : figures.after("threads/" + what + "/")) {
      const std::string prefix = "threads/" + what + "/" + size + "/";
      const double one = figures(prefix + "1");
      const double two = figures(prefix + "2");
      table.add({what, size_text(size), time_text(one), time_text(two), ratio(one, two),
                 ratio(figures(prefix + "possible 1"), figures(prefix + "possible 2"))});
    }
  }
  out << table << '\n';
}

void write_noise(std::ostream& out, const Figures& figures) {
  out << "### Noise (target 6)\n\nMillions of values a second.\n\n";
  Table table({"floats", "dpm::NormalNoise", "std::normal_distribution", "ratio"});
  for (const std::string& size : figures.after("O3/noise/")) {
    const double values = std::stod(size) * 1e3;
    const double dpm = figures("O3/noise/" + size + "/dpm");
    const double standard = figures("O3/noise/" + size + "/standard");
    table.add({size_text(size), text("%.0f", values / dpm), text("%.0f", values / standard),
               ratio(standard, dpm)});
  }
  out << table << '\n';
}

void write_half(std::ostream& out, const Figures& figures) {
  out << "### Half types (target 7)\n\nError against the run in double, root mean square, where "
         "the data lie around -0.6 and 0.6.\n\n";
  Table table({"method, 20 calls", "float", "half", "bfloat16"});
  for (const std::string& method : figures.after("error/")) {
    const auto error = [&](const char* type) {
      return text("%.1e", figures("error/" + method + "/" + type));
    };
    table.add({method, error("float"), error("half"), error("bfloat16")});
  }
  out << table << '\n';
}

void write_small(std::ostream& out, const Figures& figures) {
  out << "### Points in the plane (target 8)\n\nNanoseconds a step, whose model copies two "
         "numbers, of 20 steps.\n\n";
  Table table({"method", "a whole sample", "a run that is reset"});
  for (const std::string& method : figures.after("O3/small/")) {
    const auto time = [&](const char* how) {
      return text("%.1f", figures("O3/small/" + method + "/" + how));
    };
    table.add({method, time("sample"), time("reset")});
  }
  out << table << '\n';
}

void write_compile_time(std::ostream& out, const Figures& figures) {
  out << "### Compile time (target 9)\n\nSeconds.\n\n";
  Table table({"compiler", "Eigen/Core, an addition", "with dpm/dpm.hpp", "and one sample",
               "the plan side, without Eigen"});
  for (const std::string& compiler : figures.after("compile/")) {
    const auto time = [&](const char* source) {
      return text("%.2f", figures("compile/" + compiler + "/" + source));
    };
    table.add({compiler, time("eigen"), time("include"), time("dpm"), time("plan")});
  }
  out << table << '\n';
}

void write_digits(std::ostream& out, const Figures& figures) {
  out << "### The digits (target 10)\n\nThe sampler's share of the processor time, in %.\n\n";
  const std::vector<std::string> methods = figures.after("digits/");
  if (methods.empty()) return;
  std::vector<std::string> head{"method"};
  for (const std::string& calls : figures.after("digits/" + methods[0] + "/")) {
    head.push_back(calls + " calls");
  }
  Table table(head);
  for (const std::string& method : methods) {
    std::vector<std::string> row{method};
    for (const std::string& calls : figures.after("digits/" + method + "/")) {
      row.push_back(text("%.2f", 100.0 * figures("digits/" + method + "/" + calls)));
    }
    table.add(row);
  }
  out << table << '\n';
}

}  // namespace

void write_details(std::ostream& out, const Figures& figures) {
  write_steps(out, figures);
  write_plans(out, figures);
  write_threads(out, figures);
  write_noise(out, figures);
  write_half(out, figures);
  write_small(out, figures);
  write_compile_time(out, figures);
  write_digits(out, figures);
}

void write_sizes(std::ostream& out, const Figures& figures) {
  const std::vector<std::string> columns{"copy",   "hand",     "library", "expressions",
                                         "engine", "bfloat16", "half"};
  out << "floats";
  for (const std::string& column : columns) out << '\t' << column;
  out << "\ttwo_threads\n";
  for (const std::string& size : figures.after("O3/sizes/2M/")) {
    out << size;
    for (const std::string& column : columns) {
      out << '\t' << figures("O3/sizes/2M/" + size + "/" + column);
    }
    out << '\t' << figures("threads/step/" + size + "/2") << '\n';
  }
}

}  // namespace dpm_bench
