// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A run whose every value has its own end, whatever the state is: a network that treats values
/// one by one, starts, and the ends of runs over one value alone.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace dpm_test {

/// Timesteps are whole numbers here, so that they fit every type a model may take them in.
inline const dpm::AnySchedule index_schedule =
    dpm::DiscreteSchedule(dpm::linear_betas(), dpm::TimestepType::discrete);

/// Seven calls in six steps: the first step is singlestep and so uses the stage register.
inline dpm::Plan third_order_plan(dpm::Correction correction = dpm::Correction::none) {
  return make_plan(dpm::DpmSolver{.order = 3}, make_grid(dpm::UniformLambda{}, index_schedule, 6),
                   dpm::Prediction::noise, correction);
}

/// The "network", value by value.
inline double network(double x, double timestep) { return x / (1.0 + x * x) + 1e-4 * timestep; }

/// The network as a model for every state with `data()` and `size()`.
struct Network {
  template <class State>
  void operator()(const State& x, double timestep, State& out) const {
    using Scalar = std::remove_cvref_t<decltype(*out.data())>;
    for (decltype(x.size()) i = 0; i < x.size(); ++i) {
      out.data()[i] = static_cast<Scalar>(network(static_cast<double>(x.data()[i]), timestep));
    }
  }
};

inline constexpr int rows = 4;
inline constexpr int cols = 3;

/// Where element r of sample c starts.
inline double start_at(int r, int c) { return std::sin(1.0 + 1.3 * r + 4.1 * c) * 1.4; }

/// Where it ends: the run of that number alone, in a state of its own.
template <class Scalar>
Scalar end_at(const dpm::Plan& plan, int r, int c) {
  std::vector<Scalar> x{static_cast<Scalar>(start_at(r, c))};
  dpm::sample(plan, Network{}, x);
  return x[0];
}

template <class X>
void set_start(X& x) {
  if constexpr (dpm::EigenState<X>) {
    for (int c = 0; c < x.cols(); ++c) {
      for (int r = 0; r < x.rows(); ++r) x(r, c) = static_cast<typename X::Scalar>(start_at(r, c));
    }
  } else {
    for (int i = 0; i < rows * cols; ++i) {
      x[static_cast<std::size_t>(i)] =
          static_cast<std::remove_cvref_t<decltype(x[0])>>(start_at(i % rows, i / rows));
    }
  }
}

template <class X>
void require_end(const dpm::Plan& plan, const X& x) {
  if constexpr (dpm::EigenState<const X>) {
    for (int c = 0; c < x.cols(); ++c) {
      for (int r = 0; r < x.rows(); ++r) {
        REQUIRE(x(r, c) == end_at<typename X::Scalar>(plan, r, c));
      }
    }
  } else {
    for (int i = 0; i < rows * cols; ++i) {
      using Scalar = std::remove_cvref_t<decltype(x[0])>;
      REQUIRE(x[static_cast<std::size_t>(i)] == end_at<Scalar>(plan, i % rows, i / rows));
    }
  }
}

}  // namespace dpm_test
