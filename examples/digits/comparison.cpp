// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Running the experiment and measuring it.
#include "comparison.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <ctime>
#include <dpm/dpm.hpp>
#include <utility>

#include "kernel_density.hpp"
#include "progress_bar.hpp"

namespace digits {
namespace {

/// Standard deviation of the kernel, where pixels lie in [-1, 1]: enough that samples are no
/// copies, too little to be seen as noise.
constexpr double kernel_width = 0.15;

/// Processor time, so that it does not matter what else the machine does; all work is in one
/// thread.
double seconds_used() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// The model with a stopwatch.
struct TimedModel {
  KernelDensity& model;
  double seconds = 0.0;

  void operator()(const Eigen::MatrixXd& x, const dpm::Level& level, Eigen::MatrixXd& noise) {
    const double start = seconds_used();
    model(x, level, noise);
    seconds += seconds_used() - start;
  }
};

/// What all runs share.
struct Bench {
  dpm::AnySchedule schedule;
  KernelDensity model;
  dpm::NormalNoise noise;
  Eigen::MatrixXd start;
  ProgressBar progress;

  /// Plans and samples from the start, and takes the times.
  Cell run(const Method& method, int calls) {
    TimedModel timed{model};
    Cell cell;
    const double begin = seconds_used();
    const dpm::Plan plan = method.plan(schedule, calls);
    cell.end = plan.end();
    cell.noise_draws = plan.draws();
    cell.samples = start;
    const auto show_progress = [&, before = progress.done()](const auto& run) {
      progress.set_done(before + run.model_calls);
    };
    dpm::sample(plan, timed, cell.samples, {.noise = noise, .observer = show_progress});
    cell.model_seconds = timed.seconds;
    cell.sampler_seconds = seconds_used() - begin - timed.seconds;
    return cell;
  }
};

/// For each sample (column) the root mean square.
std::vector<double> sizes(const Eigen::MatrixXd& difference) {
  std::vector<double> result;
  for (Eigen::Index j = 0; j < difference.cols(); ++j) {
    result.push_back(
        std::sqrt(difference.col(j).squaredNorm() / static_cast<double>(difference.rows())));
  }
  return result;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return 0.5 * (values[(n - 1) / 2] + values[n / 2]);
}

double share_of_equal(const std::vector<int>& a, const std::vector<int>& b) {
  std::size_t equal = 0;
  for (std::size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i] ? 1 : 0;
  return static_cast<double>(equal) / static_cast<double>(a.size());
}

}  // namespace

Comparison compare(const Images& images, const Settings& settings) {
  const dpm::AnySchedule schedule = dpm::VpLinear<>{};
  const Method reference = make_method("", "", dpm::DpmSolver{.order = 3});
  // The model is exact near the data too, so this one goes on far below the first time.
  const Method to_clean = make_method("", "", dpm::DpmSolver{.order = 3},
                                      dpm::UniformLambda{.end = 1e-3 * schedule.first_time(),
                                                         .final = dpm::FinalSigma::zero_instead});
  const int most_calls = *std::max_element(settings.calls.begin(), settings.calls.end());
  const int converged_calls = std::max(1000, 4 * most_calls);
  int total = converged_calls / 2 + 2 * converged_calls;
  for (const Method& method : settings.methods) {
    for (const int calls : settings.calls) total += method.plan(schedule, calls).model_calls();
  }

  const dpm::NormalNoise noise{.seed = settings.seed};
  Eigen::MatrixXd start(pixels, settings.count);
  noise.fill(start);
  start *= schedule.level(schedule.last_time()).sigma();
  Bench bench{schedule, {images.values, kernel_width}, noise, std::move(start), ProgressBar(total)};

  Comparison result;
  result.calls = settings.calls;
  result.converged_calls = converged_calls;
  const Eigen::MatrixXd nearly = bench.run(to_clean, converged_calls / 2).samples;
  result.converged = bench.run(to_clean, converged_calls).samples;
  // Where the methods end that stop at the first time.
  const Eigen::MatrixXd at_first_time = bench.run(reference, converged_calls).samples;
  const std::vector<double> change = sizes(nearly - result.converged);
  result.median_change = median(change);
  result.largest_change = *std::max_element(change.begin(), change.end());

  const std::vector<int> labels = nearest_labels(images, result.converged);
  for (const Method& method : settings.methods) {
    Row row{method, {}};
    for (const int calls : settings.calls) {
      Cell cell = bench.run(method, calls);
      const bool clean = cell.end.sigma() == 0.0;
      cell.difference = cell.samples - (clean ? result.converged : at_first_time);
      cell.median_error = median(sizes(cell.difference));
      cell.class_share = share_of_equal(nearest_labels(images, cell.samples), labels);
      row.cells.push_back(std::move(cell));
    }
    result.rows.push_back(std::move(row));
  }
  return result;
}

}  // namespace digits
