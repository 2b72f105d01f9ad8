// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Variance exploding, EDM and rectified flow: levels, inverses, ends, refusals.
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "dpm/schedule/edm.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/schedule/rectified_flow.hpp"
#include "support/catch.hpp"

using namespace dpm_test;
using dpm::Edm;
using dpm::Level;
using dpm::RectifiedFlow;
using dpm::VarianceExploding;

namespace {

static_assert(dpm::NoiseSchedule<VarianceExploding> && dpm::NoiseSchedule<Edm> &&
              dpm::NoiseSchedule<RectifiedFlow>);

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

const std::vector<double> sigmas{1e-300, 1e-30, 1e-9, 0.002, 0.3, 0.5, 1.0, 7.0, 49.9, 50.0};
const std::vector<double> shifts{0.01, 0.25, 1.0, 3.0, 17.0};

void refused(const std::function<void()>& call, const std::string& sentence) {
  REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(call(), sentence);
}

}  // namespace

// Levels ----------------------------------------------------------------------

TEST_CASE("variance exploding and EDM keep alpha at 1 and have sigma as their time") {
  for (const double sigma : sigmas) {
    CAPTURE(sigma);
    for (const Level& level : {VarianceExploding().level(sigma), Edm().level(sigma)}) {
      CHECK(level.time == sigma);
      CHECK(level.log_alpha == 0.0);
      CHECK_THAT(level.log_sigma, WithinRel(std::log(sigma), 1e-15));
      CHECK(level.lambda() == -level.log_sigma);
    }
    CHECK(VarianceExploding().level(sigma).timestep == sigma);
    CHECK(VarianceExploding().level(sigma).input_scale() == 1.0);
    CHECK_THAT(Edm().level(sigma).timestep, WithinRel(std::log(sigma) / 4.0, 1e-15));  // c_noise
  }
  CHECK(VarianceExploding().first_time() == 0.01);
  CHECK(VarianceExploding().last_time() == 50.0);
  CHECK(Edm().first_time() == 0.002);
  CHECK(Edm().last_time() == 80.0);
  CHECK(Edm(0.1, 10.0).first_time() == 0.1);
  CHECK(Edm(0.1, 10.0).last_time() == 10.0);
}

TEST_CASE("rectified flow keeps its digits at both ends") {
  // Computed with 60 decimal digits from sigma = shift t / (1 + (shift - 1) t), alpha = 1 - sigma.
  struct Row {
    double shift, time, log_alpha, log_sigma, lambda;
  };
  for (const Row& row : std::vector<Row>{
           {3, 1e-300, -3.0000000000000000752e-300, -689.67691560954559549, 689.67691560954559549},
           {3, 1e-9, -2.9999999985000001898e-9, -19.6246535502783014, 19.624653547278301402},
           {3, 0.001, -0.0029985029962565895808, -5.8111409929767003959, 5.8081424899804438063},
           {3, 0.3, -0.82667857318446790283, -0.57536414490356187801, -0.25131442828090602482},
           {3, 0.75, -2.302585092994045684, -0.10536051565782630123, -2.1972245773362193828},
           {3, 1 - 0x1p-20, -14.961555264083936166, -3.1789169143970394787e-7,
            -14.961554946192244726},
           {3, 1 - 0x1p-40, -28.824499511065315738, -3.031649005912058517e-13,
            -28.824499511065012573},
           {3, 1 - 0x1p-53, -37.835412858345211016, -3.7007434154171888105e-17,
            -37.835412858345210979},
           {0.25, 1e-9, -2.5000000021875001576e-10, -22.109560197316301712, 22.109560197066301712},
           {0.25, 0.3, -0.10178269430994231687, -2.3353749158170366023, 2.2335922215070942854},
           {0.25, 0.75, -0.55961578793542268627, -0.84729786038720361371, 0.28768207245178092744},
           {0.25, 1 - 0x1p-40, -26.339592861280650242, -3.6379788070884042292e-12,
            -26.339592861277012263}}) {
    CAPTURE(row.shift, row.time);
    const Level level = RectifiedFlow(row.shift).level(row.time);
    CHECK(level.time == row.time);
    CHECK_THAT(level.log_alpha, WithinRel(row.log_alpha, 2e-15));
    CHECK_THAT(level.log_sigma, WithinRel(row.log_sigma, 2e-15));
    CHECK_THAT(level.lambda(), WithinRel(row.lambda, 2e-15));
  }
}

TEST_CASE("rectified flow is the straight path with its time shifted") {
  for (const double shift : shifts) {
    for (double time = 0.0; time <= 1.0; time += 1.0 / 64) {
      CAPTURE(shift, time);
      const Level level = RectifiedFlow(shift, 1000.0).level(time);
      CHECK_THAT(level.alpha() + level.sigma(), WithinAbs(1.0, 4e-16));
      CHECK_THAT(level.sigma(), WithinAbs(shift * time / (1 - time + shift * time), 4e-16));
      CHECK_THAT(level.timestep, WithinAbs(1000.0 * level.sigma(), 1e-12));
      CHECK(level.data_stddev == 0.0);
    }
  }
  for (const double shift : {1e-6, 0.01, 0.3, 7.7}) {
    CAPTURE(shift);
    CHECK(RectifiedFlow(shift).level(1.0).sigma() == 1.0);
  }
  CHECK(RectifiedFlow(1.0, 1.0).level(0.25).timestep == 0.25);
  CHECK(RectifiedFlow().first_time() == 0.0);
  CHECK(RectifiedFlow().last_time() == 1.0);
}

TEST_CASE("the singular ends of EDM and flows are legal") {
  const Level flow_data = RectifiedFlow(3.0).level(0.0);
  CHECK(flow_data.log_alpha == 0.0);
  CHECK(flow_data.sigma() == 0.0);
  CHECK(flow_data.lambda() == infinity);
  CHECK(flow_data.timestep == 0.0);
  const Level flow_noise = RectifiedFlow(3.0).level(1.0);
  CHECK(flow_noise.alpha() == 0.0);
  CHECK(flow_noise.sigma() == 1.0);
  CHECK(flow_noise.lambda() == -infinity);
  CHECK(flow_noise.timestep == 1000.0);
  for (const Level& clean : {VarianceExploding().level(0.0), Edm().level(0.0)}) {
    CHECK(clean.alpha() == 1.0);
    CHECK(clean.sigma() == 0.0);
    CHECK(clean.lambda() == infinity);
  }
  CHECK(VarianceExploding().level(0.0).timestep == 0.0);
  CHECK(Edm().level(0.0).timestep == Edm().level(0.002).timestep);  // as c_noise would be infinite
}

// Inverses --------------------------------------------------------------------

TEST_CASE("time_of_lambda inverts EDM and flows over the whole range") {
  for (const double sigma : sigmas) {
    CAPTURE(sigma);
    // Half a unit in the last place of log(1e-300) = -691 is 6e-14.
    CHECK_THAT(VarianceExploding().time_of_lambda(-std::log(sigma)), WithinRel(sigma, 1e-13));
    CHECK_THAT(Edm().time_of_lambda(-std::log(sigma)), WithinRel(sigma, 1e-13));
  }
  for (const double shift : shifts) {
    const RectifiedFlow flow(shift);
    for (const double time : {1e-300, 1e-30, 1e-9, 0.001, 0.25, 0.5, 0.7, 0.999, 1 - 1e-9}) {
      CAPTURE(shift, time);
      CHECK_THAT(flow.time_of_lambda(flow.level(time).lambda()), WithinRel(time, 1e-13));
    }
    CHECK(flow.time_of_lambda(infinity) == 0.0);
    CHECK(flow.time_of_lambda(-infinity) == 1.0);
  }
  CHECK(VarianceExploding().time_of_lambda(infinity) == 0.0);
  CHECK(Edm().time_of_lambda(infinity) == 0.0);
}

TEST_CASE("a lambda past sigma_max by rounding alone is sigma_max") {
  const double least = Edm().level(80.0).lambda();
  CHECK(Edm().time_of_lambda(least) == 80.0);
  CHECK(Edm().time_of_lambda(least - 4e-12) == 80.0);  // 1e-12 of its size is allowed
  CHECK_THROWS_AS(Edm().time_of_lambda(least - 5e-12), dpm::InvalidArgument);
  CHECK_THROWS_AS(VarianceExploding(0.5, 1.0).time_of_lambda(-1.1e-12), dpm::InvalidArgument);
  CHECK(VarianceExploding(0.5, 1.0).time_of_lambda(-0.9e-12) == 1.0);
}

// Refusals --------------------------------------------------------------------

TEST_CASE("EDM and flows refuse times and lambdas outside their domain") {
  for (const double time : {-1e-300, 80.5, infinity, -infinity, not_a_number}) {
    CAPTURE(time);
    CHECK_THROWS_AS(VarianceExploding().level(time), dpm::InvalidArgument);
    CHECK_THROWS_AS(Edm().level(time), dpm::InvalidArgument);
    CHECK_THROWS_AS(RectifiedFlow().level(time), dpm::InvalidArgument);
  }
  refused([] { (void)VarianceExploding().level(50.5); },
          "VarianceExploding: time, which is sigma, must be in [0, 50] and is 50.5");
  refused([] { (void)Edm().level(-1.0); },
          "Edm: time, which is sigma, must be in [0, 80] and is -1");
  refused([] { (void)RectifiedFlow().level(1.5); },
          "RectifiedFlow: time must be in [0, 1] and is 1.5");
  CHECK_THROWS_WITH(
      VarianceExploding().time_of_lambda(-6.0),
      mentions("VarianceExploding: lambda must be in [-3.91") && mentions(", inf] and is -6"));
  CHECK_THROWS_WITH(Edm().time_of_lambda(-6.0),
                    mentions("Edm: lambda must be in [-4.38") && mentions(", inf] and is -6"));
  CHECK_THROWS_AS(Edm().time_of_lambda(not_a_number), dpm::InvalidArgument);
  refused([] { (void)RectifiedFlow().time_of_lambda(not_a_number); },
          "RectifiedFlow: lambda is nan; it must be a number");
}

TEST_CASE("the parameters of EDM and flows are checked") {
  refused([] { (void)VarianceExploding(0.0, 50.0); },
          "VarianceExploding: sigma_min must be in (0, 50) and is 0");
  refused([] { (void)VarianceExploding(50.0, 50.0); },
          "VarianceExploding: sigma_min must be in (0, 50) and is 50");
  refused([] { (void)VarianceExploding(not_a_number, 50.0); },
          "VarianceExploding: sigma_min must be in (0, 50) and is nan");
  refused([] { (void)VarianceExploding(0.5, infinity); },
          "VarianceExploding: sigma_max must be finite and is inf");
  refused([] { (void)Edm(0.5, not_a_number); }, "Edm: sigma_min must be in (0, nan) and is 0.5");
  refused([] { (void)Edm(-0.5, 80.0); }, "Edm: sigma_min must be in (0, 80) and is -0.5");
  refused([] { (void)Edm(0.5, infinity); }, "Edm: sigma_max must be finite and is inf");
  refused([] { (void)Edm(0.5, 80.0, 0.0); }, "Edm: sigma_data must be in (0, inf) and is 0");
  refused([] { (void)Edm(0.5, 80.0, infinity); }, "Edm: sigma_data must be in (0, inf) and is inf");
  refused([] { (void)Edm(0.5, 80.0, not_a_number); },
          "Edm: sigma_data must be in (0, inf) and is nan");
  refused([] { (void)RectifiedFlow(0.0); }, "RectifiedFlow: shift must be in (0, inf) and is 0");
  refused([] { (void)RectifiedFlow(infinity); },
          "RectifiedFlow: shift must be in (0, inf) and is inf");
  refused([] { (void)RectifiedFlow(not_a_number); },
          "RectifiedFlow: shift must be in (0, inf) and is nan");
  refused([] { (void)RectifiedFlow(1.0, -1.0); },
          "RectifiedFlow: timestep_scale must be in (0, inf) and is -1");
  refused([] { (void)RectifiedFlow(1.0, infinity); },
          "RectifiedFlow: timestep_scale must be in (0, inf) and is inf");
}
