// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Adaptive runs over a state of the user's own, which also counts the buffers that a run makes.
#include <cmath>
#include <span>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/run/adaptive.hpp"
#include "support/catch.hpp"

namespace adaptive_own_state_test {

using namespace dpm_test;
using dpm::AdaptiveDpmSolver;

namespace another_library {

/// Two numbers, and how often such a pair was copied into a new one.
struct Pair {
  static inline int copies = 0;

  double first = 0.0;
  double second = 0.0;

  Pair(double a, double b) : first(a), second(b) {}
  Pair(const Pair& other) : first(other.first), second(other.second) { ++copies; }
  Pair(Pair&&) = default;
  Pair& operator=(const Pair&) = default;
  Pair& operator=(Pair&&) = default;
  ~Pair() = default;
};

void combine(const dpm::Weights& weights, std::span<Pair* const> targets,
             std::span<const Pair* const> operands) {
  std::vector<Pair> sums;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    Pair& sum = sums.emplace_back(0.0, 0.0);
    for (std::size_t j = 0; j < operands.size(); ++j) {
      sum.first += weights(i, j) * operands[j]->first;
      sum.second += weights(i, j) * operands[j]->second;
    }
  }
  for (std::size_t i = 0; i < targets.size(); ++i) *targets[i] = sums[i];
}

/// The larger error of the two numbers.
double error_norm(const Pair& lower, const Pair& higher, const Pair& /*previous*/,
                  const dpm::ErrorTolerance& tolerance) {
  const double first = std::abs(higher.first - lower.first);
  const double second = std::abs(higher.second - lower.second);
  return std::max(first, second) / tolerance.absolute;
}

struct WithoutNorm {
  double value = 0.0;
};
void combine(const dpm::Weights& weights, std::span<WithoutNorm* const> targets,
             std::span<const WithoutNorm* const> operands);

}  // namespace another_library

using another_library::Pair;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

Pair network(const Pair& x, double t) { return {0.8 * std::tanh(x.first), std::sin(x.second + t)}; }

}  // namespace

TEST_CASE("a state of one's own brings its norm") {
  STATIC_REQUIRE(dpm::AdaptiveState<Pair>);
  STATIC_REQUIRE(dpm::AdaptiveState<std::vector<float>>);
  STATIC_REQUIRE(dpm::RunnableState<another_library::WithoutNorm>);
  STATIC_REQUIRE(!dpm::AdaptiveState<another_library::WithoutNorm>);

  // With one value in a sample and a purely absolute tolerance the library's norm is the same.
  const AdaptiveDpmSolver method{
      .tolerance = {.absolute = 1e-4, .relative = 0.0, .elements_per_sample = 1},
      .max_model_calls = 100000};
  Pair pair(0.7, -1.1);
  const auto report = dpm::sample_adaptive(method, schedule, network, pair);
  std::vector<double> vector{0.7, -1.1};
  const auto model = [](const std::vector<double>& x, double t, std::vector<double>& out) {
    const Pair result = network(Pair(x[0], x[1]), t);
    out = {result.first, result.second};
  };
  const auto dense = dpm::sample_adaptive(method, schedule, model, vector);
  REQUIRE(report.rejected > 0);
  REQUIRE(report.model_calls == dense.model_calls);
  REQUIRE_THAT(pair.first, WithinRel(vector[0], 1e-12));
  REQUIRE_THAT(pair.second, WithinRel(vector[1], 1e-12));
}

TEST_CASE("buffers are made once, however many trials there are") {
  const auto copies_of_run = [](double tolerance, std::size_t least_trials) {
    const AdaptiveDpmSolver method{.tolerance = {.absolute = tolerance}, .max_model_calls = 100000};
    Pair x(0.7, -1.1);
    Pair::copies = 0;
    const auto report = dpm::sample_adaptive(method, schedule, network, x);
    REQUIRE(report.trials.size() >= least_trials);
    return Pair::copies;
  };
  const int few = copies_of_run(1e-1, 5);
  REQUIRE(few > 5);
  REQUIRE(few < 12);
  REQUIRE(copies_of_run(1e-6, 200) == few);
}

TEST_CASE("an own norm that is not finite stops the run") {
  const AdaptiveDpmSolver method{.max_model_calls = 100};
  Pair x(0.7, -1.1);
  const auto nan = [](const Pair&, double) { return Pair(NAN, 0.0); };
  REQUIRE_THROWS_WITH(dpm::sample_adaptive(method, schedule, nan, x),
                      mentions("trial 1: the estimate of its error"));
  REQUIRE(x.first == 0.7);
}

}  // namespace adaptive_own_state_test
