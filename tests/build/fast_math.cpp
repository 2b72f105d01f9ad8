// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A program that is built with -ffast-math -fno-finite-math-only: a NaN or an infinity is still
/// seen, wherever it stands and whatever holds it.
#include <Eigen/Core>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <vector>

#include "dpm/dpm.hpp"

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

}  // namespace

int main() {
  const int missed = missed_by_all_finite<float>() + missed_by_all_finite<double>() +
                     missed_by_all_finite<Eigen::half>() + missed_by_all_finite<Eigen::bfloat16>() +
                     missed_by_runs(std::vector<float>(100, 0.5F)) +
                     missed_by_runs(Eigen::Array2f(0.5F, -0.5F));
  std::printf("%d values that are not finite went unseen\n", missed);
  return missed == 0 ? 0 : 1;
}
