// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Running the experiment and measuring it.
#include "study.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "frechet.hpp"
#include "progress_bar.hpp"

namespace study {
namespace {

constexpr int bootstrap_resamples = 20;
constexpr Eigen::Index most_shown = 10;

/// What the batches of a cell have given so far.
struct Gathered {
  dpm::Plan plan;  // of methods with fixed steps
  Cell cell;
  Eigen::MatrixXd features;
  std::vector<double> distances;
  std::vector<double> network_seconds;  // a sample, one number for each batch
  std::vector<double> sampler_seconds;
  int right = 0;    // samples that show the digit asked for
  int batches = 0;  // so far
};

struct GatheredRow {
  Method method;
  std::vector<Gathered> cells;
};

std::vector<Batch> all_batches(const Settings& settings) {
  std::vector<Batch> batches;
  for (int first = 0; first < settings.samples; first += settings.batch) {
    batches.push_back({first, std::min(settings.batch, settings.samples - first)});
  }
  return batches;
}

/// One cell for each number of calls that the method can make, or for each tolerance.
GatheredRow empty_row(const Method& method, double scale, const std::vector<int>& calls,
                      const std::vector<double>& tolerances) {
  GatheredRow row{method, {}};
  if (method.is_adaptive()) {
    for (const double tolerance : tolerances) {
      row.cells.emplace_back().cell.tolerance = tolerance;
    }
    return row;
  }
  for (const int count : calls) {
    if (std::optional<dpm::Plan> plan = method.plan(scale, count)) {
      row.cells.emplace_back().plan = *std::move(plan);
    }
  }
  return row;
}

/// Roughly, as known from earlier runs; a batch says how many they are.
double expected_calls(double tolerance) { return 14.0 * std::pow(tolerance, -0.2); }

const std::vector<int>& calls_at(const Settings& settings, double scale) {
  return scale == 0.0 ? settings.calls : settings.guided_calls;
}

/// The calls of all cells, and of the reference, for one sample.
double calls_in_all(const Settings& settings, double scale) {
  double calls = settings.reference_calls;
  for (const Method& method : settings.methods) {
    for (const Gathered& gathered :
         empty_row(method, scale, calls_at(settings, scale), settings.tolerances).cells) {
      calls += method.is_adaptive() ? expected_calls(gathered.cell.tolerance)
                                    : gathered.plan.model_calls();
    }
  }
  return calls;
}

void add(Gathered& gathered, const Batch& batch, const Run& run, const Reading& reading,
         const Eigen::MatrixXf& converged) {
  const Eigen::Index before = gathered.features.cols();
  gathered.features.conservativeResize(reading.features.rows(), before + batch.count);
  gathered.features.rightCols(batch.count) = reading.features;
  for (const double distance : differences(run.samples, converged)) {
    gathered.distances.push_back(distance);
  }
  for (int i = 0; i < batch.count; ++i) {
    const int digit = reading.digits[static_cast<std::size_t>(i)];
    gathered.right += digit == asked_digit(batch.first + i) ? 1 : 0;
  }
  gathered.network_seconds.push_back(run.network_seconds / batch.count);
  gathered.sampler_seconds.push_back(run.sampler_seconds / batch.count);
  gathered.cell.calls += run.calls;
  if (gathered.batches++ == 0) {
    gathered.cell.shown = run.samples.leftCols(std::min<Eigen::Index>(batch.count, most_shown));
  }
}

Cell summary(const Gathered& gathered, const FrechetDistance& frechet, bool guided) {
  Cell cell = gathered.cell;
  const auto count = static_cast<double>(gathered.distances.size());
  cell.calls /= gathered.batches;
  cell.frechet = frechet(gathered.features);
  cell.frechet_deviation = frechet.deviation(gathered.features, bootstrap_resamples);
  if (guided) cell.accuracy = gathered.right / count;
  if (gathered.plan.draws() == 0) cell.distance = median(gathered.distances);
  cell.network_seconds = median(gathered.network_seconds);
  cell.sampler_seconds = median(gathered.sampler_seconds);
  return cell;
}

/// All cells run a batch before any runs the next, so that the times of all meet the same moods of
/// the machine.
Section run_section(Sampler& sampler, const Settings& settings, double scale,
                    const FrechetDistance& frechet, ProgressBar& progress) {
  Section section{.scale = scale, .calls = calls_at(settings, scale), .converged = {}, .rows = {}};
  std::vector<GatheredRow> rows;
  for (const Method& method : settings.methods) {
    rows.push_back(empty_row(method, scale, section.calls, settings.tolerances));
  }
  const Method reference = reference_method();
  Gathered converged;
  for (const Batch& batch : all_batches(settings)) {
    const double work = batch.count * evaluations_per_call(scale);
    sampler.on_call = [&progress, work] { progress.add(work); };
    const Run best = sampler.run(scale, *reference.plan(scale, settings.reference_calls), batch);
    add(converged, batch, best, sampler.read(best.samples), best.samples);
    if (batch.first == 0) {  // one batch is enough for the error of the reference
      const Run half =
          sampler.run(scale, *reference.plan(scale, settings.reference_calls / 2), batch);
      section.reference_change = median(differences(half.samples, best.samples));
    }
    for (auto& [method, cells] : rows) {
      for (Gathered& gathered : cells) {
        const double tolerance = gathered.cell.tolerance;
        const Run run = method.is_adaptive() ? sampler.run_adaptive(scale, tolerance, batch)
                                             : sampler.run(scale, gathered.plan, batch);
        add(gathered, batch, run, sampler.read(run.samples), best.samples);
        if (method.is_adaptive()) {
          progress.add_to_total(work * (run.calls - expected_calls(tolerance)));
        }
      }
    }
  }
  sampler.on_call = [] {};
  section.converged = summary(converged, frechet, section.is_guided());
  for (const auto& [method, cells] : rows) {
    Row& row = section.rows.emplace_back(Row{method, {}});
    for (const Gathered& gathered : cells) {
      row.cells.push_back(summary(gathered, frechet, section.is_guided()));
    }
  }
  return section;
}

/// Seconds for one evaluation of the network on one sample. The first calls, in which torch looks
/// at the network and at its input, are left out.
double seconds_per_evaluation(Sampler& sampler, double scale, const Batch& batch) {
  const dpm::Plan plan = *reference_method().plan(scale, 4);
  (void)sampler.run(scale, plan, batch);
  const Run run = sampler.run(scale, plan, batch);
  return run.network_seconds / (4 * batch.count * evaluations_per_call(scale));
}

}  // namespace

const Cell* Row::find(int calls) const {
  const auto found = std::find_if(cells.begin(), cells.end(), [&](const Cell& cell) {
    return !method.is_adaptive() && cell.calls == calls;
  });
  return found == cells.end() ? nullptr : &*found;
}

std::string Section::title() const {
  return is_guided() ? "guided, scale " + scale_text(scale) : "unconditional";
}

std::string Section::key() const { return setup_key(scale); }

const Cell* Section::find(const std::string& method, int calls_of_cell) const {
  for (const Row& row : rows) {
    if (row.method.name == method) return row.find(calls_of_cell);
  }
  return nullptr;
}

Results compare(Sampler& sampler, const Settings& settings, std::ostream& out,
                const std::function<void(const Results&)>& on_section) {
  const Batch first = all_batches(settings).front();
  double model_calls = 0.0;
  double seconds = 0.0;
  for (const double scale : settings.scales) {
    const double work =
        evaluations_per_call(scale) * (settings.samples * calls_in_all(settings, scale) +
                                       first.count * (settings.reference_calls / 2));
    model_calls += work;
    seconds += work * seconds_per_evaluation(sampler, scale, first);
  }
  out << settings.samples << " samples a cell in batches of " << settings.batch << ", on "
      << sampler.machine() << "; this will take about " << duration_text(seconds) << ".\n"
      << std::flush;

  const RealDigits real = sampler.real_digits();
  const FrechetDistance frechet(real);
  Results results{settings, sampler.machine(), real.floor, {}};
  ProgressBar progress(model_calls);
  for (const double scale : settings.scales) {
    results.sections.push_back(run_section(sampler, settings, scale, frechet, progress));
    on_section(results);
  }
  return results;
}

}  // namespace study
