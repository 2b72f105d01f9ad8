// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What `combine` says of an operand that it is asked to look at, in the pass that reads it.
#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <Eigen/Core>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace combine_test {

namespace {

using Limits = std::numeric_limits<float>;

/// `targets` sums of `operands` states of ones. The targets are the first operands.
template <class State>
struct Sums {
  Sums(const State& ones, std::size_t targets, std::size_t operands)
      : states(operands, ones), weights(targets * operands, 0.25) {
    for (std::size_t i = 0; i < targets; ++i) to.push_back(&states[i]);
    for (const State& state : states) from.push_back(&state);
  }
  /// Forms the sums in place and says whether operand number `checked` was finite.
  bool finite(std::size_t checked) {
    return dpm::detail::combine_and_check(
        dpm::Weights(weights.data(), from.size()), std::span<State* const>(to.data(), to.size()),
        std::span<const State* const>(from.data(), from.size()), checked);
  }

  std::vector<State> states;
  std::vector<double> weights;
  std::vector<State*> to;
  std::vector<const State*> from;
};

/// Of all places for one bad value in a state like `ones`, those where it is missed if its operand
/// is looked at, or seen if another is.
template <class State>
int failures(const State& ones, std::size_t targets, std::size_t operands) {
  using Scalar = typename State::value_type;
  int failures = Sums<State>(ones, targets, operands).finite(0) ? 0 : 1;
  for (std::size_t bad_operand = 0; bad_operand < operands; ++bad_operand) {
    for (std::size_t k = 0; k < std::size_t(ones.size()); ++k) {
      const float bad =
          std::array{Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}[k % 3];
      for (std::size_t checked = 0; checked < operands; ++checked) {
        Sums<State> sums(ones, targets, operands);
        dpm::dense_view(sums.states[bad_operand]).data[k] = static_cast<Scalar>(bad);
        failures += sums.finite(checked) == (checked != bad_operand) ? 0 : 1;
      }
    }
  }
  return failures;
}

}  // namespace

TEMPLATE_TEST_CASE("a value that is not finite is seen in the operand that is looked at", "", float,
                   double, long double, Eigen::half, Eigen::bfloat16) {
  // A block is 32 floats or 16 doubles, so that these are one value, a rest, a block, and several.
  for (const std::size_t size : {1U, 15U, 32U, 33U, 75U}) {
    const std::vector<TestType> ones(size, TestType(1.0F));
    for (const std::size_t targets : {1U, 2U, 3U}) {
      for (const std::size_t operands : {std::size_t{3}, std::size_t{7}}) {
        CAPTURE(size, targets, operands);
        REQUIRE(failures(ones, targets, operands) == 0);
      }
    }
    REQUIRE(failures(ones, 1, 1) == 0);
    REQUIRE(failures(ones, 2, 2) == 0);
  }
}

TEMPLATE_TEST_CASE("a value that is not finite is seen in a state of a fixed size", "", float,
                   double, long double, Eigen::half, Eigen::bfloat16) {
  const auto require_seen = [](auto ones) {
    ones.fill(TestType(1.0F));
    for (const std::size_t targets : {1U, 2U, 3U}) {
      CAPTURE(ones.size(), targets);
      REQUIRE(failures(ones, targets, 3) == 0);
    }
  };
  require_seen(std::array<TestType, 1>());
  require_seen(std::array<TestType, 2>());
  require_seen(std::array<TestType, 7>());
  require_seen(std::array<TestType, 16>());
  require_seen(Eigen::Array<TestType, 2, 1>());
  require_seen(Eigen::Array<TestType, 3, 5>());
}

TEMPLATE_TEST_CASE("an operand that is looked at counts even where it weighs nothing", "", float,
                   double) {
  for (const std::size_t size : {7U, 64U}) {
    Sums<std::vector<TestType>> sums(std::vector<TestType>(size, TestType(1)), 2, 3);
    sums.weights = {0.5, 0.25, 0.25, 0.5, 0.5, 0.0};
    sums.states[2][size - 1] = -std::numeric_limits<TestType>::infinity();
    REQUIRE_FALSE(sums.finite(2));
    REQUIRE(sums.states[1][size - 1] == TestType(1));
  }
}

TEMPLATE_TEST_CASE("the largest and the smallest finite values pass", "", float, double,
                   Eigen::half, Eigen::bfloat16) {
  using Own = std::numeric_limits<TestType>;
  for (const std::size_t size : {5U, 200U, 40000U}) {
    for (const TestType value :
         {Own::max(), Own::lowest(), Own::min(), Own::denorm_min(), TestType(0.0F)}) {
      Sums<std::vector<TestType>> sums(std::vector<TestType>(size, value), 1, 2);
      REQUIRE(sums.finite(0));
      REQUIRE(sums.finite(1));
    }
  }
}

TEST_CASE("a processor without AVX2 sees what is not finite too") {
  for (std::size_t k = 0; k < 40; ++k) {
    std::vector<float> x(40, 1.0F);
    std::vector<float> m = x;
    m[k] = Limits::quiet_NaN();
    const std::array<double, 2> weights{0.5, 0.5};
    const std::array<float*, 1> to{m.data()};
    const std::array<const float*, 2> from{x.data(), m.data()};
    const auto is_finite = [&](const float* watched) {
      return dpm::detail::combine_one_by_one<float>(dpm::Weights(weights.data(), 2), to, from,
                                                    watched, 0, 40);
    };
    REQUIRE_FALSE(is_finite(m.data()));
    m.assign(40, 1.0F);
    REQUIRE(is_finite(m.data()));
  }
}

TEST_CASE("the sums do not depend on the operand that is looked at") {
  for (const std::size_t size : {2U, 75U, 1000U}) {
    const std::vector<float> ones(size, 1.0F / 3.0F);
    Sums<std::vector<float>> plain(ones, 2, 4);
    dpm::combine(dpm::Weights(plain.weights.data(), 4),
                 std::span<std::vector<float>* const>(plain.to.data(), 2),
                 std::span<const std::vector<float>* const>(plain.from.data(), 4));
    for (std::size_t checked = 0; checked < 4; ++checked) {
      Sums<std::vector<float>> sums(ones, 2, 4);
      REQUIRE(sums.finite(checked));
      REQUIRE(sums.states == plain.states);
    }
  }
}

}  // namespace combine_test
