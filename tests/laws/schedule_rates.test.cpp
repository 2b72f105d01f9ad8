// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// How fast levels change: the rate of every schedule against differences of its levels.
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/edm.hpp"
#include "dpm/schedule/log_sigma_table.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/schedule/rectified_flow.hpp"
#include "dpm/schedule/variance_preserving.hpp"
#include "dpm/schedule/vp_cosine.hpp"
#include "dpm/schedule/vp_linear.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace schedule_rates_test {

using namespace dpm_test;
using dpm::AnySchedule;
using dpm::LevelRate;

namespace {

/// Times are asked for from 0 to `scale`.
struct Scaled {
  std::string name;
  AnySchedule schedule;
  double scale = 1.0;
};

std::vector<Scaled> schedules() {
  const std::vector<double> zero_terminal = dpm::rescale_zero_terminal_snr(dpm::linear_betas());
  return {{"VpLinear", dpm::VpLinear()},
          {"VpLinear, constant rate", dpm::VpLinear(8.0, 8.0)},
          {"VpCosine", dpm::VpCosine()},
          {"VpCosine to 1", dpm::VpCosine(0.02, 1.0)},
          {"linear", dpm::DiscreteSchedule(dpm::linear_betas())},
          {"cosine", dpm::DiscreteSchedule(dpm::cosine_betas())},
          {"linear, index timesteps",
           dpm::DiscreteSchedule(dpm::linear_betas(), dpm::TimestepType::discrete)},
          {"zero terminal SNR", dpm::DiscreteSchedule(zero_terminal)},
          {"log-sigma table", dpm::LogSigmaTable(dpm::DiscreteSchedule(dpm::linear_betas()))},
          {"VarianceExploding", dpm::VarianceExploding(0.01, 64.0), 64.0},
          {"Edm", dpm::Edm(0.002, 64.0), 64.0},
          {"RectifiedFlow", dpm::RectifiedFlow()},
          {"RectifiedFlow, shift 3", dpm::RectifiedFlow(3.0)},
          {"RectifiedFlow, shift 1/4", dpm::RectifiedFlow(0.25)}};
}

/// The derivative of `f` at `t` by central differences of fourth order.
double derivative(const std::function<double(double)>& f, double t, double h) {
  return (8.0 * (f(t + h) - f(t - h)) - (f(t + 2.0 * h) - f(t - 2.0 * h))) / (12.0 * h);
}

}  // namespace

TEST_CASE("rates are the derivatives of log alpha and log sigma") {
  for (const auto& [name, schedule, scale] : schedules()) {
    // Odd 64ths lie in the inner seven eighths of their thousandths, so that no difference reaches
    // over an entry of a table; and in binary the times are exact.
    const double h = scale * 0x1p-16;
    for (int k = 1; k < 64; k += 2) {
      const double time = scale * k / 64.0;
      CAPTURE(name, time);
      const LevelRate rate = schedule.rate(time);
      const auto log_alpha = [&s = schedule](double t) { return s.level(t).log_alpha; };
      const auto log_sigma = [&s = schedule](double t) { return s.level(t).log_sigma; };
      // A few 2^-53 of rounding over a step of 2^-16 is 1e-11; truncation is (64 h)^4 = 1e-12.
      CHECK_THAT(rate.d_log_alpha, WithinRel(derivative(log_alpha, time, h), 2e-10));
      CHECK_THAT(rate.d_log_sigma, WithinRel(derivative(log_sigma, time, h), 2e-10));
    }
  }
}

TEST_CASE("rates near both ends have closed forms") {
  for (const double t : {1e-300, 1e-12, 1e-4}) {
    CAPTURE(t);
    CHECK_THAT(dpm::VpLinear().rate(t).d_log_alpha, WithinRel(-(0.1 + 19.9 * t) / 2, 1e-15));
    // sigma^2 is beta_0 t to first order, so log sigma rises like log(t) / 2.
    CHECK_THAT(dpm::VpLinear().rate(t).d_log_sigma, WithinRel(0.5 / t, 100 * t + 1e-13));
    CHECK(dpm::Edm().rate(t).d_log_alpha == 0.0);
    CHECK(dpm::Edm().rate(t).d_log_sigma == 1 / t);
    CHECK_THAT(dpm::RectifiedFlow(3.0).rate(t).d_log_sigma, WithinRel(1 / t, 2 * t + 1e-15));
    CHECK_THAT(dpm::RectifiedFlow(3.0).rate(t).d_log_alpha, WithinRel(-3.0, 2 * t + 1e-15));
  }
  const double left = 0x1p-40;  // until the end
  CHECK_THAT(dpm::RectifiedFlow(3.0).rate(1 - left).d_log_alpha, WithinRel(-1 / left, 1e-11));
  CHECK_THAT(dpm::VpCosine(0.008, 1.0).rate(1 - left).d_log_alpha, WithinRel(-1 / left, 1e-11));
}

TEST_CASE("at pure noise log alpha falls infinitely fast and sigma stands still") {
  for (const AnySchedule& schedule :
       {AnySchedule(dpm::VpCosine(0.008, 1.0)),
        AnySchedule(dpm::DiscreteSchedule(std::vector<double>{0.1, 0.2, 0.3, 1.0}))}) {
    CHECK(schedule.rate(1.0).d_log_alpha == -infinity);
    CHECK(schedule.rate(1.0).d_log_sigma == 0.0);
  }
}

TEST_CASE("schedules in single precision have the rates of those in double") {
  for (const double time : {0.01, 0.3, 0.9}) {
    CAPTURE(time);
    const double unit = std::numeric_limits<float>::epsilon();
    CHECK_THAT(dpm::VpLinear<float>().rate(time).d_log_alpha,
               WithinRel(dpm::VpLinear().rate(time).d_log_alpha, 4 * unit));
    CHECK_THAT(dpm::VpCosine<float>().rate(time).d_log_alpha,
               WithinRel(dpm::VpCosine().rate(time).d_log_alpha, 16 * unit));
  }
}

TEST_CASE("rates at times outside the schedule are refused") {
  for (const auto& [name, schedule, scale] : schedules()) {
    const double past = std::nextafter(schedule.max_time(), infinity);
    for (const double time : {-1.0, -1e-300, past, infinity, not_a_number}) {
      CAPTURE(name, time);
      CHECK_THROWS_AS(schedule.rate(time), dpm::InvalidArgument);
    }
  }
  refused([] { (void)dpm::VpLinear().rate(1.5); }, "VpLinear: time must be in [0, 1] and is 1.5");
  refused([] { (void)dpm::DiscreteSchedule(dpm::linear_betas()).rate(1.5); },
          "DiscreteSchedule: time must be in [0, 1] and is 1.5");
}

}  // namespace schedule_rates_test
