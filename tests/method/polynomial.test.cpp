// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Which predictions an update goes through.
#include "dpm/method/polynomial.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace polynomial_test {

using namespace dpm_test;
using dpm::Node;

namespace {

/// The lambdas that are left of nodes at these.
std::vector<double> left_of(const std::vector<double>& lambdas, double h, double nearest) {
  dpm::Nodes nodes;
  for (const double lambda : lambdas) {
    nodes.push_back({lambda, dpm::prediction_register(nodes.size())});
  }
  std::vector<double> left;
  for (const Node& node : dpm::distinct_nodes(nodes.span(), h, nearest)) left.push_back(node.at);
  return left;
}

using Lambdas = std::vector<double>;

}  // namespace

TEST_CASE("of two predictions that are almost in one place the newer is used") {
  const double nearest = dpm::nearest_predictions;
  REQUIRE(left_of({0.0}, 1.0, nearest) == Lambdas{0.0});
  REQUIRE(left_of({0.0, -1.0, -2.0}, 1.0, nearest) == Lambdas{0.0, -1.0, -2.0});
  REQUIRE(left_of({0.0, -nearest, -1.0}, 1.0, nearest) == Lambdas{0.0, -nearest, -1.0});
  REQUIRE(left_of({0.0, -0.9 * nearest, -1.0}, 1.0, nearest) == Lambdas{0.0, -1.0});
  // In either direction, and as a part of the step.
  REQUIRE(left_of({0.0, 0.9 * nearest, 1.0}, -1.0, nearest) == Lambdas{0.0, 1.0});
  REQUIRE(left_of({0.0, -0.9 * nearest, -1.0}, 0.5, nearest) == Lambdas{0.0, -0.9 * nearest, -1.0});
  // Any number of them, wherever they are.
  REQUIRE(left_of({0.0, -1e-9, -2e-9, -3e-9, -1.0}, 1.0, nearest) == Lambdas{0.0, -1.0});
  REQUIRE(left_of({0.0, -1.0, -1.0 - 1e-9, -2.0}, 1.0, nearest) == Lambdas{0.0, -1.0, -2.0});
  // Infinitely far away is far away.
  const double infinity = std::numeric_limits<double>::infinity();
  REQUIRE(left_of({0.0, -infinity}, 1.0, nearest) == Lambdas{0.0, -infinity});
}

TEST_CASE("a prediction whose weight would be beyond the digits of a float is not used") {
  // Weights of equal steps of length d are h / d, (h / d)^2 / 2, (h / d)^3 / 6.
  const auto equal = [](double d) {
    return left_of({0.0, -d, -2 * d, -3 * d}, 1.0, dpm::nearest_predictions).size();
  };
  REQUIRE(equal(1.0 / 50.0) == 4);   // 1250 and 20833
  REQUIRE(equal(1.0 / 100.0) == 3);  // 5000 and 166667
  REQUIRE(equal(1.0 / 300.0) == 3);  // 45000, but with the last in place of the third 15000
  REQUIRE(equal(1.0 / 500.0) == 2);  // 125000, or 41667
}

TEST_CASE("the usual spacings use every prediction") {
  const auto all_used = [](const dpm::Grid& grid) {
    const auto levels = grid.levels();
    for (std::size_t i = 1; i + 1 < levels.size(); ++i) {
      const double h = levels[i + 1].lambda() - levels[i].lambda();
      if (!std::isfinite(h)) continue;
      Lambdas lambdas;
      for (std::size_t k = 0; k < 4 && k <= i; ++k) lambdas.push_back(levels[i - k].lambda());
      REQUIRE(left_of(lambdas, h, dpm::nearest_corrected_predictions) == lambdas);
    }
  };
  for (const dpm::AnySchedule& schedule :
       {dpm::AnySchedule(dpm::VpLinear()), dpm::AnySchedule(dpm::VpCosine()),
        dpm::AnySchedule(dpm::DiscreteSchedule(dpm::scaled_linear_betas())),
        dpm::AnySchedule(dpm::DiscreteSchedule(dpm::cosine_betas())),
        dpm::AnySchedule(dpm::VarianceExploding()), dpm::AnySchedule(dpm::Edm()),
        dpm::AnySchedule(dpm::RectifiedFlow(3.0))}) {
    for (const int steps : {2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100, 999}) {
      CAPTURE(steps, schedule.last_time());
      all_used(make_grid(dpm::UniformTime{}, schedule, steps));
      all_used(make_grid(dpm::UniformTime{}, schedule, steps).reversed());
      all_used(make_grid(dpm::UniformTime{.end = 1e-5}, schedule, steps).then(0.0));
      all_used(make_grid(dpm::QuadraticTime{}, schedule, steps));
      all_used(make_grid(dpm::PowerTime{.power = 4.0}, schedule, steps));
      all_used(make_grid(dpm::Beta{}, schedule, steps));
      const double start = 0.99 * schedule.last_time();
      const double end = 1e-3 * start;
      all_used(make_grid(dpm::Karras{.start = start, .end = end}, schedule, steps));
      all_used(make_grid(dpm::Karras{.rho = 1.0, .start = start, .end = end}, schedule, steps));
      all_used(make_grid(dpm::UniformLambda{.start = start, .end = end}, schedule, steps));
    }
  }
  const dpm::AnySchedule table = dpm::DiscreteSchedule(dpm::scaled_linear_betas());
  for (const int steps : {2, 4, 10, 20, 50, 500}) {
    for (const auto final : {dpm::FinalSigma::zero, dpm::FinalSigma::sigma_min}) {
      all_used(make_grid(dpm::Leading{.offset = 1, .final = final}, table, steps));
      all_used(make_grid(dpm::Linspace{.final = final}, table, steps));
      all_used(make_grid(dpm::Trailing{.final = final}, table, steps));
    }
  }
}

}  // namespace polynomial_test
