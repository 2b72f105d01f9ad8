// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The cosine schedule in continuous time.
#include "dpm/schedule/vp_cosine.hpp"

#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/refused.hpp"

namespace vp_cosine_test {

using namespace dpm_test;

TEST_CASE("VpCosine keeps its digits at both ends") {
  // Computed with 60 decimal digits from the defining formulas.
  const dpm::VpCosine cosine(0.008, 1.0);
  const std::vector<std::pair<double, double>> cosine_values{
      {1e-9, -1.9428139076724960646e-11},    {0.001, -0.000020642538519421433122},
      {0.3, -0.119820372930011485},          {0.5, -0.35276821523483331845},
      {0.7, -0.7969755421177179135},         {0.9946, -4.7776758812433879157},
      {1 - 0x1p-20, -13.419251365020585436},
  };
  for (const auto& [time, log_alpha] : cosine_values) {
    CAPTURE(time);
    CHECK_THAT(cosine.level(time).log_alpha, WithinRel(log_alpha, 1e-14));
  }
}

TEST_CASE("VpCosine runs from 0.001 to 0.9946, or between the times given") {
  CHECK(dpm::VpCosine().first_time() == 1e-3);
  CHECK(dpm::VpCosine().last_time() == 0.9946);
  CHECK(dpm::VpCosine(0.008, 0.9, 0.0).first_time() == 0.0);
  CHECK(dpm::VpCosine(0.008, 0.9, 0.0).last_time() == 0.9);
  CHECK(dpm::VpCosine<float>().last_time() == 0.9946);
}

TEST_CASE("the timestep of VpCosine is its time") {
  for (const double time : {0.0, 1e-3, 0.3, 0.9946})
    CHECK(dpm::VpCosine().level(time).timestep == time);
}

TEST_CASE("VpCosine refuses parameters out of range") {
  const auto cosine = [](double s, double last, double first) {
    return [=] { (void)dpm::VpCosine(s, last, first); };
  };
  refused(cosine(0, 1, 0), "VpCosine: s must be in (0, 1] and is 0");
  refused(cosine(1.5, 1, 0), "VpCosine: s must be in (0, 1] and is 1.5");
  refused(cosine(not_a_number, 1, 0), "VpCosine: s must be in (0, 1] and is nan");
  refused(cosine(0.5, 0, 0), "VpCosine: last_time must be in (0, 1] and is 0");
  refused(cosine(0.5, 1.5, 0), "VpCosine: last_time must be in (0, 1] and is 1.5");
  refused(cosine(0.5, 0.75, 0.75), "VpCosine: first_time must be in [0, 0.75) and is 0.75");
  refused(cosine(0.5, 0.75, -0.5), "VpCosine: first_time must be in [0, 0.75) and is -0.5");
}

}  // namespace vp_cosine_test
