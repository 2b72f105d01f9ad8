// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The rows of schedulers: their grids end at sigma = 0 and are read as other programs read them.
#include "dpm/catalogue/schedulers.hpp"

#include <cmath>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/named_plans.hpp"
#include "support/refused.hpp"

namespace schedulers_test {

using namespace dpm_test;
using dpm::AnySchedule;
using dpm::Grid;

namespace {

std::set<std::string> schedulers_that_refuse(const AnySchedule& schedule) {
  std::set<std::string> names;
  for (const dpm::Scheduler& scheduler : dpm::schedulers()) {
    try {
      (void)dpm::grid_by_name(scheduler.name, schedule, 20);
    } catch (const dpm::InvalidArgument&) {
      names.insert(scheduler.name);
    }
  }
  return names;
}

}  // namespace

TEST_CASE(
    "Every grid by name ends at sigma 0 but for one, and has as many steps as are asked for") {
  for (const AnySchedule& schedule : {table_schedule, flow_schedule}) {
    const std::set<std::string> refusing = schedulers_that_refuse(schedule);
    for (const dpm::Scheduler& scheduler : dpm::schedulers()) {
      if (refusing.count(scheduler.name) > 0) continue;
      for (const int steps : {2, 3, 20}) {
        CAPTURE(scheduler.name, steps);
        if (scheduler.name == "laplace" && steps == 2) continue;
        const Grid grid = dpm::grid_by_name(scheduler.name, schedule, steps);
        // A1111's own ends at the least sigma of the schedule.
        CHECK((grid.back().sigma() == 0.0) == (scheduler.name != "kl_optimal_a1111"));
        CHECK(grid.steps() == static_cast<std::size_t>(steps));
      }
    }
  }
}

TEST_CASE("Schedulers refuse the kind of schedule that they are not made for and no other") {
  CHECK(schedulers_that_refuse(table_schedule) ==
        std::set<std::string>{"optimal_steps_flux", "optimal_steps_wan", "optimal_steps_chroma"});
  CHECK(schedulers_that_refuse(flow_schedule) ==
        std::set<std::string>{"laplace", "vp", "ays", "ays_sdxl", "ays_svd", "ays_a1111",
                              "ays_sdxl_a1111", "gits"});
  refused([] { (void)dpm::grid_by_name("ays", flow_schedule, 20); },
          "AlignYourSteps: the schedule is a flow; these lists are for models that are trained on "
          "a table, so take OptimalSteps");
  refused([] { (void)dpm::grid_by_name("laplace", flow_schedule, 20); },
          "Laplace: of 20 levels, 0 and 1 are both cut to sigma 1; take fewer steps, or another mu "
          "or beta");
}

TEST_CASE("A grid by a name of no row is refused with the nearest names") {
  refused(
      [] { (void)dpm::grid_by_name("kerras", table_schedule, 5); },
      "grid_by_name: no scheduler is called \"kerras\"; the nearest names are karras, normal or "
      "beta");
}

TEST_CASE("A table is read with log sigma linear between its entries and others as they are") {
  const AnySchedule read = dpm::as_other_programs_read(table_schedule);
  CHECK(read.size() == 1000);
  const double between = read.level(0.5005).lambda();
  const double mean = 0.5 * (read.level(0.5).lambda() + read.level(0.501).lambda());
  CHECK_THAT(between, WithinAbs(mean, 1e-12));
  CHECK(std::abs(table_schedule.level(0.5005).lambda() - mean) > 1e-9);
  CHECK(dpm::as_other_programs_read(flow_schedule).level(0.3) == flow_schedule.level(0.3));
  const AnySchedule edm = dpm::Edm();
  CHECK(dpm::as_other_programs_read(edm).level(2.0) == edm.level(2.0));
}

TEST_CASE("A grid by name is that of the spacing which the row shows") {
  const AnySchedule read = dpm::as_other_programs_read(table_schedule);
  const auto same = [&](const char* name, const Grid& grid) {
    const Grid named = dpm::grid_by_name(name, table_schedule, 12);
    CAPTURE(name);
    REQUIRE(named.steps() == grid.steps());
    for (std::size_t i = 0; i <= grid.steps(); ++i) CHECK(named[i] == grid[i]);
  };
  same("Karras", make_grid(dpm::KarrasSigma{}, read, 12));
  same("polyexponential", make_grid(dpm::Polyexponential{}, read, 12));
  same("exponential", make_grid(dpm::Polyexponential{}, read, 12));
  same("SGM Uniform", make_grid(dpm::SgmUniform{}, read, 12));
  same("GITS", make_grid(dpm::Gits{}, read, 12));
}

TEST_CASE("Karras by name is the usual grid of Stable Diffusion 1.5") {
  // k-diffusion, get_sigmas_karras(5, 0.0291672, 14.614642): rho 7.
  const Grid grid = dpm::grid_by_name("karras", table_schedule, 5);
  const double a = std::pow(std::exp(-table_schedule.level(1.0).lambda()), 1.0 / 7.0);
  const double b = std::pow(std::exp(-table_schedule.level(0.001).lambda()), 1.0 / 7.0);
  for (std::size_t i = 0; i < 5; ++i) {
    const double sigma = std::pow(a + static_cast<double>(i) / 4.0 * (b - a), 7.0);
    CHECK_THAT(std::exp(-grid[i].lambda()), WithinRel(sigma, 1e-12));
  }
  CHECK_THAT(std::exp(-grid[0].lambda()), WithinRel(14.614642, 1e-6));
  CHECK_THAT(std::exp(-grid[4].lambda()), WithinRel(0.0291672, 1e-5));
  CHECK(grid[0].timestep == 999.0);
  CHECK(grid[4].timestep == 0.0);
}

}  // namespace schedulers_test
