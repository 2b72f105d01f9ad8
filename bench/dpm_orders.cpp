// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Prints the declared and the measured order of every method; exits non-zero when one breaks the
/// law that the measured order is nowhere more than 0.15 below, and on some problem within 0.3 of
/// it.
#include <cmath>
#include <cstdio>
#include <utility>

#include "support/every_method.hpp"
#include "support/order_problems.hpp"

namespace {

using dpm_test::NamedMethod;
using dpm_test::OrderProblem;
using dpm_test::OrderVerdict;

/// Where a method's leading error hides on every problem, its order is measured once more from a
/// time where predictions change fastest (see law 2 in tests/laws/laws.test.cpp).
void judge_late_start(const NamedMethod& method, OrderVerdict& verdict) {
  const OrderProblem late{"from t = 0.3 to 0.01", 0.3, 0.01, true};
  dpm::Convergence c = dpm_test::measure(method, late);
  verdict.near_once = std::abs(c.order - method.order) <= 0.3;
  if (c.slopes.size() < 4) verdict.never_below = false;
  for (const double slope : c.slopes) {
    if (!(slope >= method.order - 0.15)) verdict.never_below = false;
  }
  verdict.results.emplace_back(late, std::move(c));
}

}  // namespace

int main() {
  int broken = 0;
  std::printf(
      "Order of convergence, declared and measured over four halvings of the step (the\n"
      "stochastic methods: weak order, from the exact mean and deviation of the output).\n");
  for (const NamedMethod& method : dpm_test::every_method()) {
    OrderVerdict verdict = dpm_test::judge_order(method);
    if (!verdict.near_once) judge_late_start(method, verdict);
    const bool good = verdict.never_below && verdict.near_once;
    std::printf("\n%s: declared %d%s\n", method.name.c_str(), method.order,
                good ? "" : "   BROKEN");
    for (const auto& [problem, result] : verdict.results) {
      std::printf("  %-28s %5.2f   at each halving", problem.name.c_str(), result.order);
      for (const double slope : result.slopes) std::printf(" %5.2f", slope);
      std::printf("   error %.1e at %d steps to %.1e at %d\n", result.errors.front(),
                  result.steps.front(), result.errors.back(), result.steps.back());
    }
    if (!good) ++broken;
  }
  std::printf("\n%d of %zu methods break the law\n", broken, dpm_test::every_method().size());
  return broken == 0 ? 0 : 1;
}
