// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The default method over several spacings, all to sigma = 0: the tables of docs/choosing.md.
///
///     study_spacings --samples 256
///
/// prints, for each guidance scale, the median distance of the samples from where 200 calls of the
/// study's reference method lead, and at last each spacing's geometric mean over all cells, as a
/// multiple of the default's. It makes about 7,000 evaluations of the network a sample.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "methods.hpp"
#include "sampler.hpp"

namespace {

using study::Batch;

constexpr int batch_size = 64;
constexpr int reference_calls = 200;

/// Counts of model calls whose distances are averaged.
const std::vector<std::vector<int>>& columns() {
  static const std::vector<std::vector<int>> all{{5}, {8}, {10}, {12}, {15}, {18, 19, 20, 21, 22},
                                                 {25}};
  return all;
}

struct Row {
  std::string name;
  std::function<dpm::Plan(int)> plan;
  double logs = 0.0;  ///< of its distances over the default's
};

template <class Spacing>
Row row_of(std::string name, Spacing spacing) {
  spacing.final = dpm::FinalSigma::zero_instead;
  const auto plan = [spacing](int calls) {
    return dpm::make_plan(dpm::default_method, study::schedule(), calls, spacing);
  };
  return {std::move(name), plan};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return 0.5 * (values[(values.size() - 1) / 2] + values[values.size() / 2]);
}

/// The median distances of one scale: a row for each spacing, a column for each count of calls.
std::vector<std::vector<double>> distances(study::Sampler& sampler, double scale,
                                           const std::vector<Row>& rows, const Batch& samples) {
  std::vector<std::vector<std::vector<double>>> all(
      rows.size(), std::vector<std::vector<double>>(26));  // by row and number of calls
  for (int done = 0; done < samples.count; done += batch_size) {
    const Batch batch{samples.first + done, std::min(batch_size, samples.count - done)};
    const Eigen::MatrixXf converged =
        sampler.run(scale, *study::reference_method().plan(scale, reference_calls), batch).samples;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      for (const std::vector<int>& column : columns()) {
        for (const int calls : column) {
          const Eigen::MatrixXf x = sampler.run(scale, rows[row].plan(calls), batch).samples;
          for (Eigen::Index i = 0; i < x.cols(); ++i) {
            const double squares = (x.col(i) - converged.col(i)).squaredNorm();
            all[row][static_cast<std::size_t>(calls)].push_back(std::sqrt(squares / study::pixels));
          }
        }
      }
    }
  }
  std::vector<std::vector<double>> result(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (const std::vector<int>& column : columns()) {
      double sum = 0.0;
      for (const int calls : column) sum += median(all[row][static_cast<std::size_t>(calls)]);
      result[row].push_back(sum / static_cast<double>(column.size()));
    }
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) try {
  Batch samples{.first = 5000, .count = 256};
  int threads = 1;
  CLI::App app("Prints how far the default method ends from converged samples, by its spacing.");
  const auto add = [&app](const char* name, int& value, const char* what) {
    app.add_option(name, value, what)->capture_default_str()->check(CLI::Range(1, 1'000'000));
  };
  add("--samples", samples.count, "Samples");
  add("--first", samples.first, "The number of the first, which fixes its noise and its class");
  add("--threads", threads, "Of the CPU");
  CLI11_PARSE(app, argc, argv);
  const std::string networks = DPM_STUDY_NETWORKS "/";
  study::Sampler sampler(networks + "unet.pt", networks + "classifier.pt",
                         {.device = "cpu", .threads = threads}, 7);
  std::vector<Row> rows{row_of("default", dpm::default_method_spacing)};
  for (const double power : {1.5, 2.5, 3.0}) {
    rows.push_back(row_of("power " + study::scale_text(power), dpm::PowerTime{.power = power}));
  }
  rows.push_back(row_of("lambda", dpm::UniformLambda{}));
  int cells = 0;
  for (const double scale : {0.0, 1.0, 3.0, 7.0}) {
    std::printf("%s\n%-10s", study::setup_key(scale).c_str(), "calls");
    for (const std::vector<int>& column : columns()) {
      std::printf(column.size() > 1 ? " %5d to %d" : " %11d", column.front(), column.back());
    }
    const auto table = distances(sampler, scale, rows, samples);
    for (std::size_t row = 0; row < rows.size(); ++row) {
      std::printf("\n%-10s", rows[row].name.c_str());
      for (std::size_t column = 0; column < columns().size(); ++column) {
        std::printf(" %11.4f", table[row][column]);
        rows[row].logs += std::log(table[row][column] / table[0][column]);
      }
    }
    std::printf("\n\n");
    std::fflush(stdout);
    cells += static_cast<int>(columns().size());
  }
  for (const Row& row : rows) {
    std::printf("%s: %.2f times the default's distance\n", row.name.c_str(),
                std::exp(row.logs / cells));
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "study_spacings: %s\n", error.what());
  return 1;
}
