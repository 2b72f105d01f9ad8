// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Integer timesteps, leading, linspace and trailing, for every count, and the grids through them.
#include "dpm/grid/timesteps.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/edm.hpp"
#include "dpm/schedule/log_sigma_table.hpp"
#include "dpm/schedule/rectified_flow.hpp"
#include "dpm/schedule/vp_linear.hpp"
#include "support/catch.hpp"

namespace timesteps_test {

using namespace dpm_test;
using dpm::FinalSigma;
using dpm::leading_timesteps;
using dpm::linspace_timesteps;
using dpm::trailing_timesteps;
using dpm::detail::divide_half_even;
using Timesteps = std::vector<int>;

namespace {

const dpm::AnySchedule table = dpm::DiscreteSchedule(dpm::scaled_linear_betas());

/// Whether `rounded` is numerator / denominator to the nearest integer, a half to the even one.
bool is_half_even(std::int64_t rounded, std::int64_t numerator, std::int64_t denominator) {
  const std::int64_t twice_off = std::abs(2 * (rounded * denominator - numerator));
  return twice_off < denominator || (twice_off == denominator && rounded % 2 == 0);
}

void require_timesteps(const Timesteps& timesteps, int count) {
  REQUIRE(timesteps.size() == static_cast<std::size_t>(count));
  // Strictly decreasing: no neighbours the other way round.
  REQUIRE(std::adjacent_find(timesteps.begin(), timesteps.end(), std::less_equal<>()) ==
          timesteps.end());
  REQUIRE(timesteps.front() <= 999);
  REQUIRE(timesteps.back() >= 0);
}

void refused(const std::function<void()>& call, const std::string& sentence) {
  REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(call(), sentence);
}

}  // namespace

TEST_CASE("integer division rounds a half to the even neighbour") {
  static_assert(divide_half_even(1, 2) == 0 && divide_half_even(3, 2) == 2);
  static_assert(divide_half_even(333, 2) == 166 && divide_half_even(335, 2) == 168);
  static_assert(divide_half_even(7, 3) == 2 && divide_half_even(8, 3) == 3);
  static_assert(divide_half_even(0, 5) == 0 && divide_half_even(10, 5) == 2);
  for (std::int64_t denominator = 1; denominator <= 40; ++denominator) {
    for (std::int64_t numerator = 0; numerator <= 400; ++numerator) {
      CAPTURE(numerator, denominator);
      REQUIRE(is_half_even(divide_half_even(numerator, denominator), numerator, denominator));
    }
  }
}

TEST_CASE("ten timesteps of a table of 1000 are those that are in circulation") {
  // DPM-Solver takes one more and drops the last; DDIM takes as many as it has steps.
  Timesteps linspace = linspace_timesteps(999, 11);
  linspace.pop_back();
  REQUIRE(linspace == Timesteps{999, 899, 799, 699, 599, 500, 400, 300, 200, 100});
  Timesteps leading = leading_timesteps(1000, 11, 1);
  leading.pop_back();
  REQUIRE(leading == Timesteps{901, 811, 721, 631, 541, 451, 361, 271, 181, 91});
  REQUIRE(leading_timesteps(1000, 10, 1) ==
          Timesteps{901, 801, 701, 601, 501, 401, 301, 201, 101, 1});
  REQUIRE(trailing_timesteps(1000, 10) ==
          Timesteps{999, 899, 799, 699, 599, 499, 399, 299, 199, 99});
}

TEST_CASE("linspace timesteps are the rounded fractions for every count") {
  for (int count = 1; count <= 1000; ++count) {
    CAPTURE(count);
    const Timesteps timesteps = linspace_timesteps(999, count);
    require_timesteps(timesteps, count);
    REQUIRE(timesteps.back() == 0);
    if (count == 1) continue;
    REQUIRE(timesteps.front() == 999);
    int wrong = 0;
    for (int i = 0; i < count; ++i) {
      const int timestep = timesteps[static_cast<std::size_t>(count - 1 - i)];
      if (!is_half_even(timestep, std::int64_t{999} * i, count - 1)) ++wrong;
    }
    REQUIRE(wrong == 0);
  }
}

TEST_CASE("linspace rounds a half to the even timestep, where openvino.genai rounds away from 0") {
  REQUIRE(linspace_timesteps(999, 7) == Timesteps{999, 832, 666, 500, 333, 166, 0});  // not 167
  // Fewer timesteps are the same either way.
  for (int count = 2; count < 7; ++count) {
    for (int i = 0; i < count; ++i) {
      const int away = (2 * 999 * i + count - 1) / (2 * (count - 1));
      if (count == 3 && i == 1) REQUIRE(away == 500);  // 499.5, whose even neighbour is 500 as well
      REQUIRE(linspace_timesteps(999, count)[static_cast<std::size_t>(count - 1 - i)] == away);
    }
  }
}

TEST_CASE("leading timesteps are whole strides from the offset for every count") {
  for (int count = 1; count <= 1000; ++count) {
    CAPTURE(count);
    const int stride = 1000 / count;
    const int most = 999 - stride * (count - 1);
    for (const int offset : {0, most / 2, most}) {
      const Timesteps timesteps = leading_timesteps(1000, count, offset);
      require_timesteps(timesteps, count);
      REQUIRE(timesteps.back() == offset);
      int wrong = 0;
      for (std::size_t i = 1; i < timesteps.size(); ++i) {
        if (timesteps[i - 1] - timesteps[i] != stride) ++wrong;
      }
      REQUIRE(wrong == 0);
    }
  }
}

TEST_CASE("trailing timesteps are the rounded fractions, less 1, for every count") {
  for (int count = 1; count <= 1000; ++count) {
    CAPTURE(count);
    const Timesteps timesteps = trailing_timesteps(1000, count);
    require_timesteps(timesteps, count);
    REQUIRE(timesteps.front() == 999);
    int wrong = 0;
    for (int i = 0; i < count; ++i) {
      const int timestep = timesteps[static_cast<std::size_t>(i)];
      if (!is_half_even(timestep + 1, std::int64_t{1000} * (count - i), count)) ++wrong;
    }
    REQUIRE(wrong == 0);
  }
}

TEST_CASE("trailing has no -1, as diffusers has for 61, 103, 121 and openvino.genai for 9, 30") {
  for (const int count : {61, 103, 121, 122, 201, 9, 11, 12, 18, 21, 22, 30}) {
    CAPTURE(count);
    const Timesteps timesteps = trailing_timesteps(1000, count);
    REQUIRE(timesteps.size() == static_cast<std::size_t>(count));
    REQUIRE(timesteps.back() == (1000 + count / 2) / count - 1);  // none of these has a half
  }
  // The counts where numpy's range of floating-point numbers has one number too many.
  int too_many = 0;
  for (int count = 1; count <= 1000; ++count) {
    const double ratio = 1000.0 / count;
    if (static_cast<int>(std::ceil(1000.0 / ratio)) == count) continue;
    ++too_many;
    require_timesteps(trailing_timesteps(1000, count), count);
  }
  REQUIRE(too_many == 62);
}

TEST_CASE("timesteps of any table, even the largest, do not overflow") {
  constexpr int most = std::numeric_limits<int>::max();
  REQUIRE(linspace_timesteps(most, 3) == Timesteps{most, most / 2 + 1, 0});  // a half, to the even
  REQUIRE(leading_timesteps(most, 3, 1) == Timesteps{most / 3 * 2 + 1, most / 3 + 1, 1});
  REQUIRE(trailing_timesteps(most, 1) == Timesteps{most - 1});
  REQUIRE(trailing_timesteps(most, 2) == Timesteps{most - 1, most / 2});
  REQUIRE(linspace_timesteps(0, 1) == Timesteps{0});
  REQUIRE(leading_timesteps(1, 1) == Timesteps{0});
  REQUIRE(trailing_timesteps(1, 1) == Timesteps{0});
}

TEST_CASE("timesteps that a table does not have are refused") {
  refused([] { (void)linspace_timesteps(999, 0); },
          "linspace_timesteps: count = 0; it must be at least 1");
  refused([] { (void)linspace_timesteps(999, 1001); },
          "linspace_timesteps: last = 999 for 1001 timesteps; it must be at least 1000");
  refused([] { (void)linspace_timesteps(-1, 1); },
          "linspace_timesteps: last = -1 for 1 timesteps; it must be at least 0");
  refused([] { (void)leading_timesteps(0, 1); },
          "leading_timesteps: train_timesteps = 0; it must be at least 1");
  refused([] { (void)leading_timesteps(1000, 1001); },
          "leading_timesteps: steps = 1001; it must lie between 1 and train_timesteps = 1000");
  refused([] { (void)leading_timesteps(1000, 1000, 1); },
          "leading_timesteps: offset = 1; for 1000 steps of 1000 it must lie between 0 and 0");
  refused([] { (void)leading_timesteps(1000, 10, -1); },
          "leading_timesteps: offset = -1; for 10 steps of 1000 it must lie between 0 and 99");
  refused([] { (void)trailing_timesteps(-5, 1); },
          "trailing_timesteps: train_timesteps = -5; it must be at least 1");
  refused([] { (void)trailing_timesteps(1000, 0); },
          "trailing_timesteps: steps = 0; it must lie between 1 and train_timesteps = 1000");
}

TEST_CASE("a grid of timesteps visits the table's own levels and ends as it is told") {
  const Timesteps timesteps{999, 500, 3};
  for (const dpm::AnySchedule& schedule : {table, dpm::AnySchedule(dpm::VpLinear())}) {
    const dpm::Grid to_zero = grid_of_timesteps(schedule, 1000, timesteps);
    const dpm::Grid to_least = grid_of_timesteps(schedule, 1000, timesteps, FinalSigma::sigma_min);
    REQUIRE(to_zero.levels().size() == 4);
    REQUIRE(to_least.levels().size() == 4);
    for (std::size_t i = 0; i < 3; ++i) {
      REQUIRE(to_zero[i] == schedule.level((timesteps[i] + 1) / 1000.0));
      REQUIRE(to_least[i] == to_zero[i]);
    }
    REQUIRE(to_zero.back() == schedule.level(0.0));
    REQUIRE(to_least.back() == schedule.level(0.001));
  }
}

TEST_CASE("leading, linspace and trailing grids hand the model whole timesteps") {
  for (const int steps : {1, 7, 61, 250}) {
    CAPTURE(steps);
    const auto require_timesteps_of = [&](const dpm::Grid& grid, const Timesteps& timesteps) {
      REQUIRE(grid.steps() == static_cast<std::size_t>(steps));
      for (std::size_t i = 0; i < grid.steps(); ++i) REQUIRE(grid[i].timestep == timesteps[i]);
    };
    const dpm::Grid leading = make_grid(dpm::Leading{.offset = 1}, table, steps);
    require_timesteps_of(leading, leading_timesteps(1000, steps, 1));
    REQUIRE(leading.back().sigma() == 0.0);
    const FinalSigma least = FinalSigma::sigma_min;
    require_timesteps_of(make_grid(dpm::Linspace{}, table, steps),
                         linspace_timesteps(999, steps + 1));
    const dpm::Grid linspace = make_grid(dpm::Linspace{.final = least}, table, steps);
    REQUIRE(linspace.back() == table.level(0.001));
    require_timesteps_of(make_grid(dpm::Trailing{.final = least}, table, steps),
                         trailing_timesteps(1000, steps));
    REQUIRE(make_grid(dpm::Trailing{}, table, steps).back().sigma() == 0.0);
  }
}

TEST_CASE("tables of other sizes count their own entries") {
  const dpm::AnySchedule four =
      dpm::DiscreteSchedule(std::vector<double>{0.1, 0.2, 0.3, 0.4}, dpm::TimestepType::discrete);
  const dpm::Grid grid = make_grid(dpm::Trailing{.train_timesteps = 4}, four, 2);
  REQUIRE(grid[0].timestep == 3.0);
  REQUIRE(grid[1].timestep == 1.0);
}

TEST_CASE("grids that a table does not have are refused") {
  refused([] { (void)grid_of_timesteps(table, 0, Timesteps{1}); },
          "grid_of_timesteps: train_timesteps = 0; it must be at least 1");
  refused(
      [] {
        (void)grid_of_timesteps(table, 1000, Timesteps{999, 1000});
      },
      "grid_of_timesteps: timesteps[1] = 1000; it must lie between 0 and 999");
  refused([] { (void)grid_of_timesteps(table, 1000, Timesteps{-1}); },
          "grid_of_timesteps: timesteps[0] = -1; it must lie between 0 and 999");
  refused([] { (void)grid_of_timesteps(table, 1000, Timesteps{}); },
          "Grid: it was given 1 levels; it must have at least 2");
  REQUIRE_THROWS_WITH(grid_of_timesteps(table, 1000, Timesteps{500, 500}),
                      mentions("Grid: level 1"));
  refused(
      [] { (void)make_grid(dpm::Trailing{.final = FinalSigma::zero_instead}, table, 10); },
      "grid_of_timesteps: final is FinalSigma::zero_instead; after the last timestep it must be "
      "zero or sigma_min");
  // Timestep 0 is sigma_min already.
  REQUIRE_THROWS_WITH(make_grid(dpm::Leading{.final = FinalSigma::sigma_min}, table, 10),
                      mentions("Grid: level 10 has time 0.001") && mentions("after time 0.001"));
  refused([] { (void)make_grid(dpm::Linspace{}, table, 1000); },
          "Linspace: steps = 1000; it must lie between 1 and train_timesteps - 1 = 999");
  refused([] { (void)make_grid(dpm::Linspace{}, table, 0); },
          "Linspace: steps = 0; it must lie between 1 and train_timesteps - 1 = 999");
  refused([] { (void)make_grid(dpm::Leading{}, table, 0); },
          "leading_timesteps: steps = 0; it must lie between 1 and train_timesteps = 1000");
  refused([] { (void)make_grid(dpm::Trailing{}, table, 1001); },
          "trailing_timesteps: steps = 1001; it must lie between 1 and train_timesteps = 1000");
}

TEST_CASE("integer spacings want the schedule whose table they count") {
  const auto refuses = [](const auto& spacing, const dpm::AnySchedule& schedule,
                          const std::string& sentence) {
    REQUIRE_THROWS_AS(make_grid(spacing, schedule, 10), dpm::InvalidArgument);
    REQUIRE_THROWS_WITH(make_grid(spacing, schedule, 10), sentence);
  };
  const std::string must =
      "; it must be the number of entries of the schedule's table, from time 1 / train_timesteps "
      "to 1";
  const dpm::DiscreteSchedule longer(dpm::linear_betas(4000));
  refuses(dpm::Leading{}, longer,
          "Leading: train_timesteps = 1000 on a schedule whose table has 4000 entries; it must be "
          "that number");
  refuses(dpm::Leading{}, dpm::VpLinear(0.1, 20.0, 0.01),
          "Leading: train_timesteps = 1000 on a schedule from time 0.01 to 1" + must);
  refuses(dpm::Trailing{}, dpm::Edm(),
          "Trailing: train_timesteps = 1000 on a schedule from time 0.002 to 80" + must);
  refuses(dpm::Linspace{}, dpm::RectifiedFlow(),
          "Linspace: train_timesteps = 1000 on a schedule from time 0 to 1" + must);
  refuses(dpm::Leading{.train_timesteps = -1}, longer,
          "Leading: train_timesteps = -1 on a schedule whose table has 4000 entries; it must be "
          "that number");
  REQUIRE_NOTHROW(make_grid(dpm::Leading{.train_timesteps = 4000}, longer, 10));
  REQUIRE_NOTHROW(make_grid(dpm::Leading{}, dpm::LogSigmaTable(table), 10));
}

TEST_CASE("timesteps of more steps than any run has are refused") {
  constexpr int most = std::numeric_limits<int>::max();
  refused([] { (void)dpm::leading_timesteps(most, most); },
          "leading_timesteps: steps = 2147483647; it may be at most 10000000");
  refused([] { (void)dpm::trailing_timesteps(most, most - 1); },
          "trailing_timesteps: steps = 2147483646; it may be at most 10000000");
  refused([] { (void)dpm::linspace_timesteps(most, most); },
          "linspace_timesteps: count = 2147483647; it may be at most 10000000");
}

}  // namespace timesteps_test
