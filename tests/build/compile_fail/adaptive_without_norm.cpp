// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A state of one's own that other runs take needs a norm of its error for adaptive steps.
// expect: this type is not a state for adaptive steps.*error_norm\(lower, higher, previous
#include <span>

#include <dpm/dpm.hpp>
#include <dpm/run/adaptive.hpp>

struct Number {
  double value = 0.0;

  friend void combine(const dpm::Weights& weights, std::span<Number* const> targets,
                      std::span<const Number* const> operands) {
    double sum = 0.0;
    for (std::size_t j = 0; j < operands.size(); ++j) sum += weights(0, j) * operands[j]->value;
    for (Number* target : targets) target->value = sum;
  }
#ifdef DPM_FIXED
  friend double error_norm(const Number& lower, const Number& higher, const Number& /*previous*/,
                           const dpm::ErrorTolerance& tolerance) {
    return (higher.value - lower.value) / tolerance.absolute;
  }
#endif
};

void run(const dpm::AnySchedule& schedule, Number& x) {
  const auto model = [](const Number& in, double) { return in; };
  dpm::sample_adaptive(dpm::AdaptiveDpmSolver{}, schedule, model, x);
}
