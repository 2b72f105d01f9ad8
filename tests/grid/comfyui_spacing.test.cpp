// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Spacings that count in timesteps or entries of a table: their entries, oddities and refusals.
#include "dpm/grid/comfyui_spacing.hpp"

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "dpm/grid/spacing.hpp"
#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/edm.hpp"
#include "dpm/schedule/rectified_flow.hpp"
#include "dpm/schedule/vp_linear.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace comfyui_spacing_test {

using namespace dpm_test;
using dpm::AnySchedule;
using dpm::FinalSigma;
using dpm::Grid;

namespace {

const AnySchedule table =
    dpm::DiscreteSchedule(dpm::scaled_linear_betas(), dpm::TimestepType::discrete);
const AnySchedule flow = dpm::RectifiedFlow(3.0);

/// The entries that a grid visits before sigma = 0.
template <class Spacing>
std::vector<int> entries(const Spacing& spacing, int steps, const AnySchedule& schedule = table) {
  const Grid grid = make_grid(spacing, schedule, steps);
  REQUIRE(grid.back().sigma() == 0.0);
  std::vector<int> result;
  for (const dpm::Level& level : grid.levels().first(grid.steps())) {
    const double entry = level.time * 1000.0 - 1.0;
    REQUIRE_THAT(entry, WithinAbs(std::round(entry), 1e-9));
    result.push_back(static_cast<int>(std::lround(entry)));
  }
  return result;
}

/// Calls `check` with a spacing of each kind.
template <class Check>
void for_each_spacing(Check check) {
  check(dpm::UniformTimestep{}, "UniformTimestep");
  check(dpm::SgmUniform{}, "UniformTimestep");
  check(dpm::SimpleTable{}, "SimpleTable");
  check(dpm::DdimUniform{}, "DdimUniform");
  check(dpm::BetaTimestep{}, "BetaTimestep");
  check(dpm::SmoothstepTimestep{}, "SmoothstepTimestep");
  check(dpm::LcmTimestep{}, "LcmTimestep");
}

}  // namespace

TEST_CASE("spacings of a table visit the entries that the programs visit") {
  CHECK(entries(dpm::UniformTimestep{}, 4) == std::vector<int>{999, 666, 333, 0});
  CHECK(entries(dpm::SgmUniform{}, 3) == std::vector<int>{999, 666, 333});
  CHECK(entries(dpm::SimpleTable{}, 4) == std::vector<int>{999, 749, 499, 249});
  CHECK(entries(dpm::SimpleTable{}, 3) == std::vector<int>{999, 666, 333});
  CHECK(entries(dpm::DdimUniform{}, 4) == std::vector<int>{751, 501, 251, 1});
  CHECK(entries(dpm::BetaTimestep{}, 2) == std::vector<int>{999, 500});
  CHECK(entries(dpm::UniformTimestep{}, 1) == std::vector<int>{999});
  CHECK(entries(dpm::SgmUniform{}, 1) == std::vector<int>{999});
  CHECK(entries(dpm::SimpleTable{}, 1) == std::vector<int>{999});
  CHECK(entries(dpm::DdimUniform{}, 1) == std::vector<int>{1});
  CHECK(entries(dpm::BetaTimestep{}, 1) == std::vector<int>{999});
  // 999 u^2 (3 - 2 u) at u = 3/4, 1/2 and 1/4 is 842.9, 499.5 and 156.1.
  CHECK(entries(dpm::SmoothstepTimestep{}, 4) == std::vector<int>{999, 843, 500, 156});
  CHECK(entries(dpm::SmoothstepTimestep{}, 1) == std::vector<int>{999});
  CHECK(entries(dpm::SmoothstepTimestep{}, 77).size() == 77);
  // Of 160 the first three places are 999, 998.9 and 998.5, the last two 0.5 and 0.1.
  const std::vector<int> once = entries(dpm::SmoothstepTimestep{}, 160);
  CHECK(once.size() == 157);
  CHECK(once[1] == 998);
  CHECK(once[155] == 1);
}

TEST_CASE("LcmTimestep visits the timesteps that consistency models are distilled at") {
  CHECK(entries(dpm::LcmTimestep{}, 4) == std::vector<int>{999, 759, 499, 259});
  CHECK(entries(dpm::LcmTimestep{}, 8) == std::vector<int>{999, 879, 759, 639, 499, 379, 259, 139});
  CHECK(entries(dpm::LcmTimestep{}, 1) == std::vector<int>{999});
  CHECK(entries(dpm::LcmTimestep{.original_steps = 100}, 3) == std::vector<int>{999, 669, 339});
  const std::vector<int> all = entries(dpm::LcmTimestep{}, 50);
  for (std::size_t i = 0; i < 50; ++i) CHECK(all[i] == 999 - 20 * static_cast<int>(i));
  refused([] { (void)make_grid(dpm::LcmTimestep{}, table, 51); },
          "LcmTimestep: 51 timesteps; a model that is distilled at 50 has at most that number");
  for (const int original : {-1, 0, 1001}) {
    refused([&] { (void)make_grid(dpm::LcmTimestep{.original_steps = original}, table, 2); },
            "LcmTimestep: original_steps = " + std::to_string(original) +
                "; it must lie between 1 and train_timesteps = 1000");
  }
}

TEST_CASE("SimpleTable rounds its product as the programs do") {
  // 19 * (1000 / 38) is just below 500 in double.
  CHECK(entries(dpm::SimpleTable{}, 38)[19] == 500);
  CHECK(entries(dpm::SimpleTable{}, 40)[20] == 499);
}

TEST_CASE("DdimUniform starts low and has a step more where the rest is large") {
  CHECK(entries(dpm::DdimUniform{}, 7) == std::vector<int>{995, 853, 711, 569, 427, 285, 143, 1});
  CHECK(entries(dpm::DdimUniform{}, 600).size() == 999);
}

TEST_CASE("BetaTimestep takes an entry once that comes twice") {
  // With this shape the first quantiles are all next to the last entry.
  const std::vector<int> visited = entries(dpm::BetaTimestep{.a = 0.05, .b = 0.05}, 10);
  CHECK(visited.size() < 10);
  CHECK(visited.front() == 999);
  for (std::size_t i = 1; i < visited.size(); ++i) CHECK(visited[i] < visited[i - 1]);
}

TEST_CASE("spacings of a table end as final says") {
  CHECK(entries(dpm::SimpleTable{.final = FinalSigma::zero_instead}, 3) ==
        std::vector<int>{999, 749, 499});
  CHECK(entries(dpm::DdimUniform{.final = FinalSigma::zero_instead}, 3) ==
        std::vector<int>{751, 501, 251});
  CHECK(entries(dpm::BetaTimestep{.final = FinalSigma::zero_instead}, 1) == std::vector<int>{999});
  const Grid plain = make_grid(dpm::UniformTimestep{.final = FinalSigma::sigma_min}, table, 3);
  CHECK(plain.steps() == 3);
  CHECK(plain.back() == table.level(0.001));
  const Grid simple = make_grid(dpm::SimpleTable{.final = FinalSigma::sigma_min}, table, 3);
  CHECK(simple.steps() == 3);
  CHECK(simple.back() == table.level(0.25));
}

TEST_CASE("on a flow the timesteps' end is shifted twice") {
  const double twice = flow.level(0.001).sigma();
  const Grid grid = make_grid(dpm::UniformTimestep{}, flow, 4);
  const Grid once = make_grid(dpm::UniformTime{.end = twice, .final = FinalSigma::zero}, flow, 4);
  for (std::size_t i = 0; i <= 4; ++i) CHECK(grid[i] == once[i]);
  CHECK_THAT(grid[3].sigma(), WithinRel(1.0 / 112.0, 1e-13));  // the value that is in circulation
  const Grid sgm = make_grid(dpm::SgmUniform{}, flow, 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(sgm[i] == grid[i]);
}

TEST_CASE("a flow counts in a table of 1000 unless it is told") {
  CHECK(entries(dpm::SimpleTable{}, 4, flow) == std::vector<int>{999, 749, 499, 249});
  const Grid flux = make_grid(dpm::DdimUniform{.train_timesteps = 10000}, flow, 4);
  CHECK(flux[3] == flow.level(2.0 / 10000.0));
  CHECK_THAT(make_grid(dpm::UniformTimestep{.train_timesteps = 10000}, flow, 2)[1].time,
             WithinRel(flow.level(1e-4).sigma(), 1e-15));
  // A table knows its number, and a schedule without one may be told.
  const AnySchedule short_table = dpm::DiscreteSchedule(dpm::linear_betas(10));
  CHECK(make_grid(dpm::SimpleTable{}, short_table, 5)[1] == short_table.level(0.8));
  CHECK(make_grid(dpm::SimpleTable{.train_timesteps = 1000}, dpm::VpLinear(), 4)[1] ==
        dpm::VpLinear().level(0.75));
}

namespace {

/// A user's own schedule that says the size of its table.
struct OwnTable : dpm::VpLinear<> {
  OwnTable() : VpLinear(0.1, 20.0, 0.125) {}
  [[nodiscard]] int size() const { return 8; }
};

}  // namespace

TEST_CASE("a user's own schedule may say the size of its table") {
  const AnySchedule own = OwnTable();
  const Grid grid = make_grid(dpm::SimpleTable{}, own, 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(grid[i] == own.level(1.0 - static_cast<double>(i) / 4.0));
  }
  CHECK(make_grid(dpm::UniformTimestep{}, own, 8)[7] == own.level(0.125));
}

TEST_CASE("spacings of a table refuse a schedule that has none") {
  for_each_spacing([](auto spacing, const std::string& name) {
    refused([&] { (void)make_grid(spacing, dpm::Edm(), 5); },
            name +
                ": the schedule has no table; take a DiscreteSchedule or a LogSigmaTable, or give "
                "train_timesteps");
    spacing.train_timesteps = 500;
    refused([&] { (void)make_grid(spacing, table, 5); },
            name +
                ": train_timesteps = 500 on a schedule whose table has 1000 entries; it must be "
                "that number");
    refused([&] { (void)make_grid(spacing, dpm::VpLinear(), 5); },
            name +
                ": train_timesteps = 500 on a schedule from time 0.001 to 1; it must be the number "
                "of entries of the schedule's table, from time 1 / train_timesteps to 1");
    for (const int few : {-3, 0, 1}) {
      spacing.train_timesteps = few;
      refused([&] { (void)make_grid(spacing, flow, 1); },
              name + ": train_timesteps = " + std::to_string(few) + "; it must be at least 2");
    }
  });
}

TEST_CASE("spacings of entries refuse steps that their table does not have") {
  const auto refuses = [](const auto& spacing, const std::string& name) {
    for (const int steps : {-1, 0, 1001}) {
      refused([&] { (void)make_grid(spacing, table, steps); },
              name + ": steps = " + std::to_string(steps) +
                  "; it must lie between 1 and train_timesteps = 1000");
    }
  };
  refuses(dpm::SimpleTable{}, "SimpleTable");
  refuses(dpm::DdimUniform{}, "DdimUniform");
  refuses(dpm::BetaTimestep{}, "BetaTimestep");
  refuses(dpm::SmoothstepTimestep{}, "SmoothstepTimestep");
  refuses(dpm::LcmTimestep{}, "LcmTimestep");
  refused([] { (void)make_grid(dpm::UniformTimestep{}, table, 0); },
          "make_grid: steps = 0; it must be at least 1");
  CHECK(make_grid(dpm::UniformTimestep{}, table, 1500).steps() == 1500);
  refused([] { (void)make_grid(dpm::BetaTimestep{.b = 0.0}, table, 5); },
          "beta_quantile: a = 0.6, b = 0; both must be in [0.01, 1000]");
}

}  // namespace comfyui_spacing_test
