// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The states that a run works on: Eigen objects, ranges, views, and types of a user's own.
#include <Eigen/Core>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/value_runs.hpp"

namespace states_test {

using namespace dpm_test;
using Eigen::Dynamic;
using Eigen::RowMajor;

namespace {

/// Samples in `x` and requires of every value, bit for bit, what it becomes alone.
template <class X>
void require_samples(X&& x) {
  const dpm::Plan plan = third_order_plan();
  set_start(x);
  const dpm::RunReport report = dpm::sample(plan, Network{}, x);
  REQUIRE(report.model_calls == 7);
  REQUIRE(report.steps == 6);
  require_end(plan, x);
}

}  // namespace

TEST_CASE("a state may be an Eigen array or matrix") {
  require_samples(Eigen::ArrayXXf(rows, cols));
  require_samples(Eigen::ArrayXXd(rows, cols));
  require_samples(Eigen::MatrixXf(rows, cols));
  require_samples(Eigen::MatrixXd(rows, cols));
  require_samples(Eigen::ArrayXd(rows));
  require_samples(Eigen::VectorXf(rows));
  require_samples(Eigen::RowVectorXd(cols));
  SECTION("of fixed size") {
    require_samples(Eigen::Array2d());
    require_samples(Eigen::Array<float, 4, 3>());
    require_samples(Eigen::Array<double, 4, Dynamic>(rows, cols));
    require_samples(Eigen::Array<double, 4, Dynamic, 0, 4, 5>(rows, cols));
    require_samples(Eigen::Vector4f());
  }
  SECTION("in row-major order") {
    require_samples(Eigen::Array<float, Dynamic, Dynamic, RowMajor>(rows, cols));
    require_samples(Eigen::Matrix<double, Dynamic, Dynamic, RowMajor>(rows, cols));
    require_samples(Eigen::Array<float, 4, 3, RowMajor>());
  }
}

TEST_CASE("a state may be a view of values that live elsewhere") {
  std::array<double, rows * cols> doubles{};
  std::array<float, rows * cols> floats{};
  const dpm::Plan plan = third_order_plan();

  SECTION("an Eigen map") {
    Eigen::Map<Eigen::ArrayXXd> map(doubles.data(), rows, cols);
    require_samples(map);
    require_end(plan, doubles);
    require_samples(Eigen::Map<Eigen::ArrayXXf>(floats.data(), rows, cols));
    require_end(plan, floats);
  }
  SECTION("an Eigen map as a temporary argument") {
    set_start(floats);
    dpm::sample(plan, Network{}, Eigen::Map<Eigen::MatrixXf>(floats.data(), rows, cols));
    require_end(plan, floats);
  }
  SECTION("an Eigen map with gaps, which keep what they hold") {
    std::array<float, 5 * cols> wide;
    wide.fill(7.0F);
    using Stride = Eigen::OuterStride<>;
    require_samples(Eigen::Map<Eigen::ArrayXXf, 0, Stride>(wide.data(), rows, cols, Stride(5)));
    for (std::size_t c = 0; c < cols; ++c) REQUIRE(wide[5 * c + rows] == 7.0F);
  }
  SECTION("a span") {
    std::span<double> span(doubles);
    require_samples(span);
    require_end(plan, doubles);
    require_samples(std::span<float, rows * cols>(floats));
    require_end(plan, floats);
    set_start(doubles);
    dpm::sample(plan, Network{}, std::span<double>(doubles));
    require_end(plan, doubles);
    const std::span<float> constant(floats);  // its values are not
    set_start(floats);
    dpm::sample(plan, Network{}, constant);
    require_end(plan, floats);
  }
  SECTION("a built-in array") {
    float built_in[rows * cols];
    set_start(built_in);
    dpm::sample(plan, Network{}, built_in);
    require_end(plan, built_in);
  }
}

TEST_CASE("a state may be a vector or an array of float or double") {
  require_samples(std::vector<float>(rows * cols));
  require_samples(std::vector<double>(rows * cols));
  require_samples(std::array<float, rows * cols>());
  require_samples(std::array<double, rows * cols>());
}

namespace elsewhere {

/// A user's own state: two numbers in a record. It has no `data()` and is no range.
struct Pair {
  double first = 0.0;
  double second = 0.0;
};

void combine(const dpm::Weights& weights, std::span<Pair* const> targets,
             std::span<const Pair* const> operands) {
  std::array<Pair, dpm::Combine::max_targets> sums{};
  for (std::size_t i = 0; i < targets.size(); ++i) {
    for (std::size_t j = 0; j < operands.size(); ++j) {
      sums[i].first += weights(i, j) * operands[j]->first;
      sums[i].second += weights(i, j) * operands[j]->second;
    }
  }
  for (std::size_t i = 0; i < targets.size(); ++i) *targets[i] = sums[i];
}

bool all_finite(const Pair& pair) {
  return std::isfinite(pair.first) && std::isfinite(pair.second);
}

/// A state the library could combine by itself, but that has its own way.
struct CountedVector : std::vector<double> {
  using std::vector<double>::vector;
  static inline int combinations = 0;
};

void combine(const dpm::Weights& weights, std::span<CountedVector* const> targets,
             std::span<const CountedVector* const> operands) {
  ++CountedVector::combinations;
  std::array<std::vector<double>*, dpm::Combine::max_targets> to{};
  std::array<const std::vector<double>*, dpm::Combine::max_operands> from{};
  for (std::size_t i = 0; i < targets.size(); ++i) to[i] = targets[i];
  for (std::size_t j = 0; j < operands.size(); ++j) from[j] = operands[j];
  dpm::combine(weights, std::span<std::vector<double>* const>(to.data(), targets.size()),
               std::span<const std::vector<double>* const>(from.data(), operands.size()));
}

}  // namespace elsewhere

TEST_CASE("a state may be a type of one's own with combine in its own namespace") {
  using elsewhere::Pair;
  const dpm::Plan plan = third_order_plan();
  Pair pair{start_at(0, 0), start_at(1, 0)};
  int calls = 0;
  const dpm::RunReport report = dpm::sample(
      plan,
      [&](const Pair& x, double timestep) {
        ++calls;
        return Pair{network(x.first, timestep), network(x.second, timestep)};
      },
      pair);
  REQUIRE(calls == 7);
  REQUIRE(report.model_calls == 7);
  REQUIRE_THAT(pair.first, WithinRel(end_at<double>(plan, 0, 0), 1e-13));
  REQUIRE_THAT(pair.second, WithinRel(end_at<double>(plan, 1, 0), 1e-13));

  const auto spoils_one = [](const Pair&, double) { return Pair{0.0, NAN}; };
  const double before = pair.first;
  REQUIRE_THROWS_AS(dpm::sample(plan, spoils_one, pair), dpm::NonFinite);
  REQUIRE(pair.first == before);

  elsewhere::CountedVector vector(rows * cols);
  set_start(vector);
  dpm::sample(plan, Network{}, vector);
  require_end(plan, vector);
  REQUIRE(elsewhere::CountedVector::combinations >= 7);
}

}  // namespace states_test
