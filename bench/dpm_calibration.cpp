// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Calibrated plans against all others:
///
///     dpm_calibration PROBLEMS.json... [--starts N] [--draws N] [--calls N,N,...]
///                     [--problem NAME]
///
/// For each problem and number of model calls it fits a plan to N drawn starts (128 if not said),
/// runs it from the problem's own starts, which no fit has seen, and compares the distances from
/// the exact ends with those of the best of all deterministic configurations of dpm_accuracy. That
/// best is chosen on the problem's starts themselves, which favours it. The starts of the fit are
/// drawn several times (5 if not said), as the ratio of the median distances depends on them: a
/// cell has the median of its draws, and the least and the greatest. The last line is the worst
/// cell; the program fails if that is above 0.5 or the median of the cells above 0.3.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <limits>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "analytic_problem.hpp"
#include "contestants.hpp"
#include "dpm/calibration/calibrate.hpp"
#include "dpm/calibration/residuals.hpp"

namespace {

using namespace dpm_bench;

constexpr double most_ratio = 0.5;
constexpr double most_median = 0.3;

struct Options {
  std::vector<std::string> files;
  std::vector<int> calls{5, 6, 8, 10, 12, 15, 20};
  int starts = 128;
  int draws = 5;
  std::string problem;  // all if empty
};

/// Refuses an option that is unknown, has no value, or has none that is a number.
Options options_of(const std::vector<std::string>& words) {
  Options options;
  const auto number = [](const std::string& option, const std::string& text) {
    std::size_t used = 0;
    int value = 0;
    try {
      value = std::stoi(text, &used);
    } catch (const std::exception&) {
    }
    if (used == 0 || used != text.size() || value < 1) {
      throw std::runtime_error(option + " = " + text + "; it must be a number of at least 1");
    }
    return value;
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.rfind("--", 0) != 0) {
      options.files.push_back(word);
      continue;
    }
    if (i + 1 == words.size()) throw std::runtime_error(word + " has no value");
    const std::string& value = words[++i];
    if (word == "--starts") {
      options.starts = number(word, value);
    } else if (word == "--draws") {
      options.draws = number(word, value);
    } else if (word == "--problem") {
      options.problem = value;
    } else if (word == "--calls") {
      options.calls.clear();
      std::istringstream list(value);
      for (std::string one; std::getline(list, one, ',');) {
        options.calls.push_back(number(word, one));
      }
      if (options.calls.empty()) throw std::runtime_error(word + " has no value");
    } else {
      throw std::runtime_error(word +
                               " is unknown; there are --starts, --draws, --calls and --problem");
    }
  }
  return options;
}

/// How far the samples of a run end from the exact ends.
struct Distances {
  double median = std::numeric_limits<double>::infinity();
  double root_mean_square = std::numeric_limits<double>::infinity();
};

Distances distances(const AnalyticProblem& problem, const dpm::Plan& plan) {
  State x = problem.start;
  dpm::sample(plan, problem.model, x);
  const Eigen::ArrayXd all = (x - problem.exact).square().colwise().mean().sqrt();
  return {dpm::detail::median({all.begin(), all.end()}), problem.error(x)};
}

/// The least distances of all configurations, each by its own, and the configuration with the least
/// median.
struct Uncalibrated {
  Distances least;
  std::string name;
};

Uncalibrated best_uncalibrated(const std::vector<Family>& families, const AnalyticProblem& problem,
                               const dpm::AnySchedule& schedule, int calls) {
  Uncalibrated best;
  for (const Family& family : families) {
    for (const Configuration& configuration : family.configurations) {
      dpm::Plan plan;
      try {
        plan = configuration.plan(schedule, calls);
      } catch (const dpm::InvalidArgument&) {
        continue;  // this many calls it cannot make
      }
      const Distances here = distances(problem, plan);
      best.least.root_mean_square = std::min(best.least.root_mean_square, here.root_mean_square);
      if (!(here.median < best.least.median)) continue;
      best.least.median = here.median;
      best.name = configuration.name;
    }
  }
  return best;
}

struct Outcome {
  double ratio = 0.0;     ///< of the median draw
  double greatest = 0.0;  ///< of all draws
  std::string where;
};

/// References from starts that no problem has.
dpm::References<State> references_of(const AnalyticProblem& problem,
                                     const dpm::AnySchedule& schedule, int starts, int draw) {
  State drawn(problem.start.rows(), starts);
  dpm::NormalNoise{.seed = 18 + static_cast<std::uint64_t>(draw)}.fill(drawn);
  drawn *= schedule.level(schedule.last_time()).sigma();
  const std::vector<State> batch{drawn};
  // The problems' exact ends lie at the schedule's first time.
  const dpm::Plan fine =
      dpm::make_plan(dpm::default_method, schedule, 1000, dpm::PowerTime{.power = 4.0});
  return {fine, problem.model, batch, 256};
}

/// Prints the table of one problem and appends its ratios.
void compare(const AnalyticProblem& problem, const std::vector<Family>& families,
             const dpm::AnySchedule& schedule, const Options& options,
             std::vector<Outcome>& outcomes) {
  std::vector<dpm::References<State>> references;
  for (int draw = 0; draw < options.draws; ++draw) {
    references.push_back(references_of(problem, schedule, options.starts, draw));
  }
  std::printf(
      "\n%s: distance from the exact ends, of %d starts that were not fitted; fitted to %d "
      "others,\n"
      "drawn %d times: the median draw, and for the ratio the least and the greatest\n"
      "             median distance                               root mean square   bases\n"
      "calls   others calibrated ratio                   others calibrated ratio    kept   best of "
      "the others\n",
      problem.name.c_str(), static_cast<int>(problem.start.cols()), options.starts, options.draws);
  for (const int calls : options.calls) {
    const Uncalibrated others = best_uncalibrated(families, problem, schedule, calls);
    const std::vector<dpm::Plan> candidates =
        dpm::calibration_candidates(schedule, calls, std::nullopt, dpm::FinalSigma::sigma_min);
    std::vector<double> medians;
    std::vector<double> means;
    int kept = 0;
    for (const dpm::References<State>& of_draw : references) {
      const auto [plan, report] =
          dpm::calibrate(candidates, problem.model, of_draw, {.schedule = schedule});
      const Distances here = distances(problem, plan);
      medians.push_back(here.median);
      means.push_back(here.root_mean_square);
      if (report.kept_base) ++kept;
    }
    const auto ratio = [&](double distance) { return distance / others.least.median; };
    const auto [least, greatest] = std::minmax_element(medians.begin(), medians.end());
    const double middle = dpm::detail::median(medians);
    const double mean = dpm::detail::median(means);
    std::printf("%5d  %.2e   %.2e  %5.2f (%.2f to %.2f)  %.2e   %.2e  %5.2f   %5d   %s\n", calls,
                others.least.median, middle, ratio(middle), ratio(*least), ratio(*greatest),
                others.least.root_mean_square, mean, mean / others.least.root_mean_square, kept,
                others.name.c_str());
    outcomes.push_back(
        {ratio(middle), ratio(*greatest), problem.name + ", " + std::to_string(calls) + " calls"});
  }
}

int run(const Options& options) {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const std::vector<Family> families = every_family();
  std::vector<Outcome> outcomes;
  for (const std::string& file : options.files) {
    for (const AnalyticProblem& problem : read_problems(file)) {
      if (!options.problem.empty() && problem.name != options.problem) continue;
      compare(problem, families, schedule, options, outcomes);
    }
  }
  if (outcomes.empty()) {
    throw std::runtime_error("no problem is called \"" + options.problem + "\"");
  }
  std::vector<double> ratios;
  for (const Outcome& outcome : outcomes) ratios.push_back(outcome.ratio);
  const Outcome worst =
      *std::max_element(outcomes.begin(), outcomes.end(),
                        [](const Outcome& a, const Outcome& b) { return a.ratio < b.ratio; });
  const Outcome unluckiest =
      *std::max_element(outcomes.begin(), outcomes.end(),
                        [](const Outcome& a, const Outcome& b) { return a.greatest < b.greatest; });
  const double median = dpm::detail::median(ratios);
  std::printf(
      "\nMedian ratio over all: %.2f\nWorst ratio of one draw: %.2f (%s)\n"
      "Worst ratio over all: %.2f (%s)\n",
      median, unluckiest.greatest, unluckiest.where.c_str(), worst.ratio, worst.where.c_str());
  return worst.ratio <= most_ratio && median <= most_median ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  const Options options = options_of({argv + 1, argv + argc});
  if (options.files.empty()) {
    std::fprintf(stderr,
                 "usage: dpm_calibration PROBLEMS.json... [--starts N] [--draws N] "
                 "[--calls N,N,...] [--problem NAME]\n");
    return 2;
  }
  return run(options);
} catch (const std::exception& error) {
  std::fprintf(stderr, "dpm_calibration: %s\n", error.what());
  return 2;
}
