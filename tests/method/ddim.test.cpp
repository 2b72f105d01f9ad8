// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// DDIM and DDPM: how much noise a step may draw.
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace ddim_test {

using namespace dpm_test;
using dpm::Ddim;
using dpm::Ddpm;
using dpm::Level;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

}  // namespace

TEST_CASE("Ddim refuses an eta that is no number, or more noise than there is") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 5);
  for (const auto& [eta, text] : std::vector<std::pair<double, std::string>>{
           {-0.5, "-0.5"}, {not_a_number, "nan"}, {infinity, "inf"}}) {
    refused([&, eta = eta] { (void)make_plan(Ddim{.eta = eta}, grid); },
            "Ddim: eta = " + text + "; it must be finite and at least 0");
  }
  // d = eta sigma_t sqrt(1 - e^(-2h)) may be sigma_t at most; here e^(-2h) = 9/25 and so 1.25.
  struct GrowingNoise {
    [[nodiscard]] Level level(double time) const { return {time, 0.0, std::log(time), time}; }
    [[nodiscard]] double time_of_lambda(double lambda) const { return std::exp(-lambda); }
    [[nodiscard]] double first_time() const { return 0.0; }
    [[nodiscard]] double last_time() const { return 5.0; }
  };
  const dpm::Grid steep = dpm::grid_of_times(GrowingNoise{}, std::vector<double>{5.0, 3.0});
  REQUIRE_NOTHROW(make_plan(Ddim{.eta = 1.2499}, steep));
  const auto too_much = [&] { (void)make_plan(Ddim{.eta = 1.2501}, steep); };
  REQUIRE_THROWS_AS(too_much(), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(too_much(), mentions("make_plan: eta = 1.2501 over the step from time 5 to "
                                           "time 3; there it must be at most 1.2"));
}

TEST_CASE("inversion is refused where noise would have to be taken back") {
  const dpm::Grid up = make_grid(dpm::UniformTime{.start = 0.25, .end = 0.75}, schedule, 2);
  refused([&] { (void)make_plan(Ddim{.eta = 0.5}, up); },
          "make_plan: the step from time 0.25 to time 0.5 runs towards more noise with eta = 0.5; "
          "inversion needs eta = 0");
  for (const auto variance : {Ddpm::Variance::posterior, Ddpm::Variance::beta}) {
    const auto call = [&] { (void)make_plan(Ddpm{.variance = variance}, up); };
    REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
    REQUIRE_THROWS_WITH(call(), mentions("Ddpm: the grid runs from time 0.25 to time 0.75"));
  }
  REQUIRE_NOTHROW(make_plan(Ddim{}, up));
}

}  // namespace ddim_test
