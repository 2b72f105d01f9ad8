// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The program around the topics: measures group by group and writes the figures, a line for each.
///
///     dpm_performance figures.tsv [brief] [options of Google Benchmark]
///
/// --benchmark_filter chooses among groups.
#include "suite.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <regex>
#include <utility>
#include <vector>

#if defined(__GLIBC__)
#  include <malloc.h>
#endif

namespace dpm_bench {
namespace {

/// Memory that is freed stays the program's, so that nobody's times hold page faults. (Those who
/// allocate in each step have less to pay for than in real life.)
void keep_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
#endif
}

using AddTopic = void (*)(Suite&);

std::vector<AddTopic>& topics() {
  static std::vector<AddTopic> all;
  return all;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Keeps the time of every repetition.
class Collector : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& /*context*/) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      times[run.run_name.function_name].push_back(run.real_accumulated_time * 1e9 /
                                                  static_cast<double>(run.iterations));
    }
  }
  std::map<std::string, std::vector<double>> times;
};

/// A group is set up by registering its contestants, after all others have been forgotten: only
/// those that are registered together run in turns.
class Program : public Suite {
 public:
  explicit Program(bool brief) : brief_(brief) {}

  [[nodiscard]] bool brief() const override { return brief_; }
  benchmark::internal::Benchmark* add(const std::string& group, const std::string& contestant,
                                      std::function<void(benchmark::State&)> function,
                                      double scale) override {
    if (group != group_) measure();
    group_ = group;
    scales_[group + contestant] = scale;
    return benchmark::RegisterBenchmark((group + contestant).c_str(), std::move(function))
        ->Unit(benchmark::kNanosecond);
  }
  void note(const std::string& name, double value) override { figures_[name] = value; }
  void complain(const std::string& sentence) override {
    std::fprintf(stderr, "%s\n", sentence.c_str());
    failed_ = true;
  }

  /// Runs what is registered, if its group is wanted.
  void measure() {
    if (std::regex_search(group_, std::regex(benchmark::GetBenchmarkFilter())) &&
        !scales_.empty()) {
      std::printf("measuring %s\n", group_.c_str());
      std::fflush(stdout);
      Collector collector;
      benchmark::RunSpecifiedBenchmarks(&collector, "all");
      for (const auto& [name, times] : collector.times) {
        figures_[name] = median(times) * scales_[name];
      }
    }
    benchmark::ClearRegisteredBenchmarks();
    scales_.clear();
  }

  [[nodiscard]] bool finish(const char* path) {
    measure();
    std::ofstream file(path);
    file.precision(9);
    for (const auto& [name, value] : figures_) file << name << '\t' << value << '\n';
    file.close();
    if (!file) complain(std::string("cannot write ") + path);
    return !failed_;
  }

 private:
  bool brief_;
  bool failed_ = false;
  std::string group_;
  std::map<std::string, double> scales_;
  std::map<std::string, double> figures_;
};

}  // namespace

Topic::Topic(AddTopic add) { topics().push_back(add); }

}  // namespace dpm_bench

int main(int argc, char** argv) try {
  dpm_bench::keep_memory();
  // What is given on the command line comes later and wins.
  std::vector<std::string> arguments{argv[0], "--benchmark_enable_random_interleaving=true"};
  const bool brief = std::find(argv, argv + argc, std::string("brief")) != argv + argc;
  arguments.push_back(brief ? "--benchmark_repetitions=1" : "--benchmark_repetitions=9");
  arguments.push_back(brief ? "--benchmark_min_time=1e-5" : "--benchmark_min_time=0.01");
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  if (count < 2 || count > (brief ? 3 : 2)) {
    std::fprintf(stderr, "usage: %s figures.tsv [brief] [options of Google Benchmark]\n", argv[0]);
    return 2;
  }
  dpm_bench::Program program(brief);
  for (const auto add : dpm_bench::topics()) add(program);
  return program.finish(pointers[1]) ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
