// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The experiment: every method at every number of model calls, from the same starts.
#pragma once

#include <Eigen/Core>
#include <functional>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "methods.hpp"
#include "sampler.hpp"

namespace study {

struct Settings {
  std::vector<Method> methods;
  std::vector<double> scales;      ///< of guidance; see `Sampler`
  std::vector<int> calls;          ///< model calls a sample, at scale 0
  std::vector<int> guided_calls;   ///< the same at other scales
  std::vector<double> tolerances;  ///< of the adaptive method
  int samples = 0;                 ///< in a cell
  int batch = 0;
  int reference_calls = 0;  ///< of the converged samples
};

constexpr double not_measured = std::numeric_limits<double>::quiet_NaN();

/// One method at one number of calls, or at one tolerance.
struct Cell {
  double tolerance = not_measured;          ///< of the adaptive method
  double calls = 0.0;                       ///< of the adaptive method: the mean over batches
  double frechet = not_measured;            ///< distance from real digits
  double frechet_deviation = not_measured;  ///< of the Frechet distance, from sampling
  double accuracy = not_measured;           ///< share of samples that show the digit asked for
  /// From the converged samples: root mean square over pixels, median over samples. Not measured
  /// where the method draws noise, and so has no sample to converge to.
  double distance = not_measured;
  double network_seconds = 0.0;  ///< a sample, median over batches
  double sampler_seconds = 0.0;  ///< the same
  Eigen::MatrixXf shown;         ///< the first samples

  [[nodiscard]] double seconds() const { return network_seconds + sampler_seconds; }
  [[nodiscard]] double sampler_share() const { return sampler_seconds / seconds(); }
};

struct Row {
  Method method;
  std::vector<Cell> cells;  ///< those that the method can make

  /// Null if there is none with as many calls.
  [[nodiscard]] const Cell* find(int calls) const;
};

/// Everything at one guidance scale.
struct Section {
  double scale = 0.0;
  std::vector<int> calls;
  Cell converged;
  double reference_change =
      0.0;  ///< distance of the converged samples from those of half the calls
  std::vector<Row> rows;

  /// "unconditional" or "guided, scale 3".
  [[nodiscard]] std::string title() const;
  /// The same for the names of files: "unconditional" or "scale_3".
  [[nodiscard]] std::string key() const;
  [[nodiscard]] bool is_guided() const { return scale != 0.0; }
  /// Null if the method is not there or has no such cell.
  [[nodiscard]] const Cell* find(const std::string& method, int calls) const;
};

struct Results {
  Settings settings;
  std::string machine;
  double floor = 0.0;  ///< the Frechet distance of other real digits
  std::vector<Section> sections;
};

/// Runs everything; says on `out` beforehand how long it will take, and calls `on_section` with all
/// results so far after each section. Throws `std::runtime_error` where a sample is not finite.
Results compare(Sampler& sampler, const Settings& settings, std::ostream& out,
                const std::function<void(const Results&)>& on_section);

}  // namespace study
