// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// ER-SDE: its integrals, its ends, its orders, refusals.
#include <cmath>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/method_runs.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"
#include "support/textbook.hpp"
#include "support/textbook_job.hpp"

namespace er_sde_test {

using namespace dpm_test;
using dpm::ErSde;
namespace book = dpm_test::textbook;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

}  // namespace

TEST_CASE("ER-SDE of its authors' 200 points is their loop") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 9);
  const book::Job job = book::job_on(grid);
  for (int order = 1; order <= 3; ++order) {
    const std::vector<double> loop =
        book::er_sde(job.noise, job.grid, job.x, order, 200, job.draws);
    REQUIRE(relative_difference(run(ErSde{.order = order}, grid), loop) < 1e-12);
  }
}

TEST_CASE("the sums of ER-SDE come to the integrals, also over steps that are long in lambda") {
  const dpm::AnySchedule cosine = dpm::VpCosine();
  for (const dpm::Grid& grid : {make_grid(dpm::UniformLambda{}, schedule, 4),
                                dpm::grid_of_times(cosine, std::vector<double>{0.9, 0.5, 0.01})}) {
    const State exact = run(ErSde{.points = 0}, grid);
    const double coarse = relative_difference(run(ErSde{.points = 100'000}, grid), exact);
    const double fine = relative_difference(run(ErSde{.points = 200'000}, grid), exact);
    REQUIRE(fine < 1e-3);
    REQUIRE_THAT(std::log2(coarse / fine), WithinAbs(1.0, 0.05));
  }
}

TEST_CASE("ER-SDE starts at pure noise with noise drawn anew, and ends at the data prediction") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{.end = 0.0}, dpm::RectifiedFlow(), 8);
  const dpm::Plan plan = make_plan(ErSde{}, grid, dpm::Prediction::data);
  REQUIRE(plan.model_calls() == 8);
  REQUIRE(plan.draws() == 7);
  const auto end_of = [&](double start) {
    State x{start};
    dpm::RunOptions<State> options;
    options.noise = [](State& z, const dpm::NoiseRequest&) { z[0] = 0.7; };
    State data;
    dpm::sample(
        plan,
        [&](const State& at, double, State& out) {
          out[0] = std::tanh(at[0]);
          data = out;
        },
        x, options);
    REQUIRE_THAT(x[0], WithinRel(data[0], 1e-15));
    return x[0];
  };
  REQUIRE(end_of(0.3) != end_of(-0.3));  // by what the model says of the start
  const dpm::Plan one =
      make_plan(ErSde{}, dpm::grid_of_times(dpm::RectifiedFlow(), std::vector<double>{1.0, 0.4}),
                dpm::Prediction::data);
  State x{5.0};
  dpm::RunOptions<State> options;
  options.noise = [](State& z, const dpm::NoiseRequest&) { z[0] = 0.7; };
  dpm::sample(
      one, [](const State&, double, State& out) { out[0] = 0.2; }, x, options);
  REQUIRE_THAT(x[0], WithinRel(0.6 * 0.2 + 0.4 * 0.7, 1e-14));
}

TEST_CASE("the order of ER-SDE is that of its integrals in the limit") {
  for (int order = 1; order <= 3; ++order) {
    REQUIRE(convergence_order(ErSde{.order = order}) == 1);
    REQUIRE(convergence_order(ErSde{.order = order, .points = 0}) == (order == 1 ? 1 : 2));
  }
}

TEST_CASE("ErSde refuses options out of range and inversion") {
  const dpm::Grid grid = dpm::grid_of_times(schedule, std::vector<double>{0.5, 0.25});
  for (const int bad : {0, 4}) {
    refused([&] { (void)make_plan(ErSde{.order = bad}, grid); },
            "ErSde: order = " + std::to_string(bad) + "; it must be 1, 2 or 3");
  }
  for (const int bad : {-1, 1'000'001}) {
    refused([&] { (void)make_plan(ErSde{.points = bad}, grid); },
            "ErSde: points = " + std::to_string(bad) + "; it must lie between 0 and 1000000");
  }
  for (const auto& row : {std::pair{-1.0, "-1"}, {infinity, "inf"}, {not_a_number, "nan"}}) {
    const double bad = row.first;
    refused(
        [&] { (void)make_plan(ErSde{.noise_scale = bad}, grid); },
        "ErSde: noise_scale = " + std::string(row.second) + "; it must be finite and at least 0");
  }
  refused(
      [&] { (void)make_plan(ErSde{}, grid.reversed()); },
      "ErSde: the grid runs from time 0.25 to time 0.5, towards more noise; it must run towards "
      "clean data");
}

}  // namespace er_sde_test
