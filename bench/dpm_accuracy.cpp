// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The accuracy contest: dpm_accuracy PROBLEMS.json [--peers PEERS.json]
///
/// Runs every contestant on every problem at ten numbers of model calls and prints the error of the
/// best configuration of each family, its ratio to the best configuration of the peers at the same
/// number of calls, and the one configuration that is best on the whole. The last line is the worst
/// ratio of the library's best to the peers' best; the program fails if it is above 1.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <exception>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "analytic_problem.hpp"
#include "contestants.hpp"
#include "peers.hpp"

namespace {

using namespace dpm_bench;

constexpr std::array<int, 10> call_counts{5, 6, 8, 10, 12, 15, 20, 25, 50, 100};
/// Stands where a configuration cannot make a number of calls.
constexpr double refused = std::numeric_limits<double>::infinity();

using Errors = std::array<double, call_counts.size()>;

/// One configuration's errors, a row for each problem.
struct Result {
  std::string name;
  std::vector<Errors> errors;

  Result(std::string called, std::size_t problems) : name(std::move(called)), errors(problems) {
    for (Errors& row : errors) row.fill(refused);
  }

  [[nodiscard]] double geometric_mean() const {
    double sum = 0.0;
    for (const Errors& row : errors) {
      for (const double error : row) sum += std::log(error);
    }
    return std::exp(sum / static_cast<double>(errors.size() * call_counts.size()));
  }
};

struct FamilyResult {
  std::string name;
  std::vector<Result> results;
};

FamilyResult run(const Family& family, const std::vector<AnalyticProblem>& problems,
                 const dpm::AnySchedule& schedule) {
  FamilyResult all{family.name, {}};
  for (const Configuration& configuration : family.configurations) {
    Result& result = all.results.emplace_back(configuration.name, problems.size());
    for (std::size_t k = 0; k < call_counts.size(); ++k) {
      dpm::Plan plan;
      try {
        plan = configuration.plan(schedule, call_counts[k]);
      } catch (const dpm::InvalidArgument&) {
        continue;
      }
      for (std::size_t p = 0; p < problems.size(); ++p) {
        result.errors[p][k] = problems[p].error(plan);
      }
    }
  }
  return all;
}

FamilyResult result_of(const Peers& peers, const std::vector<AnalyticProblem>& problems) {
  std::map<std::string, Result> by_name;
  for (std::size_t p = 0; p < problems.size(); ++p) {
    for (const PeerRow& row : peers.at(problems[p].name)) {
      const auto count = std::find(call_counts.begin(), call_counts.end(), row.calls);
      if (count == call_counts.end()) continue;
      Result& result = by_name.try_emplace(row.name, row.name, problems.size()).first->second;
      result.errors[p][static_cast<std::size_t>(count - call_counts.begin())] = row.error;
    }
  }
  FamilyResult all{"best of the peers", {}};
  for (const auto& [name, result] : by_name) all.results.push_back(result);
  return all;
}

/// The result with the least error on problem p at the k-th number of calls.
const Result& best_of(const FamilyResult& family, std::size_t p, std::size_t k) {
  return *std::min_element(
      family.results.begin(), family.results.end(),
      [=](const Result& a, const Result& b) { return a.errors[p][k] < b.errors[p][k]; });
}

Errors best_errors(const FamilyResult& family, std::size_t p) {
  Errors best{};
  for (std::size_t k = 0; k < best.size(); ++k) best[k] = best_of(family, p, k).errors[p][k];
  return best;
}

template <class Printer>
void print_row(const std::string& name, Printer print_value) {
  std::printf("  %-24s", name.c_str());
  for (std::size_t k = 0; k < call_counts.size(); ++k) print_value(k);
  std::printf("\n");
}

void print_errors(const std::string& name, const Errors& errors, const Errors* peers) {
  print_row(name, [&](std::size_t k) {
    errors[k] == refused ? std::printf("%9s", "-") : std::printf("%9.1e", errors[k]);
  });
  if (peers == nullptr) return;
  print_row("", [&](std::size_t k) {
    errors[k] == refused ? std::printf("%9s", "") : std::printf("%9.2f", errors[k] / (*peers)[k]);
  });
}

struct WorstRatio {
  double ratio = 0.0;
  std::string where;
};

/// Prints the tables of problem p; `peers` may be null. Returns the worst ratio.
WorstRatio print_problem(const std::string& name, std::size_t p,
                         const std::vector<FamilyResult>& families, const FamilyResult* peers) {
  std::printf("\n%s: root mean square error of each family's best%s\n", name.c_str(),
              peers != nullptr ? "; below it, its ratio to the best of the peers" : "");
  print_row("calls", [](std::size_t k) { std::printf("%9d", call_counts[k]); });
  const Errors theirs = peers != nullptr ? best_errors(*peers, p) : Errors{};
  if (peers != nullptr) print_errors(peers->name, theirs, nullptr);
  for (const FamilyResult& family : families) {
    print_errors(family.name, best_errors(family, p), peers != nullptr ? &theirs : nullptr);
  }

  WorstRatio worst;
  std::printf("\n%s: the best configuration of all\n", name.c_str());
  for (std::size_t k = 0; k < call_counts.size(); ++k) {
    const Result* best = &best_of(families[0], p, k);
    for (const FamilyResult& family : families) {
      const Result& candidate = best_of(family, p, k);
      if (candidate.errors[p][k] < best->errors[p][k]) best = &candidate;
    }
    const double error = best->errors[p][k];
    std::printf("  %3d calls  %.3e  %s\n", call_counts[k], error, best->name.c_str());
    if (peers == nullptr) continue;
    const double ratio = error / theirs[k];
    std::printf("     peers   %.3e  %s; ratio %.2f\n", theirs[k],
                best_of(*peers, p, k).name.c_str(), ratio);
    if (ratio > worst.ratio) worst = {ratio, name + ", " + std::to_string(call_counts[k])};
  }
  return worst;
}

/// Prints the configurations that make every number of calls, the best on the whole first; returns
/// that one's name.
std::string print_ranking(const char* whose, const std::vector<FamilyResult>& families,
                          std::size_t most) {
  std::vector<std::pair<double, std::string>> ranking;
  for (const FamilyResult& family : families) {
    for (const Result& result : family.results) {
      const double mean = result.geometric_mean();
      if (mean != refused) ranking.emplace_back(mean, result.name);
    }
  }
  std::stable_sort(ranking.begin(), ranking.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::printf("  %s, of %zu configurations that make every count:\n", whose, ranking.size());
  for (std::size_t i = 0; i < std::min(most, ranking.size()); ++i) {
    std::printf("  %3zu. %.3e  %s\n", i + 1, ranking[i].first, ranking[i].second.c_str());
  }
  return ranking.empty() ? "none" : ranking[0].second;
}

int contest(const std::string& problem_file, const std::string& peer_file) {
  const std::vector<AnalyticProblem> problems = read_problems(problem_file);
  const bool with_peers = !peer_file.empty();
  const Peers peers = with_peers ? read_peers(peer_file) : Peers{};
  const dpm::AnySchedule schedule = dpm::VpLinear();
  std::vector<FamilyResult> families;
  for (const Family& family : every_family()) families.push_back(run(family, problems, schedule));
  const FamilyResult theirs = with_peers ? result_of(peers, problems) : FamilyResult{};

  WorstRatio worst;
  for (std::size_t p = 0; p < problems.size(); ++p) {
    const WorstRatio here =
        print_problem(problems[p].name, p, families, with_peers ? &theirs : nullptr);
    if (here.ratio > worst.ratio) worst = here;
  }
  std::printf("\nOn the whole: geometric mean of the error over all problems and counts\n");
  const std::string best = print_ranking("The library", families, 10);
  if (with_peers) print_ranking("The peers", {theirs}, 3);
  // The problems end at the schedule's first time, and the default plan at sigma = 0: its method is
  // what they can choose.
  const bool is_default = best.starts_with(name_of(dpm::default_method) + " over ");
  std::printf("Best on the whole: %s%s\n", best.c_str(), is_default ? ", the default method" : "");
  if (!with_peers) return 0;

  const bool agree = check_peers(peers, problems, schedule);
  std::printf(
      "\nFor each problem and count both sides choose their best, and the library has more to "
      "choose\nfrom; the rankings above compare single configurations.\n"
      "Worst ratio over all: %.2f (%s calls)\n",
      worst.ratio, worst.where.c_str());
  return agree && worst.ratio <= 1.0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool with_peers = arguments.size() == 3 && arguments[1] == "--peers";
  if (arguments.size() != 1 && !with_peers) {
    std::fprintf(stderr, "usage: dpm_accuracy PROBLEMS.json [--peers PEERS.json]\n");
    return 2;
  }
  try {
    return contest(arguments[0], with_peers ? arguments[2] : "");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dpm_accuracy: %s\n", error.what());
    return 2;
  }
}
