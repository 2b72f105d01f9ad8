// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Published lists of sigmas: whole, stretched, and where they do not fit.
#include "dpm/grid/published_spacing.hpp"

#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "dpm/grid/published_sigmas.hpp"
#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/edm.hpp"
#include "dpm/schedule/log_sigma_table.hpp"
#include "dpm/schedule/rectified_flow.hpp"
#include "support/catch.hpp"
#include "support/reference_data.hpp"
#include "support/refused.hpp"

namespace published_spacing_test {

using namespace dpm_test;
using dpm::AlignYourSteps;
using dpm::AnySchedule;
using dpm::FinalSigma;
using dpm::Gits;
using dpm::Grid;
using dpm::OptimalSteps;

namespace {

const AnySchedule table = dpm::LogSigmaTable(dpm::DiscreteSchedule(dpm::scaled_linear_betas()));
const AnySchedule flow = dpm::RectifiedFlow(3.0);

/// The whole of a published list, with its own last sigma.
template <class Spacing>
void require_list(Spacing spacing, const AnySchedule& schedule, const std::vector<double>& list) {
  spacing.final = FinalSigma::sigma_min;
  const Grid grid = make_grid(spacing, schedule, static_cast<int>(list.size()) - 1);
  REQUIRE(grid.levels().size() == list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    CAPTURE(i);
    const dpm::Level& level = grid[i];
    const double sigma = &schedule == &flow ? level.sigma() : std::exp(-level.lambda());
    REQUIRE_THAT(sigma, WithinRel(list[i], 1e-13));
  }
}

}  // namespace

TEST_CASE("published lists are those of the programs, entry by entry") {
  const nlohmann::json lists = reference_data("sigma_tables.json");
  const auto& ays = lists.at("align_your_steps");
  require_list(AlignYourSteps{AlignYourSteps::List::sd1}, table, ays.at("SD1"));
  require_list(AlignYourSteps{AlignYourSteps::List::sdxl}, table, ays.at("SDXL"));
  require_list(AlignYourSteps{AlignYourSteps::List::svd}, dpm::Edm(0.002, 700.0), ays.at("SVD"));
  const auto& optimal = lists.at("optimal_steps");
  require_list(OptimalSteps{OptimalSteps::List::flux}, flow, optimal.at("FLUX"));
  require_list(OptimalSteps{OptimalSteps::List::wan}, flow, optimal.at("Wan"));
  require_list(OptimalSteps{OptimalSteps::List::chroma}, flow, optimal.at("Chroma"));
  const auto& gits = lists.at("gits");
  REQUIRE(gits.size() == 15);
  for (const auto& [coefficient, of_steps] : gits.items()) {
    CAPTURE(coefficient);
    REQUIRE(of_steps.size() == 19);
    for (const auto& list : of_steps) {
      require_list(Gits{std::stod(coefficient)}, table, list.get<std::vector<double>>());
    }
  }
}

TEST_CASE("a list is stretched log-linearly over equal distances") {
  const Grid grid = make_grid(AlignYourSteps{.final = FinalSigma::sigma_min}, table, 20);
  const Grid list = make_grid(AlignYourSteps{.final = FinalSigma::sigma_min}, table, 10);
  for (std::size_t i = 0; i <= 10; ++i) {
    CHECK_THAT(grid[2 * i].lambda(), WithinAbs(list[i].lambda(), 1e-13));
  }
  for (std::size_t i = 1; i < 20; i += 2) {
    CHECK_THAT(grid[i].lambda(),
               WithinAbs((grid[i - 1].lambda() + grid[i + 1].lambda()) / 2, 1e-12));
  }
  // The longest list of GITS is that of 20 steps.
  const Grid gits = make_grid(Gits{.final = FinalSigma::sigma_min}, table, 40);
  const Grid longest = make_grid(Gits{.final = FinalSigma::sigma_min}, table, 20);
  for (std::size_t i = 0; i <= 20; ++i) {
    CHECK_THAT(gits[2 * i].lambda(), WithinAbs(longest[i].lambda(), 1e-13));
  }
}

TEST_CASE("published lists end at clean data, in place of their end or after it") {
  const Grid instead = make_grid(AlignYourSteps{}, table, 10);
  const Grid after = make_grid(AlignYourSteps{.final = FinalSigma::zero}, table, 11);
  REQUIRE(instead.steps() == 10);
  REQUIRE(after.steps() == 11);
  for (std::size_t i = 0; i < 10; ++i) CHECK(instead[i] == after[i]);
  CHECK_THAT(std::exp(-after[10].lambda()), WithinRel(0.0291671582, 1e-13));
  CHECK(instead.back() == table.level(0.0));
  CHECK(after.back() == table.level(0.0));
  for (const FinalSigma final : {FinalSigma::zero, FinalSigma::zero_instead}) {
    const Grid one = make_grid(AlignYourSteps{.final = final}, table, 1);
    CHECK(one.steps() == 1);
    CHECK_THAT(std::exp(-one.front().lambda()), WithinRel(14.6146412293, 1e-13));
  }
}

TEST_CASE("a rounded list fits the table that it was made for") {
  const AnySchedule discrete = dpm::DiscreteSchedule(dpm::scaled_linear_betas());
  for (const auto list : {AlignYourSteps::List::sd1, AlignYourSteps::List::sd1_rounded,
                          AlignYourSteps::List::sdxl_rounded}) {
    CHECK(make_grid(AlignYourSteps{.list = list}, discrete, 10).front().time > 1.0 - 1e-9);
  }
  CHECK_NOTHROW(make_grid(Gits{}, discrete, 10));
  refused(
      [&] { (void)make_grid(AlignYourSteps{.list = AlignYourSteps::List::svd}, discrete, 10); },
      "AlignYourSteps: sigmas[0] = 700; the greatest sigma / alpha of the schedule is 14.614641");
}

TEST_CASE("published lists refuse the other kind of model") {
  const std::string is_flow =
      ": the schedule is a flow; these lists are for models that are trained on a table, so take "
      "OptimalSteps";
  refused([] { (void)make_grid(AlignYourSteps{}, flow, 10); }, "AlignYourSteps" + is_flow);
  refused([] { (void)make_grid(Gits{}, flow, 10); }, "Gits" + is_flow);
  refused([] { (void)make_grid(OptimalSteps{}, table, 10); },
          "OptimalSteps: the schedule is no flow; these lists are for flows, so take "
          "AlignYourSteps or Gits");
}

TEST_CASE("GITS refuses coefficients and numbers of steps that have no list") {
  for (const auto& [value, text] : std::vector<std::pair<double, std::string>>{
           {0.75, "0.75"}, {1.23, "1.23"}, {1.55, "1.55"}, {-1.0, "-1"}, {not_a_number, "nan"}}) {
    refused([v = value] { (void)make_grid(Gits{v}, table, 10); },
            "Gits: coefficient = " + text + "; it must be one of 0.8, 0.85, 0.9, ..., 1.5");
  }
  const std::string must = "; its shortest list has 2 steps, or 3 with sigma = 0 after them";
  refused([] { (void)make_grid(Gits{}, table, 1); }, "Gits: steps = 1" + must);
  refused([] { (void)make_grid(Gits{.final = FinalSigma::zero}, table, 2); },
          "Gits: steps = 2" + must);
  CHECK(make_grid(Gits{}, table, 2).steps() == 2);
  CHECK(make_grid(Gits{.final = FinalSigma::zero}, table, 3).steps() == 3);
}

TEST_CASE("published lists refuse fewer than one step") {
  const std::string sentence = "make_grid: steps = 0; it must be at least 1";
  refused([] { (void)make_grid(AlignYourSteps{}, table, 0); }, sentence);
  refused([] { (void)make_grid(Gits{}, table, 0); }, sentence);
  refused([] { (void)make_grid(OptimalSteps{}, flow, 0); }, sentence);
}

}  // namespace published_spacing_test
