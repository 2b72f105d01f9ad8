// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Grids that end at sigma = 0, after their end or in its place.
#include "dpm/grid/final_sigma.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "dpm/grid/sigma_spacing.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/method/ddim.hpp"
#include "dpm/method/method.hpp"
#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/rectified_flow.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace final_sigma_test {

using namespace dpm_test;
using dpm::FinalSigma;
using dpm::Grid;

namespace {

const dpm::AnySchedule table = dpm::DiscreteSchedule(dpm::scaled_linear_betas());

/// Calls `check` with a spacing of each kind that has the option, made for a `final`.
template <class Check>
void for_each_spacing(Check check) {
  const auto with = [&](auto spacing) {
    check([spacing](FinalSigma final) mutable {
      spacing.final = final;
      return spacing;
    });
  };
  with(dpm::UniformTime{});
  with(dpm::UniformTime{.start = 0.7, .end = 0.1});
  with(dpm::QuadraticTime{});
  with(dpm::PowerTime{});
  with(dpm::UniformLambda{});
  with(dpm::Karras{});
  with(dpm::Beta{});
}

void require_same(const Grid& grid, const Grid& other, std::size_t levels) {
  for (std::size_t i = 0; i < levels; ++i) REQUIRE(grid[i] == other[i]);
}

}  // namespace

TEST_CASE("final zero lays one level less and goes on to clean data") {
  for_each_spacing([](auto with_final) {
    for (const int steps : {2, 3, 10}) {
      const auto n = static_cast<std::size_t>(steps);
      const Grid zero = make_grid(with_final(FinalSigma::zero), table, steps);
      const Grid plain = make_grid(with_final(FinalSigma::sigma_min), table, steps - 1);
      REQUIRE(zero.steps() == n);
      require_same(zero, plain, n);
      REQUIRE(zero.back() == table.level(0.0));
    }
  });
}

TEST_CASE("final zero_instead replaces the end by clean data") {
  for_each_spacing([](auto with_final) {
    for (const int steps : {1, 2, 10}) {
      const auto n = static_cast<std::size_t>(steps);
      const Grid zero = make_grid(with_final(FinalSigma::zero_instead), table, steps);
      REQUIRE(zero.steps() == n);
      require_same(zero, make_grid(with_final(FinalSigma::sigma_min), table, steps), n);
      REQUIRE(zero.back() == table.level(0.0));
    }
  });
}

TEST_CASE("one step with final zero leads from the start to clean data") {
  for_each_spacing([](auto with_final) {
    const Grid one = make_grid(with_final(FinalSigma::zero), table, 1);
    REQUIRE(one.steps() == 1);
    REQUIRE(one.front() == make_grid(with_final(FinalSigma::sigma_min), table, 1).front());
    REQUIRE(one.back() == table.level(0.0));
  });
}

TEST_CASE("an end at clean data is the last level whatever final says") {
  const dpm::AnySchedule flow = dpm::RectifiedFlow(3.0);
  const Grid plain = make_grid(dpm::UniformTime{}, flow, 4);
  for (const FinalSigma final : {FinalSigma::zero, FinalSigma::zero_instead}) {
    const Grid grid = make_grid(dpm::UniformTime{.final = final}, flow, 4);
    REQUIRE(grid.steps() == 4);
    require_same(grid, plain, 5);
    require_same(make_grid(dpm::Karras{.end = 0.0, .final = final}, table, 4),
                 make_grid(dpm::Karras{.end = 0.0}, table, 4), 5);
  }
}

TEST_CASE("the number given to make_plan is the number of calls with any final") {
  for_each_spacing([](auto with_final) {
    for (const FinalSigma final :
         {FinalSigma::zero, FinalSigma::sigma_min, FinalSigma::zero_instead}) {
      for (const int calls : {1, 2, 9}) {
        const dpm::Plan plan = make_plan(dpm::Ddim{}, table, calls, with_final(final));
        REQUIRE(plan.model_calls() == calls);
        REQUIRE((plan.end().sigma() == 0.0) == (final != FinalSigma::sigma_min));
      }
    }
  });
}

TEST_CASE("a grid for inversion that shall end at clean data is refused") {
  const std::string sentence =
      "make_grid: time rises from 0.02 to 0.7, as for an inversion, which cannot go on to sigma = "
      "0; leave final at FinalSigma::sigma_min";
  for (const FinalSigma final : {FinalSigma::zero, FinalSigma::zero_instead}) {
    for (const int steps : {1, 5}) {
      const auto refuses = [&](auto spacing) {
        spacing.start = 0.02;
        spacing.end = 0.7;
        spacing.final = final;
        refused([&] { (void)make_grid(spacing, table, steps); }, sentence);
      };
      refuses(dpm::UniformTime{});
      refuses(dpm::QuadraticTime{});
      refuses(dpm::PowerTime{});
      refuses(dpm::UniformLambda{});
      refuses(dpm::Karras{});
      refuses(dpm::Beta{});
    }
  }
}

TEST_CASE("fewer than one step and more than any run has are refused with any final") {
  for_each_spacing([](auto with_final) {
    for (const FinalSigma final :
         {FinalSigma::zero, FinalSigma::sigma_min, FinalSigma::zero_instead}) {
      refused([&] { (void)make_grid(with_final(final), table, std::numeric_limits<int>::max()); },
              "make_grid: steps = 2147483647; it may be at most 10000000");
      refused([&] { (void)make_grid(with_final(final), table, 0); },
              "make_grid: steps = 0; it must be at least 1");
    }
  });
}

}  // namespace final_sigma_test
