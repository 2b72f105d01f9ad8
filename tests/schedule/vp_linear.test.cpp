// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The variance-preserving schedule with a linear beta.
#include "dpm/schedule/vp_linear.hpp"

#include "support/catch.hpp"
#include "support/refused.hpp"

namespace vp_linear_test {

using namespace dpm_test;

TEST_CASE("VpLinear keeps its digits at both ends") {
  // Computed with 60 decimal digits from the defining formulas.
  const dpm::VpLinear linear;
  struct Row {
    double time, log_alpha, lambda;
  };
  for (const Row& row : {Row{1e-9, -5.000000497500000589e-11, 11.512925415195230834},
                         Row{0.001, -0.000054975000000000004022, 4.5577149327298977016},
                         Row{0.3, -0.46274999999999996701, -0.21038355313124080067},
                         Row{1.0, -5.0250000000000000014, -5.0249784066592041762}}) {
    CAPTURE(row.time);
    CHECK_THAT(linear.level(row.time).log_alpha, WithinRel(row.log_alpha, 1e-15));
    CHECK_THAT(linear.level(row.time).lambda(), WithinRel(row.lambda, 1e-14));
  }
}

TEST_CASE("VpLinear runs from 0.001 to 1, or from the first time given") {
  CHECK(dpm::VpLinear().first_time() == 1e-3);
  CHECK(dpm::VpLinear().last_time() == 1.0);
  CHECK(dpm::VpLinear(0.1, 20.0, 1e-5).first_time() == 1e-5);
}

TEST_CASE("the timestep of VpLinear is its time") {
  for (const double time : {0.0, 1e-3, 0.3, 0.9946})
    CHECK(dpm::VpLinear().level(time).timestep == time);
}

TEST_CASE("VpLinear refuses parameters out of range") {
  const auto linear = [](double beta_0, double beta_1, double first) {
    return [=] { (void)dpm::VpLinear(beta_0, beta_1, first); };
  };
  refused(linear(0, 20, 0), "VpLinear: beta_0 must be in (0, inf) and is 0");
  refused(linear(infinity, infinity, 0), "VpLinear: beta_0 must be in (0, inf) and is inf");
  refused(linear(not_a_number, 20, 0), "VpLinear: beta_0 must be in (0, inf) and is nan");
  refused(linear(0.5, 0.25, 0), "VpLinear: beta_1 must be in [0.5, inf) and is 0.25");
  refused(linear(0.5, infinity, 0), "VpLinear: beta_1 must be in [0.5, inf) and is inf");
  refused(linear(0.5, 20, -0.5), "VpLinear: first_time must be in [0, 1) and is -0.5");
  refused(linear(0.5, 20, 1), "VpLinear: first_time must be in [0, 1) and is 1");
}

}  // namespace vp_linear_test
