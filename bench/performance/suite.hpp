// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What the topics of the performance programs are registered with.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <functional>
#include <string>

namespace dpm_bench {

/// Collects figures: times that Google Benchmark measures, and others that are noted. The names of
/// figures are paths, "topic/case/.../contestant"; `performance_report` looks them up.
class Suite {
 public:
  virtual ~Suite() = default;
  /// Whether all is to run briefly, at small sizes, to see that it works.
  [[nodiscard]] virtual bool brief() const = 0;
  /// Adds a contestant to the group "topic/case/.../", whose contestants are measured in turns. The
  /// figure is the median over the repetitions, in nanoseconds an iteration times `scale`.
  /// Returns the benchmark for options such as the number of iterations.
  virtual benchmark::internal::Benchmark* add(const std::string& group,
                                              const std::string& contestant,
                                              std::function<void(benchmark::State&)> function,
                                              double scale = 1.0) = 0;
  /// Notes a figure that is not a time.
  virtual void note(const std::string& name, double value) = 0;
  /// Makes the program fail, at its end, with this sentence.
  virtual void complain(const std::string& sentence) = 0;
};

/// A topic is an object of this type at namespace scope; its function adds the benchmarks.
struct Topic {
  explicit Topic(void (*add)(Suite&));
};

}  // namespace dpm_bench
