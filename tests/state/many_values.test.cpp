// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The kernels behind `combine`: which one runs does not show, and half types round once.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <valarray>
#include <vector>

#include <Eigen/Core>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace many_values_test {

namespace {

template <class State>
void combine(const std::vector<double>& weights, std::vector<State*> targets,
             const std::vector<const State*>& operands) {
  dpm::combine(dpm::Weights(weights.data(), operands.size()),
               std::span<State* const>(targets.data(), targets.size()),
               std::span<const State* const>(operands.data(), operands.size()));
}

double weight(std::size_t i, std::size_t j) { return 0.3 + 0.17 * double(i) - 0.29 * double(j); }
template <class Scalar>
Scalar value(std::size_t j, std::size_t k) {
  return static_cast<Scalar>(std::sin(1.0 + 3.0 * double(j) + 0.7 * double(k)));
}

/// Weights of `targets` rows, the last of which has `in_last` that are not zero.
std::vector<double> weights_of(std::size_t targets, std::size_t operands, std::size_t in_last) {
  std::vector<double> weights;
  for (std::size_t i = 0; i < targets; ++i) {
    for (std::size_t j = 0; j < operands; ++j) {
      weights.push_back(i + 1 == targets && j >= in_last ? 0.0 : weight(i, j));
    }
  }
  return weights;
}

/// The sums that one row stands for: products are added in order, each rounded with its sum where
/// the type is one that kernels are there for.
template <class State>
State row_by_row(const std::vector<double>& weights, std::size_t row,
                 const std::vector<State>& operands) {
  using Scalar = typename State::value_type;
  const double* const w = weights.data() + row * operands.size();
  State sum = operands[0];
  for (std::size_t k = 0; k < sum.size(); ++k) {
    sum[k] = static_cast<Scalar>(w[0]) * sum[k];
    for (std::size_t j = 1; j < operands.size(); ++j) {
      const auto weight = static_cast<Scalar>(w[j]);
      const bool fused = !std::is_same_v<Scalar, long double>;
      sum[k] = fused ? std::fma(weight, operands[j][k], sum[k]) : weight * operands[j][k] + sum[k];
    }
  }
  return sum;
}

template <class Scalar>
void require_same_for_every_kernel(std::size_t size) {
  using State = std::vector<Scalar>;
  for (std::size_t targets = 1; targets <= 3; ++targets) {
    for (std::size_t operands = 1; operands <= 8; ++operands) {
      for (const std::size_t in_last : {std::size_t{1}, std::size_t{2}, std::size_t{3}, operands}) {
        CAPTURE(size, targets, operands, in_last);
        std::vector<State> from(operands, State(size));
        for (std::size_t j = 0; j < operands; ++j) {
          for (std::size_t k = 0; k < size; ++k) from[j][k] = value<Scalar>(j, k);
        }
        std::vector<const State*> read;
        for (const State& state : from) read.push_back(&state);
        std::vector<State> to(targets, State(size));
        std::vector<State*> written;
        for (State& state : to) written.push_back(&state);
        const std::vector<double> weights = weights_of(targets, operands, in_last);
        combine(weights, written, read);
        for (std::size_t i = 0; i < targets; ++i) {
          const State expected = row_by_row(weights, i, from);
          REQUIRE(to[i] == expected);
        }
      }
    }
  }
}

/// The same bits, or both NaN.
template <class Scalar>
bool same(const Scalar& a, const Scalar& b) {
  const auto wide_a = static_cast<double>(a);
  const auto wide_b = static_cast<double>(b);
  if (std::isnan(wide_a) || std::isnan(wide_b)) return std::isnan(wide_a) && std::isnan(wide_b);
  return wide_a == wide_b && std::signbit(wide_a) == std::signbit(wide_b);
}

/// The kernel that is chosen against the one for any size and what runs where there is no AVX2, on
/// values of which some are infinite, NaN or zeros of either sign.
template <class Scalar>
void require_same_without_kernels() {
  using State = std::vector<Scalar>;
  constexpr std::size_t size = 3 * dpm::detail::kernel_block<Scalar>;
  const std::array<double, 5> special{INFINITY, -INFINITY, NAN, 0.0, -0.0};
  for (std::size_t targets = 1; targets <= 3; ++targets) {
    for (std::size_t operands = 1; operands <= 8; ++operands) {
      for (const std::size_t in_last : {std::size_t{1}, std::size_t{2}, operands}) {
        CAPTURE(targets, operands, in_last);
        std::vector<State> from(operands, State(size));
        std::array<const Scalar*, 8> read{};
        for (std::size_t j = 0; j < operands; ++j) {
          for (std::size_t k = 0; k < size; ++k) {
            const bool is_special = (k + 5 * j) % 13 == 0;
            from[j][k] =
                is_special ? static_cast<Scalar>(special[(k + j) % 5]) : value<Scalar>(j, k);
          }
          read[j] = from[j].data();
        }
        std::vector<State> chosen(targets, State(size));
        std::vector<State> any_size(targets, State(size));
        std::vector<State> one_by_one(targets, State(size));
        std::array<std::array<Scalar*, 3>, 3> to{};
        for (std::size_t i = 0; i < targets; ++i) {
          to[0][i] = chosen[i].data();
          to[1][i] = any_size[i].data();
          to[2][i] = one_by_one[i].data();
        }
        const std::vector<double> values = weights_of(targets, operands, in_last);
        const dpm::Weights weights(values.data(), operands);
        const std::span<const Scalar* const> all(read.data(), operands);
        dpm::detail::combine_arrays<Scalar>(weights, {to[0].data(), targets}, all, size);
        dpm::detail::combine_one_by_one<Scalar>(weights, {to[2].data(), targets}, all, all[0], 0,
                                                size);
        if (dpm::detail::has_kernels()) {
          dpm::detail::combine_blocks_of_any_size<Scalar>(weights, {to[1].data(), targets}, all,
                                                          all[0], 0, size);
        } else {
          any_size = one_by_one;
        }
        std::size_t others = 0;
        for (std::size_t i = 0; i < targets; ++i) {
          for (std::size_t k = 0; k < size; ++k) {
            others += same(chosen[i][k], any_size[i][k]) ? 0 : 1;
            others += same(chosen[i][k], one_by_one[i][k]) ? 0 : 1;
          }
        }
        REQUIRE(others == 0);
      }
    }
  }
}

template <class Half>
void require_one_rounding() {
  using State = Eigen::Array<Half, Eigen::Dynamic, 1>;
  constexpr Eigen::Index size = 77;
  std::array<State, 4> from;
  for (std::size_t j = 0; j < 4; ++j) {
    from[j].resize(size);
    for (Eigen::Index k = 0; k < size; ++k) from[j][k] = value<Half>(j, std::size_t(k));
  }
  State sum(size);
  State pair(size);
  const std::vector<double> weights = weights_of(2, 4, 2);
  combine<State>(weights, {&sum, &pair}, {&from[0], &from[1], &from[2], &from[3]});
  for (Eigen::Index k = 0; k < size; ++k) {
    for (const std::size_t row : {std::size_t{0}, std::size_t{1}}) {
      double exact = 0.0;
      for (std::size_t j = 0; j < 4; ++j) {
        exact += weights[4 * row + j] * static_cast<double>(static_cast<float>(from[j][k]));
      }
      const double is = static_cast<float>(row == 0 ? sum[k] : pair[k]);
      // Half a unit in the last place of the result, and what float adds.
      const int digits = std::numeric_limits<Half>::digits;
      const double half_unit = std::ldexp(0.5, std::ilogb(exact) + 1 - digits);
      REQUIRE(std::abs(is - exact) <= half_unit + 4e-7);
    }
  }
}

/// Steps through all values that a half type has against its own conversions.
template <class Half>
void require_own_conversions() {
  using State = Eigen::Array<Half, Eigen::Dynamic, 1>;
  State all(65536);
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    all[bits] = Eigen::numext::bit_cast<Half>(static_cast<std::uint16_t>(bits));
  }
  for (const double weight : {1.0, -0.5, 0.3, 1.5, 1.0 / 1024}) {
    State scaled(65536);
    combine<State>({weight}, {&scaled}, {&all});
    for (Eigen::Index k = 0; k < 65536; ++k) {
      const Half expected = static_cast<Half>(static_cast<float>(weight) * float(all[k]));
      CAPTURE(weight, k, float(expected), float(scaled[k]));
      if (std::isnan(float(expected))) {
        REQUIRE(std::isnan(float(scaled[k])));
      } else {
        REQUIRE(Eigen::numext::bit_cast<std::uint16_t>(scaled[k]) ==
                Eigen::numext::bit_cast<std::uint16_t>(expected));
      }
    }
  }
}

template <class Scalar>
void require_all_seen() {
  using Limits = std::numeric_limits<float>;
  for (const Eigen::Index size : {1, 31, 32, 33, 150}) {
    Eigen::Array<Scalar, Eigen::Dynamic, 1> x(size);
    x.setConstant(static_cast<Scalar>(0.5F));
    REQUIRE(dpm::all_finite(x));
    for (Eigen::Index k = 0; k < size; ++k) {
      for (const float bad : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
        x[k] = static_cast<Scalar>(bad);
        CAPTURE(size, k, bad);
        REQUIRE_FALSE(dpm::all_finite(x));
      }
      x[k] = static_cast<Scalar>(0.5F);
    }
  }
}

}  // namespace

TEST_CASE("every kernel forms the sums of its rows, whatever the last row leaves out") {
  for (const std::size_t size : {1U, 15U, 16U, 17U, 64U, 131U}) {
    require_same_for_every_kernel<float>(size);
    require_same_for_every_kernel<double>(size);
  }
}

TEST_CASE("a processor without AVX2 gets the same bits") {
  require_same_without_kernels<float>();
  require_same_without_kernels<double>();
  require_same_without_kernels<Eigen::half>();
  require_same_without_kernels<Eigen::bfloat16>();
}

TEST_CASE("views with gaps are not combined") {
  Eigen::ArrayXXf x = Eigen::ArrayXXf::Ones(4, 3);
  auto view = x.topRows(2);
  using View = decltype(view);
  REQUIRE_THROWS_AS((combine<View>({2.0}, {&view}, {&view})), dpm::InvalidArgument);
  REQUIRE((x == 1.0F).all());
}

TEST_CASE("scalars that no vector register holds are combined too") {
  require_same_for_every_kernel<long double>(21);
}

TEST_CASE("a std::valarray is a state") {
  std::valarray<double> x(1.0, 40);
  const std::valarray<double> m(2.0, 40);
  combine<std::valarray<double>>({0.5, 0.25}, {&x}, {&x, &m});
  for (const double value : x) REQUIRE(value == 1.0);
}

TEST_CASE("an operand that a row of weights leaves out does not reach the row's target") {
  using State = std::vector<float>;
  State x(40, 1.0F);
  State m(40, 2.0F);
  const State bad(40, std::numeric_limits<float>::infinity());
  combine<State>({0.5, 0.25, 1.0, 0.5, 0.25, 0.0}, {&x, &m}, {&x, &m, &bad});
  for (const float value : m) REQUIRE(value == 1.0F);
  REQUIRE_FALSE(dpm::all_finite(x));
}

TEST_CASE("half types are summed in float and rounded once") {
  require_one_rounding<Eigen::half>();
  require_one_rounding<Eigen::bfloat16>();
}

TEST_CASE("half types are converted as they convert themselves") {
  require_own_conversions<Eigen::half>();
  require_own_conversions<Eigen::bfloat16>();
}

TEST_CASE("a value that is not finite is seen wherever it stands") {
  require_all_seen<float>();
  require_all_seen<double>();
  require_all_seen<Eigen::half>();
  require_all_seen<Eigen::bfloat16>();
}

TEMPLATE_TEST_CASE("a state of a fixed size gets what a state of any size gets", "", float, double,
                   long double, Eigen::half, Eigen::bfloat16) {
  const auto require_same = [](auto size) {
    constexpr std::size_t n = decltype(size)::value;
    using Few = std::array<TestType, n>;
    std::array<Few, 4> few;
    std::array<std::vector<TestType>, 4> many;
    for (std::size_t j = 0; j < 4; ++j) {
      for (std::size_t k = 0; k < n; ++k) few[j][k] = value<TestType>(j, k);
      many[j].assign(few[j].begin(), few[j].end());
    }
    const std::vector<double> weights = weights_of(2, 4, 3);
    combine<Few>(weights, {&few[0], &few[1]}, {&few[0], &few[1], &few[2], &few[3]});
    combine<std::vector<TestType>>(weights, {&many[0], &many[1]},
                                   {&many[0], &many[1], &many[2], &many[3]});
    for (std::size_t k = 0; k < n; ++k) {
      REQUIRE(few[0][k] == many[0][k]);
      REQUIRE(few[1][k] == many[1][k]);
    }
  };
  require_same(std::integral_constant<std::size_t, 1>());
  require_same(std::integral_constant<std::size_t, 2>());
  require_same(std::integral_constant<std::size_t, 3>());
  require_same(std::integral_constant<std::size_t, 4>());
  require_same(std::integral_constant<std::size_t, 8>());
  require_same(std::integral_constant<std::size_t, 16>());
}

TEST_CASE("a run in half is the run in float, to the rounding of its registers") {
  const auto run = [](auto x) {
    using Scalar = typename decltype(x)::value_type;
    dpm::sample(
        dpm::make_plan(dpm::DpmSolver{}, dpm::VpLinear(), 20, dpm::Prediction::data),
        [](const auto& at, double, auto& out) {
          for (std::size_t k = 0; k < at.size(); ++k) {
            out[k] = static_cast<Scalar>(0.8F * std::tanh(static_cast<float>(at[k])));
          }
        },
        x);
    return x;
  };
  std::vector<float> start(33);
  dpm::NormalNoise{.seed = 4}.fill(start);
  std::vector<Eigen::half> half_start;
  for (const float value : start) half_start.push_back(static_cast<Eigen::half>(value));
  const auto expected = run(start);
  const auto result = run(half_start);
  float largest = 0.0F;
  for (std::size_t k = 0; k < start.size(); ++k) {
    // Twenty steps that each round two registers of values below 4 by at most 2^-10; the data
    // prediction does not stretch errors.
    REQUIRE(std::abs(static_cast<float>(result[k]) - expected[k]) < 40.0F / 1024.0F);
    largest = std::max(largest, std::abs(static_cast<float>(result[k]) - expected[k]));
  }
  REQUIRE(largest > 0.0F);
}

TEST_CASE("all_finite looks at half types too") {
  Eigen::Array<Eigen::half, Eigen::Dynamic, 1> x(50);
  x.setConstant(Eigen::half(1.0F));
  REQUIRE(dpm::all_finite(x));
  for (const Eigen::Index at : {0, 31, 49}) {
    auto bad = x;
    bad[at] = Eigen::half(std::numeric_limits<float>::infinity());
    REQUIRE_FALSE(dpm::all_finite(bad));
  }
}

}  // namespace many_values_test
