// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A program that is built with -ffast-math -fno-finite-math-only, or with
/// -funsafe-math-optimizations alone: a NaN or an infinity is still seen, wherever it stands and
/// whatever holds it, noise has its bits, and runs may start at alpha = 0 and end at sigma = 0.
#include <Eigen/Core>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/noise_golden.hpp"

namespace {

using Limits = std::numeric_limits<float>;
constexpr std::array<float, 3> bad_values{Limits::quiet_NaN(), Limits::infinity(),
                                          -Limits::infinity()};

template <class Scalar>
int missed_by_all_finite() {
  int missed = 0;
  for (const std::size_t size : {1U, 2U, 31U, 64U, 150U}) {
    std::vector<Scalar> x(size, static_cast<Scalar>(0.5F));
    missed += dpm::all_finite(x) ? 0 : 1;
    for (Scalar& value : x) {
      for (const float bad : bad_values) {
        value = static_cast<Scalar>(bad);
        missed += dpm::all_finite(x) ? 1 : 0;
      }
      value = static_cast<Scalar>(0.5F);
    }
  }
  return missed;
}

/// The same in the pass of `combine`, which overwrites what it looks at.
template <class State>
int missed_by_combine(const State& good) {
  using Scalar = typename State::value_type;
  int missed = 0;
  for (const float bad : bad_values) {
    for (std::size_t k = 0; k < std::size_t(good.size()); ++k) {
      for (const std::size_t bad_operand : {0U, 1U}) {
        std::array<State, 2> states{good, good};
        states[bad_operand][k] = static_cast<Scalar>(bad);
        const std::array<double, 2> weights{0.5, 0.25};
        const std::array<State*, 1> target{&states[1]};
        const std::array<const State*, 2> operands{&states[0], &states[1]};
        const bool finite = dpm::detail::combine_and_check<State>(dpm::Weights(weights.data(), 2),
                                                                  target, operands, 1);
        missed += finite == (bad_operand == 0) ? 0 : 1;
      }
    }
  }
  return missed;
}

template <class Scalar>
int missed_by_combine() {
  std::array<Scalar, 3> few;
  few.fill(static_cast<Scalar>(0.5F));
  return missed_by_combine(few) + missed_by_combine(std::vector<Scalar>(70, few[0]));
}

/// A network that fails in its third call must stop the run.
template <class State>
int missed_by_runs(State start) {
  int missed = 0;
  for (const float bad : bad_values) {
    State x = start;
    int calls = 0;
    const auto network = [&](const State& at, double, State& out) {
      out = at;
      if (++calls == 3) out[1] = bad;
    };
    try {
      dpm::sample(dpm::VpLinear(), 8, network, x);
      ++missed;
    } catch (const dpm::NonFinite&) {
      missed += calls == 3 ? 0 : 1;
    }
  }
  return missed;
}

int wrong_bits_of_noise() {
  int wrong = 0;
  for (const auto& [key, bits] : dpm_test::keyed_goldens) {
    const auto values = dpm::normal_draws(key.seed, key.sample, key.draw, key.block);
    for (std::size_t k = 0; k < 4; ++k) {
      wrong += dpm::detail::bit_cast<std::uint64_t>(values[k]) == bits[k] ? 0 : 1;
    }
  }
  return wrong;
}

/// The exact flow of Gaussian data from pure noise to clean data.
int wrong_samples_of_singular_ends() {
  const dpm::Gaussian gaussian({0.5}, {0.3});
  const auto flow = [](const std::vector<double>& x, const dpm::Level& at,
                       std::vector<double>& out) {
    // E[epsilon - x_0] at x, which is finite at both ends.
    const double variance = at.alpha() * at.alpha() * 0.09 + at.sigma() * at.sigma();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double place = (x[i] - at.alpha() * 0.5) / variance;
      out[i] = at.sigma() * place - (0.5 + at.alpha() * 0.09 * place);
    }
  };
  std::vector<double> x{0.7, -1.2};
  const std::vector<double> exact =
      gaussian.solve_ode(x, dpm::RectifiedFlow().level(1.0), dpm::RectifiedFlow().level(0.0));
  dpm::sample(dpm::RectifiedFlow(), 50, flow, x, dpm::Prediction::flow);
  return (std::abs(x[0] - exact[0]) < 0.01 ? 0 : 1) + (std::abs(x[1] - exact[1]) < 0.01 ? 0 : 1);
}

}  // namespace

int main() {
  const int missed = missed_by_all_finite<float>() + missed_by_all_finite<double>() +
                     missed_by_all_finite<Eigen::half>() + missed_by_all_finite<Eigen::bfloat16>() +
                     missed_by_combine<float>() + missed_by_combine<double>() +
                     missed_by_combine<Eigen::half>() + missed_by_combine<Eigen::bfloat16>() +
                     missed_by_runs(std::vector<float>(100, 0.5F)) +
                     missed_by_runs(Eigen::Array2f(0.5F, -0.5F));
  std::printf("%d values that are not finite went unseen\n", missed);
  const int wrong = wrong_bits_of_noise();
  std::printf("%d draws have other bits\n", wrong);
  const int spoilt = wrong_samples_of_singular_ends();
  std::printf("%d samples of a flow are wrong\n", spoilt);
  return missed + wrong + spoilt == 0 ? 0 : 1;
}
